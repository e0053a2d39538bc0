"""One batch run: queue requests, submit them, and wait for their batches, round after round."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qtgen._util.concurrency import Stop
from qtgen._util.text import money, pluralize
from qtgen.errors import Denied, Interrupted, ProviderError
from qtgen.llm._stopping import unless_stopped
from qtgen.llm.batch.client import DeferredClient, Round
from qtgen.llm.batch.files import FileLimits
from qtgen.llm.batch.patience import in_ledger, retried, unusable
from qtgen.llm.batch.queue import BatchQueue, QueuedFile
from qtgen.llm.batch.submission import Submitter, new_record, place_digest
from qtgen.llm.batch.watching import Connections, Say, Watcher
from qtgen.llm.budget import Budget
from qtgen.llm.client import Client
from qtgen.llm.ledger import Ledger, LedgerWriter
from qtgen.llm.ledger.batch_types import BatchRecord, BatchState, LostClaims
from qtgen.settings import Settings

_FIRST_POLL, _LAST_POLL = 0.5, 60.0  # seconds between two looks at the batches
_SLOWER = 1.3  # factor by which that pause grows while nothing changes
_OTHERS_INTERVAL = 3.0  # seconds after which another run may have finished requests
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch run works.

    Attributes:
        folder: Where batch files are written.
        is_manual: Whether files are only written, for a service whose results are read from a file.
        fresh: Whether answers of earlier runs are replaced.
        scope: See `DeferredClient`.
    """

    folder: Path
    is_manual: bool = False
    fresh: bool = False
    scope: str = ""


