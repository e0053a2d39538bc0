"""Changes to requests that are in force, but have not helped a request yet."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from qtgen.errors import ErrorReply
from qtgen.llm.dialect.learning import learn
from qtgen.llm.dialect.value import Dialect
from qtgen.llm.sender import RequestKey


@dataclass(slots=True)
class _Need:
    """A request that was rejected without the changes.

    Attributes:
        document: The request document before any dialect.
        wanted: The dialect that its rejection called for.
        key: The request's key, None until the prompt was rendered again in another format.
    """

    document: Mapping[str, Any]
    wanted: Dialect | None
    key: RequestKey | None


class Trial:
    """The changes since one dialect, and the requests that were rejected in it.

    A request belongs to the task that sends it, because a prompt that is rendered again makes a request of its own.

    Attributes:
        before: The dialect without the changes.
        first_adaptation: How many changes there were before.
        is_optional: Whether requests without the changes were answered. Then only those that need them get them.
        forms: The dialects that were in force since then.
    """

    def __init__(self, before: Dialect, own: Dialect, first_adaptation: int, *, is_optional: bool) -> None:
        self.before, self._own, self.first_adaptation = before, own, first_adaptation
        self.is_optional = is_optional
        self.forms: set[Dialect] = set()
        self._needs: WeakKeyDictionary[asyncio.Task[Any], _Need] = WeakKeyDictionary()

    @property
    def is_needed(self) -> bool:
        """True if a request that was rejected without the changes has no result yet."""
        return bool(self._needs)

    @property
    def is_needed_here(self) -> bool:
        """True if this task sends such a request."""
        return _task() in self._needs

    def add(self, key: RequestKey, document: Mapping[str, Any], reply: ErrorReply) -> None:
        """Add the request of this task. It was rejected without the changes."""
        self._needs[_task()] = _Need(document, self._wanted(reply, document), key)

    def begin(self, key: RequestKey) -> None:
        """Note which request this task sends now."""
        need = self._needs.get(_task())
        if need is not None and need.key is None:
            need.key = key
        elif need is not None and need.key != key:
            self.drop()

    def expect_other_prompt(self) -> None:
        """Note that the next request of this task is the same prompt in another format."""
        if need := self._needs.get(_task()):
            need.key = None

    def has_helped(self, reply: ErrorReply) -> bool:
        """Return whether the request of this task got past its first rejection, to a different one."""
        need = self._needs.get(_task())
        return need is not None and self._wanted(reply, need.document) != need.wanted

    def drop(self) -> None:
        """Forget the request of this task."""
        self._needs.pop(_task(), None)

    def _wanted(self, reply: ErrorReply, document: Mapping[str, Any]) -> Dialect | None:
        return learn(self.before, reply, document, own=self._own)


def _task() -> asyncio.Task[Any]:
    return cast("asyncio.Task[Any]", asyncio.current_task())  # requests are sent by coroutines
