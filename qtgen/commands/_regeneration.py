"""The work of `regenerate`: its options, its items for the run loop, and their JSON lines."""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from qtgen._util.diff import diff_fields
from qtgen.commands._batch import BatchFlags
from qtgen.commands._echo import echo
from qtgen.commands._output import SHOWN
from qtgen.commands._review_command import review_command
from qtgen.commands._run import Item, Models, Run
from qtgen.commands._sharing import announce_sharing
from qtgen.commands._site import site_arguments
from qtgen.commands._stats import RunStats
from qtgen.errors import BudgetReached, Failure
from qtgen.generation.answer_brake import AnswerBrake
from qtgen.generation.config import GenerationConfig
from qtgen.generation.output import OutputFolder
from qtgen.generation.sharing import SharedBlocks, is_left, numbered_steps
from qtgen.generation.types import Status
from qtgen.llm.factory import concurrency
from qtgen.page import read, read_text
from qtgen.page.profile import Profile
from qtgen.page.splicer import Changes
from qtgen.regeneration.pipeline import rewrite_all
from qtgen.regeneration.plan import Order, RewriteSources, not_attempted, plan_job, plan_jobs
from qtgen.regeneration.rewrite import RewriteJob, RewriteResult
from qtgen.regeneration.sharing import SharedPages, elsewhere
from qtgen.regeneration.staleness import StalenessFilter, StalenessReport
from qtgen.settings import Settings


@dataclass(frozen=True, slots=True)
class RegenerateOptions:
    """The options of one call. `settings` has those that are settings too."""

    settings: Settings
    profile: Profile
    paths: tuple[Path, ...]
    question_files: tuple[Path, ...]
    staleness: StalenessFilter
    older_than: int | None
    score_below: float | None
    limit: int | None
    order: Order
    judges: tuple[str, ...]
    touch_date: bool
    diff: bool
    dry_run: bool
    check: bool
    fresh: bool
    share: bool
    as_json: bool
    batch: BatchFlags | None = None

    @property
    def judge_settings(self) -> Settings:
        """The settings with which the judges are opened."""
        return self.settings.model_copy(update={"provider": "openai", "model": self.judges})


