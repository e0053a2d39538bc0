"""`qtgen generate`: question files in, pages out."""

import asyncio
import datetime as dt
import os
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Collection, Container, Iterator, Mapping
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import click

from qtgen.commands import _estimate as dry_run
from qtgen.commands import _progress as progress
from qtgen.commands._linking import link_new
from qtgen.commands._options import (
    Grouped,
    asking_options,
    budget_option,
    file_or_dash,
    folder,
    open_book,
    options_of,
    settings_from,
)
from qtgen.commands._output import note, warn
from qtgen.commands._run import Results, asking, check_budget
from qtgen.errors import BudgetReached, Failure, Interrupted, NearDuplicates, QuestionFileError, UsageError
from qtgen.generation.config import recipe
from qtgen.generation.generator import GenerationConfig
from qtgen.generation.output import Store
from qtgen.generation.pipeline import generate_all
from qtgen.generation.plan import Ids, Job, QuestionSurvey, plan, twins, unknown_subjects
from qtgen.generation.questions import QuestionFiles
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.budget import Budget
from qtgen.llm.factory import concurrency, endpoints_for
from qtgen.llm.ledger import Ledger
from qtgen.llm.telemetry import set_up
from qtgen.llm.types import Prompt
from qtgen.page.fields import SUBJECTS
from qtgen.settings import Settings
from qtgen.site.discovery import iter_page_paths, read_page

_EPILOG = """\b
Several models:
  The second is asked where the first fails a page: it declined, its answers
  were cut off or kept their faults, or none came after all tries. A wrong
  key, an unknown model or an empty account ends the run: no other is asked.

\b
Environment:
  OPENAI_API_KEY, OPENAI_BASE_URL  the key, and the endpoint's address
  QTGEN_LEDGER, QTGEN_MODEL, …     any setting: QTGEN_ and its name
  Options win over the environment, and that over qtgen.toml (the nearest,
  upwards), which also has timeout, tries, repairs, prices and more. All are
  in docs/cli.md; `qtgen --show-settings` prints those in force.

\b
Files:
  OUT/SUBJECT/QUESTION.md      a page
  OUT/.qtgen/provenance.jsonl  how each page was made
  OUT/.qtgen/failed/           why a page failed and its last answer, a JSON
                               file each, removed once the page is written
  .qtgen/ledger.sqlite         every request, its answer and what it cost;
                               beside qtgen.toml

\b
Exit codes:
  0    every page is there
  1    some failed, or the budget is used up
  2    the call, a file or the key is wrong
  130  interrupted; the same command goes on

\b
Examples:
  qtgen generate new.csv                      pages of a question file
  qtgen generate new.csv --dry-run            requests, tokens, money and time
  qtgen generate new.csv --dry-run --json     the same as one JSON object
  qtgen generate new.csv --budget 5           stop before 5 dollars are passed
  qtgen generate new.csv --model a --model b  b is asked where a fails
"""
_asked, _money, _again, _output = (options_of(group) for group in ("What is asked", "Money", "Going on", "Output"))


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("questions", nargs=-1, type=file_or_dash)
@_asked("--subject", help="Subject of questions that name none.")
@_asked("--limit", type=click.IntRange(min=1), help="Only the first N questions.")
@_asked("--prompt", help="One prompt for every question, instead of by its kind; `qtgen prompts list` has them.")
@_asked("--corpus", type=folder, help="The site's pages: ids go on from the highest, questions are compared.")
@_asked(
    "--on-duplicate",
    type=click.Choice(["skip", "keep", "fail"]),
    help="What becomes of a question nearly asked before, here or in the corpus.  [default: keep]",
)
@_asked(
    "--update-neighbours",
    is_flag=True,
    help="With --corpus: let pages of the site that are near to new ones name them as related articles.",
)
@asking_options
@budget_option
@_money("--dry-run", "is_dry", is_flag=True, help="Send nothing; say what it would take. With --json: as one object.")
@_again(
    "--resume/--fresh",
    "resume",
    default=True,
    help="Use answers of earlier runs, or ask anew for all pages that are not there. A page that is there stays: "
    "delete it, or name another --out, to have it written again.  [default: resume]",
)
@_output("--out", type=folder, help="Folder that pages are written to.  [default: outputs]")
@_output("--json", "as_json", is_flag=True, help="JSON lines on stdout, one a question, in input order, at the end.")
def command(
    questions: tuple[Path, ...],
    limit: int | None,
    is_dry: bool,
    resume: bool,
    as_json: bool,
    update_neighbours: bool,
    **flags: Any,
) -> int:
    """Write a page for every question of QUESTIONS (.csv, .jsonl, .txt, or - for stdin).

    Columns: question, and optionally subject, id, date, context. Without QUESTIONS, those that qtgen.toml names.
    A page that exists already is left as it is.

    Every request is kept in a ledger (.qtgen/ledger.sqlite) by the hash of its bytes: a run that was killed goes on
    where it was, an edited question file sends only what is new, and nothing is paid for twice. Requests start as fast
    as the endpoint allows, and no faster than --concurrency, --rpm and --tpm. `qtgen costs` shows what was spent.
    Ctrl-C finishes what is in flight; a second one stops at once.
    """
    settings = settings_from({**flags, "model": flags["model"] or None})
    files = questions or settings.questions
    if not files:
        raise UsageError("no question file: name one, or set `questions` in qtgen.toml")
    check_budget(settings)
    how = recipe(settings, dt.datetime.now().astimezone().date())
    if settings.prompt:
        how.library.choose("", settings.prompt)  # raises PromptError, also where every page is there
    with ExitStack() as stack:
        source = stack.enter_context(QuestionFiles(files, settings.subject, limit, sys.stdin.buffer))
        survey = _surveyed(source, files, settings)
        passed_over = _near_duplicates(source, settings)
        book = stack.enter_context(open_book(settings))
        run = _Run(settings, how, source, survey, passed_over, book, fresh=not resume)
        if is_dry:
            steps = run.steps(ids=lambda urls: dict.fromkeys(urls, 0))  # none is given out
            return dry_run.show(steps, run.recipe, settings, book, as_json=as_json, fresh=not resume)
        set_up(os.environ)
        results = stack.enter_context(Results(survey.total))
        try:
            code = asyncio.run(run.go(results))
            if settings.corpus:
                link_new(run.pages, settings.corpus, settings, update_neighbours=update_neighbours)
            return code
        finally:  # also for a run that was interrupted or ended early
            for line in results.lines() if as_json else ():
                click.echo(line)


