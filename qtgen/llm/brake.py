"""The brake: end a run whose requests all fail alike, before each of them is paid for or waited for.

A single failure says nothing about other requests: a gateway may block one question, or time out once. Failures that
are alike, with no answer between them, are no coincidence.
"""

from collections import defaultdict
from typing import NamedTuple

from qtgen.errors import BadRequest, ProviderError, RequestsFailAlike, Retryable

ALIKE = 12
"""Failures that are alike, with no answer between them, that end a run."""
MANY = 100
"""The same for free rejections by an endpoint that has answered, because they may concern these questions only."""
_DISTINCT = 3  # requests that have to fail: one alone may itself be the cause
_UNAUTHORIZED = 401  # concerns every request
_COSTLY = frozenset({"timeout", "malformed"})  # the endpoint may bill each of these attempts


class _Sort(NamedTuple):
    """Failures with the same values are alike."""

    model: str
    kind: str
    status: int
    code: str


class _Seen:
    """The failures of one sort since the last answer."""

    def __init__(self) -> None:
        self.count = 0
        self.requests: set[bytes] = set()


class Brake:
    """Counts the failures of a run's requests. The clients of a run share it: an answer of any model counts.

    Args:
        is_known: Whether the endpoint has answered in an earlier run.

    Attributes:
        has_answered: Whether any request of this run was answered.
    """

    def __init__(self, *, is_known: bool = False) -> None:
        self.has_answered = False
        self._is_known = is_known
        self._seen: dict[_Sort, _Seen] = defaultdict(_Seen)
        self._rejection: BadRequest | None = None
        self._last_ticket = 0
        self._unresolved: dict[int, None] = {}  # tickets, the oldest first

    def begin(self) -> int:
        """Record that a request begins, and return its ticket."""
        self._last_ticket += 1
        self._unresolved[self._last_ticket] = None
        return self._last_ticket

    def resolve(self, ticket: int) -> None:
        """Record that a request was answered, or has failed for the first time."""
        self._unresolved.pop(ticket, None)

    def answered(self) -> None:
        """Record an answer."""
        self.has_answered = True
        if self._seen:
            self._seen.clear()

    def attempted(self, model: str, request: bytes, error: Retryable, ticket: int) -> RequestsFailAlike | None:
        """Record a failed attempt, and return the error that ends the run, or None.

        Only attempts that may be billed count, because others are repeated until it is clear what they mean.
        """
        return self._add(model, request, error, ticket) if self._is_costly(error) else None

    def rejected(self, model: str, request: bytes, error: BadRequest, ticket: int) -> RequestsFailAlike | None:
        """Record a rejected request, and return the error that ends the run, or None."""
        self._rejection = error
        return self._add(model, request, error, ticket)

    def verdict(self) -> RequestsFailAlike | None:
        """Return the error of a run that is over and got no answer because its requests were rejected, else None."""
        if self._has_ever_answered or self._rejection is None:
            return None
        return _ending(self._rejection, sum(seen.count for seen in self._seen.values()))

    def _add(self, model: str, request: bytes, error: ProviderError, ticket: int) -> RequestsFailAlike | None:
        status, code = (error.reply.status, error.reply.code) if error.reply else (0, "")
        seen = self._seen[_Sort(model, error.kind, status, code)]
        seen.count += 1
        seen.requests.add(request)
        concerns_all = error.kind in _COSTLY or status == _UNAUTHORIZED or not self._has_ever_answered
        if seen.count < (ALIKE if concerns_all else MANY) or len(seen.requests) < _DISTINCT:
            return None
        if self._is_older_unresolved(ticket) and seen.count < MANY:
            return None  # a rejection comes sooner than an answer
        return _ending(error, seen.count, is_first=not self.has_answered)

    def _is_costly(self, error: Retryable) -> bool:
        """Return whether an attempt may be billed. Lost connections are an outage of an endpoint that has answered."""
        if error.kind in _COSTLY:
            return True
        is_unpriced = error.usage is not None and error.usage.cost_usd is None
        return not self._has_ever_answered and (error.kind == "dropped" or is_unpriced)

    @property
    def _has_ever_answered(self) -> bool:
        return self.has_answered or self._is_known

    def _is_older_unresolved(self, ticket: int) -> bool:
        """Return True if a request that began before the one with this ticket may still be answered."""
        return next(iter(self._unresolved), ticket) < ticket


def _ending(error: ProviderError, count: int, *, is_first: bool = True) -> RequestsFailAlike:
    noun = "attempts" if isinstance(error, Retryable) else "requests"
    first = f"none of {count} {noun} was answered: " if count > 1 else ""
    prefix = first if is_first else f"none of the last {count} {noun} was answered: "
    return RequestsFailAlike(prefix + error.message, setting=error.setting, remedy=error.remedy, reply=error.reply)
