"""`qtgen regenerate`: stale pages written again, only what is needed, and never to their harm."""

import asyncio
import datetime as dt
import os
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from qtgen import __version__
from qtgen._util.diff import diff_fields
from qtgen._util.text import pluralize
from qtgen.commands import _progress as progress
from qtgen.commands import _stale_report as stale
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
from qtgen.commands._staleness_options import FilterOptions, Sources
from qtgen.errors import BudgetReached, Failure, Interrupted, UsageError
from qtgen.generation.config import recipe
from qtgen.generation.generator import GenerationConfig
from qtgen.generation.output import Store
from qtgen.generation.types import Status
from qtgen.llm.budget import Budget
from qtgen.llm.factory import concurrency, endpoints_for, open_clients
from qtgen.llm.ledger import Ledger
from qtgen.llm.telemetry import set_up
from qtgen.page import read, read_text
from qtgen.page.naming import slug
from qtgen.page.splicer import Changes
from qtgen.regeneration.detect import Material, StalePages, in_order, revisions, settled, survey
from qtgen.regeneration.pipeline import rewrite_all
from qtgen.regeneration.reasons import Criteria, group_of
from qtgen.regeneration.rewrite import RewriteResult
from qtgen.settings import Settings, project_folder
from qtgen.site.discovery import iter_batches
from qtgen.validation.cache import Cache
from qtgen.validation.run import ValidationOptions
from qtgen.validation.workers import rules_key

_SHOWN = 5  # pages that keep their text, named with the reason; all are in the folder
_EPILOG = """\b
Reasons (--because; `qtgen explain NAME` says more):
  prompt-changed, schema-changed, model-changed, source-changed,
  question-edited     since the text was written, by its provenance
  old, low-score      with --older-than and --score-below
  QT5, QT601, …       a rule's finding that safe fixes do not mend
  unknown-provenance  only where it is named: nothing is noted of the page
  Without --because: all of them but the last.

\b
Never worse:
  A new text has no error that the page did not have. It replaces the old one
  unless the comparison finds it worse: by metrics that need no model (the
  `evals` extra), or by --judge, asked in both orders. What was not taken is
  kept with both texts in OUT/.qtgen/rejected/.
  Texts that a person edited since they were written stay as they are.

\b
Exit codes:
  0    done, but for what was kept on purpose
  1    some failed, or the budget is used up; --check: something is stale
  2    the call, a file or the key is wrong
  130  interrupted; the same command goes on

\b
Examples:
  qtgen regenerate content --dry-run               reason, pages, cost, time
  qtgen regenerate content --only seo --limit 50   search fields of 50 pages
  qtgen regenerate content --because QT604         refusals that are online
  qtgen regenerate content --because QT601 --diff  look first, change nothing
  qtgen regenerate content --check                 for CI: 1 if any is stale
"""
_which, _careful, _again, _output, _money = (
    options_of(group) for group in ("Which pages", "With what care", "Going on", "Output", "Money")
)


@click.command(cls=Grouped, epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, readable=False))
@_which("--because", multiple=True, metavar="REASON", help="Only for these reasons; comma-separated, or given again.")
@_which("--only", metavar="GROUPS", help="Only these fields: answer, seo, related.  [default: answer,seo]")
@_which("--older-than", type=click.IntRange(0, 100_000), metavar="DAYS", help="Texts written longer ago are stale.")
@_which("--score-below", type=click.FloatRange(0, 1), help="Pages with a lower `score` are stale.")
@_which("--questions", multiple=True, type=file_or_dash, help="Question files with the source texts (`context`).")
@_which("--corpus", type=folder, help="The whole site, by which links are judged; also in qtgen.toml.")
@_which("--limit", type=click.IntRange(min=1), help="Only the first N stale pages.")
@_which(
    "--order",
    type=click.Choice(["worst", "oldest"]),
    default="worst",
    help="Which come first: those with most errors, then warnings, then the lowest score (with "
    "--score-below); or the oldest.  [default: worst]",
)
@_which("--include-edited", is_flag=True, help="Also texts that a person edited since they were written.")
@_careful("--judge", "judges", multiple=True, help="Model at the endpoint that says which text is better.")
@_careful("--diff", "is_preview", is_flag=True, help="Ask and show each change word by word, but change no page; "
          "the same command without it then makes the changes out of the ledger.")  # fmt: skip
