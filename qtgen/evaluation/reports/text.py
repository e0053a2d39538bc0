"""The evaluation report for a terminal: at most 100 columns, the verdict first, nothing that needs a colour."""

from collections.abc import Iterable, Iterator, Sequence

from qtgen._util.text import display_width, mask_unprintable, money, pluralize
from qtgen.evaluation.gate.words import format_share
from qtgen.evaluation.report import EvalReport
from qtgen.evaluation.reports.common import (
    failed_items,
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

_WIDTH = 100
_SHOWN = 10  # entries of a list; the other formats have the rest
_SHOWN_LOWEST = 5
_MIN_NAME_WIDTH = 8


def render(report: EvalReport) -> str:
    """Return the report as plain text."""
    if report.is_refused:
        return _head(report) + "\n"
    blocks = [
        _head(report),
        _metrics_table(report),
        _comparisons_table(report),
        *_lists(report),
        f"{format_tokens(report.usage)}; {money(report.usage.charged_usd)}",
        "\n".join(line for sentence in judging_lines(report.judging) for line in _wrap(sentence, "  ")),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(report: EvalReport) -> str:
    reasons = explanations(report)
    lines = _wrap(summarize_verdict(report).sentence)
    lines += [line for reason in reasons for line in _wrap(reason, "  - ")]
    lines.append("")
    lines += [line for name, value in report_facts(report) for line in _wrap(value, f"{name:8}  ")]
    return "\n".join(lines)


def _metrics_table(report: EvalReport) -> str:
    rows = [
        (
            name,
            summary.direction.value,
            format_number(summary.mean),
            format_interval(summary),
            f"{summary.items:,}",
            f"{summary.missing:,}" if summary.missing else "",
        )
        for name, summary in report.metrics.items()
    ]
    return _table(("metric", "better", "mean", "interval", "items", "missing"), rows, text_columns={0, 1})


def _comparisons_table(report: EvalReport) -> str:
    if report.gate is None:
        return ""
    head = ("against the baseline", "before", "now", "change", "interval", "visible", "verdict")
    rows = [
        (
            comparison.metric,
            format_number(comparison.before),
            format_number(comparison.after),
            format_change(comparison.difference),
            format_interval(comparison, format_change),
            format_number(comparison.smallest_visible),
            comparison.verdict.value,
        )
        for comparison in report.gate.comparisons
    ]
    return _table(head, rows, text_columns={0, 6})


def _lists(report: EvalReport) -> Iterator[str]:
    yield _falls_list(report)
    yield _lowest_list(report)
    for kind, items in failed_items(report).items():
        title = f"{pluralize(len(items), 'item')} failed: {mask_unprintable(kind)}"
        yield _list(title, grouped_errors(report, items))
    yield _list(
        uncertain_title(report), [(item_label(report, item), uncertain_reason(item)) for item in report.uncertain]
    )
    for title, ids in reference_lists(report):
        yield _list(title, [(name,) for name in ids])
    for title, entries in recording_lists(report):
        yield _list(title, entries)


def _falls_list(report: EvalReport) -> str:
    if report.gate is None:
        return ""
    falls = report.gate.falls
    title = f"{pluralize(len(falls), 'item')} fell by more than the limit of {format_share(report.gate.tail_limit)}"
    entries = [
        (f"{format_change(-fall.fall)}  {format_number(fall.before)} -> {format_number(fall.after)}  {fall.id}",)
        for fall in falls
    ]
    return _list(title, entries)


def _lowest_list(report: EvalReport) -> str:
    items, reason = scored_items(report), low_score_reasons(report)
    entries = [
        (f"{format_number(item.score)}  {item_label(report, item)}", *filter(None, [reason(item)]))
        for item in items[:_SHOWN_LOWEST]
    ]
    return _list(f"lowest scores of {pluralize(len(items), 'item')}", entries)


def _list(title: str, entries: Sequence[tuple[str, ...]]) -> str:
    """Return a title and the first entries, each one line with indented lines below; empty without entries."""
    if not entries:
        return ""
    lines = [_cut(title, _WIDTH)]
    for first, *details in entries[:_SHOWN]:
        lines.append(f"  {_cut(first, _WIDTH - 2)}")
        lines += [line for detail in details for line in _wrap(detail, "    ")]
    if len(entries) > _SHOWN:
        lines.append(f"  … and {len(entries) - _SHOWN:,} more")
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], text_columns: set[int]) -> str:
    """Return an aligned table. Text columns are left-aligned; the first column is cut to what the others leave."""
    lines = [head, *rows]
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    widths[0] = min(widths[0], max(_MIN_NAME_WIDTH, _WIDTH - sum(widths[1:]) - 2 * len(widths[1:])))
    aligned = (
        [_pad(cell, widths[column], column in text_columns) for column, cell in enumerate(cells)] for cells in lines
    )
    return "\n".join(_cut("  ".join(cells).rstrip(), _WIDTH) for cells in aligned)


def _pad(text: str, width: int, is_left: bool) -> str:
    text = _cut(text, width)
    space = " " * (width - display_width(text))
    return text + space if is_left else space + text


def _wrap(text: str, mark: str = "") -> list[str]:
    """Break a text between words. Further lines are indented below the text, not below the mark."""
    width = _WIDTH - display_width(mark)
    lines = [""]
    for word in mask_unprintable(" ".join(text.split())).split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else _cut(word, width)
        if display_width(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(_cut(word, width))
    indent = " " * display_width(mark)
    return [f"{indent if number else mark}{line}".rstrip() for number, line in enumerate(lines)]


def _cut(text: str, width: int) -> str:
    """Return what fits into a number of columns, with … if something is left out."""
    text = mask_unprintable(text)
    if display_width(text) <= width:
        return text
    shown = text[:width]
    while display_width(shown) > width - 1:
        shown = shown[:-1]
    return f"{shown}…"
