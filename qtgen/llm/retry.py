"""The retry layer: repeat failed attempts, and decide what a failure means for the rest of the run.

- Rate limits get six times as many attempts as other failures (`tries`). Timeouts get two, because the endpoint may
  bill each of them.
- While the endpoint is down (`pacing.outage`), retries use up no tries. After five minutes the run ends, or after one
  minute if the endpoint never answered.
- If rate limits reject every request for minutes, or the endpoint asks for a long pause, the run ends as well.
- A status 401 is retried once, because some gateways reject a good key by accident.
- If the endpoint never answered and cannot be reached, or if all requests fail alike (`brake`), the provider is
  unusable.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from qtgen._util.concurrency import Stop
from qtgen.errors import (
    BadRequest,
    Denied,
    EndpointDown,
    PaidError,
    ProviderError,
    ProviderUnusable,
    Retryable,
    Unreachable,
)
from qtgen.llm._stopping import unless_stopped
from qtgen.llm.brake import Brake
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.pacing import Pacer
from qtgen.llm.pacing.limiter import MAX_STARVATION
from qtgen.llm.sender import Request, Sender
from qtgen.llm.types import NO_USAGE, Completion

Sleep = Callable[[float], Awaitable[None]]
_MAX_BACKOFF = 60.0  # seconds
_MAX_PAUSE = 600.0  # seconds that the endpoint can ask for without ending the run
_RATE_LIMIT_PATIENCE = 6  # times as many tries for rate limits as for other failures
_STARVATION = 10.0  # seconds for which rate limits reject everything, after which retries use up no tries
_TIMEOUT_TRIES = 2
_UNAUTHORIZED, _UNAUTHORIZED_TRIES = 401, 2
_UNAUTHORIZED_PAUSE = 1.0  # seconds
_BLOCKED = "other requests succeed, so a gateway may block the words of this one: rephrase the question"
_backoff = wait_random_exponential(multiplier=0.5, max=_MAX_BACKOFF)
_logger = logging.getLogger(__name__)


class RetrySender:
    """Args:
    endpoint: Tells what a failed attempt may have cost.
    pacer: Its limiter knows whether the endpoint is down.
    tries: The most attempts for one request. Rate limits count apart and get six times as many. Timeouts get two.
    stop: A requested stop ends a back-off at once.
    brake: Ends the run if all requests fail alike; shared by the run's clients.
    """

    def __init__(
        self,
        inner: Sender,
        endpoint: Endpoint,
        pacer: Pacer,
        *,
        tries: int,
        stop: Stop,
        brake: Brake,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._inner, self._endpoint, self._pacer = inner, endpoint, pacer
        self._tries, self._stop, self._brake, self._sleep = tries, stop, brake, sleep

    async def send(self, request: Request) -> Completion:
        ticket = self._brake.begin()
        try:
            completion = await self._inner.send(request)
        except (Retryable, BadRequest) as error:
            self._brake.resolve(ticket)
            return await self._retry(request, error, ticket)
        finally:
            self._brake.resolve(ticket)
        self._brake.answered()
        return completion

    async def _retry(self, request: Request, first: Retryable | BadRequest, ticket: int) -> Completion:
        """Make the attempts after the first one. Most requests need none, so tenacity is set up only here."""
        lost = NO_USAGE
        pending: list[Retryable | BadRequest] = [first]

        async def attempt() -> Completion:
            nonlocal lost
            try:
                if pending:
                    raise pending.pop()
                return await self._inner.send(request)
            except Retryable as error:
                lost += self._endpoint.usage_of(error)
                if ending := self._brake.attempted(self._endpoint.model, request.key.digest, error, ticket):
                    raise ending from None
                raise

        retrying = AsyncRetrying(
            stop=_Patience(self._tries, self._is_given_up),
            wait=self._seconds_until_next,
            retry=retry_if_exception(_is_worth_repeating),
            sleep=self._pause,
            before_sleep=_log_retry,
            reraise=True,
        )
        try:
            completion: Completion = await retrying(attempt)
        except Retryable as error:
            raise (await self._give_up(error)).with_usage(lost) from None
        except BadRequest as error:
            raise self._judge_rejection(request, error, ticket).with_usage(lost + (error.usage or NO_USAGE)) from None
        except PaidError as error:
            raise error.with_usage(lost + (error.usage or NO_USAGE)) from None
        self._brake.answered()
        return replace(completion, lost=lost + completion.lost)

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await unless_stopped(self._sleep(seconds), self._stop)

    def _seconds_until_next(self, state: RetryCallState) -> float:
        """Return the pause that the endpoint asks for, else a random one. In an outage the pacer does the waiting."""
        if self._pacer.limiter.outage.is_on:
            return 0.0
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, BadRequest):
            return _UNAUTHORIZED_PAUSE
        if isinstance(error, Retryable) and error.retry_after is not None:
            return min(error.retry_after, _MAX_BACKOFF)
        return _backoff(state)

    def _is_given_up(self, error: ProviderError, *, is_last: bool, trusts_gateway: bool) -> bool | None:
        """Return whether an outage or a lasting rate limit ends the request. Return None if there is neither.

        The last attempt of a request begins an outage if other requests have failed in the same way, or if a gateway
        reports one.
        """
        limiter, now = self._pacer.limiter, self._pacer.now()
        if error.kind == "rate-limited":
            if limiter.starvation(now) > _STARVATION:  # no request succeeds, so this one is not the cause
                return limiter.is_starved(now)
            return None
        outage = limiter.outage
        if is_last and outage.counts(error.kind):
            outage.declare_if_likely(now, trusts_gateway=trusts_gateway)
        return outage.is_over_limit(now) if outage.is_on else None

    async def _give_up(self, error: Retryable) -> ProviderError:
        """Return the error of a request, by what its last failure means for all requests."""
        outage = self._pacer.limiter.outage
        if isinstance(error, Unreachable) and not outage.has_answered:
            remedy = error.remedy or "start the endpoint, or correct its address"
            return ProviderUnusable(error.message, setting=None if error.remedy else "base_url", remedy=remedy)
        if outage.is_on:
            verb = "has been down" if outage.has_answered else "has not answered any request"
            return EndpointDown(f"the endpoint {verb} for {_duration(outage.max_seconds)}: {error}", reply=error.reply)
        if _asks_for_long_pause(error):
            return EndpointDown(
                f"the endpoint asks for a pause of {_duration(error.retry_after or 0.0)}: {error}", reply=error.reply
            )
        if error.kind == "rate-limited" and self._pacer.limiter.is_starved(self._pacer.now()):
            return EndpointDown(
                f"rate limits have rejected every request for {_duration(MAX_STARVATION)}: {error}", reply=error.reply
            )
        return error

    def _judge_rejection(self, request: Request, error: BadRequest, ticket: int) -> ProviderError:
        """Return the error of the request, or ProviderUnusable if all requests are rejected alike."""
        if ending := self._brake.rejected(self._endpoint.model, request.key.digest, error, ticket):
            return ending
        is_key = error.reply is not None and error.reply.status == _UNAUTHORIZED
        if isinstance(error, Denied) and self._brake.has_answered and not is_key:
            return Denied(error.message, usage=error.usage, remedy=_BLOCKED, reply=error.reply)
        return error


class _Patience:
    """Decides whether a request was tried often enough. Tenacity calls it after each failed attempt."""

    def __init__(self, tries: int, is_given_up: Callable[..., bool | None]) -> None:
        self._left = {
            "rate-limited": _RATE_LIMIT_PATIENCE * tries,
            "timeout": min(_TIMEOUT_TRIES, tries),
            "denied": min(_UNAUTHORIZED_TRIES, tries),
            "other": tries,
        }
        self._is_given_up = is_given_up
        self._trusts_gateway = True  # once: if the request fails again while others succeed, it is the cause itself

    def __call__(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, ProviderError) or not _is_worth_repeating(error) or _asks_for_long_pause(error):
            return True
        kind = error.kind if error.kind in self._left else "other"
        is_last = self._left[kind] <= 1
        given_up = self._is_given_up(error, is_last=is_last, trusts_gateway=self._trusts_gateway)
        self._trusts_gateway &= not is_last
        if given_up is not None:
            return given_up
        self._left[kind] -= 1
        return self._left[kind] <= 0


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    seconds = state.next_action.sleep if state.next_action else 0.0
    _logger.debug("attempt %d failed (%s); the next one in %.1f s", state.attempt_number, error, seconds)


def _is_worth_repeating(error: BaseException) -> bool:
    if isinstance(error, BadRequest):
        return error.reply is not None and error.reply.status == _UNAUTHORIZED
    return isinstance(error, Retryable)


def _asks_for_long_pause(error: BaseException) -> bool:
    return isinstance(error, Retryable) and (error.retry_after or 0.0) > _MAX_PAUSE


def _duration(seconds: float) -> str:
    """Return `60 seconds`, `3 minutes` or `20 hours`."""
    for unit, size in (("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
