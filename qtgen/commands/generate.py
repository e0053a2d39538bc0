"""`qtgen generate`: question files in, pages out."""

import asyncio
import datetime as dt
import json
import os
import sys
import tempfile
from array import array
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Collection, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import click

from qtgen.batch import generate_all
from qtgen.budget import Budget
from qtgen.commands import dry_run, progress
from qtgen.commands.options import file_or_dash, folder, note, open_book, settings_from
from qtgen.commands.recipe import recipe
from qtgen.corpus import page_paths, read_page
from qtgen.engine import stop_on_interrupt
from qtgen.errors import BudgetReached, Interrupted, NearDuplicates, QuestionFileError, UsageError
from qtgen.generator import Recipe
from qtgen.ledger import Book, opened
from qtgen.page.fields import SUBJECTS
from qtgen.planning import Ids, Job, Survey, plan, twins, unknown_subjects
from qtgen.providers import chosen, concurrency, endpoints_for, needs_fetch, open_clients
from qtgen.questions import QuestionFiles
from qtgen.records import Outcome, Question, Status
from qtgen.settings import Settings
from qtgen.store import Store
from qtgen.telemetry import set_up

_SHOWN = 5  # rows of a warning that are named; the rest is counted
_EPILOG = """\b
Exit 0: every page is there; 1: some failed, or the budget is used up; 2: the call, a file or the key is wrong;
130: interrupted.

\b
qtgen generate new.csv                       pages of a question file
qtgen generate new.csv --dry-run             what that would take: requests, tokens, money, time
qtgen generate new.csv --budget 5            stop before more than 5 US dollars are spent
qtgen generate new.csv --model a --model b   b is asked where a fails
"""


@click.command(epilog=_EPILOG)
@click.argument("questions", nargs=-1, type=file_or_dash)
@click.option("--out", type=folder, help="Folder that pages are written to.  [default: outputs]")
@click.option("--subject", help="Subject of questions that name none.")
@click.option("--provider", type=click.Choice(["openai", "local"]), help="Who answers.")
@click.option("--model", multiple=True, help="Model name at the endpoint; given again, the one to ask where it fails.")
@click.option("--base-url", help="Address of an OpenAI-compatible endpoint.")
@click.option("--prompt", help="One prompt for every question, instead of by its kind.")
@click.option("--temperature", type=float, help="Sampling temperature.")
@click.option("--max-tokens", type=int, help="Longest answer, in tokens.")
@click.option("--concurrency", type=int, help="Requests in flight at most; fewer where the endpoint bears no more.")
@click.option("--rpm", type=float, help="Requests a minute at most.")
@click.option("--tpm", type=float, help="Tokens a minute at most.")
@click.option("--budget", type=float, help="US dollars that this run may cost at most.")
@click.option("--corpus", type=folder, help="The site's pages: ids go on from the highest, questions are compared.")
@click.option(
    "--on-duplicate",
    type=click.Choice(["skip", "keep", "fail"]),
    help="What becomes of a question nearly asked before.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N questions.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Send nothing; say what it would take.")
@click.option("--resume/--fresh", "resume", default=True, help="Use answers of earlier runs, or ask for all anew.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout, one a question, in input order.")
def command(
    questions: tuple[Path, ...], limit: int | None, is_dry: bool, resume: bool, as_json: bool, **flags: Any
) -> int:
    """Write a page for every question of QUESTIONS (.csv, .jsonl, .txt, or - for stdin).

    Columns: question, and optionally subject, id, date, context. Without QUESTIONS, those that qtgen.toml names.
    A page that exists already is left as it is.

    Every request is kept in a ledger (.qtgen/ledger.sqlite) by the hash of its bytes: a run that was killed goes on
    where it was, an edited question file sends only what is new, and nothing is paid for twice. Requests start as fast
    as the endpoint allows, and no faster than --concurrency, --rpm and --tpm. `qtgen costs` shows what was spent.
    """
    settings = settings_from({**flags, "model": flags["model"] or None})
    files = questions or settings.questions
    if not files:
        raise UsageError("no question file: name one, or set `questions` in qtgen.toml")
    _check_budget(settings)
    with ExitStack() as stack:
        source = stack.enter_context(QuestionFiles(files, settings.subject, limit, sys.stdin.buffer))
        survey = _surveyed(source, files, settings)
        passed_over = _near_duplicates(source, settings)
        book = stack.enter_context(open_book(settings))
        run = _Run(settings, source, survey, passed_over, book, fresh=not resume)
        if is_dry:
            steps = run.steps(ids=lambda urls: dict.fromkeys(urls, 0))  # none is given out
            return dry_run.show(steps, run.recipe, settings, book, as_json=as_json, fresh=not resume)
        set_up(os.environ)
        results = stack.enter_context(_Results(survey.total))
        try:
            return asyncio.run(run.go(results))
        finally:  # also for a run that was interrupted or ended early
            for line in results.lines() if as_json else ():
                click.echo(line)


def _check_budget(settings: Settings) -> None:
    """Raise UsageError where a budget could not be kept."""
    unknown = [endpoint.model for endpoint in endpoints_for(settings) if endpoint.cost(1, 1, 0) is None]
    if settings.budget is not None and unknown:
        raise UsageError(f'--budget needs the price of `{unknown[0]}`: set [prices."{unknown[0]}"] in qtgen.toml')


