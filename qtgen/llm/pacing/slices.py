"""Slices of a rate limit that several runs share: what this run has drawn from the ledger and not used yet."""

from collections.abc import Callable
from math import inf

from qtgen.llm.ledger.allowances import RateDraw, RateGrant

_EPSILON = 1e-9
SLICE = 0.5
"""Seconds' worth of a limit that a run draws at a time."""
_MAX_AGE = 1.0  # seconds for which a slice can be used


class RateSlice:
    """The slice of one rate limit.

    Args:
        kind: `requests` or `tokens`.
        per_minute: The limit.
        on_need: Called when a request waits for a slice.

    Attributes:
        needed: What the next request needs. 0 if no request waits.
    """

    def __init__(self, kind: str, per_minute: float, on_need: Callable[[], None]) -> None:
        self.kind, self.per_minute, self._on_need = kind, per_minute, on_need
        self.needed = 0.0
        self._level = 0.0
        self._expires = -inf

    def delay(self, now: float, amount: float) -> float:
        """Return 0 if a request may start, or infinity if it has to wait for a slice."""
        if self._level >= amount - _EPSILON and now < self._expires:
            return 0.0
        self.needed = amount
        self._on_need()
        return inf

    def take(self, amount: float) -> None:
        self._level -= amount

    def refund(self, amount: float) -> None:
        """Return units that were taken and not used; a negative amount takes more."""
        self._level += amount

    def draw(self, *, is_last: bool = False) -> RateDraw:
        """Return what to draw from the ledger. The draw returns the rest of the last slice, so nothing is left here."""
        unused, self._level = self._level, 0.0
        needed = 0.0 if is_last else self.needed
        return RateDraw(self.kind, self.per_minute, unused, needed, max(needed, self.per_minute / 60 * SLICE))

    def grant(self, now: float, grant: RateGrant) -> None:
        """Use what the ledger has granted."""
        self._level += grant.amount
        if grant.amount:
            self.needed, self._expires = 0.0, now + _MAX_AGE
