"""Collect the results of batches into the ledger, in a stream and in small transactions.

A result file is read from its beginning each time. Requests that already have a result stay unchanged, so
collecting can be killed and repeated at any point.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen._util.concurrency import Stop
from qtgen._util.files import as_output_error
from qtgen._util.text import one_line, pluralize
from qtgen.errors import ErrorReply, Retryable
from qtgen.llm.batch.patience import in_ledger, pause_after
from qtgen.llm.batch.results import Meaning, Result, ResultLine, interpret, read_line, split_lines
from qtgen.llm.batch.states import RemoteBatch
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.ledger.batch_types import BatchRecord, BatchState, SettledRequest
from qtgen.llm.ledger.batches import BatchStore
from qtgen.llm.responses import ResponseReader

if TYPE_CHECKING:
    from qtgen.llm.batch.api import BatchApi

_CHUNK = 500  # lines in one transaction
_NAMED = 5  # bad lines that are listed
_EXCERPT = 60  # characters
_READ = 256 * 1024


class ShortResults(Retryable):
    """Result files hold fewer responses than the provider has counted."""

    def __init__(self, batch: str, found: int, counted: int) -> None:
        message = f"the results of batch {batch[:12]} hold {found:,} of the {counted:,} responses"
        remedy = "collect it again, or cancel the batch to free the missing requests"
        super().__init__(f"{message} that the provider has counted", kind="malformed", remedy=remedy)


@dataclass(slots=True)
class CollectReport:
    """The results of collecting.

    Attributes:
        answered, rejected, again, free: Requests that got a result now, by its meaning; see `results.Meaning`.
        unexecuted: Requests that were released because no line contains them.
        known: Lines whose request already had a result.
        bad: Lines that could not be used.
        named: Messages about the first bad lines.
        completed: Lines with a successful response.
    """

    answered: int = 0
    rejected: int = 0
    again: int = 0
    free: int = 0
    unexecuted: int = 0
    known: int = 0
    bad: int = 0
    completed: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    named: list[str] = field(default_factory=list)

    @property
    def settled(self) -> int:
        """Number of requests with a line that got a result now."""
        return self.answered + self.rejected + self.again + self.free

    def reject_line(self, file: str, number: int, reason: str) -> None:
        """Count a line that cannot be used, and list it if it is one of the first."""
        self.bad += 1
        if len(self.named) < _NAMED:
            self.named.append(f"{file}:{number}: {reason}")

    def add(self, result: Result) -> None:
        """Count a result that was recorded."""
        name = {Meaning.ANSWER: "answered", Meaning.REJECTED: "rejected", Meaning.AGAIN: "again", Meaning.FREE: "free"}
        setattr(self, name[result.meaning], getattr(self, name[result.meaning]) + 1)
        if result.kind:
            cost = result.usage.charged_usd
            self.cost_usd += cost or 0.0
            self.unpriced += cost is None


Settled = Callable[[BatchRecord, bytes, Result], None]
EndpointOf = Callable[[str], tuple[Endpoint, ResponseReader]]


class Collector:
    """Records results.

    Args:
        store: The ledger's batches.
        endpoint_of: Returns the endpoint of a model with the prices of batches, and its reader of responses.
        on_result: Called with each result that was recorded.
    """

    def __init__(self, store: BatchStore, endpoint_of: EndpointOf, on_result: Settled) -> None:
        self._store, self._endpoint_of, self._on_result = store, endpoint_of, on_result

    async def collect(
        self, record: BatchRecord, remote: RemoteBatch, api: "BatchApi", tries: int, stop: Stop, report: CollectReport
    ) -> None:
        """Record the results of a batch that its provider has finished, and release the requests without a result.

        The results are added to `report`, even if an error occurs. Raises ProviderError if a file cannot be read or
        lacks lines, and LedgerError.
        """
        seen: set[bytes] = set()
        if remote.state == "failed":
            await self._settle_bad_lines(record, remote, api, report)
        for name in remote.result_files:
            lines = _Download(api, name, tries, stop).lines()
            await self._record(name, lines, {record.id: record}, report, seen)
        current = await in_ledger(lambda: self._store.record(record.id))
        if current is None or not current.is_unfinished:  # another run has collected it at the same time
            return
        if remote.completed is not None and report.completed < remote.completed:
            raise ShortResults(record.id, report.completed, remote.completed)
        state = BatchState.FAILED if remote.state == "failed" else BatchState.COLLECTED
        note = remote.problem() if remote.state == "failed" else None
        report.unexecuted = await in_ledger(lambda: self._store.close(record.id, state, note))

    async def collect_file(self, path: Path, records: dict[str, BatchRecord]) -> CollectReport:
        """Record the results in a file. Requests without a line stay in their batch.

        Raises OutputError if the file cannot be read, and LedgerError.
        """
        report = CollectReport()
        await self._record(str(path), split_lines(_chunks(path)), records, report, set())
        for record in records.values():
            if record.is_unfinished and not await in_ledger(partial(self._store.pending, record.id)):
                await in_ledger(partial(self._store.close, record.id, BatchState.COLLECTED))
        return report

    async def _record(
        self,
        name: str,
        lines: AsyncIterator[bytes],
        records: dict[str, BatchRecord],
        report: CollectReport,
        seen: set[bytes],
    ) -> None:
        """Read the lines of one file. `records` are the batches that its requests may belong to."""
        chunk: list[tuple[int, ResultLine, bytes]] = []
        number = 0
        async for raw in lines:
            number += 1
            line = read_line(raw)
            if line is None:
                excerpt = one_line(raw[:_EXCERPT].decode("utf-8", "replace"))
                report.reject_line(name, number, f"this is not a JSON object: `{excerpt}`")
            elif (digest := line.digest) is None:
                report.reject_line(name, number, f"unknown custom_id `{one_line(line.custom_id[:_EXCERPT])}`")
            elif digest in seen:
                report.reject_line(name, number, f"custom_id {line.custom_id[:12]}… is repeated")
            else:
                seen.add(digest)
                chunk.append((number, line, digest))
            if len(chunk) == _CHUNK:
                await self._settle(name, chunk, records, report)
                chunk = []
        await self._settle(name, chunk, records, report)

    async def _settle(
        self,
        name: str,
        chunk: list[tuple[int, ResultLine, bytes]],
        records: dict[str, BatchRecord],
        report: CollectReport,
    ) -> None:
        owners = await in_ledger(lambda: self._store.owners([digest for _, _, digest in chunk]))
        by_batch: dict[str, dict[bytes, Result]] = {}
        for number, line, digest in chunk:
            record = records.get(owners.get(digest, ""))
            if record is None and digest not in owners:
                report.reject_line(name, number, f"custom_id {line.custom_id[:12]}… belongs to no request")
                continue
            report.completed += line.response is not None and 200 <= line.response.status < 300
            if record is None:  # it was sent again in another batch or live
                report.known += 1
                continue
            endpoint, reader = self._endpoint_of(record.model)
            by_batch.setdefault(record.id, {})[digest] = interpret(line, digest, reader, endpoint)
        for batch, results in by_batch.items():
            rows = [_settled(digest, result) for digest, result in results.items()]
            new = await in_ledger(partial(self._store.settle, batch, rows))
            report.known += len(rows) - len(new)
            for digest in new:
                report.add(results[digest])
                self._on_result(records[batch], digest, results[digest])

    async def _settle_bad_lines(
        self, record: BatchRecord, remote: RemoteBatch, api: "BatchApi", report: CollectReport
    ) -> None:
        """Fail the requests on the lines that the provider rejects. The other requests of the batch are released."""
        bad = remote.bad_lines
        if not bad or not remote.input_file:
            return
        rows: list[SettledRequest] = []
        number = 0
        async for raw in split_lines(api.content(remote.input_file)):
            number += 1
            if number in bad and (line := read_line(raw)) and (digest := line.digest):
                rows.append(SettledRequest(digest, "bad-request", reply=ErrorReply(400, bad[number])))
        new = await in_ledger(lambda: self._store.settle(record.id, rows))
        report.rejected += len(new)
        for digest in new:
            self._on_result(record, digest, Result(Meaning.REJECTED))


def _settled(digest: bytes, result: Result) -> SettledRequest:
    return SettledRequest(digest, result.kind, result.usage, result.completion, result.reply)


class _Download:
    """A file at the provider. If the connection is lost, it is read again from the beginning."""

    def __init__(self, api: "BatchApi", name: str, tries: int, stop: Stop) -> None:
        self._api, self._name, self._tries, self._stop = api, name, tries, stop

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines. Raises ProviderError."""
        done, attempt = 0, 0
        while True:
            try:
                number = 0
                async for line in split_lines(self._api.content(self._name)):
                    number += 1
                    if number > done:
                        yield line
                        done = number
                return
            except Retryable as error:
                attempt += 1
                if attempt >= self._tries:
                    raise
                await pause_after(attempt, error, self._stop)


def _chunks_of(path: Path) -> Iterator[bytes]:
    with as_output_error(path), path.open("rb") as file:
        while part := file.read(_READ):
            yield part


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    for part in _chunks_of(path):
        yield part


def summary(report: CollectReport) -> str:
    """Return `98 answered, 1 rejected, 1 sent again`."""
    not_executed = report.free + report.unexecuted
    parts = [
        f"{report.answered:,} answered",
        f"{report.rejected:,} rejected" if report.rejected else "",
        f"{report.again:,} failed, to be sent again" if report.again else "",
        f"{not_executed:,} not executed" if not_executed else "",
        f"{pluralize(report.bad, 'unusable line')}" if report.bad else "",
    ]
    return ", ".join(part for part in parts if part)