@_careful("--touch-date", is_flag=True, help="Set `date` of pages that are written again to today.")
@asking_options
@budget_option
@_money("--dry-run", "is_dry", is_flag=True, help="Send nothing; say what is stale and what it would take.")
@_money("--check", "is_check", is_flag=True, help="Send nothing, open no ledger; exit 1 if something is stale.")
@_again("--resume/--fresh", "resume", default=True, help="Use answers of earlier runs, and pass over what was not "
        "taken before; or ask anew.  [default: resume]")  # fmt: skip
@_output("--out", type=folder, help="Folder whose .qtgen/ holds how pages were made.  [default: outputs]")
@_output("--json", "as_json", is_flag=True, help="JSON lines on stdout, one a stale page, at the end of the run; "
         "with --dry-run or --check one JSON object.")  # fmt: skip
def command(paths: tuple[Path, ...], is_dry: bool, is_check: bool, resume: bool, as_json: bool, **flags: Any) -> int:
    """Write stale pages of PATHS (files, folders) again.

    First the safe fixes of `qtgen validate --fix` are made, which cost nothing. What they do not mend is written again:
    the answer, or with a small request only the search fields. Nothing else on a page changes, byte for byte.

    Every request is in the ledger, paced and paid for as in `qtgen generate`; a run that was killed goes on where it
    was.
    """
    settings = settings_from({**flags, "model": flags["model"] or None})
    if flags["is_preview"] and (as_json or is_dry or is_check):
        raise UsageError("--diff shows changes as text; leave out --json, --dry-run and --check")
    how = recipe(settings, dt.datetime.now().astimezone().date())
    asked = FilterOptions.of(flags, settings)
    with ExitStack() as stack:
        sources = Sources(stack, flags["questions"] or settings.questions, settings.subject)
        store = Store(settings.out)
        found = _surveyed(paths, asked, settings, how, store, sources)
        if is_check:
            stale.show(found, [*stale.rows(found.stale, None, {})], as_json=as_json)
            return int(bool(found.stale or found.unreadable))
        if not found.stale and not is_dry:
            note(f"nothing is stale in {pluralize(found.pages, 'page')}")
            return int(bool(found.unreadable))
        check_budget(settings)
        if asked.judges:
            check_budget(_judging(settings, asked.judges))
        book = stack.enter_context(open_book(settings))
        if is_dry:
            estimator = stale.Estimator(settings, how, asked.wish, book, fresh=not resume)
            contexts = sources.texts(frozenset(one.url for one in found.stale if one.url))
            table = [*stale.rows(found.stale, estimator, contexts)]
            models = progress.who_answers(settings, [one.model for one in endpoints_for(settings)])
            stale.show(
                found,
                table,
                as_json=as_json,
                basis=f"Estimates from a sample{_unknown(asked)}; {models}. Nothing was sent.",
            )
            return 0
        set_up(os.environ)
        results = stack.enter_context(Results(len(found.stale)))
        links = _links(paths, found, settings) if "related" in asked.wish.groups else {}
        run = _Run(settings, how, asked, found, store, sources, book, results, not resume, links)
        try:
            return asyncio.run(run.go())
        finally:  # also for a run that was interrupted or ended early
            for line in results.lines() if as_json else ():
                click.echo(line)


def _judging(settings: Settings, judges: Sequence[str]) -> Settings:
    return settings.model_copy(update={"provider": "openai", "model": tuple(judges)})