@dataclass
class Regeneration:
    """The work of `regenerate`.

    `shared` has the stale pages of the report if several processes share them. `rejected` collects the lines about
    pages that keep their text.
    """

    options: RegenerateOptions
    config: GenerationConfig
    report: StalenessReport
    output: OutputFolder
    contexts: Mapping[str, str | None]
    links: Mapping[str, Changes]
    shared: SharedPages | None = None
    rejected: list[str] = field(default_factory=list)
    _blocks: SharedBlocks | None = None

    async def items(self, run: Run) -> AsyncGenerator[Item, None]:
        """Yield the result of each stale page as it finishes."""
        options = self.options
        sources = RewriteSources(self.contexts, self.links)
        remaining = [position for position in range(len(self.report.stale)) if not run.is_finished(position)]
        async with AsyncExitStack() as stack:
            models = await stack.enter_async_context(run.open_models())
            judges: Sequence[Any] = ()
            if options.judges:
                judges = await stack.enter_async_context(run.open_judges(options.judge_settings, models))
            if self.shared:
                results = self._shared_results(run, models, judges, sources)
            else:
                stale = (self.report.stale[position] for position in remaining)
                jobs = plan_jobs(stale, self.config, sources, touch_date=options.touch_date)
                results = self._rewrite(jobs, models, judges)
            async for position, result in await stack.enter_async_context(aclosing(results)):
                self._show(run, result)
                yield _item(remaining[position], result)

    async def _shared_results(
        self, run: Run, models: Models, judges: Sequence[Any], sources: RewriteSources
    ) -> AsyncGenerator[tuple[int, RewriteResult], None]:
        """Yield the results of this process's blocks, then of those that other processes have left."""
        shared, group = self.shared, models.writer.group
        if shared is None or group is None:
            raise ValueError("only runs with the same work can share a list")
        announce_sharing(run, group, "page")
        blocks = self._blocks = SharedBlocks(group, shared.blocks, models.stop)
        run.has_left_items = blocks.has_left
        plan_page = partial(plan_job, config=self.config, sources=sources, touch_date=self.options.touch_date)
        steps = numbered_steps(shared.steps(plan_page, blocks.lease))
        try:
            while True:
                async with aclosing(self._rewrite(steps.steps, models, judges)) as results:
                    async for number, result in results:
                        position = steps.positions[number]
                        if result.outcome.status is not Status.ELSEWHERE and not is_left(result.outcome):
                            blocks.finish(shared.index_of(shared.pages[position]))
                        yield position, result
                if run.stats.failures[BudgetReached.kind] or not await blocks.has_more():
                    return
                steps = numbered_steps(shared.steps(plan_page, blocks.lease, blocks.finish), _is_elsewhere)
        finally:
            blocks.close()

    def _rewrite(
        self, jobs: Iterable[RewriteJob | RewriteResult], models: Models, judges: Sequence[Any]
    ) -> AsyncGenerator[tuple[int, RewriteResult], None]:
        options = self.options
        return rewrite_all(
            jobs,
            self.config,
            models.clients,
            judges,
            self.output,
            concurrency=concurrency(options.settings),
            stop=models.stop,
            write_pages=not options.diff,
            retry_rejected=options.fresh,
            brake=AnswerBrake(models.stop, [client.model for client in models.clients]),
        )

    def unfinished(self, failure: Failure, is_finished: Callable[[int], bool]) -> Iterator[Item]:
        """Yield the results of pages that the run did not get to, or that other processes have."""
        others = self._blocks.others() if self._blocks else set()
        for position, page in enumerate(self.report.stale):
            if is_finished(position):
                continue
            if self.shared and self.shared.number_of(page) in others:
                yield _item(position, elsewhere(page, self.config.layout))
            else:
                yield _item(position, not_attempted(page, failure, self.config.layout, Status.SKIPPED))

    def notes(self, stats: RunStats) -> Iterator[str]:
        """Yield where provenance, rejected rewrites and failed answers are, and how to review all rewrites."""
        if self.options.diff:
            yield (
                "no page was changed; without --diff these answers come from the ledger, at no cost (with --limit, "
                "rejected rewrites make room for further pages, which need requests)"
            )
        elif stats.counts[Status.WRITTEN]:
            yield f"how they were made: {self.output.provenance_file}"
        if self.rejected:
            more = f" ({len(self.rejected) - SHOWN:,} more)" if len(self.rejected) > SHOWN else ""
            yield f"rejected rewrites{more}, with both versions: {self.output.rejected_folder}/"
            yield f"judge them in the browser: {self._review_command('rewrites')}"
        if stats.counts[Status.WRITTEN] and not self.options.diff:
            yield f"compare accepted rewrites in the browser, and revert them: {self._review_command('taken')}"
        if stats.failed_requests and not self.options.diff:
            yield f"failed answers: {self.output.failed_folder}/"

    def _review_command(self, queue: str) -> str:
        return review_command(
            self.output.folder, self.options.paths, "--queue", queue, *site_arguments(self.options.profile)
        )

    def _show(self, run: Run, result: RewriteResult) -> None:
        if self.options.diff and (draft := result.outcome.draft):
            old = read(result.job.original, self.options.profile, draft.path)
            new = read_text(draft.text, old.layout)
            echo(diff_fields(draft.path, old.values, new.values), nl=False)
        if result.outcome.status is Status.KEPT:
            self.rejected.append(f"kept: {result.job.path}: {result.explanation}")
            if len(self.rejected) <= SHOWN:
                run.say(self.rejected[-1])


def _is_elsewhere(step: RewriteJob | RewriteResult) -> bool:
    return isinstance(step, RewriteResult) and step.outcome.status is Status.ELSEWHERE


def _item(position: int, result: RewriteResult) -> Item:
    return Item(position, result.outcome, _as_dict(result))


def _as_dict(result: RewriteResult) -> dict[str, Any]:
    """Return the JSON line of one page."""
    job, outcome = result.job, result.outcome
    common = outcome.as_dict()
    return {
        "path": job.path,
        "url": job.url or None,
        "question": job.question.text,
        "reasons": [*job.reasons],
        "fields": sorted(job.fields),
        "status": common["status"],
        "why": result.explanation or None,
        "fixes": job.fixes,
        **{name: common[name] for name in ("attempts", "usage", "diagnostics", "error")},
    }
