"""The evaluation report as one HTML file that needs no network: numbers, charts, and every answer.

`charts` computes the positions, `items` the answers with their differences, and the template draws. The template engine
escapes all text of the report. A content security policy in the file allows only its own script and style, identified
by their hashes, and loads nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from math import isinf
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from jinja2 import Template

from qtgen._util.html import asset, document_environment, render_document
from qtgen._util.preview import preview_css
from qtgen._util.text import money, pluralize
from qtgen.evaluation.gate.words import format_share
from qtgen.evaluation.metrics.base import Direction
from qtgen.evaluation.metrics.guide import MetricGuide, guide_to
from qtgen.evaluation.report import EvalReport, MetricComparison, MetricSummary, Verdict
from qtgen.evaluation.reports import charts, common, headline
from qtgen.evaluation.reports.items import ItemEntry, item_entries, values_of
from qtgen.evaluation.reports.judging import judging_lines
from qtgen.evaluation.reports.recordings import recording_lists
from qtgen.evaluation.reports.sources import ReportSources, key_of

_FOLDER = Path(__file__).parent
_SIGNS = {"bad": "▼", "unsure": "?", "even": "=", "good": "▲", "none": "–"}
_ARROWS = {Direction.HIGHER: "↑", Direction.LOWER: "↓", Direction.NONE: "·"}
_STATE_WORDS = {  # the items to filter by, in the order of the choice
    "failed": "failed",
    "fell": "fell by more than the limit",
    "flawed": "with a score and an error",
    "uncertain": "that need a judge or a person",
    "lower": "with a lower score than before",
    "higher": "with a higher score than before",
    "changed": "with another answer than before",
    "same": "with the same answer as before",
    "new": "without an answer before",
}


class MetricRow(NamedTuple):
    """One metric with its marks, and with its comparison if there is a gate."""

    name: str
    summary: MetricSummary
    comparison: MetricComparison | None
    interval: charts.IntervalMark
    change: charts.ChangeMark | None
    guide: MetricGuide | None


def render(report: EvalReport, sources: ReportSources | None = None) -> str:
    """Return the report as an HTML document."""
    sources = sources or ReportSources()
    entries = list(item_entries(report, sources))
    scale = charts.scale_for(report.values("score"))
    rows = list(_metric_rows(report))
    names = [row.name for row in rows] + ["change"] * (sources.before is not None)
    return render_document(
        _template(),
        [preview_css(), asset(_FOLDER, "report.css")],
        [] if report.is_refused else [asset(_FOLDER, "report.js")],
        report=report,
        before=sources.before,
        verdict=headline.summarize_verdict(report),
        reasons=headline.explanations(report),
        judge_failures=headline.failures_of_judges(report),
        has_too_few=_has_too_few(report),
        uncertain_title=headline.uncertain_title(report),
        lists=headline.reference_lists(report),
        facts=list(common.report_facts(report)),
        judging=list(judging_lines(report.judging)),
        rows=rows,
        compared=[row for row in rows if row.comparison],
        others=[row for row in rows if not row.comparison],
        entries=entries,
        states=_states(entries),
        counts=Counter(state for entry in entries for state in entry.states),
        names=names,
        values={entry.anchor: values_of(entry, names) for entry in entries},
        failures=_failures_by_kind(entries),
        recordings=list(recording_lists(report)),
        anchors={entry.item.id: entry.anchor for entry in reversed(entries)},
        places={key_of(entry.item): entry.anchor for entry in entries},
        scored=[entry for entry in entries if entry.item.score is not None],
        unrendered=sum(not view.is_rendered for entry in entries for view in entry.pair),
        scale=scale,
        bins=charts.histogram(report.values("score"), scale),
        subjects=charts.subject_bars(report, scale),
        lengths=charts.length_plot(report, scale),
    )


def _has_too_few(report: EvalReport) -> bool:
    """Return whether a metric was compared and more references could decide about it."""
    return any(known.verdict is Verdict.TOO_FEW for known in (report.gate.comparisons if report.gate else ()))


def _metric_rows(report: EvalReport) -> Iterator[MetricRow]:
    """Yield the score, then the metrics that the gate compared, then the others."""
    comparisons = {comparison.metric: comparison for comparison in (report.gate.comparisons if report.gate else ())}
    changes = charts.change_marks(list(comparisons.values()))
    for name in sorted(report.metrics, key=lambda name: name != "score" and name not in comparisons):
        summary, comparison = report.metrics[name], comparisons.get(name)
        before = comparison.before if comparison else None
        mark = charts.interval_mark(report, name, summary, before)
        yield MetricRow(name, summary, comparison, mark, changes.get(name), guide_to(name))


def _states(entries: list[ItemEntry]) -> list[tuple[str, str]]:
    """Return the states that items have, with their words."""
    present = {state for entry in entries for state in entry.states}
    return [(state, words) for state, words in _STATE_WORDS.items() if state in present]


def _failures_by_kind(entries: list[ItemEntry]) -> dict[str, list[ItemEntry]]:
    """Return the failed items by the kind of their error, the most frequent kind first."""
    kinds: dict[str, list[ItemEntry]] = {}
    for entry in entries:
        if entry.item.error is not None and entry.item.has_failed:
            kinds.setdefault(entry.item.error.kind, []).append(entry)
    return dict(sorted(kinds.items(), key=lambda kind: -len(kind[1])))


@cache
def _template() -> Template:
    environment = document_environment(_FOLDER)
    environment.filters |= {
        "number": _typeset(common.format_number),
        "change": _typeset(common.format_change),
        "interval": lambda interval: _with_minus_signs(common.format_interval(interval)),
        "change_interval": lambda interval: _with_minus_signs(common.format_interval(interval, common.format_change)),
        "money": money,
        "pluralize": pluralize,
        "range": _format_range,
        "tone": headline.verdict_tone,
        "share": format_share,
        "confidence": headline.uncertain_reason,
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


def _format_range(guide: MetricGuide) -> str:
    """Return `0 to 1`, or `0 or more` for a range without an upper end."""
    text = f"{guide.low:g} or more" if isinf(guide.high) else f"{guide.low:g} to {guide.high:g}"
    return _with_minus_signs(text)


def _with_minus_signs(text: str) -> str:
    return text.replace("-", "−")
