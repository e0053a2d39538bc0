"""Writing to the ledger from coroutines: many changes in one commit, and one commit at a time.

While one commit is in progress, changes for the next one are collected. So a slow disk makes larger commits instead of
a longer queue.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qtgen._util.concurrency import Stop
from qtgen._util.text import pluralize
from qtgen.errors import Deferred, Interrupted, LedgerUnavailable, OutputError
from qtgen.llm._stopping import unless_stopped
from qtgen.llm.ledger.gate import Gate
from qtgen.llm.ledger.group import LedgerGroup
from qtgen.llm.ledger.groups import Work
from qtgen.llm.ledger.ledger import Ledger
from qtgen.llm.ledger.liveness import BEAT
from qtgen.llm.ledger.types import BUSY, Changes, Claim, Judgement
from qtgen.llm.sender import Attempt, RequestKey
from qtgen.llm.types import Completion

PATIENCE = 300.0
"""Seconds for which runs wait for an unavailable ledger."""
_ANNOUNCED_AFTER = 1.0  # seconds; shorter outages are not reported
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 5.0  # seconds between two attempts to reach it
_POLL = 0.3  # seconds between two looks for another run's answer
_IN_A_BATCH = "the request is in a batch; collect the batch to get its answer"
_logger = logging.getLogger(__name__)
Committed = asyncio.Future[dict[bytes, Claim]]


class LedgerWriter:
    """Collects what a run's coroutines record. `open_writer` opens one and closes it.

    Args:
        fresh: Do not reuse answers of earlier runs.
        stop: A requested stop ends the waiting for another run's answer and for an unavailable ledger.
        patience: Seconds for which the writer waits for an unavailable ledger.

    Attributes:
        group: The runs with the same work. None for a run that shares nothing.
        gate: Closed while the ledger is unavailable. Then no request is sent, and received responses are kept.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        fresh: bool = False,
        stop: Stop | None = None,
        patience: float = PATIENCE,
        group: LedgerGroup | None = None,
    ) -> None:
        self._ledger, self._fresh, self._stop, self._patience = ledger, fresh, stop or Stop(), patience
        self.group = group
        self.gate = Gate()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._collect_next()
        self._has_news = asyncio.Event()
        self._pending: dict[bytes, asyncio.Future[None]] = {}  # requests of this run that are being sent
        self._error: Exception | None = None
        self._is_closing = False
        self._saved = self._unsaved = 0  # responses that could not be recorded
        self._saved_in: Path | None = None

    async def claim(self, key: RequestKey) -> Completion | None:
        """Return the request's recorded completion. If there is none, claim it and return None.

        The caller then has to call `record_answer` or `release`. Waits while another run sends the same request.
        Raises LedgerError, Deferred for a request in a batch, and Interrupted if a stop is requested while it waits.
        """
        while key.digest in self._pending:  # the same request twice in one run
            await unless_stopped(asyncio.shield(self._pending[key.digest]), self._stop)
        self._pending[key.digest] = asyncio.get_running_loop().create_future()
        try:
            claim = BUSY
            while claim.is_busy:
                claim = await self.try_claim(key)
                if claim.batch:
                    raise Deferred(_IN_A_BATCH)
                if claim.is_busy:
                    _logger.debug("request %s is being sent by another run", key.digest.hex()[:12])
                    await unless_stopped(asyncio.sleep(_POLL), self._stop)
        except BaseException:
            self._let_others_go_on(key.digest)
            raise
        if claim.completion is not None:
            self._let_others_go_on(key.digest)
        return claim.completion

    async def try_claim(self, key: RequestKey) -> Claim:
        """Claim a request and return what came of it, without waiting for others. Raises LedgerError."""
        committed = self._committed
        self._changes.claims.append(key)
        return (await self._wait_for(committed))[key.digest]

    def record_attempt(self, attempt: Attempt) -> None:
        """Record an attempt; the next commit includes it."""
        self._changes.attempts.append(attempt)
        self._has_news.set()

    def record_dialect(self, place: str, model: str, text: str) -> None:
        """Record a dialect that was learned; the next commit includes it."""
        self._changes.dialects[place, model] = text
        self._has_news.set()

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return self._ledger

    @property
    def earlier(self) -> Ledger | None:
        """The ledger with what earlier runs have left, or None if nothing of it is reused."""
        return None if self._fresh else self._ledger

    def has_answers(self, models: Collection[str]) -> bool:
        """Return whether any of these models has answered before. Raises LedgerError."""
        return self._ledger.has_answers(models)

    async def record_answer(self, key: RequestKey, completion: Completion) -> None:
        """Record a final response. It is committed when this returns."""
        committed = self._committed
        self._changes.answers[key] = completion
        try:
            await self._wait_for(committed)
        finally:
            self._let_others_go_on(key.digest)

    def judge(self, completion: Completion, state: str) -> None:
        """Record that an answer is `rejected` (it had faults) or `faulty` (it led to no page)."""
        self._changes.judgements.append(Judgement(completion.key, completion.run, state))
        self._has_news.set()

    def release(self, key: RequestKey) -> None:
        """Release a claim without a response, so that any run can send the request."""
        self.release_digest(key.digest)
        self._let_others_go_on(key.digest)

    def release_digest(self, digest: bytes) -> None:
        """Release a claim that `try_claim` has made."""
        self._changes.releases.append(digest)
        self._has_news.set()

    @property
    def has_failed(self) -> bool:
        """True if something could not be recorded."""
        return self._error is not None

    async def run(self) -> None:
        """Commit changes until everything that was recorded before `close` is committed."""
        with self._thread:
            while not (self._is_closing and self._changes.is_empty):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(BEAT):  # before Python 3.12, `wait_for` can lose a cancellation
                        await self._has_news.wait()
                self._has_news.clear()
                await self._commit()  # a commit without changes is a sign of life
        self._report_saved()
        if self._error:
            raise self._error

    def close(self) -> None:
        """Let `run` end once everything is committed."""
        self._is_closing = True
        self._has_news.set()

    def _collect_next(self) -> None:
        self._changes = Changes()
        self._committed: Committed = asyncio.get_running_loop().create_future()

    def _let_others_go_on(self, digest: bytes) -> None:
        """Wake the coroutines that wait for the same request."""
        waiting = self._pending.pop(digest, None)
        if waiting and not waiting.done():
            waiting.set_result(None)

    async def _wait_for(self, committed: Committed) -> dict[bytes, Claim]:
        if self._error:
            raise self._error
        self._has_news.set()
        return await asyncio.shield(committed)

    async def _commit(self) -> None:
        changes, committed = self._changes, self._committed
        self._collect_next()
        try:
            claims = await self._patient_commit(changes)
        except LedgerUnavailable as error:
            self._give_up(error, changes, committed)
        except Exception as error:  # any error must reach the coroutines that wait
            self._fail(error, committed)
            raise
        else:
            if not committed.done():
                committed.set_result(claims)

    async def _patient_commit(self, changes: Changes) -> dict[bytes, Claim]:
        """Commit a changes. While the database is unavailable, retry until the patience ends or a stop is requested.

        Raises LedgerError.
        """
        loop = asyncio.get_running_loop()
        began, pause = loop.time(), _FIRST_PAUSE
        while True:
            try:
                work = loop.run_in_executor(self._thread, lambda: self._ledger.commit(changes, fresh=self._fresh))
                claims = await asyncio.shield(work)  # a cancelled run still commits what waits for the thread
            except LedgerUnavailable as error:
                if self._error or self._stop.requested or loop.time() - began >= self._patience:
                    raise
                self.gate.close(error, announce=loop.time() - began > _ANNOUNCED_AFTER)
                with contextlib.suppress(Interrupted):
                    await unless_stopped(asyncio.sleep(pause), self._stop)
                pause = min(2 * pause, _LAST_PAUSE)
            else:
                self.gate.open()
                return claims

    def _give_up(self, error: LedgerUnavailable, changes: Changes, committed: Committed) -> None:
        """Save what could not be recorded, end the run, and wake the coroutines that wait."""
        self._save(changes)
        self._fail(error, committed)
        self._stop.fail(error)

    def _save(self, changes: Changes) -> None:
        """Save changes in a file, so that the next run records it."""
        self._unsaved += len(changes.answers)
        if self._ledger.unsettled is None:
            return
        try:
            path = self._ledger.unsettled.save(self._ledger.run, changes)
        except OutputError as error:
            self.gate.notify(str(error))
        else:
            self._unsaved -= len(changes.answers)
            self._saved += len(changes.answers)
            self._saved_in = self._saved_in or path

    def _report_saved(self) -> None:
        if self._saved:
            folder = self._saved_in.parent if self._saved_in else ""
            self.gate.notify(f"{pluralize(self._saved, 'response')} saved in {folder}; the next run records them")
        if self._unsaved:
            self.gate.notify(f"{pluralize(self._unsaved, 'response')} lost: neither recorded nor saved")

    def _fail(self, error: Exception, committed: Committed) -> None:
        self._error = error  # for later calls
        for waiting in (committed, self._committed):
            if not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # marks it as retrieved if no coroutine waits


@contextlib.asynccontextmanager
async def open_writer(
    ledger: Ledger,
    *,
    fresh: bool,
    stop: Stop | None = None,
    patience: float = PATIENCE,
    work: Work | None = None,
) -> AsyncIterator[LedgerWriter]:
    """Open a writer, and commit everything that was recorded when the block ends.

    If `fresh`, answers of earlier runs are not reused. The run joins the live runs with the same `work`. Raises
    LedgerError, and SettingsError if these have another budget.
    """
    group = ledger.begin(work)
    writer = LedgerWriter(ledger, fresh=fresh, stop=stop, patience=patience, group=group)
    writing = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        was_raised = writer.has_failed  # to a coroutine that waited, or by `stop`
        writer.close()
        try:
            await writing
            with contextlib.suppress(LedgerUnavailable):  # other runs then notice that this run is silent
                ledger.end()
        except Exception:  # any error must reach a caller, once
            if not was_raised:
                raise
