"""Do many things at once on this machine, in the order given, a bounded number in flight.

Failures of an item are values that `work` returns; an exception out of it is fatal and ends the run. One request to
stop lets what is in flight finish; a second one ends it at once.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from qtgen.errors import Interrupted

T = TypeVar("T")
R = TypeVar("R")


class Stop:
    """Asked to stop: once, start nothing new; twice, drop what is in flight."""

    def __init__(self) -> None:
        self.times = 0
        self._requested, self._now = asyncio.Event(), asyncio.Event()

    def request(self) -> None:
        self.times += 1
        self._requested.set()
        if self.times > 1:
            self._now.set()

    @property
    def requested(self) -> bool:
        return self.times > 0

    async def wait_requested(self) -> None:
        """Wait until a stop is requested."""
        await self._requested.wait()

    async def wait_now(self) -> None:
        await self._now.wait()


@contextlib.contextmanager
def stop_on_interrupt(say: Callable[[str], None], stop: Stop | None = None) -> Iterator[Stop]:
    """Ctrl-C and SIGTERM request a stop (of `stop`, if it is given) instead of raising somewhere in the middle."""
    stop, loop = stop or Stop(), asyncio.get_running_loop()

    def interrupted() -> None:
        stop.request()
        say(
            "finishing what is in flight; press Ctrl-C again to stop at once" if stop.times == 1 else "stopping at once"
        )

    handled = []
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers, and other threads than the main one may set none.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, interrupted)
            handled.append(number)
    try:
        yield stop
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


async def run_all(
    items: Iterable[T], work: Callable[[T], Coroutine[Any, Any, R]], *, concurrency: int, stop: Stop
) -> AsyncGenerator[tuple[T, R], None]:
    """Pairs of item and result as they are done. `items` is read only as fast as there is room."""
    waiting = iter(items)
    results: asyncio.Queue[tuple[T, R] | None] = asyncio.Queue()
    room = asyncio.Semaphore(concurrency)  # for what is worked on, and what is done and not yet taken

    async def worker() -> None:
        while not stop.requested:
            await room.acquire()
            item = next(waiting, _END)
            if stop.requested or isinstance(item, _End):
                room.release()
                return
            with contextlib.suppress(Interrupted):
                results.put_nowait((item, await work(item)))
                continue
            room.release()  # the item is not done, so it has no result

    async def watch() -> None:
        """Say that there will be no more: all is done, something failed, or it is to end at once."""
        stopped_now = asyncio.create_task(stop.wait_now())
        busy: set[asyncio.Task[None]] = set(workers)
        failed: asyncio.Task[None] | None = None
        while busy and not failed and not stopped_now.done():
            await asyncio.wait({*busy, stopped_now}, return_when=asyncio.FIRST_COMPLETED)
            failed = next((task for task in busy if task.done() and (task.cancelled() or task.exception())), None)
            busy = {task for task in busy if not task.done()}
        stopped_now.cancel()
        results.put_nowait(None)
        if failed:
            failed.result()

    workers = [asyncio.create_task(worker()) for _ in range(concurrency)]
    watching = asyncio.create_task(watch())
    try:
        while (
            pair := await results.get()
        ) is not None:  # what succeeded is handed out before an exception ends the run
            room.release()
            yield pair
        await watching
    finally:
        for unfinished in (*workers, watching):
            unfinished.cancel()
        await asyncio.gather(*workers, watching, return_exceptions=True)


class _End:
    pass


_END = _End()