def _surveyed(source: QuestionFiles, files: tuple[Path, ...], settings: Settings) -> Survey:
    """A first reading of all rows, so that a file that cannot be read is said before anything is paid for."""
    survey = Survey()
    for row in source.rows():
        survey.add(row)
    if not survey.total:
        raise QuestionFileError(f"{', '.join(map(str, files))}: no question in it")
    for warning in unknown_subjects(survey.subjects, (*SUBJECTS, *settings.subjects)):
        note(f"warning: {warning}")
    _warn(survey.shared_ids, "rows with an id of another page", "written all the same")
    return survey


def _warn(named: Sequence[str], what: str, done: str) -> None:
    """The first of them, and how many there are."""
    for line in named[:_SHOWN]:
        note(f"warning: {line}")
    more = f" ({len(named) - _SHOWN:,} more)" if len(named) > _SHOWN else ""
    if named:
        note(f"warning: {len(named):,} {what}{more}: {done}")


def _near_duplicates(source: QuestionFiles, settings: Settings) -> Mapping[int, str]:
    """By a row's number, which other question it nearly is; empty where such rows are kept."""
    paths = list(page_paths([settings.corpus] if settings.corpus else []))
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
    _warn(named, "near-duplicate questions", done)
    return found if settings.on_duplicate == "skip" else {}


class _Results:
    """One JSON line for each question, kept on disk until they are wanted in their order."""

    def __init__(self, total: int) -> None:
        self.failed = 0
        self._file = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed at the end of the block
        self._offsets = array("q", [-1]) * total

    def __enter__(self) -> "_Results":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, place: int, outcome: Outcome) -> None:
        self._offsets[place] = self._file.tell()
        self._file.write(json.dumps(outcome.as_dict(), ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        self.failed += outcome.status is Status.FAILED

    def lines(self) -> Iterator[str]:
        for offset in self._offsets:
            if offset >= 0:
                self._file.seek(offset)
                yield self._file.readline().decode().rstrip("\n")


@dataclass
class _Run:
    """One call of the command, once its questions have been looked at."""

    settings: Settings
    source: QuestionFiles
    survey: Survey
    passed_over: Mapping[int, str]
    book: Book
    fresh: bool

    def __post_init__(self) -> None:
        self.today = dt.datetime.now().astimezone().date()
        self.store = Store(self.settings.out)
        self.recipe: Recipe = recipe(self.settings, self.today)

    def steps(self, ids: Ids) -> Iterator[Job | Outcome]:
        return plan(
            self.source.rows(),
            out=self.settings.out,
            exists=lambda path: Path(path).exists(),
            ids=ids,
            today=self.today,
            repeats=self.survey.repeats(),
            passed_over=self.passed_over,
        )

    async def go(self, results: _Results) -> int:
        """Plan, generate, write. Raises Interrupted when stopped before the end."""
        budget = Budget(self.settings.budget)
        tally = progress.Tally(self.survey.total, budget, self.settings.tpm)
        try:
            with progress.display(tally) as shown:
                async with progress.ticking(shown), aclosing(self._outcomes(tally, shown, budget)) as outcomes:
                    async for place, outcome in outcomes:
                        results.add(place, outcome)
                        tally.add(outcome)
                        shown.update(outcome)
        finally:
            note(progress.summary(tally))
            self._say_where(tally)
        left = self.survey.total - tally.done + tally.failures[BudgetReached.kind]
        if tally.failures[BudgetReached.kind]:
            note(
                f"the budget is used up with {left:,} of {self.survey.total:,} questions left; "
                "with a higher --budget the same command goes on from here"
            )
            return 1
        if left:
            raise Interrupted(
                f"interrupted with {left:,} of {self.survey.total:,} questions left; the same command goes on from here"
            )
        return int(results.failed > 0)

    async def _outcomes(
        self, tally: progress.Tally, shown: progress.Display, budget: Budget
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
        if needs_fetch(self.settings):
            shown.say("fetching the embedded model (98 MB, once) …")
        async with (
            opened(self.book, fresh=self.fresh) as desk,
            open_clients(self.settings, desk, budget) as clients,
        ):
            tally.clients = clients
            shown.say(_who_answers(self.settings, [client.model for client in clients]))
            with stop_on_interrupt(shown.say) as stop:
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
        return dry_run.requests(jobs, self.recipe, endpoints_for(self.settings)[0], self.book)

    def _prompts_used(self, among: Collection[str]) -> set[str]:
        rows = self.source.rows() if among else ()
        return {self._prompt_for(row.text) for row in rows if isinstance(row, Question)}

    def _prompt_for(self, question: str) -> str:
        return self.recipe.library.choose(question, self.recipe.prompt).header.name

    def _say_where(self, tally: progress.Tally) -> None:
        if tally.counts[Status.WRITTEN]:
            note(f"pages: {self.store.out}/   how they were made: {self.store.provenance_file}")
        if tally.counts[Status.FAILED] and self.store.failed_folder.exists():
            note(f"failed answers, to look at: {self.store.failed_folder}/")


def _who_answers(settings: Settings, models: list[str]) -> str:
    if chosen(settings) == "local":
        unused = [name for name in ("model", "base_url") if getattr(settings, name)]
        why = f" ({' and '.join(unused)} not used)" if unused else ""
        why = why if settings.provider else " (no key and no address is set)"
        return f"provider local{why}: {models[0]} on this machine"
    return f"provider openai: {', then '.join(models)} at {settings.base_url or 'OpenAI'}"