def _surveyed(source: QuestionFiles, files: tuple[Path, ...], settings: Settings) -> QuestionSurvey:
    """A first reading of all rows, so that a file that cannot be read is said before anything is paid for."""
    survey = QuestionSurvey()
    for row in source.rows():
        survey.add(row)
    if not survey.total:
        raise QuestionFileError(f"{', '.join(map(str, files))}: no question in it")
    for warning in unknown_subjects(survey.subjects, (*SUBJECTS, *settings.subjects)):
        note(f"warning: {warning}")
    warn(survey.shared_ids, "row", " with an id of another page: written all the same")
    return survey


def _near_duplicates(source: QuestionFiles, settings: Settings) -> Mapping[int, str]:
    """By a row's number, which other question it nearly is; empty where such rows are kept."""
    paths = list(iter_page_paths([settings.corpus] if settings.corpus else []))
    titles = ((path, read_page(path).text_of("title") or "") for path in paths)
    pairs = dict(twins(titles, source.rows()))
    if not pairs:
        return {}
    wanted = {*pairs, *pairs.values()}
    where = {number: row.source for number, row in enumerate(source.rows()) if number in wanted}
    others = {number: where.get(other) or paths[-1 - other] for number, other in pairs.items()}
    found = {number: f"nearly the question of {other}" for number, other in others.items()}
    named = [f"{where[number]}: {why}" for number, why in found.items()]
    if settings.on_duplicate == "fail":
        raise NearDuplicates(f"{len(found):,} near-duplicates, the first {named[0]}; nothing was sent (--on-duplicate)")
    done = "skipped" if settings.on_duplicate == "skip" else "written all the same; --on-duplicate skip leaves them out"
    warn(named, "near-duplicate question", f": {done}")
    return found if settings.on_duplicate == "skip" else {}


_THERE = (Status.WRITTEN, Status.EXISTS)


