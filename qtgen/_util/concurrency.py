"""Run coroutines concurrently, with a limit on how many run at once and an orderly way to stop.

A failure of one item is a value that `work` returns. An exception that `work` raises is fatal and ends the run.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from typing import Any, Final, TypeVar

from qtgen.errors import Interrupted

_logger = logging.getLogger(__name__)

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

FINISHING = "finishing what is in flight; press Ctrl-C again to stop at once"
STOPPING_NOW = "stopping at once"


class Stop:
    """A request to stop, shared by everything that one run does.

    It has two levels. After `request`, nothing new starts and what is in flight finishes. After `request_now`, what
    is in flight is cancelled as well.
    """

    def __init__(self) -> None:
        self._requested = asyncio.Event()
        self._now = asyncio.Event()

    def request(self) -> None:
        """Let what is in flight finish, and start nothing new."""
        self._requested.set()

    def request_now(self) -> None:
        """Cancel what is in flight."""
        self._requested.set()
        self._now.set()

    @property
    def requested(self) -> bool:
        """True if nothing new may start."""
        return self._requested.is_set()

    async def wait_requested(self) -> None:
        """Return when nothing new may start.

        Work that waits before it sends anything (for a rate limit, a free slot, a retry) waits for this as well, and
        gives up instead of sending.
        """
        await self._requested.wait()

    async def wait_now(self) -> None:
        """Return when what is in flight is to be cancelled."""
        await self._now.wait()


@contextlib.contextmanager
def stop_on_interrupt(notify: Callable[[str], None], stop: Stop | None = None) -> Iterator[Stop]:
    """Turn SIGINT and SIGTERM into a `Stop`: the first signal requests a stop, the second one stops at once.

    Args:
        notify: Receives one line for the person at each signal.
        stop: What the signals request; a new one by default.
    """
    stop, loop = stop or Stop(), asyncio.get_running_loop()
    is_first = True

    def on_signal() -> None:
        nonlocal is_first
        _logger.info("%s", FINISHING if is_first else STOPPING_NOW)
        notify(FINISHING if is_first else STOPPING_NOW)
        if is_first:
            stop.request()
        else:
            stop.request_now()
        is_first = False

    handled = []
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers, and only the main thread may set them. The signal then raises as usual.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, on_signal)
            handled.append(number)
    try:
        yield stop
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


async def map_unordered(
    items: Iterable[ItemT], work: Callable[[ItemT], Coroutine[Any, Any, ResultT]], *, concurrency: int, stop: Stop
) -> AsyncGenerator[tuple[ItemT, ResultT], None]:
    """Yield each item with its result, in the order in which they finish.

    At most `concurrency` items are in progress or finished but not yet consumed, and `items` is read only as fast as
    there is room. An item whose work raises Interrupted has no result. If `work` raises anything else, the results that
    are already there are yielded first; then the exception propagates. Closing the generator cancels whatever still
    runs.
    """
    remaining = iter(items)
    results: asyncio.Queue[tuple[ItemT, ResultT] | None] = asyncio.Queue()
    room = asyncio.Semaphore(concurrency)

    async def worker() -> None:
        while not stop.requested:
            await room.acquire()
            item = next(remaining, _EXHAUSTED)
            if stop.requested or isinstance(item, _Exhausted):
                room.release()
                return
            with contextlib.suppress(Interrupted):
                results.put_nowait((item, await work(item)))
                continue
            room.release()  # the item is not done, so it has no result

    async def supervise() -> None:
        """End the results when all workers are done, when one of them fails, or at `Stop.request_now`."""
        stopped_now = asyncio.create_task(stop.wait_now())
        running: set[asyncio.Task[None]] = set(workers)
        failed: asyncio.Task[None] | None = None
        while running and not failed and not stopped_now.done():
            await asyncio.wait({*running, stopped_now}, return_when=asyncio.FIRST_COMPLETED)
            failed = next((task for task in running if task.done() and (task.cancelled() or task.exception())), None)
            running = {task for task in running if not task.done()}
        stopped_now.cancel()
        results.put_nowait(None)
        if failed:
            failed.result()

    workers = [asyncio.create_task(worker()) for _ in range(concurrency)]
    supervisor = asyncio.create_task(supervise())
    try:
        while (pair := await results.get()) is not None:
            room.release()
            yield pair
        await supervisor
    finally:
        for task in (*workers, supervisor):
            task.cancel()
        await asyncio.gather(*workers, supervisor, return_exceptions=True)


class _Exhausted:
    """The type of the value that stands for the end of the items, which can hold None themselves."""


_EXHAUSTED: Final = _Exhausted()
