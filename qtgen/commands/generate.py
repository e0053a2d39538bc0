"""`qtgen generate`: question files in, pages out."""

import asyncio
import datetime as dt
import json
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import click

from qtgen.batch import generate_all
from qtgen.commands import progress
from qtgen.commands.options import file_or_dash, folder, note, settings_from
from qtgen.commands.recipe import recipe
from qtgen.engine import stop_on_interrupt
from qtgen.errors import Interrupted, QuestionFileError, UsageError
from qtgen.generator import Recipe
from qtgen.page.fields import SUBJECTS
from qtgen.planning import Job, plan, unknown_subjects
from qtgen.providers import chosen, concurrency, needs_fetch, open_provider
from qtgen.questions import STDIN, BadRow, read_questions
from qtgen.records import Outcome, Question, Status
from qtgen.settings import Settings
from qtgen.store import Store

_EPILOG = "Exit 0: every page is there; 1: some failed; 2: the call, a file or the key is wrong; 130: interrupted."


@click.command(epilog=_EPILOG)
@click.argument("questions", nargs=-1, type=file_or_dash)
@click.option("--out", type=folder, help="Folder that pages are written to.  [default: outputs]")
@click.option("--subject", help="Subject of questions that name none.")
@click.option("--provider", type=click.Choice(["openai", "local"]), help="Who answers.")
@click.option("--model", help="Model name at the endpoint.")
@click.option("--base-url", help="Address of an OpenAI-compatible endpoint.")
@click.option("--prompt", help="One prompt for every question, instead of by its kind.")
@click.option("--temperature", type=float, help="Sampling temperature.")
@click.option("--max-tokens", type=int, help="Longest answer, in tokens.")
@click.option("--concurrency", type=int, help="Requests in flight.")
@click.option("--corpus", type=folder, help="The site's pages; ids go on from the highest there.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N questions.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout, one a question, in input order.")
def command(questions: tuple[Path, ...], limit: int | None, as_json: bool, **flags: Any) -> int:
    """Write a page for every question of QUESTIONS (.csv, .jsonl, .txt, or - for stdin).

    Columns: question, and optionally subject, id, date, context. Without QUESTIONS, those that qtgen.toml names.
    A page that exists already is left as it is.
    """
    settings = settings_from(flags)
    files = questions or settings.questions
    if not files:
        raise UsageError("no question file: name one, or set `questions` in qtgen.toml")
    rows = _read(files, settings.subject)[:limit]
    for warning in unknown_subjects([r for r in rows if isinstance(r, Question)], (*SUBJECTS, *settings.subjects)):
        note(f"warning: {warning}")
    results: dict[int, Outcome] = {}
    try:
        asyncio.run(_run(settings, rows, results))
    finally:  # also for a run that was interrupted or ended early
        outcomes = [results[place] for place in sorted(results)]
        for outcome in outcomes if as_json else ():
            click.echo(json.dumps(outcome.as_dict(), ensure_ascii=False))
    return int(any(outcome.status is Status.FAILED for outcome in outcomes))


def _read(files: Sequence[Path], subject: str | None) -> list[Question | BadRow]:
    """Every row of every file. Raises QuestionFileError."""
    rows: list[Question | BadRow] = []
    for file in files:
        try:
            raw = sys.stdin.buffer.read() if file == STDIN else file.read_bytes()
        except OSError as error:
            raise QuestionFileError(f"{file}: {error.strerror}") from None
        rows += read_questions(file, raw, subject)
    if not rows:
        raise QuestionFileError(f"{', '.join(map(str, files))}: no question in it")
    return rows


async def _run(settings: Settings, rows: Sequence[Question | BadRow], results: dict[int, Outcome]) -> None:
    """Plan, generate, write; `results` gets one outcome a row. Raises Interrupted when stopped before the end."""
    store, today = Store(settings.out), dt.datetime.now().astimezone().date()
    how = recipe(settings, today)
    first_id = store.highest_id(settings.corpus) + 1
    planned = list(
        plan(rows, out=settings.out, exists=lambda path: Path(path).exists(), first_id=first_id, today=today)
    )
    tally = progress.Tally(len(planned))
    try:
        with progress.display(tally) as shown:
            async with aclosing(_outcomes(settings, how, store, planned, shown.say)) as outcomes:
                async for place, outcome in outcomes:
                    results[place] = outcome
                    tally.add(outcome)
                    shown.update(outcome)
    finally:
        note(progress.summary(tally))
        _say_where(store, results.values())
    if len(results) < len(planned):
        left = f"{len(planned) - len(results)} of {len(planned)} questions left"
        raise Interrupted(f"interrupted with {left}; the same command goes on from here")


async def _outcomes(
    settings: Settings, how: Recipe, store: Store, planned: Sequence[Job | Outcome], say: Callable[[str], None]
) -> AsyncGenerator[tuple[int, Outcome], None]:
    """Place and outcome of every step: first what needs no answer, then the rest as it is done."""
    for place, step in enumerate(planned):
        if isinstance(step, Outcome):
            yield place, step
    jobs = [(place, step) for place, step in enumerate(planned) if isinstance(step, Job)]
    if not jobs:
        return
    store.check_writable()
    if needs_fetch(settings):
        say("fetching the embedded model (98 MB, once) …")
    async with open_provider(settings) as provider:
        say(_who_answers(settings, provider.model))
        with stop_on_interrupt(say) as stop:
            done = generate_all(jobs, how, provider, store, concurrency=concurrency(settings), stop=stop)
            async with aclosing(done):
                async for pair in done:
                    yield pair


def _who_answers(settings: Settings, model: str) -> str:
    if chosen(settings) == "local":
        unused = [name for name in ("model", "base_url") if getattr(settings, name)]
        why = f" ({' and '.join(unused)} not used)" if unused else ""
        why = why if settings.provider else " (no key and no address is set)"
        return f"provider local{why}: {model} on this machine"
    return f"provider openai: {model} at {settings.base_url or 'OpenAI'}"


def _say_where(store: Store, outcomes: Any) -> None:
    outcomes = list(outcomes)
    if any(outcome.status is Status.WRITTEN for outcome in outcomes):
        note(f"pages: {store.out}/   how they were made: {store.provenance_file}")
    if any(outcome.status is Status.FAILED and outcome.attempts for outcome in outcomes):
        note(f"failed answers, to look at: {store.failed_folder}/")
