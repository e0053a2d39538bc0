"""`qtgen generate`: write new pages from questions."""

import datetime as dt
import os
import sys
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import click

from qtgen.commands._estimate import deleted_note, estimate_run
from qtgen.commands._linking import link_new
from qtgen.commands._options import (
    Grouped,
    budget_option,
    file_or_dash,
    folder,
    open_ledger,
    options_of,
    request_options,
    settings_from,
    strict_grounding_option,
)
from qtgen.commands._prompt_changes import prompt_change_notes
from qtgen.commands._questions import index_questions, skipped_near_duplicates
from qtgen.commands._run import Item, Run, RunOptions, require_prices
from qtgen.commands._stats import RunStats
from qtgen.errors import Failure, UsageError
from qtgen.generation.config import GenerationConfig, generation_config
from qtgen.generation.output import OutputFolder
from qtgen.generation.pipeline import generate_pages
from qtgen.generation.plan import DELETED, IdAllocator, Job, PlanOptions, QuestionIndex, plan
from qtgen.generation.questions import QuestionFiles
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.factory import concurrency, endpoints_for
from qtgen.llm.ledger import Ledger
from qtgen.llm.telemetry import set_up
from qtgen.settings import Settings

_EPILOG = """\b
Several models:
  Later models are fallbacks when an earlier one refuses, truncates or keeps
  failing. A wrong key, an unknown model or an empty account ends the run.

\b
Environment:
  OPENAI_API_KEY, OPENAI_BASE_URL  the key and the address of the endpoint
  QTGEN_LEDGER, QTGEN_MODEL, …     any setting, in capitals after QTGEN_
  Options override the environment, which overrides the nearest qtgen.toml in
  the current folder or above it. `qtgen --show-settings` prints all settings,
  such as timeout, tries, repairs and prices. docs/reference/settings.md
  explains them.

\b
Files:
  OUT/SUBJECT/QUESTION.md      a page
  OUT/.qtgen/provenance.jsonl  how each page was made; commit it
  OUT/.qtgen/failed/           one JSON file per failed page, with the reasons
                               and the last answer
  .qtgen/ledger.sqlite         every request with its response and cost,
                               beside qtgen.toml

\b
Exit codes:
  0    every page exists
  1    a page failed, or the budget is used up
  2    the call, a file or the key is wrong
  130  interrupted; run the same command again to resume

\b
Examples:
  qtgen generate new.csv                      write the pages of a file
  qtgen generate new.csv --dry-run            estimate requests, cost and time
  qtgen generate new.csv --dry-run --json     print the estimate as JSON
  qtgen generate new.csv --budget 5           spend at most 5 dollars
  qtgen generate new.csv --model a --model b  use b as a fallback for a
"""
_questions, _cost, _resume, _output = (options_of(group) for group in ("Questions", "Cost", "Resume", "Output"))


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    """The options of one call. `settings` has those that are settings too."""

    settings: Settings
    files: tuple[Path, ...]
    limit: int | None
    dry_run: bool
    fresh: bool
    recreate: bool
    update_neighbours: bool
    as_json: bool


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("questions", nargs=-1, type=file_or_dash)
@_questions("--subject", help="Use this subject for questions without one.")
@_questions("--limit", type=click.IntRange(min=1), help="Read only the first N questions.")
@_questions("--prompt", help="Use this prompt for every question.  [default: by the kind of question]")
@_questions(
    "--corpus",
    type=folder,
    help="Compare questions with the pages of this site, and number new pages after its highest id.",
)
@_questions(
    "--on-duplicate",
    type=click.Choice(["skip", "keep", "fail"]),
    help="Skip near-duplicate questions, keep them, or end the run.  [default: keep]",
)
@_questions(
    "--update-neighbours", is_flag=True, help="With --corpus: add links to the new pages to similar pages of the site."
)
@request_options
@budget_option
@_cost("--dry-run", is_flag=True, help="Estimate requests, tokens, cost and time, and send nothing.")
@_resume(
    "--resume/--fresh",
    "resume",
    default=True,
    help="Use recorded responses of earlier runs, or request new ones. Existing pages stay in both cases.  "
    "[default: resume]",
)
@_resume("--recreate", is_flag=True, help="Write deleted pages again.")
@strict_grounding_option
@_output("--out", type=folder, help="Write pages to this folder.  [default: outputs]")
@_output(
    "--json", "as_json", is_flag=True, help="Print one JSON line per question, in input order, at the end of the run."
)
def command(
    questions: tuple[Path, ...],
    limit: int | None,
    dry_run: bool,
    resume: bool,
    recreate: bool,
    as_json: bool,
    update_neighbours: bool,
    **flags: Any,
) -> int:
    """Write a page for every question of QUESTIONS (.csv, .xlsx, .jsonl, .txt, or - for stdin).

    The columns are question, and optionally subject, id, date and context. Without QUESTIONS, qtgen reads the files in
    the setting `questions`. It never overwrites an existing page, and skips a page that was deleted.

    A ledger (.qtgen/ledger.sqlite) records every request and its response, so recorded responses are never paid for
    again. A run that was killed resumes with the same command, and an edited question file sends only new requests.
    `qtgen costs` shows what was spent. After Ctrl-C, no new requests are sent, and requests in flight finish. A second
    Ctrl-C stops at once.
    """
    settings = settings_from(flags)
    options = GenerateOptions(
        settings=settings,
        files=questions or settings.questions,
        limit=limit,
        dry_run=dry_run,
        fresh=not resume,
        recreate=recreate,
        update_neighbours=update_neighbours,
        as_json=as_json,
    )
    if not options.files:
        raise UsageError("no question file", remedy="name one, or set `questions` in qtgen.toml")
    require_prices(settings)
    config = generation_config(settings, dt.datetime.now().astimezone().date())
    if settings.prompt:
        config.library.choose("", settings.prompt)  # raises PromptError, even if all pages exist
    with ExitStack() as stack:
        source = stack.enter_context(QuestionFiles(options.files, settings.subject, limit, sys.stdin.buffer))
        work = _prepare(options, config, source, stack)
        if options.dry_run:
            dry_run_result = estimate_run(work.steps(), config, settings, work.ledger, fresh=options.fresh)
            dry_run_result.print(as_json=as_json)
            return dry_run_result.exit_code
        set_up(os.environ)
        total = work.index.total
        run_options = RunOptions(settings, total, "question", fresh=options.fresh, as_json=as_json)
        code = Run(run_options, work.ledger).execute(work)
        if settings.corpus:
            link_new(work.pages, settings.corpus, settings, update_neighbours=update_neighbours)
        return code


