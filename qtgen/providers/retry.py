"""The same prompt once more when the endpoint failed in a way that passes."""

import asyncio
from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from qtgen.errors import BadRequest, ProviderUnusable, Retryable, Unreachable
from qtgen.records import Completion, Prompt, Provider

_LONGEST_WAIT = 60.0


class Retrying:
    """A provider that tries another up to `tries` times, with jitter, or as long as the endpoint asks to wait.

    An endpoint that never answered, and cannot be reached or does not take the request, is unusable: the rest of the
    run would fare no better.
    """

    def __init__(
        self, inner: Provider, *, tries: int, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.name = inner.name
        self.model = inner.model
        self._inner = inner
        self._answered = False
        self._retrying = AsyncRetrying(
            stop=stop_after_attempt(tries),
            wait=_wait,
            retry=retry_if_exception_type(Retryable),
            sleep=sleep,
            reraise=True,
        )

    async def complete(self, prompt: Prompt) -> Completion:
        try:
            completion: Completion = await self._retrying(self._inner.complete, prompt)
        except Unreachable as error:
            if self._answered:
                raise
            raise ProviderUnusable(f"{error}; is the endpoint running, and --base-url right?") from None
        except BadRequest as error:
            if self._answered:
                raise
            raise ProviderUnusable(str(error)) from None
        self._answered = True
        return completion


_backoff = wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Retryable) else None
    return _backoff(state) if asked is None else min(asked, _LONGEST_WAIT)
