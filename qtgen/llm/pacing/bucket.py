"""A token bucket: a rate limit that tolerates bursts."""

from dataclasses import dataclass
from math import inf

_EPSILON = 1e-9


@dataclass(slots=True)
class TokenBucket:
    """Holds up to `burst` units and refills at `rate` units per second. Unlimited by default."""

    rate: float = inf
    burst: float = inf
    level: float = inf
    updated: float = 0.0

    @classmethod
    def per_minute(cls, limit: float | None) -> "TokenBucket":
        """Return a bucket for a limit per minute, or an unlimited one.

        It holds one second's worth, so that the limit holds in every minute, also in the first.
        """
        return cls() if limit is None else cls(limit / 60, max(1.0, limit / 60), max(1.0, limit / 60))

    def limit(self, rate: float, burst: float) -> None:
        """Set another rate and burst."""
        self.rate, self.burst = rate, burst
        self.level = min(self.level, burst)

    def delay(self, now: float, amount: float) -> float:
        """Return the seconds until `amount` is available. An amount above `burst` only needs a full bucket."""
        if self.rate == inf:
            return 0.0
        self.level = min(self.burst, self.level + (now - self.updated) * self.rate)
        self.updated = now
        missing = min(amount, self.burst) - self.level
        return 0.0 if missing <= _EPSILON else missing / self.rate

    def take(self, now: float, amount: float) -> None:
        if self.rate != inf:
            self.delay(now, amount)
            self.level -= amount

    def refund(self, amount: float) -> None:
        """Return units that were taken and not used; a negative amount takes more."""
        if self.rate != inf:
            self.level = min(self.burst, self.level + amount)
