"""The report of an evaluation as one HTML file that needs no network: figures, charts, and every answer.

The template draws, `charts` says where, `diff` what differs. All text of the report is escaped by the template engine;
a policy in the file lets only its own script and style run, known by their hashes, and nothing be loaded.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Template

from qtgen._util.diff import WordDiff, compare_words
from qtgen._util.templates import html_environment
from qtgen._util.text import money, pluralize, replace_surrogates
from qtgen.evaluation.reports import charts, common
from qtgen.evaluation.reports.common import DIRECTIONS, Item, Report, Weakness

_FOLDER = Path(__file__).parent
_SIGNS = {"bad": "▼", "unsure": "?", "even": "=", "good": "▲", "none": "–"}
_ARROWS = {"higher": "↑", "lower": "↓", "none": "·"}


class MetricRow(NamedTuple):
    """One metric: what was measured, and where a gate is there, how it changed."""

    name: str
    metric: Mapping[str, Any]
    comparison: Mapping[str, Any] | None
    interval: charts.IntervalMark
    change: charts.Change | None


class Entry(NamedTuple):
    """One item of the list. state: failed, fell or ""; `anchor` is the same in the same report."""

    anchor: str
    item: Item
    label: str
    state: str
    fall: Mapping[str, Any] | None
    weakest: Weakness | None
    difference: WordDiff


def document(report: Report) -> str:
    entries = list(_entries(report))
    scale = charts.scale_of(common.values(report, "score"))
    script, style = _asset("report.js"), _asset("report.css")
    text = _template().render(
        report=report,
        verdict=common.verdict(report),
        facts=list(common.facts(report)),
        rows=list(_rows(report)),
        entries=entries,
        failures=_anchored(entries),
        anchors={entry.item["id"]: entry.anchor for entry in reversed(entries)},
        scored=[entry for entry in entries if entry.item["score"] is not None],
        scale=scale,
        bins=charts.histogram(common.values(report, "score"), scale),
        subjects=charts.subjects(report, scale),
        lengths=charts.lengths(report, scale),
        script=script,
        style=style,
        policy=_policy(script, style),
    )
    return replace_surrogates(text)


def _rows(report: Report) -> Iterator[MetricRow]:
    """The score, then what was compared, then the others."""
    comparisons = {} if report["gate"] is None else {one["metric"]: one for one in report["gate"]["comparisons"]}
    changes = charts.changes(list(comparisons.values()))
    for name in sorted(report["metrics"], key=lambda name: name != "score" and name not in comparisons):
        metric = report["metrics"][name]
        comparison = comparisons.get(name)
        before = None if comparison is None else comparison["before"]
        yield MetricRow(name, metric, comparison, charts.interval(report, name, metric, before), changes.get(name))


def _entries(report: Report) -> Iterator[Entry]:
    fallen = {fall["id"]: fall for fall in common.falls(report)}
    weakest = common.weaknesses(report)
    for number, item in enumerate(common.ranked(report), 1):
        fall = fallen.get(item["id"])
        state = "failed" if common.has_failed(item) else "fell" if fall is not None else ""
        differing = compare_words(item["candidate"], item["reference"])
        yield Entry(f"i{number}", item, common.label(report, item), state, fall, weakest(item), differing)


def _anchored(entries: list[Entry]) -> dict[str, list[Entry]]:
    """The kind of an error -> the items that failed so, the most frequent kind first."""
    kinds: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.state == "failed":
            kinds.setdefault(entry.item["error"]["kind"], []).append(entry)
    return dict(sorted(kinds.items(), key=lambda kind: -len(kind[1])))


@cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    made = html_environment(_FOLDER)
    made.filters |= {
        "fig": _typeset(common.figure),
        "signed": _typeset(common.signed),
        "span": lambda interval: _minus(common.span(interval)),
        "change": lambda interval: _minus(common.span(interval, common.signed)),
        "money": money,
        "counted": pluralize,
        "tone": common.tone,
        "capital": lambda text: text[:1].upper() + text[1:],
        "quoted": lambda text: quote(text, safe="", errors="replace"),
        "short": lambda number: f"{number:.4g}",
    }
    made.globals |= {"signs": _SIGNS, "arrows": _ARROWS, "directions": DIRECTIONS, "plot": charts.PLOT}
    return made.get_template("report.html.j2")


def _typeset(form: Callable[[float | None], str]) -> Callable[[float | None], str]:
    return lambda value: "–" if value is None else _minus(form(value))


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _policy(script: str, style: str) -> str:
    """The Content-Security-Policy (W3C, level 3) of the file."""
    hashes = (b64encode(sha256(text.encode()).digest()).decode() for text in (script, style))
    return (
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'".format(
            *hashes
        )
    )