def _unknown(asked: FilterOptions) -> str:
    return ", without what the judges would take" if asked.judges else ""


def _surveyed(
    paths: Sequence[Path],
    asked: FilterOptions,
    settings: Settings,
    how: GenerationConfig,
    store: Store,
    sources: Sources,
) -> StalePages:
    """All that is stale, in the order and number asked for; what is to be said of the rest is said."""
    runs = list(iter_batches(paths))
    root = project_folder()
    cache = Cache(root / ".qtgen" / "cache", f"{__version__} {rules_key()}", root, time.time_ns())
    is_named = settings.provider or settings.model or settings.base_url or settings.api_key
    models = frozenset(endpoint.model for endpoint in endpoints_for(settings)) if is_named else frozenset()
    warn(sources.unusable(), "unusable row", " of the question files passed over")
    now = Criteria(how.today, how.parts(), models, sources.digests(), asked.older_than, asked.score_below)
    check = ValidationOptions(
        (), root=root, corpus=settings.corpus if "related" in asked.wish.groups else None, cache=cache
    )
    try:
        origins = store.origins()
        found = survey(runs, check, asked.wish, now, origins, how, with_days=asked.order == "oldest")
    finally:
        cache.close()
    warn([f"{path}: does not parse; it is left alone" for path in found.unreadable], "page", " left alone")
    folders = {slug(Path(run.folder).name) for run in runs} if any(path.is_dir() for path in paths) else set()
    gone = [url for url in found.gone if _is_gone(url, folders, store.out)]
    found.gone = gone
    warn([f"{url}: its provenance is there, and no page" for url in gone], "page", " gone")
    if found.edited:
        note(f"{pluralize(len(found.edited), 'page')} edited by a person left alone; --include-edited takes them too")
    ordered = in_order(found.stale, asked.order, store.was_tried())
    found.stale = ordered[: asked.limit]
    found.beyond = len(ordered) - len(found.stale)
    return found


def _links(paths: Sequence[Path], found: StalePages, settings: Settings) -> dict[str, Changes]:
    """By path how the links of the stale pages are to be mended. Raises SettingsError without the extra."""
    from qtgen.commands._linking import link_changes

    stale = {one.path for one in found.stale if any(group_of(path) == "related" for path in one.fields)}
    if not stale:
        return {}
    return {path: changes for path, changes in link_changes(paths, settings).items() if path in stale}


def _is_gone(url: str, folders: set[str], out: Path) -> bool:
    """Whether a page should be among those looked at, and lies in the output folder neither."""
    subject, _, name = url.removeprefix("/learn/").partition("/questions/")
    return subject in folders and not (out / subject / f"{name}.md").exists()


