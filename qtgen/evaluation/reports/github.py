"""The evaluation report for GitHub: annotations of a workflow run, and a job summary."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from qtgen._util.text import money, pluralize, replace_surrogates
from qtgen.evaluation.report import EvalReport, MetricComparison, MetricSummary
from qtgen.evaluation.reports.common import (
    error_message,
    failed_items,
    flawed_items,
    format_change,
    format_interval,
    format_number,
    format_tokens,
    item_label,
    low_score_reasons,
    report_facts,
    scored_items,
)
from qtgen.evaluation.reports.headline import (
    explanations,
    reference_lists,
    summarize_verdict,
    uncertain_reason,
    uncertain_title,
)
from qtgen.evaluation.reports.judging import judging_lines
from qtgen.evaluation.reports.recordings import grouped_errors, recording_lists
from qtgen.validation.reports.github import escape_data, escape_property

_SHOWN = 10  # entries of a list in the summary, which GitHub cuts off at 1 MiB
_LEVELS = {"bad": "error", "unsure": "warning"}
_SIGNS = {"bad": "🔴", "unsure": "🟡", "even": "⚪", "good": "🟢", "none": "⚪"}
_MARKS = re.compile(r"[&<>\\`*_\[\]|~$#!@]")


def render(report: EvalReport) -> str:
    """Return workflow commands: there is an error exactly if the run fails.

    GitHub shows ten errors and ten warnings per step, so the falls come last.
    """
    if report.is_refused:
        return replace_surrogates("".join(f"{line}\n" for line in _gate_command(report)))
    lines = chain(
        _gate_command(report),
        _failure_commands(report),
        _recording_commands(report),
        _fall_commands(report),
        _uncertain_command(report),
    )
    return replace_surrogates("".join(f"{line}\n" for line in lines))


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={escape_property(title)}::{escape_data(message)}"


def _gate_command(report: EvalReport) -> Iterator[str]:
    summary = summarize_verdict(report)
    title = f"Evaluation of {report.suite}"
    yield _command(_LEVELS.get(summary.tone, "notice"), title, "\n".join([summary.sentence, *explanations(report)]))


def _failing_level(report: EvalReport) -> str:
    """Return the level of what makes a run fail, unless a person has accepted it."""
    return "error" if report.failures else "notice"


def _fall_commands(report: EvalReport) -> Iterator[str]:
    for fall in report.gate.falls if report.gate else ():
        scores = f"score {format_number(fall.before)} before, {format_number(fall.after)} now"
        title = f"{fall.id} fell by {format_number(fall.fall)}"
        yield _command(_failing_level(report), title, f"{fall.question}\n{scores}")


def _failure_commands(report: EvalReport) -> Iterator[str]:
    for words, kinds in (("failed", failed_items(report)), ("with an error", flawed_items(report))):
        for kind, items in kinds.items():
            lines = [": ".join(entry) for entry in grouped_errors(report, items)]
            title = f"{pluralize(len(items), 'item')} {words}: {kind}"
            yield _command(_failing_level(report), title, "\n".join(lines))


def _recording_commands(report: EvalReport) -> Iterator[str]:
    for title, entries in recording_lists(report):
        yield _command(_failing_level(report), title, "\n".join(map(": ".join, entries)))


def _uncertain_command(report: EvalReport) -> Iterator[str]:
    if items := report.uncertain:
        lines = [f"{item_label(report, item)}: {uncertain_reason(item)}" for item in items]
        yield _command("warning", uncertain_title(report), "\n".join(lines))


def render_step_summary(report: EvalReport) -> str:
    """Return Markdown for the file that $GITHUB_STEP_SUMMARY names."""
    summary = summarize_verdict(report)
    reasons = explanations(report)
    facts = " · ".join(f"{name} {_escape(value)}" for name, value in report_facts(report))
    blocks = [
        f"### {_SIGNS[summary.tone]} {_escape(summary.headline)}",
        f"{_escape(summary.detail[:1].upper() + summary.detail[1:])}.",
        "\n".join(f"- {_escape(reason)}" for reason in reasons),
        _metrics_table(report),
        *_lists(report),
        "" if report.is_refused else f"{format_tokens(report.usage)}; {_escape(money(report.usage.charged_usd))}.",
        "\n".join(f"- {_escape(line)}" for line in judging_lines(report.judging)),
        f"<sub>{facts}</sub>",
    ]
    return replace_surrogates("\n\n".join(block for block in blocks if block) + "\n")


def _metrics_table(report: EvalReport) -> str:
    if report.is_refused:
        return ""
    if report.gate is None:
        rows = (_summary_row(name, summary) for name, summary in report.metrics.items())
        return _table(("metric", "better", "mean", "interval", "items"), rows)
    head = ("metric", "better", "before", "now", "change", "interval of the change", "smallest visible", "verdict")
    return _table(head, map(_comparison_row, report.gate.comparisons))


def _summary_row(name: str, summary: MetricSummary) -> tuple[str, ...]:
    mean, interval = format_number(summary.mean), format_interval(summary)
    return name, summary.direction.value, mean, interval, f"{summary.items:,}"


def _comparison_row(comparison: MetricComparison) -> tuple[str, ...]:
    return (
        comparison.metric,
        comparison.direction.value,
        format_number(comparison.before),
        format_number(comparison.after),
        format_change(comparison.difference),
        format_interval(comparison, format_change),
        format_number(comparison.smallest_visible),
        comparison.verdict.value,
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], text_columns: int = 2) -> str:
    """Return a Markdown table whose columns after the first text columns are right-aligned."""
    rule = ["---"] * text_columns + ["---:"] * (len(head) - text_columns)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *(map(_escape, row) for row in rows)))


def _lists(report: EvalReport) -> Iterator[str]:
    reason = low_score_reasons(report)
    fallen = [
        f"**{_escape(fall.id)}** {format_number(fall.before)} → {format_number(fall.after)}: {_escape(fall.question)}"
        for fall in (report.gate.falls if report.gate else ())
    ]
    yield _list(f"{pluralize(len(fallen), 'item')} fell by more than the limit", fallen, is_open=True)
    failed = [
        f"**{_escape(who)}** {_escape(kind)}: {_escape(message)}"
        for kind, items in failed_items(report).items()
        for who, message in grouped_errors(report, items)
    ]
    count = sum(map(len, failed_items(report).values()))
    yield _list(f"{pluralize(count, 'item')} failed and have no score", failed, is_open=True)
    lowest = [
        f"**{_escape(item_label(report, item))}** {format_number(item.score)}"
        + (f", {_escape(text)}" if (text := reason(item)) else "")
        for item in scored_items(report)[:_SHOWN]
    ]
    yield _list("Lowest scores", lowest)
    for title, entries in recording_lists(report):
        yield _list(title[:1].upper() + title[1:], [_escape(": ".join(entry)) for entry in entries])
    flawed = [
        f"**{_escape(item_label(report, item))}** {_escape(kind)}: {_escape(error_message(item))}"
        for kind, items in flawed_items(report).items()
        for item in items
    ]
    yield _list(f"{pluralize(len(flawed), 'item')} with a score and an error", flawed, is_open=True)
    uncertain = [
        f"**{_escape(item_label(report, item))}** {_escape(uncertain_reason(item))}" for item in report.uncertain
    ]
    yield _list(uncertain_title(report), uncertain, is_open=True)
    for title, ids in reference_lists(report):
        yield _list(title, list(map(_escape, ids)))


def _list(title: str, lines: Sequence[str], *, is_open: bool = False) -> str:
    if not lines:
        return ""
    more = [f"… and {len(lines) - _SHOWN:,} more"] if len(lines) > _SHOWN else []
    entries = "\n".join(f"- {line}" for line in [*lines[:_SHOWN], *more])
    return f"<details{' open' * is_open}><summary>{title}</summary>\n\n{entries}\n\n</details>"


def _escape(text: str) -> str:
    """Return a text on one line with character references for Markdown's marks, which are never markup."""
    return _MARKS.sub(lambda mark: f"&#{ord(mark.group())};", " ".join(text.split()))