class BatchSession:
    """Queues requests, submits them and collects their results. Close it after use.

    Args:
        settings: The settings in force.
        ledger: The ledger.
        writer: Claims requests.
        budget: The money for batches is set aside in it.
        stop: A requested stop ends all waiting.
        options: How the run works.
        say: Called with each line for the user.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        writer: LedgerWriter,
        budget: Budget,
        stop: Stop,
        options: BatchOptions,
        say: Say,
    ) -> None:
        self._settings, self._ledger, self._writer, self._budget, self._stop = settings, ledger, writer, budget, stop
        self._options, self._say = options, say
        self.store = ledger.batches
        self.round = Round(settings.tries)
        limits = settings.batch
        self.queue = BatchQueue(options.folder, FileLimits(limits.lines, limits.bytes, limits.enqueued_tokens))
        self._stack = AsyncExitStack()
        self._connections = Connections()
        self._watcher = Watcher(
            self._connections,
            ledger,
            writer,
            budget,
            self.round,
            self.queue.token_limits,
            settings.tries,
            stop,
            say,
        )
        self._held: set[str] = set()
        self.written: list[Path] = []

    async def aclose(self) -> None:
        """Release the queued requests, and close the connections."""
        self.drop_queue()
        await self._stack.aclose()

    def drop_queue(self) -> None:
        """Release the queued requests, so that any run can send them."""
        self._budget.settle(self.queue.set_aside, 0.0)
        for digest in self.queue.discard():
            self._writer.release_digest(digest)
        self._held.clear()

    async def unasked(self) -> int:
        """Return how many answers of the collected batches belong to no request of this run."""
        return await in_ledger(lambda: self.store.unasked(self._watcher.collected, self.round.asked))

    async def defer(self, clients: Sequence[Client]) -> list[DeferredClient]:
        """Return providers that queue their requests instead of sending them. Raises SettingsError and MissingExtra."""
        from qtgen.llm.batch.api import BatchApi  # takes a second

        deferred = []
        for client in clients:
            one = DeferredClient(
                client, self._writer, self.queue, self._budget, self.round, self._stop, self._options.scope
            )
            if not self._options.is_manual:
                api = await self._stack.enter_async_context(aclosing(BatchApi(one.endpoint)))
                self._connections.apis[place_digest(one.endpoint.place), one.model] = api
                self._connections.readers[one.model] = one.endpoint, api.reader()
            deferred.append(one)
        self._connections.clients += deferred
        await self._set_aside([client.model for client in deferred])
        return deferred

    async def _set_aside(self, models: Sequence[str]) -> None:
        """Set aside the money of the batches that earlier runs have submitted."""
        for record in await self._records():
            if record.model in models:
                self._budget.set_aside(record.left_aside_usd)

    async def begin_round(self) -> None:
        """Collect the finished batches, and prepare for the next requests. Raises ProviderError and LedgerError."""
        self.round.begin()
        if not self._options.is_manual:
            await self._recover()
            for record in await self._records():
                if record.state is BatchState.SUBMITTED and record.id not in self._watcher.stuck:
                    await self._watcher.look(record)
        self.round.rejections = await in_ledger(
            lambda: self.store.rejections([one.model for one in self._connections.clients])
        )

    async def _records(self) -> list[BatchRecord]:
        return await self._connections.records(self.store)

    async def _recover(self) -> None:
        """Settle the batches whose runs died while they submitted them."""
        records = await self._records()
        for record in await in_ledger(lambda: self.store.abandoned(records)):
            state = await self._submitter(record).recover(record)
            self._say(f"batch {record.id[:12]} of a run that ended early: {state}")

    def _submitter(self, record: BatchRecord) -> Submitter:
        api = self._connections.apis[record.place, record.model]
        return Submitter(api, self.store, self._settings.batch, self._settings.tries, self._stop)

    # --- submitting -------------------------------------------------------------------------------------------------

    async def submit(self) -> None:
        """Submit what is queued, as far as limits allow. Raises ProviderError, OutputError and LedgerError."""
        enqueued = await self._watcher.enqueued_tokens()
        self._held.clear()
        for queued in self.queue.files():
            model = queued.endpoint.model
            limit = self.queue.token_limits.get(model, self._settings.batch.enqueued_tokens)
            is_manual = self._options.is_manual
            if not is_manual and limit is not None and enqueued[model] and enqueued[model] + queued.file.tokens > limit:
                self._held.add(queued.id)
                continue
            await self._submit(queued)
            enqueued[model] += queued.file.tokens

    async def _submit(self, queued: QueuedFile) -> None:
        state = BatchState.WRITTEN if self._options.is_manual else BatchState.PREPARED
        record = new_record(queued, self._ledger.run, state)
        try:
            await in_ledger(lambda: self.store.add(record, queued.file.digests(), fresh=self._options.fresh))
        except LostClaims as error:
            _logger.warning("%s; they are queued again", error)
            self._drop(queued)
            return
        self.round.own.add(record.id)
        self._ledger.own_batches.add(record.id)
        if self._options.is_manual:
            self.queue.keep(queued)
            self.written.append(queued.file.path)
            self._say(f"batch {record.id[:12]}: {pluralize(record.requests, 'request')} written to {queued.file.path}")
            return
        try:
            remote = await self._submitter(record).submit(queued)
        except BaseException as error:
            self._budget.settle(queued.file.set_aside, 0.0)
            if isinstance(error, Denied):  # no other batch can succeed
                raise unusable(error) from None
            raise
        finally:
            self.queue.remove(queued)
        self.round.batches.add(record.id)
        cost = "" if record.set_aside_usd is None else f", at most {money(record.set_aside_usd)}"
        self._say(
            f"batch {record.id[:12]}: {pluralize(record.requests, 'request')} to {record.model} submitted{cost} "
            f"(the provider's id is {remote.id})"
        )

    def _drop(self, queued: QueuedFile) -> None:
        """Release the requests of a queued file."""
        for digest in queued.file.digests():
            self._writer.release_digest(digest)
        self._budget.settle(queued.file.set_aside, 0.0)
        self.queue.remove(queued)

    # --- waiting ----------------------------------------------------------------------------------------------------

    async def waits_for(self) -> list[BatchRecord]:
        """Return the batches that contain requests of this round.

        If requests wait for money or for room, all batches of its models count.
        """
        needs_all = bool(self._held or self.round.delayed)
        return [
            record
            for record in await self._records()
            if (needs_all or record.id in self.round.batches) and self._watcher.can_finish(record)
        ]

    @property
    def is_waiting(self) -> bool:
        """Return whether another round may get further although no batch is waited for."""
        return bool(self._held or self.round.elsewhere)

    async def finish(self) -> None:
        """Free the requests whose rejection the run reports, and report those that wait for money in vain."""
        if self.round.given_up and not self.round.batches and not self.written:
            await in_ledger(lambda: self.store.forget_rejections(self.round.given_up))
        if self.round.delayed:
            self._say(
                f"warning: {pluralize(self.round.delayed, 'request')} cannot be submitted: the budget is set aside "
                "for batches that this run did not collect; run again once they are collected or cancelled, or raise it"
            )

    async def wait(self, is_over: Callable[[], bool]) -> None:
        """Wait until a batch is collected, other runs may have finished requests, or `is_over` returns true.

        Raises Interrupted if a stop is requested, ProviderError and LedgerError.
        """
        pause, waited = _FIRST_POLL, 0.0
        names = {record.id for record in await self.waits_for()}
        while not is_over():
            await unless_stopped(asyncio.sleep(pause), self._stop)
            waited += pause
            pause = min(pause * _SLOWER, _LAST_POLL)
            await self._recover()
            for record in await self.waits_for():
                if record.state is BatchState.SUBMITTED:
                    await self._watcher.look(record)
            if names - {record.id for record in await self.waits_for()}:
                return
            if self._held:
                await self.submit()
                names = {record.id for record in await self.waits_for()}
            elif not names and waited >= _OTHERS_INTERVAL:
                return

    async def cancel(self) -> None:
        """Cancel the batches that this round waits for, so that their results can be collected."""
        for record in await self.waits_for():
            if record.state is not BatchState.SUBMITTED:
                continue
            api = self._connections.apis[record.place, record.model]
            try:
                await retried(partial(api.cancel, record.remote_id or ""), self._settings.tries, self._stop)
                self._say(f"batch {record.id[:12]}: cancelled because of the deadline")
            except (ProviderError, Interrupted) as error:  # it may have finished in the meantime
                _logger.warning("batch %s: %s", record.id[:12], error)
