"""The work of `qtgen generate`: it turns rows of question files into pages."""

import os
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from qtgen._util.concurrency import Stop
from qtgen._util.text import pluralize
from qtgen.commands._batch import BatchFlags
from qtgen.commands._echo import echo
from qtgen.commands._estimate import deleted_note
from qtgen.commands._preview import preview
from qtgen.commands._prompt_changes import prompt_change_notes
from qtgen.commands._review_command import review_command
from qtgen.commands._run import Item, Models, Run
from qtgen.commands._sharing import announce_sharing
from qtgen.commands._site import site_arguments
from qtgen.commands._stats import RunStats
from qtgen.errors import BudgetReached, Failure, QuestionFileError
from qtgen.evaluation.judging.selection import judge_selector
from qtgen.generation.answer_brake import AnswerBrake
from qtgen.generation.answer_candidates import Selector
from qtgen.generation.config import GenerationConfig
from qtgen.generation.new_pages import needs_number
from qtgen.generation.output import OutputFolder
from qtgen.generation.pipeline import generate_pages
from qtgen.generation.plan import BLOCK, DELETED, IdAllocator, Job, PlanOptions, QuestionIndex, plan, without_ids
from qtgen.generation.questions import QuestionFiles
from qtgen.generation.sharing import SharedBlocks, even_blocks, is_left, numbered_steps, patiently
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.factory import concurrency, endpoints_for
from qtgen.llm.ledger import Ledger
from qtgen.page.profile import Profile
from qtgen.settings import Settings
from qtgen.site.profiles import site_pages


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    """The options of one call. Options that are also settings are in `settings`."""

    settings: Settings
    profile: Profile
    files: tuple[Path, ...]
    limit: int | None
    dry_run: bool
    fresh: bool
    recreate: bool
    share: bool
    update_neighbours: bool
    as_json: bool
    judges: tuple[str, ...] = ()
    show: int = 0
    batch: BatchFlags | None = None

    @property
    def judge_settings(self) -> Settings:
        """The settings with which the judges are opened."""
        return self.settings.model_copy(update={"provider": "openai", "model": self.judges})

    @property
    def is_beside_the_site(self) -> bool:
        """Whether pages go to the default folder, although the current folder belongs to a site with its own layout."""
        root = self.profile.root
        is_in_site = root is not None and Path.cwd().is_relative_to(root.resolve())
        return is_in_site and self.settings.model_fields_set.isdisjoint({"out", "corpus"})


