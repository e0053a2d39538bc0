"""Share a budget and rate limits with other runs: draw from the ledger what the requests of the next second need.

`Budget` and `Allowance` decide what may start, and never wait for the ledger. Tasks of the run draw for them.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from qtgen._util.concurrency import Stop
from qtgen.errors import LedgerError, LedgerUnavailable
from qtgen.llm.budget import Budget
from qtgen.llm.ledger.allowances import MoneyDraw, MoneyGrant
from qtgen.llm.ledger.group import LedgerGroup
from qtgen.llm.ledger.ledger import Ledger
from qtgen.llm.pacing import Allowance
from qtgen.llm.pacing.slices import RateSlice

_MONEY_INTERVAL = 1.0  # seconds between two draws if no request waits
_MONEY_POLL = 0.25  # the same if a request waits for money that other runs have set aside
_MIN_RATE_POLL, _MAX_RATE_POLL = 0.01, 1.0  # seconds between two looks at a rate limit that has nothing left
_UNAVAILABLE_PAUSE = 0.5  # seconds between two attempts to draw while the ledger is unavailable
T = TypeVar("T")


@asynccontextmanager
async def shared_budget(budget: Budget, group: LedgerGroup | None, stop: Stop) -> AsyncIterator[None]:
    """Let a run spend only what its group allows, until the block ends. Without a limit or a group, nothing is drawn.

    If the ledger cannot be used, the run ends with the error.
    """
    if budget.limit is None or group is None:
        yield
        return
    need = asyncio.Event()
    budget.share(need.set)
    with ThreadPoolExecutor(1, thread_name_prefix="budget") as thread:
        drawer = _MoneyDrawer(budget, group, need, thread)
        try:
            async with _background(drawer.run(), stop):
                yield
        finally:
            with contextlib.suppress(LedgerError):  # what this run had set aside then counts as spent, which is safe
                await drawer.draw(is_last=True)


@asynccontextmanager
async def shared_rates(allowance: Allowance, ledger: Ledger, place: str, stop: Stop) -> AsyncIterator[None]:
    """Let requests start only as fast as the user allows for all runs at an endpoint, until the block ends.

    If the ledger cannot be used, the run ends with the error. Without limits, nothing is drawn.
    """
    need = asyncio.Event()
    slices = allowance.share(need.set)
    if not slices:
        yield
        return
    with ThreadPoolExecutor(1, thread_name_prefix="rates") as thread:
        async with _background(_draw_rates(slices, allowance, ledger, place, need, thread), stop):
            yield


class _MoneyDrawer:
    """Draws money for a budget."""

    def __init__(self, budget: Budget, group: LedgerGroup, need: asyncio.Event, thread: ThreadPoolExecutor) -> None:
        self._budget, self._group, self._need, self._thread = budget, group, need, thread
        self._loop = asyncio.get_running_loop()
        self._drawn_at = self._loop.time()
        self._last: tuple[MoneyDraw, MoneyGrant] | None = None

    async def run(self) -> None:
        """Draw whenever a request waits, and regularly, so that other runs know what has been spent."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MONEY_POLL if self._budget.waits_for_others else _MONEY_INTERVAL):
                    await self._need.wait()
            self._need.clear()
            await self.draw()

    async def draw(self, *, is_last: bool = False) -> None:
        now = self._loop.time()
        draw = self._budget.draw(now - self._drawn_at, is_last=is_last)
        self._drawn_at = now
        if self._last is None or self._last[0] != draw or draw.wanted:  # if not, the ledger has recorded this already
            work = partial(self._group.draw_money, draw)
            grant = await self._loop.run_in_executor(self._thread, work) if is_last else await _draw(self._thread, work)
            self._last = draw, grant
            self._budget.grant(draw, grant)
        else:
            self._budget.grant(draw, self._last[1])


async def _draw_rates(
    slices: Sequence[RateSlice],
    allowance: Allowance,
    ledger: Ledger,
    place: str,
    need: asyncio.Event,
    thread: ThreadPoolExecutor,
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await need.wait()
        need.clear()
        needed = [part for part in slices if part.needed]
        draws = [part.draw() for part in needed]
        grants = await _draw(thread, partial(ledger.draw_rates, place, draws))
        for part, grant in zip(needed, grants, strict=True):
            part.grant(loop.time(), grant)
        allowance.pump()
        delay = max((grant.delay for grant in grants if not grant.amount), default=0.0)
        if delay:
            await asyncio.sleep(min(max(delay, _MIN_RATE_POLL), _MAX_RATE_POLL))
            need.set()


async def _draw(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Draw in a thread, and retry while the ledger is unavailable. The ledger's writer decides how long to wait."""
    while True:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, work)
        except LedgerUnavailable:
            await asyncio.sleep(_UNAVAILABLE_PAUSE)


@asynccontextmanager
async def _background(work: Awaitable[None], stop: Stop) -> AsyncIterator[None]:
    """Run a task until the block ends. If it fails, the run ends with its error."""
    task = asyncio.ensure_future(work)

    def report(done: "asyncio.Future[None]") -> None:
        if not done.cancelled() and (error := done.exception()) and isinstance(error, Exception):
            stop.fail(error)

    task.add_done_callback(report)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
