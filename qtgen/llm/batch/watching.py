"""Watch the batches of a run: report their progress, collect results, and adapt to failures."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qtgen._util.concurrency import Stop
from qtgen._util.text import money
from qtgen.errors import BadRequest, ProviderError, Retryable
from qtgen.llm.batch.client import DeferredClient, Round
from qtgen.llm.batch.collection import Collector, CollectReport, ShortResults, summary
from qtgen.llm.batch.patience import in_ledger, is_locked_out, unusable
from qtgen.llm.batch.results import Meaning, Result
from qtgen.llm.batch.states import RemoteBatch
from qtgen.llm.batch.submission import place_digest
from qtgen.llm.budget import Budget
from qtgen.llm.dialect.value import from_json
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.ledger import Ledger, LedgerWriter
from qtgen.llm.ledger.batch_types import UNFINISHED, BatchRecord, BatchState
from qtgen.llm.ledger.batches import BatchStore
from qtgen.llm.responses import ResponseReader

if TYPE_CHECKING:
    from qtgen.llm.batch.api import BatchApi

_NEWS_INTERVAL = 60.0  # minimum seconds between two lines about the progress of a batch
_logger = logging.getLogger(__name__)
Say = Callable[[str], None]


@dataclass(slots=True)
class Connections:
    """The models of a run at their endpoints.

    Attributes:
        clients: Their providers.
        apis: The Batch API of each, by the digest of its place and by model.
        readers: The endpoint and the reader of responses of each, by model.
    """

    clients: list[DeferredClient] = field(default_factory=list)
    apis: "dict[tuple[str, str], BatchApi]" = field(default_factory=dict)
    readers: dict[str, tuple[Endpoint, ResponseReader]] = field(default_factory=dict)

    async def records(self, store: BatchStore) -> list[BatchRecord]:
        """Return the unfinished batches of these models at these endpoints."""
        places = {(place_digest(one.endpoint.place), one.model) for one in self.clients}
        models = [model for _, model in places]
        records = await in_ledger(lambda: store.records(states=UNFINISHED, models=models))
        return [record for record in records if (record.place, record.model) in places]


class Watcher:
    """Watches the batches of one run.

    Args:
        connections: The models of the run.
        ledger: The ledger.
        writer: Records dialects.
        budget: Settles the money that was set aside.
        round_: Records which requests have failed.
        token_limits: Records how many tokens a provider accepts, by model.
        tries: The most attempts for one operation.
        stop: A requested stop ends all waiting.
        say: Called with each line for the user.

    Attributes:
        stuck: The batches that cannot be collected.
        collected: The batches that were collected.
    """

    def __init__(
        self,
        connections: Connections,
        ledger: Ledger,
        writer: LedgerWriter,
        budget: Budget,
        round_: Round,
        token_limits: dict[str, int],
        tries: int,
        stop: Stop,
        say: Say,
    ) -> None:
        self._connections, self._ledger, self._writer, self._budget = connections, ledger, writer, budget
        self._round, self._token_limits, self._tries, self._stop, self._say = round_, token_limits, tries, stop, say
        self._store = ledger.batches
        self._collector = Collector(self._store, connections.readers.__getitem__, self.count)
        self._news: dict[str, tuple[str, float]] = {}
        self._fruitless: Counter[str] = Counter()  # consecutive batches without a result, by model
        self._counted: Counter[str] = Counter()  # results that this run has counted, by batch
        self.stuck: set[str] = set()
        self.collected: set[str] = set()

    async def look(self, record: BatchRecord) -> None:
        """Request the state of a batch from the provider, and collect the batch if it is finished.

        Raises BadRequest if a batch shows that no other one can succeed, and ProviderUnusable for a wrong key.
        """
        api = self._connections.apis[record.place, record.model]
        try:
            remote = await api.retrieve(record.remote_id or "")
            self._report_progress(record, remote)
            if (remote.state, remote.completed) != (record.status, record.completed):
                seen = {"status": remote.state, "completed": remote.completed}
                await in_ledger(lambda: self._store.update(record.id, **seen))
            if not remote.is_final:
                return
            report = await self._collect(record, remote, api)
        except (BadRequest, ShortResults) as error:
            if is_locked_out(error):
                raise unusable(error) from None
            self._stop_waiting_for(record, error)
            return
        except Retryable as error:
            _logger.warning("batch %s: %s", record.id[:12], error)
            return
        if remote.state == "failed":
            await self._after_failure(record, remote)
        elif not report.settled:
            self._count_fruitless(record)

    def can_finish(self, record: BatchRecord) -> bool:
        """Return whether a batch is, or will be, with its provider, and can be collected."""
        return record.state is not BatchState.WRITTEN and record.id not in self.stuck

    async def enqueued_tokens(self) -> Counter[str]:
        """Return how many prompt tokens are in batches that are not finished, by model."""
        enqueued: Counter[str] = Counter()
        for record in await self._connections.records(self._store):
            if self.can_finish(record):
                enqueued[record.model] += record.tokens
        return enqueued

    def _stop_waiting_for(self, record: BatchRecord, error: ProviderError) -> None:
        """Stop waiting for a batch that cannot be collected."""
        self.stuck.add(record.id)
        self._say(f"warning: batch {record.id[:12]} cannot be collected: {error}")

    async def _collect(self, record: BatchRecord, remote: RemoteBatch, api: "BatchApi") -> CollectReport:
        self._round.own.add(record.id)
        self._ledger.own_batches.add(record.id)
        counted = self._counted[record.id]
        report = CollectReport()
        try:
            await self._collector.collect(record, remote, api, self._tries, self._stop, report)
        finally:
            for line in report.named:
                self._say(f"warning: {line}")
        self.collected.add(record.id)
        rest = record.left_aside_usd - (self._counted[record.id] - counted) * _share(record)
        self._budget.settle(max(0.0, rest), 0.0)
        self._prove(record, report)
        cost = " + unknown" if report.unpriced else ""
        self._say(f"batch {record.id[:12]}: {remote.state}, {summary(report)}; {money(report.cost_usd)}{cost}")
        return report

    async def _after_failure(self, record: BatchRecord, remote: RemoteBatch) -> None:
        """Adapt to why a provider rejected a batch. Raises BadRequest if nothing can be adapted."""
        if remote.exceeds_token_limit:
            others = (await self.enqueued_tokens())[record.model]
            if not others and record.requests == 1:
                raise BadRequest(
                    f"the provider rejected batch {record.id[:12]} with one request: {remote.problem()}",
                    remedy="run again once other batches of your account are finished, or send the requests live",
                )
            # Together they are too many. Whether one of them alone is, the next batch shows.
            self._token_limits[record.model] = max(others, record.tokens) if others else max(1, record.tokens // 2)
            return
        if not remote.bad_lines:
            raise BadRequest(f"the provider rejected batch {record.id[:12]}: {remote.problem()}")

    def _count_fruitless(self, record: BatchRecord) -> None:
        """Raise BadRequest after several consecutive batches of a model without any result."""
        self._fruitless[record.model] += 1
        if self._fruitless[record.model] >= self._tries:
            count = self._fruitless[record.model]
            raise BadRequest(
                f"the last {count} batches of {record.model} had no result", remedy="send the requests live"
            )

    def _prove(self, record: BatchRecord, report: CollectReport) -> None:
        """Record the dialect of a batch with answers for later runs."""
        if report.answered:
            self._fruitless[record.model] = 0
        for client in self._connections.clients:
            endpoint, dialect = client.live.endpoint, from_json(record.dialect)
            if client.model != record.model or not report.answered or dialect is None or not endpoint.remembers_dialect:
                continue
            learned = dialect.beyond(endpoint.own_dialect)
            if learned != endpoint.learned_dialect and dialect == client.dialect:
                self._writer.record_dialect(endpoint.place, client.model, learned.to_json())

    def count(self, record: BatchRecord, digest: bytes, result: Result) -> None:
        """Settle the money of one result, and count it."""
        self._counted[record.id] += 1
        if result.meaning in (Meaning.AGAIN, Meaning.FREE):
            self._round.failures[digest] += 1
        self._budget.settle(_share(record), result.usage.charged_usd if result.kind else 0.0)

    def _report_progress(self, record: BatchRecord, remote: RemoteBatch) -> None:
        now = asyncio.get_running_loop().time()
        state, said = self._news.get(record.id, ("", -_NEWS_INTERVAL))
        if remote.state == state and now - said < _NEWS_INTERVAL:
            return
        self._news[record.id] = remote.state, now
        done = f", {remote.completed:,} of {record.requests:,} done" if remote.completed else ""
        if not remote.is_final:
            self._say(f"batch {record.id[:12]}: {remote.state or 'unknown state'}{done}")


def _share(record: BatchRecord) -> float:
    """Return the money set aside for one request of a batch."""
    return (record.set_aside_usd or 0.0) / max(1, record.requests)
