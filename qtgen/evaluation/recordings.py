"""Recorded responses of a suite: record them, and continue a recording that was interrupted."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qtgen.llm.cassettes import CassetteMiss, Recordings, recorder
from qtgen.llm.types import Completion, Prompt, PromptStyle, Provider


class Recording(Recordings):
    """A cassette that is being recorded, with the responses that an interrupted recording left behind."""

    def __init__(self, cassette: Any) -> None:
        super().__init__(cassette)
        self._tape = cassette
        self._resumed = len(cassette)
        self._remaining = Counter(bytes(request.body or b"") for request in cassette.requests)

    @property
    def resumed(self) -> int:
        """Number of responses that an interrupted recording left behind."""
        return self._resumed

    def take(self, body: bytes) -> None:
        """Use one of the resumed responses. Raises CassetteMiss if none is left for this request."""
        if not self._remaining[body]:
            raise CassetteMiss("not recorded before the interruption")
        self._remaining[body] -= 1

    def holds(self, body: bytes) -> bool:
        """Return whether a resumed response is left for this request."""
        return self._remaining[body] > 0

    def drop_unused(self) -> None:
        """Remove the resumed responses that no request used. Call it when everything was recorded."""
        played = self._tape.play_counts
        pairs = enumerate(self._tape.data)
        self._tape.data = [pair for index, pair in pairs if index >= self._resumed or played[index]]
        self._tape.dirty = True


def partial_path(path: Path) -> Path:
    """Return where a recording is kept until it is published."""
    return path.with_suffix(".partial.yaml")


@contextmanager
def record_cassette(path: Path, *, resume: bool = False) -> Iterator[Recording]:
    """Record every response that is received in the block, also if the block raises.

    The recording is kept at `partial_path(path)` until `publish_recording` or `discard_recording` is called. With
    `resume`, an interrupted recording that is there is continued; otherwise it is replaced.
    """
    partial = partial_path(path)
    partial.parent.mkdir(parents=True, exist_ok=True)
    if not resume:
        partial.unlink(missing_ok=True)
    with recorder().use_cassette(str(partial), record_mode="new_episodes") as cassette:
        yield Recording(cassette)


def publish_recording(path: Path) -> None:
    """Replace the cassette at `path` with the recording, if anything was recorded."""
    if partial_path(path).exists():
        partial_path(path).replace(path)


def discard_recording(path: Path) -> None:
    """Remove the recording that was to replace the cassette at `path`."""
    partial_path(path).unlink(missing_ok=True)


class ResumedProvider:
    """A provider that answers from an interrupted recording first, and asks the live one for the rest.

    Recorded responses were paid for before, so they bypass the live provider with its ledger and its budget.
    """

    def __init__(self, recorded: Provider, live: Provider) -> None:
        self.name, self.model = live.name, live.model
        self._recorded, self._live = recorded, live

    @property
    def style(self) -> PromptStyle:
        """How prompts for the model are written now."""
        return self._live.style

    async def complete(self, prompt: Prompt) -> Completion:
        """Return the recorded response if one is left, else a new one. Raises as the live provider does."""
        try:
            return await self._recorded.complete(prompt)
        except CassetteMiss:
            return await self._live.complete(prompt)

    def reject(self, completion: Completion) -> None:
        """Report a response with faults to the live provider."""
        self._live.reject(completion)

    def forget(self, completion: Completion) -> None:
        """Report a response that led to no page to the live provider."""
        self._live.forget(completion)
