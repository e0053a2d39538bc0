"""`qtgen costs`: what was spent, out of the ledger."""

import datetime as dt
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from qtgen._util.text import money
from qtgen.commands._options import ledger_place, open_ledger, settings_from
from qtgen.commands._output import note
from qtgen.settings import Settings


@dataclass
class _Sum:
    """What attempts came to. unpriced: how many of them have a cost that is not known."""

    attempts: int = 0
    answered: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    first: float = 0.0

    def add(self, row: Mapping[str, Any]) -> None:
        self.first = min(self.first or row["first"], row["first"])
        self.attempts += row["attempts"]
        self.answered += row["attempts"] if row["kind"] == "ok" else 0
        for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "unpriced"):
            setattr(self, name, getattr(self, name) + (row[name] or 0))
        self.cost_usd += row["cost_usd"] or 0.0

    def as_dict(self) -> dict[str, Any]:
        known = {
            name: getattr(self, name)
            for name in ("attempts", "answered", "prompt_tokens", "completion_tokens", "cached_tokens")
        }
        return {
            **known,
            "cost_usd": None if self.unpriced else round(self.cost_usd, 6),
            "known_cost_usd": round(self.cost_usd, 6),
            "unpriced": self.unpriced,
        }


@click.command(epilog="Exit 0, also when nothing was spent yet.")
@click.option("--by", type=click.Choice(["run", "model", "day"]), default="model", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON array on stdout.")
def command(by: str, as_json: bool) -> int:
    """Show what was spent, by run, model or day, out of the ledger.

    Tokens: sent, of them cached, and received. An attempt without a known price makes its sum unknown; what is known of
    it stands beside. Days are UTC's. A request that was in flight when its run was killed stands in no row, whatever
    the endpoint bills for it.
    """
    sums = _sums(settings_from({}), by)
    if as_json:
        click.echo(json.dumps([{by: name, **of.as_dict()} for name, of in sums], indent=1))
        return 0
    if not sums:
        note("nothing was spent yet")
        return 0
    width = None if sys.stdout.isatty() else 160  # a file has no edge that a figure would be cut at
    Console(highlight=False, width=width).print(_table(by, sums))
    return 0


def _sums(settings: Settings, by: str) -> list[tuple[str, _Sum]]:
    file = ledger_place(settings).removeprefix("sqlite:///")
    if "://" not in file and not Path(file).exists():  # to look must not make one
        note(f"no ledger at {file}")
        return []
    with open_ledger(settings) as book:
        return _summed(book.spending(), by)


def _summed(rows: Iterable[Mapping[str, Any]], by: str) -> list[tuple[str, _Sum]]:
    found: dict[str, _Sum] = {}
    for row in rows:
        found.setdefault(_name(row, by), _Sum()).add(row)
    return sorted(found.items(), key=lambda pair: pair[1].first)


def _name(row: Mapping[str, Any], by: str) -> str:
    if by == "day":
        return dt.datetime.fromtimestamp(row["day"] * 86_400, dt.UTC).date().isoformat()
    return str(row[by])[:12] if by == "run" else str(row[by])


def _table(by: str, sums: list[tuple[str, _Sum]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in (by, "since", "requests", "answered", "sent", "cached", "received", "cost"):
        table.add_column(
            column,
            justify="left" if column in (by, "since") else "right",
            no_wrap=column not in (by, "cost"),
            overflow="fold",
        )
    for name, of in sums:
        since = dt.datetime.fromtimestamp(of.first, dt.UTC).strftime("%Y-%m-%d")
        cost = money(of.cost_usd) + (" + unknown" if of.unpriced else "")
        figures = of.attempts, of.answered, of.prompt_tokens, of.cached_tokens, of.completion_tokens
        table.add_row(name, since, *(f"{figure:,}" for figure in figures), cost)
    return table