@dataclass
class _Run:
    """One call of the command, once it is known what is stale."""

    settings: Settings
    how: GenerationConfig
    asked: FilterOptions
    found: StalePages
    store: Store
    sources: Sources
    book: Ledger
    results: Results
    fresh: bool
    links: Mapping[str, Changes]
    kept: list[str] = field(default_factory=list)

    async def go(self) -> int:
        """Write again what is stale. Raises Interrupted when stopped before the end."""
        self.store.check_writable()
        budget = Budget(self.settings.budget)
        total = len(self.found.stale)
        tally = progress.RunStats(total, budget, self.settings.tpm)
        try:
            with progress.display(tally) as shown:
                async with progress.ticking(shown), aclosing(self._outcomes(tally, shown, budget)) as outcomes:
                    async for place, one in outcomes:
                        self.results.add(place, _as_dict(one))
                        self._say(shown, one)
                        tally.add(one.outcome)
                        shown.update(one.outcome)
            if tally.failures[BudgetReached.kind]:
                self._leave(budget, tally)
        finally:
            note(progress.summary(tally))
            self._say_where(tally)
        if left := tally.failures[BudgetReached.kind]:
            note(f"{budget.used_up()}; {left:,} of {pluralize(total, 'page')} are left: "
                 "with a higher --budget the same command goes on from here")  # fmt: skip
            return 1
        if left := total - tally.done:
            raise Interrupted(
                f"interrupted with {left:,} of {pluralize(total, 'page')} left; the same command goes on from here"
            )
        return int(tally.counts[Status.FAILED] > 0 or bool(self.found.unreadable))

    async def _outcomes(
        self, tally: progress.RunStats, shown: progress.Display, budget: Budget
    ) -> AsyncGenerator[tuple[int, RewriteResult], None]:
        contexts = self.sources.texts(frozenset(one.url for one in self.found.stale if one.url))
        material = Material(contexts, self.links)
        steps = revisions(self.found.stale, self.asked.wish, self.how, material)
        async with AsyncExitStack() as stack:
            running = asking(self.settings, self.book, budget, tally, shown, fresh=self.fresh)
            clients, desk, stop = await stack.enter_async_context(running)
            judges = []
            if self.asked.judges:
                models = _judging(self.settings, self.asked.judges)
                judges = await stack.enter_async_context(open_clients(models, desk, budget))
            done = rewrite_all(
                steps,
                self.how,
                clients,
                judges,
                self.store,
                concurrency=concurrency(self.settings),
                stop=stop,
                writes=not self.asked.is_preview,
                asks_again=self.fresh,
            )
            async for pair in await stack.enter_async_context(aclosing(done)):
                yield pair

    def _say(self, shown: progress.Display, one: RewriteResult) -> None:
        if self.asked.is_preview and (draft := one.outcome.draft):
            old, new = read(one.revision.before).values, read_text(draft.text).values
            click.echo(diff_fields(draft.path, old, new), nl=False)
        if one.outcome.status is Status.KEPT:
            self.kept.append(one.revision.path)
            if len(self.kept) <= _SHOWN:
                shown.say(f"kept: {one.revision.path}: {one.why}")

    def _leave(self, budget: Budget, tally: progress.RunStats) -> None:
        """What becomes of the pages that a used-up budget was not enough for, so that each has an outcome."""
        why = Failure(BudgetReached.kind, budget.used_up())
        for place, one in enumerate(self.found.stale):
            if place not in self.results:
                skipped = settled(one, why, Status.SKIPPED)
                self.results.add(place, _as_dict(skipped))
                tally.add(skipped.outcome)

    def _say_where(self, tally: progress.RunStats) -> None:
        if self.asked.is_preview:
            note("no page was changed; without --diff these answers come out of the ledger, at no cost (with --limit, "
                 "pages whose new text was not taken make room for further ones, which are asked for)")  # fmt: skip
        elif tally.counts[Status.WRITTEN]:
            note(f"how they were made: {self.store.provenance_file}")
        if self.kept:
            more = f" ({len(self.kept) - _SHOWN:,} more)" if len(self.kept) > _SHOWN else ""
            note(f"kept as they were{more}; both texts of each: {self.store.rejected_folder}/")
        if tally.failed_asked and not self.asked.is_preview:
            note(f"failed answers, to look at: {self.store.failed_folder}/")


def _as_dict(one: RewriteResult) -> dict[str, Any]:
    """The JSON line of one page."""
    revision, outcome = one.revision, one.outcome
    return {
        "path": revision.path,
        "url": revision.url or None,
        "question": revision.question.text,
        "reasons": [*revision.reasons],
        "fields": sorted(revision.wanted),
        "status": outcome.status.value,
        "why": one.why or None,
        "fixes": revision.fixes,
        "attempts": outcome.attempts,
        "usage": {
            "prompt_tokens": outcome.usage.prompt_tokens,
            "completion_tokens": outcome.usage.completion_tokens,
            "cost_usd": outcome.usage.cost_usd,
        },
        "diagnostics": [diagnostic.as_dict() for diagnostic in outcome.diagnostics],
        "error": asdict(outcome.error) if outcome.error else None,
    }
