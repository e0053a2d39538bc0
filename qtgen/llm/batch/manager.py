"""Manage the batches of a ledger from any machine: refresh their states, collect and cancel them."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen._util.concurrency import Stop
from qtgen.errors import BadRequest, QtgenError, UsageError
from qtgen.llm.batch.collection import Collector, CollectReport, ShortResults
from qtgen.llm.batch.patience import in_ledger, retried
from qtgen.llm.batch.states import RemoteBatch
from qtgen.llm.batch.submission import Submitter, place_digest
from qtgen.llm.builtin import remote_endpoint
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.ledger import Ledger
from qtgen.llm.ledger.batch_types import UNFINISHED, BatchRecord, BatchState
from qtgen.llm.responses import ResponseReader
from qtgen.settings import Settings

if TYPE_CHECKING:
    from qtgen.llm.batch.api import BatchApi

_ID_SHOWN = 12
_NOT_FOUND = 404


@dataclass(slots=True)
class BatchNews:
    """The result of an operation on a batch.

    Attributes:
        record: The batch after the operation.
        report: What was collected. None if nothing was collected.
        error: Why the operation failed.
    """

    record: BatchRecord
    report: CollectReport | None = None
    error: QtgenError | None = None


@dataclass
class BatchManager:
    """Works on the batches of a ledger. Close it after use.

    Args:
        settings: The settings in force, which contain the endpoint.
        ledger: The ledger.
        stop: A requested stop ends all waiting.
    """

    settings: Settings
    ledger: Ledger
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        self.store = self.ledger.batches
        self._stack = AsyncExitStack()
        self._apis: dict[str, BatchApi] = {}
        self._readers: dict[str, tuple[Endpoint, ResponseReader]] = {}
        self._collector = Collector(self.store, self._endpoint, lambda *_: None)

    async def aclose(self) -> None:
        await self._stack.aclose()

    def find(self, names: Sequence[str]) -> list[BatchRecord]:
        """Return the batches with these ids, beginnings of ids or provider's ids. Without any, return unfinished ones.

        Raises UsageError for an id that no batch or several have, and LedgerError.
        """
        if not names:
            return self.store.records(states=UNFINISHED)
        records = self.store.records()
        return [_named(name, records) for name in names]

    async def refresh(self, record: BatchRecord) -> tuple[BatchRecord, RemoteBatch | None]:
        """Return the current record of a batch, and the provider's description of it.

        If a run died while it submitted a batch, qtgen searches for the batch, and releases the requests if it is not
        found.
        """
        if record.state is BatchState.PREPARED and self.store.abandoned([record]):
            await self._recover(record)
            record = self._current(record)
        if record.state is not BatchState.SUBMITTED or not record.remote_id:
            return record, None
        api, name = await self._api(record), record.remote_id
        remote = await retried(lambda: api.retrieve(name), self.settings.tries, self.stop)
        await in_ledger(lambda: self.store.update(record.id, status=remote.state, completed=remote.completed))
        return self._current(record), remote

    async def collect(self, record: BatchRecord) -> BatchNews:
        """Collect a batch if its provider has finished it. An error is part of the result."""
        report = None
        try:
            record, remote = await self.refresh(record)
            if remote is not None and remote.is_final:
                api, report = await self._api(record), CollectReport()
                await self._collector.collect(record, remote, api, self.settings.tries, self.stop, report)
        except QtgenError as error:
            return BatchNews(self._current(record), report, error)
        return BatchNews(self._current(record), report)

    async def collect_file(self, path: Path) -> tuple[CollectReport, list[BatchRecord]]:
        """Record the results in a file, which may be of several batches. Return the batches that were unfinished.

        Raises OutputError and LedgerError.
        """
        records = {record.id: record for record in self.store.records(states=UNFINISHED)}
        report = await self._collector.collect_file(path, records)
        return report, [self._current(record) for record in records.values()]

    async def cancel(self, record: BatchRecord) -> BatchNews:
        """Cancel a batch at its provider, or release its requests if the provider does not have it.

        What it has done until then can be collected. A batch that is finished already, or that its provider does not
        have, is given up: requests without a result are free again. If its results can be read later, it is kept,
        because they are paid for. An error is part of the result.
        """
        remote = None
        try:
            record, remote = await self.refresh(record)
            if remote is not None and not remote.is_final:
                api, name = await self._api(record), remote.id
                await retried(lambda: api.cancel(name), self.settings.tries, self.stop)
                record, _ = await self.refresh(record)
            elif record.is_unfinished:
                news = await self.collect(record)
                if news.error and not _is_final(record, news.error):
                    return news
                if news.record.is_unfinished:
                    await in_ledger(lambda: self.store.close(record.id, BatchState.CANCELLED, "cancelled by hand"))
                return BatchNews(self._current(record), news.report)
        except QtgenError as error:
            if remote is not None or not _is_missing(record, error):
                return BatchNews(self._current(record), error=error)
            await in_ledger(partial(self.store.close, record.id, BatchState.CANCELLED, str(error)))
        return BatchNews(self._current(record))

    def _current(self, record: BatchRecord) -> BatchRecord:
        return self.store.record(record.id) or record

    async def _recover(self, record: BatchRecord) -> None:
        api = await self._api(record)
        submitter = Submitter(api, self.store, self.settings.batch, self.settings.tries, self.stop)
        await submitter.recover(record)

    def _endpoint(self, model: str) -> tuple[Endpoint, ResponseReader]:
        """Return the endpoint of a model with the prices of batches, and its reader."""
        from qtgen.llm.batch.api import BatchApi  # takes a second

        if model not in self._readers:
            endpoint = remote_endpoint(self.settings, model).in_batches()
            self._readers[model] = endpoint, BatchApi(endpoint).reader()
        return self._readers[model]

    async def _api(self, record: BatchRecord) -> "BatchApi":
        """Return the Batch API of a batch's endpoint. Raises UsageError if the settings name another endpoint."""
        from qtgen.llm.batch.api import BatchApi

        endpoint, _ = self._endpoint(record.model)
        if place_digest(endpoint.place) != record.place:
            raise UsageError(
                f"batch {record.id[:_ID_SHOWN]} is at another endpoint",
                remedy="set `base_url` to the address that it was submitted to",
            )
        if record.model not in self._apis:
            self._apis[record.model] = await self._stack.enter_async_context(aclosing(BatchApi(endpoint)))
        return self._apis[record.model]


def _is_final(record: BatchRecord, error: QtgenError) -> bool:
    """Return whether collecting a batch again would end with the same error."""
    return isinstance(error, ShortResults) or _is_missing(record, error)


def _is_missing(record: BatchRecord, error: QtgenError) -> bool:
    """Return whether the provider does not have a batch according to an error, or cannot report whether it has it."""
    status = error.reply.status if isinstance(error, BadRequest) and error.reply else None
    is_unclear = record.state is BatchState.PREPARED and isinstance(error, BadRequest)
    return status == _NOT_FOUND or (is_unclear and status is None)


def _named(name: str, records: Sequence[BatchRecord]) -> BatchRecord:
    found = [record for record in records if record.id.startswith(name) or record.remote_id == name]
    if len(found) == 1:
        return found[0]
    what = "several batches have" if found else "no batch has"
    raise UsageError(f"{what} the id `{name}`", remedy="list all batches to see their ids")
