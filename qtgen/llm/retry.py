"""The retry layer: repeat failed attempts, and decide what a failure means for the rest of the run.

- Rate limits are retried patiently, other failures `tries` times.
- While the endpoint is down (`pacing.outage`), retries use up no tries. After five minutes the run ends.
- If the endpoint asks for a long pause, the run ends as well, after the requests in flight.
- If the endpoint never answered and cannot be reached, or rejects every request, the provider is unusable.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from qtgen._util.concurrency import Stop
from qtgen.errors import BadRequest, EndpointDown, PaidError, ProviderError, ProviderUnusable, Retryable, Unreachable
from qtgen.llm._stopping import unless_stopped
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.pacing import Pacer
from qtgen.llm.pacing.outage import MAX_SECONDS
from qtgen.llm.sender import Request, Sender
from qtgen.llm.types import NO_USAGE, Completion

Sleep = Callable[[float], Awaitable[None]]
_MAX_BACKOFF = 60.0  # seconds
_MAX_PAUSE = 600.0  # seconds that the endpoint can ask for without ending the run
_RATE_LIMIT_PATIENCE = 6  # times as many tries for rate limits as for other failures
_backoff = wait_random_exponential(multiplier=0.5, max=_MAX_BACKOFF)
_logger = logging.getLogger(__name__)


class RetrySender:
    """Args:
    endpoint: Tells what a failed attempt may have cost.
    pacer: Its limiter knows whether the endpoint is down.
    tries: The most attempts for one request. Rate limits count apart, and have six times as many.
    stop: A requested stop ends a back-off at once.
    """

    def __init__(
        self, inner: Sender, endpoint: Endpoint, pacer: Pacer, *, tries: int, stop: Stop, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._inner, self._endpoint, self._pacer = inner, endpoint, pacer
        self._tries, self._stop, self._sleep = tries, stop, sleep
        self._bad_requests = 0

    async def send(self, request: Request) -> Completion:
        try:
            return await self._inner.send(request)
        except Retryable as error:
            return await self._retry(request, error)
        except BadRequest as error:
            raise self._judge_bad_request(error) from None

    async def _retry(self, request: Request, first: Retryable) -> Completion:
        """Make the attempts after the first one. Most requests need none, so tenacity is set up only here."""
        lost = self._endpoint.usage_of(first)
        pending: list[Retryable] = [first]

        async def attempt() -> Completion:
            nonlocal lost
            if pending:
                raise pending.pop()
            try:
                return await self._inner.send(request)
            except Retryable as error:
                lost += self._endpoint.usage_of(error)
                raise

        retrying = AsyncRetrying(
            stop=_Patience(self._tries, self._is_given_up),
            wait=self._seconds_until_next,
            retry=retry_if_exception_type(Retryable),
            sleep=self._pause,
            before_sleep=_log_retry,
            reraise=True,
        )
        try:
            completion: Completion = await retrying(attempt)
        except Retryable as error:
            raise (await self._give_up(error)).with_usage(lost) from None
        except BadRequest as error:
            raise self._judge_bad_request(error).with_usage(lost) from None
        except PaidError as error:
            raise error.with_usage(lost + (error.usage or NO_USAGE)) from None
        return replace(completion, lost=lost)

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await unless_stopped(self._sleep(seconds), self._stop)

    def _seconds_until_next(self, state: RetryCallState) -> float:
        """Return the pause that the endpoint asks for, else a random one. In an outage the pacer does the waiting."""
        if self._pacer.limiter.outage.is_on:
            return 0.0
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Retryable) and error.retry_after is not None:
            return min(error.retry_after, _MAX_BACKOFF)
        return _backoff(state)

    def _is_given_up(self, error: Retryable, *, is_last: bool) -> bool | None:
        """Return whether an outage that is too long ends the request; None if there is no outage.

        The last try of a request begins an outage if other requests have failed in the same way.
        """
        outage, now = self._pacer.limiter.outage, self._pacer.now()
        if is_last and outage.counts(error.kind):
            outage.declare_if_likely(now)
        return outage.is_over_limit(now) if outage.is_on else None

    async def _give_up(self, error: Retryable) -> ProviderError:
        """Return the error that a request ends with, by what its last failure means for all requests."""
        outage = self._pacer.limiter.outage
        if isinstance(error, Unreachable) and not outage.has_answered:
            remedy = error.remedy or "start the endpoint, or correct its address"
            return ProviderUnusable(error.message, setting=None if error.remedy else "base_url", remedy=remedy)
        if outage.is_on:
            return EndpointDown(f"the endpoint has been down for {MAX_SECONDS / 60:g} minutes: {error}")
        if _asks_for_long_pause(error):
            await self._pacer.drain()
            return EndpointDown(f"the endpoint asks for a pause of {_duration(error.retry_after or 0.0)}: {error}")
        return error

    def _judge_bad_request(self, error: BadRequest) -> ProviderError:
        """Return the error unchanged, or ProviderUnusable if the endpoint has rejected everything so far.

        A single rejected request proves nothing while others are in flight. As many as can be in flight do.
        """
        self._bad_requests += 1
        limiter = self._pacer.limiter
        is_certain = limiter.in_flight == 0 or self._bad_requests >= int(limiter.concurrency)
        if limiter.outage.has_answered or not is_certain:
            return error
        return ProviderUnusable(error.message, remedy=error.remedy)


class _Patience:
    """Decides whether a request was tried often enough. Tenacity calls it after each failed attempt."""

    def __init__(self, tries: int, in_outage: Callable[..., bool | None]) -> None:
        self._left = {"rate-limited": _RATE_LIMIT_PATIENCE * tries, "other": tries}
        self._in_outage = in_outage

    def __call__(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, Retryable) or _asks_for_long_pause(error):
            return True
        kind = error.kind if error.kind in self._left else "other"
        in_outage = self._in_outage(error, is_last=self._left[kind] <= 1)
        if in_outage is not None:
            return in_outage
        self._left[kind] -= 1
        return self._left[kind] <= 0


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    seconds = state.next_action.sleep if state.next_action else 0.0
    _logger.debug("attempt %d failed (%s); the next one in %.1f s", state.attempt_number, error, seconds)


def _asks_for_long_pause(error: Retryable) -> bool:
    return (error.retry_after or 0.0) > _MAX_PAUSE


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:,.0f} h"
