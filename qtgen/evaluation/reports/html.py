"""The evaluation report as one HTML file that needs no network: numbers, charts, and every answer.

`charts` computes the positions, `_util.diff` the differences, and the template draws. The template engine escapes all
text of the report. A content security policy in the file allows only its own script and style, identified by their
hashes, and loads nothing.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from jinja2 import Template

from qtgen._util.diff import WordDiff, compare_words
from qtgen._util.templates import html_environment
from qtgen._util.text import money, pluralize, replace_surrogates
from qtgen.evaluation.metrics.base import Direction
from qtgen.evaluation.report import EvalItem, EvalReport, ItemFall, MetricComparison, MetricSummary
from qtgen.evaluation.reports import charts, common

_FOLDER = Path(__file__).parent
_SIGNS = {"bad": "▼", "unsure": "?", "even": "=", "good": "▲", "none": "–"}
_ARROWS = {Direction.HIGHER: "↑", Direction.LOWER: "↓", Direction.NONE: "·"}


class MetricRow(NamedTuple):
    """One metric with its marks, and with its comparison if there is a gate."""

    name: str
    summary: MetricSummary
    comparison: MetricComparison | None
    interval: charts.IntervalMark
    change: charts.ChangeMark | None


class ItemEntry(NamedTuple):
    """One item of the list. `state` is failed, fell or empty."""

    anchor: str
    item: EvalItem
    label: str
    state: str
    fall: ItemFall | None
    weakness: common.Weakness | None
    difference: WordDiff


def render(report: EvalReport) -> str:
    """Return the report as an HTML document."""
    entries = list(_entries(report))
    scale = charts.scale_for(report.values("score"))
    script, style = _asset("report.js"), _asset("report.css")
    document = _template().render(
        report=report,
        verdict=common.summarize_verdict(report),
        facts=list(common.report_facts(report)),
        rows=list(_metric_rows(report)),
        entries=entries,
        failures=_failures_by_kind(entries),
        anchors={entry.item.id: entry.anchor for entry in reversed(entries)},
        scored=[entry for entry in entries if entry.item.score is not None],
        scale=scale,
        bins=charts.histogram(report.values("score"), scale),
        subjects=charts.subject_bars(report, scale),
        lengths=charts.length_plot(report, scale),
        script=script,
        style=style,
        policy=_content_security_policy(script, style),
    )
    return replace_surrogates(document)


def _metric_rows(report: EvalReport) -> Iterator[MetricRow]:
    """Yield the score, then the metrics that the gate compared, then the others."""
    comparisons = {comparison.metric: comparison for comparison in (report.gate.comparisons if report.gate else ())}
    changes = charts.change_marks(list(comparisons.values()))
    for name in sorted(report.metrics, key=lambda name: name != "score" and name not in comparisons):
        summary, comparison = report.metrics[name], comparisons.get(name)
        before = comparison.before if comparison else None
        mark = charts.interval_mark(report, name, summary, before)
        yield MetricRow(name, summary, comparison, mark, changes.get(name))


def _entries(report: EvalReport) -> Iterator[ItemEntry]:
    falls = {fall.id: fall for fall in (report.gate.falls if report.gate else ())}
    weakest = common.find_weaknesses(report)
    for number, item in enumerate(common.ranked_items(report), 1):
        fall = falls.get(item.id)
        state = "failed" if item.has_failed else "fell" if fall else ""
        label, difference = common.item_label(report, item), compare_words(item.candidate, item.reference)
        yield ItemEntry(f"i{number}", item, label, state, fall, weakest(item), difference)


def _failures_by_kind(entries: list[ItemEntry]) -> dict[str, list[ItemEntry]]:
    """Return the failed items by the kind of their error, the most frequent kind first."""
    kinds: dict[str, list[ItemEntry]] = {}
    for entry in entries:
        if entry.item.error is not None and entry.item.has_failed:
            kinds.setdefault(entry.item.error.kind, []).append(entry)
    return dict(sorted(kinds.items(), key=lambda kind: -len(kind[1])))


@cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = html_environment(_FOLDER)
    environment.filters |= {
        "number": _typeset(common.format_number),
        "change": _typeset(common.format_change),
        "interval": lambda interval: _with_minus_signs(common.format_interval(interval)),
        "change_interval": lambda interval: _with_minus_signs(common.format_interval(interval, common.format_change)),
        "money": money,
        "pluralize": pluralize,
        "tone": common.verdict_tone,
        "capitalized": lambda text: text[:1].upper() + text[1:],
        "url_quoted": lambda text: quote(text, safe="", errors="replace"),
        "short": lambda number: f"{number:.4g}",
    }
    environment.globals |= {
        "signs": _SIGNS,
        "arrows": _ARROWS,
        "directions": common.DIRECTION_WORDS,
        "plot_height": charts.PLOT_HEIGHT,
    }
    return environment.get_template("report.html.j2")


def _typeset(form: Callable[[float | None], str]) -> Callable[[float | None], str]:
    return lambda value: "–" if value is None else _with_minus_signs(form(value))


def _with_minus_signs(text: str) -> str:
    return text.replace("-", "−")


def _content_security_policy(script: str, style: str) -> str:
    """Return a policy (W3C Content Security Policy, level 3) that allows this script and this style only."""
    script_hash, style_hash = (b64encode(sha256(text.encode()).digest()).decode() for text in (script, style))
    return (
        f"default-src 'none'; script-src 'sha256-{script_hash}'; style-src 'sha256-{style_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )
