"""The ledger for coroutines: what many of them have to say is written together, one commit at a time.

While one commit is under way the next gathers, so a slow disk makes larger commits instead of a longer line.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from qtgen.llm.ledger.ledger import BEAT, BUSY, Attempt, Claim, Judgement, Ledger, RequestKey
from qtgen.llm.types import Completion

_POLL = 0.3  # seconds between looks whether another run has an answer


@dataclass(slots=True)
class _Page:
    """What is to be written next, and who waits for it."""

    claims: list[RequestKey] = field(default_factory=list)
    tried: list[Attempt] = field(default_factory=list)
    done: dict[RequestKey, Completion] = field(default_factory=dict)
    judged: list[Judgement] = field(default_factory=list)
    dropped: list[bytes] = field(default_factory=list)
    written: "asyncio.Future[dict[bytes, Claim]]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class LedgerWriter:
    """fresh: answers of earlier runs do not count."""

    def __init__(self, book: Ledger, *, fresh: bool = False) -> None:
        self._book, self._fresh = book, fresh
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._page = _Page()
        self._has_news = asyncio.Event()
        self._busy_with: dict[bytes, asyncio.Future[None]] = {}
        self._error: Exception | None = None
        self._is_closing = False

    async def claim(self, asked: RequestKey) -> Completion | None:
        """The answer, if the ledger has one; else it is the caller's to ask for. Waits while another run does."""
        while asked.key in self._busy_with:  # the same bytes twice in one run: one asks, the others wait
            await asyncio.shield(self._busy_with[asked.key])
        self._busy_with[asked.key] = asyncio.get_running_loop().create_future()
        try:
            held = BUSY
            while held.busy:
                page = self._page
                page.claims.append(asked)
                held = (await self._written(page))[asked.key]
                if held.busy:
                    await asyncio.sleep(_POLL)
        except BaseException:
            self._let_go(asked.key)
            raise
        if held.completion is not None:
            self._let_go(asked.key)
        return held.completion

    def tried(self, one: Attempt) -> None:
        """Note an attempt; it is committed with what comes next."""
        self._page.tried.append(one)
        self._has_news.set()

    async def answered(self, asked: RequestKey, completion: Completion) -> None:
        """Keep an answer; it is committed when this returns."""
        page = self._page
        page.done[asked] = completion
        try:
            await self._written(page)
        finally:
            self._let_go(asked.key)

    def judged(self, completion: Completion, state: str) -> None:
        """What an answer was good for: `rejected` on the way to a page, or `faulty`, so that another run asks anew."""
        self._page.judged.append(Judgement(completion.key, completion.run, state))
        self._has_news.set()

    def dropped(self, asked: RequestKey) -> None:
        """There was no answer: whoever comes next asks again."""
        self._page.dropped.append(asked.key)
        self._has_news.set()
        self._let_go(asked.key)

    def _let_go(self, key: bytes) -> None:
        waiting = self._busy_with.pop(key, None)
        if waiting and not waiting.done():
            waiting.set_result(None)

    async def _written(self, page: _Page) -> dict[bytes, Claim]:
        if self._error:
            raise self._error
        self._has_news.set()
        return await asyncio.shield(page.written)

    async def write(self) -> None:
        """Write pages until all is written that was said before `close`."""
        with self._thread:
            while not (self._is_closing and self._is_quiet()):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(BEAT):  # before Python 3.12, `wait_for` may lose a cancellation
                        await self._has_news.wait()
                self._has_news.clear()
                await self._turn()  # a quiet one is a sign of life

    def _is_quiet(self) -> bool:
        page = self._page
        return not (page.claims or page.tried or page.done or page.judged or page.dropped)

    async def _turn(self) -> None:
        page, self._page = self._page, _Page()
        loop = asyncio.get_running_loop()
        try:
            turn = loop.run_in_executor(
                self._thread,
                self._book.apply,
                page.claims,
                page.tried,
                page.done,
                page.judged,
                page.dropped,
                self._fresh,
            )
            found = await asyncio.shield(turn)  # or what waits for its thread would be lost at the end of a run
        except Exception as error:  # whatever it is: who waits must hear of it
            self._error = error  # what comes later is told at once
            for waiting in (page.written, self._page.written):
                if not waiting.done():
                    waiting.set_exception(error)
                    waiting.exception()  # seen, should nobody wait
            raise
        if not page.written.done():
            page.written.set_result(found)

    def close(self) -> None:
        self._is_closing = True
        self._has_news.set()


@contextlib.asynccontextmanager
async def opened(book: Ledger, *, fresh: bool) -> AsyncIterator[LedgerWriter]:
    """A desk whose pages are written until the block ends. Raises LedgerError."""
    book.begin()
    desk = LedgerWriter(book, fresh=fresh)
    writing = asyncio.create_task(desk.write())
    try:
        yield desk
    finally:
        was_told = writing.done()  # before its time: it failed, and whoever waited knows
        desk.close()
        try:
            await writing
        except Exception:  # any, as in `_turn`: it is raised here unless somebody was told already
            if not was_told:
                raise