@dataclass
class Generation:
    """The work of `generate`.

    `pages` collects the pages that get links at the end of the run. `shown` collects the pages that --show prints.
    """

    options: GenerateOptions
    config: GenerationConfig
    source: QuestionFiles
    index: QuestionIndex
    plan_options: PlanOptions
    output: OutputFolder
    ledger: Ledger
    pages: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    brake: AnswerBrake | None = None
    blocks: SharedBlocks | None = None
    _stop: Stop | None = None

    def steps(
        self, ids: IdAllocator | None = None, lease: Callable[[int], bool] | None = None
    ) -> Iterator[Job | Outcome]:
        """Yield a job or an outcome for each row. Without `ids`, jobs have the id 0 and serve only for estimates."""
        return plan(self.source.rows(), self.plan_options, ids or (lambda urls: dict.fromkeys(urls, 0)), lease)

    async def items(self, run: Run) -> AsyncGenerator[Item, None]:
        """Yield each row's outcome. Models are opened when the first job is reached."""
        self._report_changed_prompts(run)
        pages = site_pages(self.options.profile) if self.options.is_beside_the_site else ()
        first_id = self.output.highest_id(self.options.settings.corpus, self.config.layout, pages) + 1

        def ids(urls: Mapping[str, int | None]) -> Mapping[str, int | None]:
            return self._assign_ids(urls, first_id)

        async with aclosing(self._shared_items(run, ids) if self.options.share else self._own_items(run, ids)) as items:
            async for item in items:
                yield item

    async def _own_items(self, run: Run, ids: IdAllocator) -> AsyncGenerator[Item, None]:
        steps = _unfinished(run, self.steps(ids))
        position = 0
        for step in steps:
            if isinstance(step, Job):
                steps = chain([step], steps)
                break
            if not run.is_finished(position):
                yield self._item(position, step)
            position += 1
        else:
            return
        self.output.check_writable()
        async with AsyncExitStack() as stack:
            models, selector = await self._open(run, stack)
            async for number, outcome in await stack.enter_async_context(self._results(steps, models, selector)):
                if not run.is_finished(position + number):
                    yield self._item(position + number, outcome)

    async def _shared_items(self, run: Run, ids: IdAllocator) -> AsyncGenerator[Item, None]:
        """Yield the outcomes of this process's blocks, then of those that other processes have left."""
        self.output.check_writable()
        async with AsyncExitStack() as stack:
            models, selector = await self._open(run, stack)
            if (group := models.writer.group) is None:
                raise ValueError("only runs with the same work can share a list")
            announce_sharing(run, group, "question")
            blocks = self.blocks = SharedBlocks(group, even_blocks(self.index.total), models.stop)
            stack.callback(blocks.close)
            run.has_left_items = blocks.has_left
            rows = numbered_steps(self.steps(ids, blocks.lease))
            while True:
                async with self._results(rows.steps, models, selector) as results:
                    async for number, outcome in results:
                        position = rows.positions[number]
                        if outcome.status is not Status.ELSEWHERE and not is_left(outcome):
                            blocks.finish(position // BLOCK)
                        yield self._item(position, outcome)
                if run.stats.failures[BudgetReached.kind] or not await blocks.has_more():
                    return
                rows = numbered_steps(self.steps(ids, blocks.lease), _is_elsewhere)

    async def _open(self, run: Run, stack: AsyncExitStack) -> tuple[Models, Selector | None]:
        """Open the models and the judges. They are closed when the stack ends."""
        models = await stack.enter_async_context(run.open_models())
        self._stop = models.stop
        self.brake = AnswerBrake(models.stop, [client.model for client in models.clients])
        return models, await self._open_judges(run, models, stack)

    def _results(
        self, steps: Iterable[Job | Outcome], models: Models, selector: Selector | None
    ) -> "aclosing[AsyncGenerator[tuple[int, Outcome], None]]":
        return aclosing(
            generate_pages(
                steps,
                self.config,
                models.clients,
                self.output,
                concurrency=concurrency(self.options.settings),
                stop=models.stop,
                selector=selector,
                brake=self.brake,
            )
        )

    async def _open_judges(self, run: Run, models: Models, stack: AsyncExitStack) -> Selector | None:
        """Return a selector that asks the judges, or None without judges. The judges are closed when the stack ends."""
        if not self.options.judges:
            return None
        judges = run.open_judges(self.options.judge_settings, models)
        return judge_selector(await stack.enter_async_context(judges), self.config.layout)

    def unfinished(self, failure: Failure, is_finished: Callable[[int], bool]) -> Iterator[Item]:
        """Yield the outcomes of rows that the run did not reach, or that other processes have."""
        others = self.blocks.others() if self.blocks else set()
        for position, step in enumerate(self.steps()):
            if is_finished(position):
                continue
            if position // BLOCK in others:
                step = Outcome(step.question, Status.ELSEWHERE)
            elif isinstance(step, Job):
                step = Outcome(step.question, Status.SKIPPED, step.path, step.url, error=failure)
            yield self._item(position, step)

    def notes(self, stats: RunStats) -> Iterator[str]:
        """Yield the paths of the results, why some pages were not written, and how to review the others."""
        for model, error in (self.brake.dropped if self.brake else {}).items():
            yield f"{model} was dropped: {error}"
        if deleted := stats.failures[DELETED]:
            yield deleted_note(deleted)
        if left := self._count_beyond_limit():
            yield f"--limit leaves {pluralize(left, 'question')} without a page; run the command with a higher --limit"
        if self.options.fresh and (existing := stats.counts[Status.EXISTS]):
            yield (
                f"--fresh does not replace existing pages ({existing:,}); "
                "use another --out, or delete pages and add --recreate"
            )
        if stats.counts[Status.WRITTEN]:
            yield f"pages: {self.output.folder}/   how they were made: {self.output.provenance_file}"
            if self.options.is_beside_the_site and (root := self.options.profile.root):
                own = os.path.relpath(root)
                yield f"note: pages go to {self.output.folder}/; use --out {own} to write into the site"
        for path in self.shown:
            yield ""
            yield from preview(path, self.options.profile)
        if stats.failed_requests:
            label = "failed answers" if stats.failed_answers else "reasons of failures"
            yield f"{label}: {self.output.failed_folder}/"
        if stats.counts[Status.WRITTEN]:
            folder = self.output.folder
            site = site_arguments(self.options.profile)
            yield f"review them in the browser: {review_command(folder, [folder], *site)}"

    def _count_beyond_limit(self) -> int:
        """Return how many questions after the last one of --limit have no page."""
        out, exists, places = self.plan_options.out, self.plan_options.exists, self.plan_options.places
        rows = (row for row in self.source.rows_beyond_limit() if isinstance(row, Question))
        try:
            return sum(not exists(places.path(out, row)) for row in rows)
        except QuestionFileError:  # in a part of the files that this run does not need
            return 0

    def _item(self, position: int, outcome: Outcome) -> Item:
        if outcome.status is Status.WRITTEN and outcome.path and len(self.shown) < self.options.show:
            self.shown.append(outcome.path)
        if self.options.settings.corpus and outcome.path and outcome.status in (Status.WRITTEN, Status.EXISTS):
            self.pages.append(outcome.path)
        return Item(position, outcome, outcome.as_dict())

    def _report_changed_prompts(self, run: Run) -> None:
        endpoint = endpoints_for(self.options.settings)[0]
        questions: Iterable[Question] = (row for row in self.source.rows() if isinstance(row, Question))
        for line in prompt_change_notes(self.config, endpoint, self.ledger, questions, self.steps):
            if not self.options.fresh:
                run.say(line)

    def _assign_ids(self, urls: Mapping[str, int | None], first: int) -> Mapping[str, int | None]:
        """Return an id for each page, and warn about rows that request the id of another page."""
        if self._stop is None:
            return self._assign_now(urls, first)
        return patiently(lambda: self._assign_now(urls, first), self._stop)

    def _assign_now(self, urls: Mapping[str, int | None], first: int) -> Mapping[str, int | None]:
        if not needs_number(self.config.layout):
            self.ledger.record_pages(urls)
            return without_ids(urls)
        wanted = {wanted: url for url, wanted in urls.items() if wanted is not None}
        for number, holder in (self.ledger.urls_by_id(wanted) if wanted else {}).items():
            if holder != wanted[number]:
                message = f"warning: id {number} of {wanted[number]} is already that of {holder} in the ledger"
                echo(message, err=True)
        return self.ledger.assign_ids(urls, first, self.index.ids)


def _unfinished(run: Run, steps: Iterable[Job | Outcome]) -> Iterator[Job | Outcome]:
    """Yield the steps, with an outcome in place of each job that an earlier round of a batch run has finished."""
    for position, step in enumerate(steps):
        is_done = isinstance(step, Job) and run.is_finished(position)
        yield Outcome(step.question, Status.EXISTS, step.path, step.url) if is_done else step


def _is_elsewhere(step: Job | Outcome) -> bool:
    return isinstance(step, Outcome) and step.status is Status.ELSEWHERE
