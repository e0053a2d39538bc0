"""`regenerate --dry-run` and `--check`: what is stale and why, and what it would take to write it again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from qtgen._util.text import money, pluralize
from qtgen.commands._estimate import as_json_range, cost_of, duration, figures, requests, time_of
from qtgen.generation.generator import GenerationConfig
from qtgen.llm.estimate import Range, RunEstimate
from qtgen.llm.factory import endpoints_for
from qtgen.llm.ledger import Ledger
from qtgen.regeneration.detect import StalenessReport, StalePage
from qtgen.regeneration.plan import RewriteSources, plan_jobs
from qtgen.regeneration.rewrite import RewriteJob, RewriteTask
from qtgen.settings import Settings
from qtgen.validation.rules import REGISTRY

_SAMPLE = 100  # pages of a reason that are looked at for what they would take; the others are taken to be like them


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the pages of one reason would take; None where it is not asked for. cost: None where no price is known."""

    requests: Range
    cost: Range | None
    seconds: Range


@dataclass(frozen=True, slots=True)
class StaleRow:
    """One reason (or all of them): how many pages, and of how many the safe fixes will do."""

    name: str
    pages: int
    free: int
    estimate: Estimate | None = None

    def as_dict(self) -> dict[str, Any]:
        known = self.estimate
        return {
            "reason": self.name,
            "pages": self.pages,
            "free": self.free,
            "requests": as_json_range(known.requests) if known else None,
            "cost_usd": as_json_range(known.cost) if known else None,
            "seconds": as_json_range(known.seconds) if known else None,
        }

    def cells(self) -> Sequence[str]:
        code = self.name if self.name in REGISTRY else ""
        name = f"{code} {REGISTRY[code].name}" if code else self.name
        cells = [name, f"{self.pages:,}", f"{self.free:,}" if self.free else ""]
        if self.estimate is None:
            return cells
        cost = self.estimate.cost
        money_cell = "unknown" if cost is None else money(cost.expected)
        return [*cells, figures(self.estimate.requests), money_cell, duration(self.estimate.seconds.expected)]


class Estimator:
    """From some pages of each reason to what all of them would take. Reads pages and asks the ledger."""

    def __init__(self, settings: Settings, how: GenerationConfig, book: Ledger, *, fresh: bool) -> None:
        self._settings, self._how = settings, how
        self._book, self._fresh = book, fresh
        self._endpoint = endpoints_for(settings)[0]
        self._facts = book.facts(self._endpoint.model)
        digests = {wording[:8] + schema[:8] for wording, schema in how.parts().values()}
        self._history = book.history(self._endpoint.model, digests)

    def of(self, stale: Sequence[StalePage], contexts: Mapping[str, str | None]) -> Estimate:
        some = stale[:: max(1, len(stale) // _SAMPLE)]
        steps = plan_jobs(some, self._how, RewriteSources(contexts))
        prompts = [RewriteTask(step, self._how).prompt for step in steps if isinstance(step, RewriteJob)]
        plan = RunEstimate(self._history, self._facts.faulty)
        for one in requests(prompts, self._endpoint, self._book):
            if not one.known or self._fresh:
                plan.add(one.prompt, one.size, one.longest)
        scale = len(stale) / len(some) if some else 0.0
        cost, time = cost_of(plan, self._endpoint), time_of(plan, self._settings, self._facts.latency)
        return Estimate(
            plan.requests.map(lambda value: value * scale),
            cost and cost.map(lambda value: value * scale),
            time.map(lambda value: value * scale),
        )


def rows(
    stale: Sequence[StalePage], estimator: Estimator | None, contexts: Mapping[str, str | None]
) -> Iterator[StaleRow]:
    """A row for each reason, and one for all of them, for a page can have several."""
    names = dict.fromkeys(name for one in stale for name in one.because)
    groups = {name: [one.only_for(name) for one in stale if name in one.because] for name in sorted(names)}
    for name, some in {**groups, "all": stale}.items():
        free = sum(one.is_free for one in some)
        yield StaleRow(name, len(some), free, estimator.of(some, contexts) if estimator else None)


def show(survey: StalenessReport, table: Sequence[StaleRow], *, as_json: bool, basis: str = "") -> None:
    """Print what was found. basis: a line on what the estimates rest on."""
    if as_json:
        click.echo(json.dumps(_as_dict(survey, table), ensure_ascii=False, indent=2))
        return
    if not survey.stale:
        click.echo(f"nothing is stale in {pluralize(survey.pages, 'page')}")
        return
    head = ["reason", "pages", "free", "requests", "cost", "time"]
    cells = [row.cells() for row in table]
    lines = [head[: len(cells[0])], *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        padded = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        click.echo("  ".join([line[0].ljust(widths[0]), *padded]).rstrip())
    if survey.omitted:
        click.echo(f"the first {len(survey.stale):,}; {survey.omitted:,} more are stale")
    click.echo(
        f"{len(survey.stale) + survey.omitted:,} of {pluralize(survey.pages, 'page')} stale; "
        "a page can have several reasons. free: safe fixes will do."
    )
    if basis:
        click.echo(basis)


def _as_dict(survey: StalenessReport, table: Sequence[StaleRow]) -> dict[str, Any]:
    return {
        "pages": survey.pages,
        "stale": len(survey.stale) + survey.omitted,
        "edited": survey.edited,
        "unreadable": survey.unreadable,
        "gone": survey.gone,
        "reasons": [row.as_dict() for row in table[:-1]],
        "all": table[-1].as_dict() if table else None,
        "items": [{"path": one.path, "reasons": [*one.reasons], "fields": sorted(one.fields)} for one in survey.stale],
    }