@dataclass
class _Run:
    """One call of the command, once its questions have been looked at."""

    settings: Settings
    recipe: GenerationConfig
    source: QuestionFiles
    survey: QuestionSurvey
    passed_over: Mapping[int, str]
    book: Ledger
    fresh: bool

    def __post_init__(self) -> None:
        self.store = Store(self.settings.out)
        self.pages: list[str] = []  # that are there at the end; only where they are to get links

    def steps(self, ids: Ids) -> Iterator[Job | Outcome]:
        return plan(
            self.source.rows(),
            out=self.settings.out,
            exists=lambda path: Path(path).exists(),
            ids=ids,
            today=self.recipe.today,
            repeats=self.survey.repeats(),
            passed_over=self.passed_over,
        )

    async def go(self, results: Results) -> int:
        """Plan, generate, write. Raises Interrupted when stopped before the end."""
        budget = Budget(self.settings.budget)
        tally = progress.RunStats(self.survey.total, budget, self.settings.tpm)
        try:
            with progress.display(tally) as shown:
                async with progress.ticking(shown), aclosing(self._outcomes(tally, shown, budget)) as outcomes:
                    async for place, outcome in outcomes:
                        results.add(place, outcome.as_dict())
                        tally.add(outcome)
                        shown.update(outcome)
                        if self.settings.corpus and outcome.path and outcome.status in _THERE:
                            self.pages.append(outcome.path)
            for place, outcome in self._left_by(budget, results) if tally.failures[BudgetReached.kind] else ():
                results.add(place, outcome.as_dict())
                tally.add(outcome)
        finally:
            note(progress.summary(tally))
            self._say_where(tally)
        if left := tally.failures[BudgetReached.kind]:
            note(
                f"{budget.used_up()}; {left:,} of {self.survey.total:,} questions are left: "
                "with a higher --budget the same command goes on from here"
            )
            return 1
        if left := self.survey.total - tally.done:
            raise Interrupted(
                f"interrupted with {left:,} of {self.survey.total:,} questions left; the same command goes on from here"
            )
        return int(tally.counts[Status.FAILED] > 0)

    def _left_by(self, budget: Budget, results: Results) -> Iterator[tuple[int, Outcome]]:
        """What becomes of the rows that a used-up budget was not enough for, so that each has an outcome."""
        why = Failure(BudgetReached.kind, budget.used_up())
        for place, step in enumerate(self.steps(ids=lambda urls: dict.fromkeys(urls, 0))):
            if place in results:
                continue
            if isinstance(step, Job):
                yield place, Outcome(step.question, Status.SKIPPED, step.path, step.url, error=why)
            else:
                yield place, step

    async def _outcomes(
        self, tally: progress.RunStats, shown: progress.Display, budget: Budget
    ) -> AsyncGenerator[tuple[int, Outcome], None]:
        """Place and outcome of every step. A provider is opened once one needs an answer."""
        for line in self._changes():  # before the rows are read for good: standard input has one place
            shown.say(line)
        first = self.store.highest_id(self.settings.corpus) + 1
        steps, place = self.steps(ids=lambda urls: self._ids(urls, first)), 0
        for step in steps:
            if isinstance(step, Job):
                steps = chain([step], steps)
                break
            yield place, step
            place += 1
        else:
            return
        self.store.check_writable()
        async with asking(self.settings, self.book, budget, tally, shown, fresh=self.fresh) as (clients, _, stop):
            done = generate_all(
                steps, self.recipe, clients, self.store, concurrency=concurrency(self.settings), stop=stop
            )
            async with aclosing(done):
                async for number, outcome in done:
                    yield place + number, outcome

    def _ids(self, urls: Mapping[str, int | None], first: int) -> Mapping[str, int]:
        """An id for each page; rows that bring one which an earlier run gave to another page are named."""
        brought = {given: url for url, given in urls.items() if given is not None}
        for number, holder in self.book.holders(brought).items():
            if holder != brought[number]:
                note(f"warning: id {number} of {brought[number]} is that of {holder} in the ledger")
        return self.book.ids_for(urls, first, self.survey.ids)

    def _changes(self) -> Iterator[str]:
        """A line for each prompt that was edited since it was last used, for that can make all requests others."""
        now = self.recipe.digests()
        changed = self.book.changed_prompts(now)
        used: dict[str, Counter[bool]] = defaultdict(Counter)
        if changed & self._prompts_used(changed):  # planning takes a while, and mostly there is nothing to say
            for request in self._requests(changed):
                used[request.prompt][request.known] += 1
        self.book.keep_prompts({name: now[name] for name in now if name not in changed or name in used})
        for name, counts in used.items() if not self.fresh else ():
            if counts[False]:
                yield (
                    f"prompt `{name}` has changed since the last run: {counts[False]:,} of its {counts.total():,} "
                    f"requests will be sent, for {counts[True]:,} the ledger has an answer"
                )

    def _requests(self, prompts: Container[str]) -> Iterator[dry_run.Request]:
        steps = self.steps(ids=lambda urls: dict.fromkeys(urls, 0))
        named = ((step, self._prompt_for(step.question.text)) for step in steps if isinstance(step, Job))
        jobs = (step for step, name in named if name in prompts)
        return dry_run.requests(map(self._prompt_of, jobs), endpoints_for(self.settings)[0], self.book)

    def _prompt_of(self, job: Job) -> Prompt:
        return self.recipe.render(job.question)

    def _prompts_used(self, among: Collection[str]) -> set[str]:
        rows = self.source.rows() if among else ()
        return {self._prompt_for(row.text) for row in rows if isinstance(row, Question)}

    def _prompt_for(self, question: str) -> str:
        return self.recipe.library.choose(question, self.recipe.prompt).header.name

    def _say_where(self, tally: progress.RunStats) -> None:
        if self.fresh and (there := tally.counts[Status.EXISTS]):
            note(f"--fresh leaves pages as they are: {there:,} were there; delete them, or name another --out")
        if tally.counts[Status.WRITTEN]:
            note(f"pages: {self.store.out}/   how they were made: {self.store.provenance_file}")
        if tally.failed_asked:
            what = "failed answers, to look at" if tally.answers_kept else "why they failed"
            note(f"{what}: {self.store.failed_folder}/")
