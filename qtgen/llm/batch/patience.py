"""Wait for what may pass, a ledger that is away or an endpoint that fails, and recognize what does not."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from qtgen._util.concurrency import Stop
from qtgen.errors import Denied, LedgerUnavailable, ProviderError, ProviderUnusable, Retryable
from qtgen.llm._stopping import unless_stopped
from qtgen.llm.ledger.writer import PATIENCE

T = TypeVar("T")
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 5.0  # seconds
_MAX_PAUSE = 30.0  # seconds
_LOCKED_OUT = (401, 403)
_logger = logging.getLogger(__name__)


def is_locked_out(error: ProviderError) -> bool:
    """Return whether an endpoint rejects every request alike, because of the key and not of what is asked for."""
    return isinstance(error, Denied) and error.reply is not None and error.reply.status in _LOCKED_OUT


def unusable(error: ProviderError) -> ProviderUnusable:
    """Return the error that ends a run, because no other request can succeed."""
    return ProviderUnusable(error.message, setting=error.setting, remedy=error.remedy, reply=error.reply)


async def in_ledger(work: Callable[[], T]) -> T:
    """Run a transaction in a thread and return its result. Retry while the ledger is unavailable.

    Raises LedgerError.
    """
    loop = asyncio.get_running_loop()
    began, pause = loop.time(), _FIRST_PAUSE
    while True:
        try:
            return await asyncio.shield(asyncio.to_thread(work))
        except LedgerUnavailable as error:
            if loop.time() - began > PATIENCE:
                raise
            _logger.warning("%s", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE)


async def retried(work: Callable[[], Awaitable[T]], tries: int, stop: Stop) -> T:
    """Return the result of an operation that can be repeated without harm.

    Raises ProviderError after `tries` attempts, and Interrupted if a stop is requested in between.
    """
    for attempt in range(1, tries + 1):
        try:
            return await work()
        except Retryable as error:
            if attempt == tries:
                raise
            _logger.info("attempt %d failed: %s", attempt, error)
            await pause_after(attempt, error, stop)
    raise AssertionError("unreachable: at least one attempt is made")


async def pause_after(attempt: int, error: Retryable, stop: Stop) -> None:
    """Wait before the next attempt: as long as the endpoint requests, or longer each time."""
    seconds = 0.5 * 2 ** (attempt - 1) if error.retry_after is None else error.retry_after
    await unless_stopped(asyncio.sleep(min(seconds, _MAX_PAUSE)), stop)
