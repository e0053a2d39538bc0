"""`qtgen costs`: what was spent, by run, model or day."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from qtgen._util.text import json_text
from qtgen.commands._echo import echo
from qtgen.commands._options import settings_from
from qtgen.commands._output import money, note
from qtgen.commands._tables import print_table
from qtgen.settings import Settings

if TYPE_CHECKING:
    from qtgen.llm.ledger.statistics import Spending

_ID_LENGTH = 12


@dataclass(frozen=True, slots=True)
class CostsOptions:
    """Options of the command. `by` is what the sums are grouped by."""

    by: Literal["run", "model", "day"]
    as_json: bool


@dataclass(slots=True)
class CostSum:
    """The sum of the attempts of one run, model or day.

    Attributes:
        answered: How many attempts brought an answer.
        cost_usd: The known cost.
        unpriced: How many attempts have an unknown cost.
        first: When the first attempt began, in seconds since 1970.
        reported_usd: The cost that the provider itself reports, None if it reports none.
    """

    name: str
    attempts: int = 0
    answered: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    first: float = 0.0
    reasoning_tokens: int = 0
    reported_usd: float | None = None

    def add(self, spending: "Spending") -> None:
        self.first = min(self.first or spending.first, spending.first)
        self.attempts += spending.attempts
        self.answered += spending.attempts if spending.kind == "ok" else 0
        self.prompt_tokens += spending.prompt_tokens or 0
        self.completion_tokens += spending.completion_tokens or 0
        self.cached_tokens += spending.cached_tokens or 0
        self.cost_usd += spending.cost_usd or 0.0
        self.unpriced += spending.unpriced
        self.reasoning_tokens += spending.reasoning_tokens or 0
        if spending.reported_usd is not None:
            self.reported_usd = (self.reported_usd or 0.0) + spending.reported_usd

    def as_dict(self) -> dict[str, Any]:
        """Return the figures of one object of the JSON output."""
        return {
            "attempts": self.attempts,
            "answered": self.answered,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cached_tokens": self.cached_tokens,
            "cost_usd": None if self.unpriced else round(self.cost_usd, 6),
            "known_cost_usd": round(self.cost_usd, 6),
            "unpriced": self.unpriced,
            "reasoning_tokens": self.reasoning_tokens,
            "reported_usd": None if self.reported_usd is None else round(self.reported_usd, 6),
        }


@click.command(epilog="Exit code 0, even if nothing was spent yet.")
@click.option(
    "--by", type=click.Choice(["run", "model", "day"]), default="model", show_default=True, help="Group the sums."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def command(**options: Any) -> int:
    """Show what was spent, by model, run or day.

    The figures come from the ledger: requests, responses, tokens sent, cached tokens, tokens received, and cost. If any
    price is unknown, the cost is unknown, and only the known part is shown. Reasoning tokens, and the cost that the
    provider itself reports, are shown if there are any. Days are in UTC. Requests that were in flight when their run
    was killed are not counted, even if the endpoint bills them.
    """
    return _run(CostsOptions(**options))


def _run(options: CostsOptions) -> int:
    sums = _sums(settings_from({}), options.by)
    if options.as_json:
        echo(json_text([{options.by: row.name, **row.as_dict()} for row in sums], indent=1))
    elif sums:
        has_reasoning = any(row.reasoning_tokens for row in sums)
        is_reported = any(row.reported_usd is not None for row in sums)
        headers = [options.by, "since", "requests", "answered", "sent", "cached", "received"]
        headers += ["reasoning"] * has_reasoning + ["cost"] + ["by the provider"] * is_reported
        rows = [_cells(row, has_reasoning=has_reasoning, is_reported=is_reported) for row in sums]
        print_table(headers, rows, left=2)
    else:
        note("nothing was spent yet")
    return 0


def _sums(settings: Settings, by: str) -> list[CostSum]:
    """Return the sums, the earliest first. A ledger that does not exist is not created."""
    from qtgen.llm.factory import ledger_url, open_ledger

    file = ledger_url(settings).removeprefix("sqlite:///")
    if "://" not in file and not Path(file).exists():
        note(f"no ledger at {file}")
        return []
    with open_ledger(settings) as ledger:
        return sum_by(ledger.spending(), by)


def sum_by(spending: "Iterable[Spending]", by: str) -> list[CostSum]:
    """Return the sum of each run, model or day, the earliest first."""
    sums: dict[str, CostSum] = {}
    for row in spending:
        name = _group(row, by)
        sums.setdefault(name, CostSum(name)).add(row)
    return sorted(sums.values(), key=attrgetter("first"))


def _group(spending: "Spending", by: str) -> str:
    if by == "day":
        return dt.datetime.fromtimestamp(spending.day * 86_400, dt.UTC).date().isoformat()
    return spending.run[:_ID_LENGTH] if by == "run" else spending.model


def _cells(row: CostSum, *, has_reasoning: bool, is_reported: bool) -> list[str]:
    since = dt.datetime.fromtimestamp(row.first, dt.UTC).strftime("%Y-%m-%d")
    figures = [row.attempts, row.answered, row.prompt_tokens, row.cached_tokens, row.completion_tokens]
    figures += [row.reasoning_tokens] * has_reasoning
    known = money(row.cost_usd) if row.cost_usd or not row.unpriced else ""
    costs = [" + ".join(part for part in (known, "unknown" if row.unpriced else "") if part)]
    costs += ["—" if row.reported_usd is None else money(row.reported_usd)] * is_reported
    return [row.name, since, *(f"{figure:,}" for figure in figures), *costs]
