"""The brake: end a run whose requests all fail alike, before each of them is paid for or waited for.

A single failure says nothing about other requests: a gateway may block one question, or time out once. Failures that
are alike, with no answer between them, are no coincidence.
"""

from collections import defaultdict
from typing import NamedTuple

from qtgen.errors import BadRequest, ProviderError, RequestsFailAlike, Retryable

ALIKE = 12
"""Failures that are alike, with no answer between them, that end a run."""
_DISTINCT = 3  # requests that have to fail: one alone may itself be the cause
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

    Attributes:
        has_answered: Whether any request was answered.
    """

    def __init__(self) -> None:
        self.has_answered = False
        self._seen: dict[_Sort, _Seen] = defaultdict(_Seen)
        self._rejection: BadRequest | None = None

    def answered(self) -> None:
        """Record an answer."""
        self.has_answered = True
        if self._seen:
            self._seen.clear()

    def attempted(self, model: str, request: bytes, error: Retryable) -> RequestsFailAlike | None:
        """Record a failed attempt, and return the error that ends the run, or None.

        Only attempts that may be billed count, because others are repeated until it is clear what they mean.
        """
        return self._add(model, request, error) if error.kind in _COSTLY else None

    def rejected(self, model: str, request: bytes, error: BadRequest) -> RequestsFailAlike | None:
        """Record a rejected request, and return the error that ends the run, or None."""
        self._rejection = error
        return self._add(model, request, error)

    def verdict(self) -> RequestsFailAlike | None:
        """Return the error of a run that is over and got no answer because its requests were rejected, else None."""
        if self.has_answered or self._rejection is None:
            return None
        return _ending(self._rejection, sum(seen.count for seen in self._seen.values()))

    def _add(self, model: str, request: bytes, error: ProviderError) -> RequestsFailAlike | None:
        status, code = (error.reply.status, error.reply.code) if error.reply else (0, "")
        seen = self._seen[_Sort(model, error.kind, status, code)]
        seen.count += 1
        seen.requests.add(request)
        if seen.count < ALIKE or len(seen.requests) < _DISTINCT:
            return None
        return _ending(error, seen.count, is_first=not self.has_answered)


def _ending(error: ProviderError, count: int, *, is_first: bool = True) -> RequestsFailAlike:
    first = f"none of {count} requests was answered: " if count > 1 else ""
    prefix = first if is_first else f"none of the last {count} requests was answered: "
    return RequestsFailAlike(prefix + error.message, setting=error.setting, remedy=error.remedy, reply=error.reply)
