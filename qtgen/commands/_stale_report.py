"""`regenerate --dry-run` and `--check`: which pages are stale and why, and what rewriting them would take."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qtgen._util.text import json_text, money, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._estimate import cost_of, first_requests, format_duration, format_range, range_as_dict, time_of
from qtgen.commands._tables import print_table, print_text
from qtgen.generation.config import GenerationConfig
from qtgen.llm.estimate import Range, RunEstimate
from qtgen.llm.factory import endpoints_for
from qtgen.llm.ledger import Ledger
from qtgen.regeneration.plan import RewriteSources, plan_jobs
from qtgen.regeneration.rewrite import RewriteJob, RewriteTask
from qtgen.regeneration.staleness import StalenessReport, StalePage
from qtgen.settings import Settings
from qtgen.validation.rules import REGISTRY

_SAMPLE = 100  # pages per reason that an estimate is based on


@dataclass(frozen=True, slots=True)
class RewriteEstimate:
    """What rewriting some pages would take. `cost` is None if the model has no price."""

    requests: Range
    cost: Range | None
    seconds: Range


@dataclass(frozen=True, slots=True)
class StaleRow:
    """A row of the report.

    Args:
        name: A reason, the code of a rule, or `all`.
        pages: Number of pages.
        free: Number of pages for which safe fixes are enough.
        estimate: What the others would take, or None if that was not asked for.
    """

    name: str
    pages: int
    free: int
    estimate: RewriteEstimate | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the row as a JSON object."""
        estimate = self.estimate
        return {
            "reason": self.name,
            "pages": self.pages,
            "free": self.free,
            "requests": range_as_dict(estimate.requests) if estimate else None,
            "cost_usd": range_as_dict(estimate.cost) if estimate else None,
            "seconds": range_as_dict(estimate.seconds) if estimate else None,
        }

    def cells(self) -> list[str]:
        """Return the row's cells in the table."""
        name = f"{self.name} {REGISTRY[self.name].name}" if self.name in REGISTRY else self.name
        cells = [name, f"{self.pages:,}", f"{self.free:,}" if self.free else ""]
        if self.estimate is None:
            return cells
        cost = self.estimate.cost
        cost_cell = "unknown" if cost is None else money(cost.expected)
        return [
            *cells,
            format_range(self.estimate.requests),
            cost_cell,
            format_duration(self.estimate.seconds.expected),
        ]


class StaleEstimator:
    """Estimates what rewriting stale pages would take, from a sample of them. Reads pages and the ledger."""

    def __init__(self, settings: Settings, config: GenerationConfig, ledger: Ledger, *, fresh: bool) -> None:
        self._settings, self._config = settings, config
        self._ledger, self._fresh = ledger, fresh
        self._endpoint = endpoints_for(settings, None if fresh else ledger)[0]
        self._facts = ledger.facts(self._endpoint.model)
        digests = {wording[:8] + schema[:8] for wording, schema in config.part_digests().values()}
        self._history = ledger.history(self._endpoint.model, digests)

    def estimate(self, stale_pages: Sequence[StalePage], contexts: Mapping[str, str | None]) -> RewriteEstimate:
        """Return the estimate for some pages.

        Args:
            stale_pages: The pages.
            contexts: The source texts of pages that have one, by URL.
        """
        sample = stale_pages[:: max(1, len(stale_pages) // _SAMPLE)]
        jobs = plan_jobs(sample, self._config, RewriteSources(contexts))
        prompts = [
            RewriteTask(job, self._config).prompt(self._endpoint.style) for job in jobs if isinstance(job, RewriteJob)
        ]
        run = RunEstimate(self._history, self._facts.faulty)
        for first in first_requests(prompts, self._endpoint, self._ledger):
            if not first.is_known or self._fresh:
                run.add(first.prompt, first.size, first.max_tokens)
        scale = len(stale_pages) / len(sample) if sample else 0.0
        cost, seconds = cost_of(run, self._endpoint), time_of(run, self._settings, self._facts.latency)

        def scaled(value: float) -> float:
            return value * scale

        return RewriteEstimate(run.requests.map(scaled), cost and cost.map(scaled), seconds.map(scaled))


def stale_rows(
    stale_pages: Sequence[StalePage], estimator: StaleEstimator | None, contexts: Mapping[str, str | None]
) -> Iterator[StaleRow]:
    """Yield a row for each reason, then one for all pages, because a page can have several reasons."""
    reasons = sorted({reason for page in stale_pages for reason in page.because})
    groups = {reason: [page.only_for(reason) for page in stale_pages if reason in page.because] for reason in reasons}
    for name, pages in {**groups, "all": stale_pages}.items():
        free = sum(page.is_free for page in pages)
        yield StaleRow(name, len(pages), free, estimator.estimate(pages, contexts) if estimator else None)


def print_stale(report: StalenessReport, rows: Sequence[StaleRow], *, as_json: bool, basis: str = "") -> None:
    """Print the report on stdout.

    Args:
        report: The stale pages.
        rows: The rows of the table; the last one is for all pages.
        as_json: Whether to print one JSON object.
        basis: A line about what the estimates are based on.
    """
    if as_json:
        echo(json_text(_as_dict(report, rows), indent=2))
        return
    if not report.stale:
        echo(f"no stale pages among {pluralize(report.pages, 'page')}")
        return
    cells = [row.cells() for row in rows]
    headers = ["reason", "pages", "free", "requests", "cost", "time"]
    print_table(headers[: len(cells[0])], cells)
    stale = len(report.stale) + report.omitted
    if report.omitted:
        print_text(f"These are the first {len(report.stale):,} of {stale:,} stale pages.")
    print_text(
        f"{stale:,} of {pluralize(report.pages, 'page')} stale. A page can have several reasons. "
        "free: safe fixes are enough."
    )
    if basis:
        print_text(basis)


def _as_dict(report: StalenessReport, rows: Sequence[StaleRow]) -> dict[str, Any]:
    return {
        "pages": report.pages,
        "stale": len(report.stale) + report.omitted,
        "edited": report.edited,
        "approved": report.approved,
        "unreadable": report.unreadable,
        "gone": report.gone,
        "reasons": [row.as_dict() for row in rows[:-1]],
        "all": rows[-1].as_dict() if rows else None,
        "items": [
            {"path": page.path, "reasons": [*page.reasons], "fields": sorted(page.fields)} for page in report.stale
        ],
    }
