"""Run coroutines concurrently, with a limit on how many run at once and an orderly way to stop.

A failure of one item is a value that `work` returns. An exception that `work` raises is fatal: it ends the run after
the items in flight have finished.
"""

import asyncio
import contextlib
import logging
import signal
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Executor
from functools import partial
from typing import Any, Final, Generic, TypeVar

from qtgen.errors import Interrupted

_logger = logging.getLogger(__name__)

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

FINISHING = "finishing what is in flight; press Ctrl-C again to stop at once"
STOPPING_NOW = "stopping at once"


class Stop:
    """A request to stop, shared by everything that one run does.

    It has two levels. After `request` or `fail`, nothing new starts and what is in flight finishes. After
    `request_now`, what is in flight is cancelled as well.

    Attributes:
        failure: The first error that ended the run, or None.
    """

    def __init__(self) -> None:
        self._requested = asyncio.Event()
        self._now = asyncio.Event()
        self.failure: Exception | None = None

    def request(self) -> None:
        """Let what is in flight finish, and start nothing new."""
        self._requested.set()

    def fail(self, error: Exception) -> None:
        """End the run with an error, once what is in flight has finished."""
        self.failure = self.failure or error
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


class ReadAhead(AsyncIterator[ItemT]):
    """Reads an iterator in a thread, because it may wait for a disk or a database, and hands its items to coroutines.

    Args:
        items: The iterator.
        thread: Where it is read.
        size: How many items are read at a time.
    """

    def __init__(self, items: Iterable[ItemT], thread: Executor, size: int) -> None:
        self._items, self._thread, self._size = iter(items), thread, size
        self._buffer: deque[ItemT] = deque()
        self._lock = asyncio.Lock()
        self._is_exhausted = False

    async def __anext__(self) -> ItemT:
        while not self._buffer:
            async with self._lock:
                if self._buffer:  # another coroutine has read it meanwhile
                    break
                if self._is_exhausted:
                    raise StopAsyncIteration
                await asyncio.get_running_loop().run_in_executor(self._thread, self._read)
        return self._buffer.popleft()

    def _read(self) -> None:
        for _ in range(self._size):
            item = next(self._items, _EXHAUSTED)
            if isinstance(item, _Exhausted):
                self._is_exhausted = True
                return
            self._buffer.append(item)


async def map_unordered(
    items: Iterable[ItemT] | AsyncIterator[ItemT],
    work: Callable[[ItemT], Coroutine[Any, Any, ResultT]],
    *,
    concurrency: int,
    stop: Stop,
) -> AsyncGenerator[tuple[ItemT, ResultT], None]:
    """Yield each item with its result, in the order in which they finish.

    At most `concurrency` items are in progress or finished but not yet consumed, and `items` is read only as fast as
    there is room. An item whose work raises Interrupted has no result. If `work` raises anything else, or if the run
    fails by `Stop.fail`, the items in flight finish and are yielded first; then the exception propagates. Closing the
    generator cancels whatever still runs.
    """
    next_item = partial(anext, items, _EXHAUSTED) if isinstance(items, AsyncIterator) else _reader(items)
    mapping = _Mapping(next_item, work, concurrency, stop)
    tasks = mapping.start()
    try:
        while (pair := await mapping.results.get()) is not None:
            mapping.room.release()
            yield pair
        if stop.failure:
            raise stop.failure
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _reader(items: Iterable[ItemT]) -> "Callable[[], Awaitable[ItemT | _Exhausted]]":
    """Return a coroutine function that returns the next item."""
    remaining = iter(items)

    async def next_item() -> "ItemT | _Exhausted":
        return next(remaining, _EXHAUSTED)

    return next_item


class _Mapping(Generic[ItemT, ResultT]):
    """The state of one call of `map_unordered`. A result of None marks the end."""

    def __init__(
        self,
        next_item: "Callable[[], Awaitable[ItemT | _Exhausted]]",
        work: Callable[[ItemT], Coroutine[Any, Any, ResultT]],
        concurrency: int,
        stop: Stop,
    ) -> None:
        self._next_item, self._work, self._concurrency, self._stop = next_item, work, concurrency, stop
        self.results: asyncio.Queue[tuple[ItemT, ResultT] | None] = asyncio.Queue()
        self.room = asyncio.Semaphore(concurrency)

    def start(self) -> list[asyncio.Task[None]]:
        """Start the workers and their supervisor, and return their tasks."""
        workers = [asyncio.create_task(self._run_worker()) for _ in range(self._concurrency)]
        return [*workers, asyncio.create_task(self._supervise(workers))]

    async def _run_worker(self) -> None:
        try:
            while await self._process_next():
                pass
        except Exception as error:  # noqa: BLE001  # whatever it is, the items in flight finish first
            self._stop.fail(error)

    async def _process_next(self) -> bool:
        """Process the next item. Return False if there is none."""
        if self._stop.requested:
            return False
        await self.room.acquire()
        try:
            item = await self._next_item()
        except Interrupted:
            item = _EXHAUSTED
        if self._stop.requested or isinstance(item, _Exhausted):
            self.room.release()
            return False
        try:
            self.results.put_nowait((item, await self._work(item)))
        except Interrupted:  # the item is not done, so it has no result
            self.room.release()
        return True

    async def _supervise(self, workers: Iterable[asyncio.Task[None]]) -> None:
        """Mark the end of the results when all workers are done, or at `Stop.request_now`."""
        all_done = asyncio.ensure_future(asyncio.wait(workers))
        stopped_now = asyncio.ensure_future(self._stop.wait_now())
        try:
            await asyncio.wait([all_done, stopped_now], return_when=asyncio.FIRST_COMPLETED)
        finally:
            all_done.cancel()
            stopped_now.cancel()
        self.results.put_nowait(None)


class _Exhausted:
    """The type of the value that stands for the end of the items, which can hold None themselves."""


_EXHAUSTED: Final = _Exhausted()
