"""The user's own limits, which all models of a run share. With a ledger, all runs at an endpoint share them."""

from collections.abc import Callable, Sequence
from math import inf

from qtgen.llm.pacing.bucket import TokenBucket
from qtgen.llm.pacing.slices import RateSlice


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
        self._rpm, self._tpm = rpm, tpm
        self.requests, self.tokens = TokenBucket.per_minute(rpm), TokenBucket.per_minute(tpm)
        self._request_slice: RateSlice | None = None
        self._token_slice: RateSlice | None = None
        self.on_release: list[Callable[[], None]] = []
        """Called after each release: a request of any model may be able to start then."""

    def share(self, on_need: Callable[[], None]) -> Sequence[RateSlice]:
        """Let requests start only with slices of the limits, and return these. `on_need` is called if one is missing.

        The run's own buckets still spread its requests over time.
        """
        if self._rpm is not None:
            self._request_slice = RateSlice("requests", self._rpm, on_need)
        if self._tpm is not None:
            self._token_slice = RateSlice("tokens", self._tpm, on_need)
        return [part for part in (self._request_slice, self._token_slice) if part]

    def delay(self, now: float, tokens: float) -> float:
        """Return the seconds until a request may start; infinity if another one has to end first."""
        if self.in_flight >= self.max_concurrency:
            return inf
        own = max(self.requests.delay(now, 1), self.tokens.delay(now, tokens))
        return own if own > 0 else self._slice_delay(now, tokens)

    def _slice_delay(self, now: float, tokens: float) -> float:
        """Return infinity if a slice has to be drawn first."""
        requests = self._request_slice.delay(now, 1) if self._request_slice else 0.0
        return max(requests, self._token_slice.delay(now, tokens) if self._token_slice else 0.0)

    def start(self, now: float, tokens: float) -> None:
        self.in_flight += 1
        self.requests.take(now, 1)
        self.tokens.take(now, tokens)
        if self._request_slice:
            self._request_slice.take(1)
        if self._token_slice:
            self._token_slice.take(tokens)

    def end(self, unused_tokens: float) -> None:
        self.in_flight -= 1
        self.tokens.refund(unused_tokens)
        if self._token_slice:
            self._token_slice.refund(unused_tokens)

    def pump(self) -> None:
        """Start the requests that may start now."""
        for pump in self.on_release:
            pump()
