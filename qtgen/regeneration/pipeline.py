"""Rewrite many stale pages on disk and return each result when it is finished."""

import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from qtgen._util.concurrency import Stop
from qtgen._util.extras import require
from qtgen.errors import Failure, Interrupted, PageConflict
from qtgen.generation.answer_brake import AnswerBrake
from qtgen.generation.config import GenerationConfig
from qtgen.generation.output import OutputFolder
from qtgen.generation.pipeline import RunOnDisk, StoppableProvider, is_budget_reached, run_steps
from qtgen.generation.types import Status
from qtgen.llm.types import Provider
from qtgen.regeneration.attempts import attempt_key, rewrite_record
from qtgen.regeneration.rewrite import RewriteJob, RewriteResult, rewrite

_logger = logging.getLogger(__name__)


async def rewrite_all(
    jobs: Iterable[RewriteJob | RewriteResult],
    config: GenerationConfig,
    providers: Sequence[Provider],
    judges: Sequence[Provider],
    store: OutputFolder,
    *,
    concurrency: int,
    stop: Stop,
    write_pages: bool = True,
    retry_rejected: bool = False,
    brake: AnswerBrake | None = None,
) -> AsyncGenerator[tuple[int, RewriteResult], None]:
    """Yield the place of each job and its result, in the order in which they finish.

    A page that changed, disappeared or is read-only is a failed result; the others go on. After a stop was requested,
    requests in flight finish, but no rewrite, repair or judge request is started. A page that would need one is
    `skipped`; the ledger has its responses so far. Pages that were not started have no result.

    Args:
        jobs: What to do, from `plan_jobs`. Read as fast as there is room.
        config: The current configuration.
        providers: The models that may write the texts; later ones are fallbacks.
        judges: Models that compare the texts. Metrics compare them if there are none.
        store: The folder of rejected and failed attempts and of provenance.
        concurrency: Number of requests in flight.
        stop: Stops the run.
        write_pages: False to send requests and compare texts, but change no page.
        retry_rejected: True to repeat attempts that an earlier run rejected.
        brake: Ends the run if the first answers all have the same fault.

    Raises:
        ProviderUnusable: Every further request would fail as well.
        LedgerError: The ledger cannot be read or written.
        OutputError: A page cannot be written, so further responses would be lost.
        MissingExtra: Texts must be compared by metrics, whose dependencies are not installed.
    """
    rewriter = _Rewriter(
        config,
        [StoppableProvider(provider, stop) for provider in providers],
        [StoppableProvider(judge, stop) for judge in judges],
        store,
        write_pages,
        retry_rejected,
        brake,
    )
    results = run_steps(jobs, rewriter.process, concurrency=concurrency, stop=stop, ends_run=_ends_run)
    async with aclosing(results):
        async for pair in results:
            yield pair


def _ends_run(result: RewriteResult) -> bool:
    return is_budget_reached(result.outcome)


@dataclass(frozen=True, slots=True)
class _Rewriter:
    """Processes one job after the other; see `rewrite_all` for the fields."""

    config: GenerationConfig
    providers: Sequence[Provider]
    judges: Sequence[Provider]
    store: OutputFolder
    write_pages: bool
    retry_rejected: bool
    brake: AnswerBrake | None

    async def process(self, job: RewriteJob | RewriteResult, on_disk: RunOnDisk) -> RewriteResult:
        """Return the result of a job, with the page on disk."""
        result = job if isinstance(job, RewriteResult) else await self._rewrite(job)
        saved: RewriteResult = await on_disk(self._save, result)
        return saved

    async def _rewrite(self, job: RewriteJob) -> RewriteResult:
        rejected = None if self.retry_rejected else self.store.rejected(job.path)
        if rejected and rejected.get("key") == self._key(job):
            _logger.info("%s: skipped, because an earlier run rejected the same rewrite", job.path)
            outcome = replace(job.blank, status=Status.KEPT, draft=job.draft_of_fixes())
            return RewriteResult(job, outcome, explanation=f"rejected by an earlier run: {rejected.get('why')}")
        if not self.judges:  # before the request is paid for
            require("comparing texts without a judge", "evals", "numpy", "wordfreq", "wordllama")
        try:
            return await rewrite(job, self.config, self.providers, self.judges, self.brake)
        except Interrupted as error:
            skipped = replace(job.blank, status=Status.SKIPPED, error=Failure(error.kind, str(error)))
            return RewriteResult(job, skipped)

    def _key(self, job: RewriteJob) -> str:
        models = [provider.model for provider in self.providers]
        judges = [judge.model for judge in self.judges]
        return attempt_key(job, self.config, models, judges, self.providers[0].style)

    def _save(self, result: RewriteResult) -> RewriteResult:
        if result.rejected:
            self.store.keep_rejected(result.job.path, rewrite_record(result, self._key(result.job)))
        return self._save_page(result) if self.write_pages else result

    def _save_page(self, result: RewriteResult) -> RewriteResult:
        """Replace the page, or save a failed response. The result keeps its draft, so that it can be shown."""
        outcome = result.outcome
        if outcome.status is Status.FAILED and outcome.attempts:
            self.store.keep_failed(outcome)
        if outcome.draft is None:
            return result
        try:
            self.store.rewrite(outcome.draft)
        except PageConflict as error:
            _logger.warning("%s", error)
            failure = Failure(error.kind, str(error))
            return replace(result, outcome=replace(outcome, status=Status.FAILED, draft=None, error=failure))
        if outcome.status is Status.WRITTEN:
            self.store.keep_taken(result.job.path, rewrite_record(result, self._key(result.job)))
        return result
