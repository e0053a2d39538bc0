"""`qtgen review export`: every decision, for other programs."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from qtgen._util.text import json_text
from qtgen.commands._echo import echo
from qtgen.commands._options import folder, settings_from
from qtgen.commands._site import profile_of, site_option
from qtgen.commands.review._decisions import note_file, read_log
from qtgen.generation.decisions import Action, Decision, DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import written_groups
from qtgen.page.compile import main_layout

# Spreadsheets run a cell that begins with one of these as a formula, also after spaces and in full width.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")

_NO_DECISION = Decision(id="", at="", who="", action=Action.SKIP, url="", texts={})  # for the names of the columns


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """The arguments of one call of the command."""

    format: Literal["jsonl", "csv"]
    site: Path | None
    out: Path | None


@click.command("export", epilog="Exit code 0, even if there are no decisions yet.")
@click.option(
    "--format",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="Print JSON lines, or a table with one row per decision.",
)
@site_option()
@click.option(
    "--out", type=folder, help="Read decisions in .qtgen/ of this folder.  [default: `out` in qtgen.toml, else outputs]"
)
def command(**options: Any) -> int:
    """Print every decision, the earliest first.

    Undone decisions are included, with `is_undone`. In CSV, a text that a spreadsheet would run as a
    formula begins with an apostrophe.
    """
    return _run(ExportOptions(**options))


def _run(options: ExportOptions) -> int:
    settings = settings_from({"out": options.out, "site": options.site})
    groups = written_groups(main_layout(profile_of(settings)))
    store = OutputFolder(settings.out)
    log = read_log(store)
    lines = _csv_lines(log, groups) if options.format == "csv" else map(json_text, _rows(log, groups))
    for line in lines:
        echo(line)
    note_file(store)
    return 0


def _rows(log: DecisionLog, groups: Sequence[str]) -> Iterator[dict[str, Any]]:
    return (row_of(decision, groups, is_undone=log.is_undone(decision)) for decision in log)


def row_of(decision: Decision, groups: Sequence[str], *, is_undone: bool) -> dict[str, Any]:
    """Return a decision as flat columns. The digests have one column for each of the groups of fields."""
    draw, seen = decision.draw, decision.seen
    return {
        "id": decision.id,
        "at": decision.at,
        "who": decision.who,
        "action": decision.action.value,
        "url": decision.url,
        "acceptable": decision.acceptable,
        "prefers": decision.prefers,
        "reasons": list(decision.reasons),
        "note": decision.note,
        "is_undone": is_undone,
        "undoes": decision.undoes,
        "plan": draw.plan if draw else None,
        "probability": draw.probability if draw else None,
        "blind": decision.blind,
        "seen_score": seen.score,
        "seen_scorer": seen.scorer or None,
        "seen_compared": seen.compared or None,
        "seconds": decision.seconds,
        **{f"{group}_digest": decision.texts.get(group) for group in groups},
        **{f"{group}_after": decision.after.get(group) for group in groups},
    }


def _csv_lines(log: DecisionLog, groups: Sequence[str]) -> Iterator[str]:
    columns = list(row_of(_NO_DECISION, groups, is_undone=False))
    yield _csv_line(columns)
    for row in _rows(log, groups):
        yield _csv_line([csv_cell(row[name]) for name in columns])


def csv_cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet runs as a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if isinstance(value, str | list) and _FORMULA.match(text) else text


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)  # its line end makes it quote cells with line breaks
    return line.getvalue().removesuffix("\r\n")
