"""The user's own limits, which all models of a run share."""

from collections.abc import Callable
from math import inf

from qtgen.llm.pacing.bucket import TokenBucket


class Allowance:
    """Limits of a whole run.

    Args:
        max_concurrency: The most requests in flight.
        rpm: Requests per minute, None for no limit.
        tpm: Tokens per minute, None for no limit.
    """

    def __init__(self, max_concurrency: int, rpm: float | None = None, tpm: float | None = None) -> None:
        self.max_concurrency = max_concurrency
        self.in_flight = 0
        self.requests, self.tokens = TokenBucket.per_minute(rpm), TokenBucket.per_minute(tpm)
        self.on_release: list[Callable[[], None]] = []
        """Called after each release: a request of any model may be able to start then."""

    def delay(self, now: float, tokens: float) -> float:
        """Return the seconds until a request may start; infinity if another one has to end first."""
        if self.in_flight >= self.max_concurrency:
            return inf
        return max(self.requests.delay(now, 1), self.tokens.delay(now, tokens))

    def start(self, now: float, tokens: float) -> None:
        self.in_flight += 1
        self.requests.take(now, 1)
        self.tokens.take(now, tokens)

    def end(self, unused_tokens: float) -> None:
        self.in_flight -= 1
        self.tokens.refund(unused_tokens)