def _prepare(
    options: GenerateOptions, config: GenerationConfig, source: QuestionFiles, stack: ExitStack
) -> "_Generation":
    """Read the questions and the output folder, and open the ledger."""
    settings = options.settings
    index = index_questions(source, options.files, settings)
    near_duplicates = skipped_near_duplicates(source, settings)
    output = OutputFolder(settings.out)
    plan_options = PlanOptions(
        out=settings.out,
        today=config.today,
        exists=lambda path: Path(path).exists(),
        duplicates=index.duplicates(),
        near_duplicates=near_duplicates,
    )
    if not options.recreate:
        plan_options = replace(plan_options, is_deleted=output.deleted_pages())
    ledger = stack.enter_context(open_ledger(settings))
    return _Generation(options, config, source, index, plan_options, output, ledger)


@dataclass
class _Generation:
    """The work of `generate`. `pages` collects the pages that exist at the end, if they are to get links."""

    options: GenerateOptions
    config: GenerationConfig
    source: QuestionFiles
    index: QuestionIndex
    plan_options: PlanOptions
    output: OutputFolder
    ledger: Ledger
    pages: list[str] = field(default_factory=list)

    def steps(self, ids: IdAllocator | None = None) -> Iterator[Job | Outcome]:
        """Yield a job or an outcome per row. Without `ids`, jobs have the id 0 and are only good for estimates."""
        return plan(self.source.rows(), self.plan_options, ids or (lambda urls: dict.fromkeys(urls, 0)))

    async def items(self, run: Run) -> AsyncGenerator[Item, None]:
        """Yield each row's outcome. Models are opened when the first job is reached."""
        settings = self.options.settings
        self._report_changed_prompts(run)
        first_id = self.output.highest_id(settings.corpus) + 1
        steps = self.steps(lambda urls: self._assign_ids(urls, first_id))
        position = 0
        for step in steps:
            if isinstance(step, Job):
                steps = chain([step], steps)
                break
            yield self._item(position, step)
            position += 1
        else:
            return
        self.output.check_writable()
        async with run.open_models() as models:
            results = generate_pages(
                steps,
                self.config,
                models.clients,
                self.output,
                concurrency=concurrency(settings),
                stop=models.stop,
            )
            async with aclosing(results):
                async for number, outcome in results:
                    yield self._item(position + number, outcome)

    def unfinished(self, failure: Failure, is_finished: Callable[[int], bool]) -> Iterator[Item]:
        """Yield the outcomes of rows that the run did not get to."""
        for position, step in enumerate(self.steps()):
            if is_finished(position):
                continue
            if isinstance(step, Job):
                step = Outcome(step.question, Status.SKIPPED, step.path, step.url, error=failure)
            yield self._item(position, step)

    def notes(self, stats: RunStats) -> Iterator[str]:
        """Yield where the pages are, and what was not written on purpose."""
        if deleted := stats.failures[DELETED]:
            yield deleted_note(deleted)
        if self.options.fresh and (existing := stats.counts[Status.EXISTS]):
            yield (
                f"--fresh does not replace existing pages ({existing:,}); "
                "use another --out, or delete pages and add --recreate"
            )
        if stats.counts[Status.WRITTEN]:
            yield f"pages: {self.output.folder}/   how they were made: {self.output.provenance_file}"
        if stats.failed_requests:
            label = "failed answers" if stats.failed_answers else "reasons of failures"
            yield f"{label}: {self.output.failed_folder}/"

    def _item(self, position: int, outcome: Outcome) -> Item:
        if self.options.settings.corpus and outcome.path and outcome.status in (Status.WRITTEN, Status.EXISTS):
            self.pages.append(outcome.path)
        return Item(position, outcome, outcome.as_dict())

    def _report_changed_prompts(self, run: Run) -> None:
        endpoint = endpoints_for(self.options.settings)[0]
        questions: Iterable[Question] = (row for row in self.source.rows() if isinstance(row, Question))
        for line in prompt_change_notes(self.config, endpoint, self.ledger, questions, self.steps):
            if not self.options.fresh:
                run.say(line)

    def _assign_ids(self, urls: Mapping[str, int | None], first: int) -> Mapping[str, int]:
        """Return an id for each page, and warn about rows that ask for the id of another page."""
        wanted = {wanted: url for url, wanted in urls.items() if wanted is not None}
        for number, holder in self.ledger.urls_by_id(wanted).items():
            if holder != wanted[number]:
                message = f"warning: id {number} of {wanted[number]} is already that of {holder} in the ledger"
                click.echo(message, err=True)
        return self.ledger.assign_ids(urls, first, self.index.ids)
