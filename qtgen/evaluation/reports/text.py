"""The report of an evaluation for a terminal: at most 100 columns, the verdict first, nothing that needs a colour."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from qtgen._util.text import display_width, mask_unprintable, money, pluralize
from qtgen.evaluation.reports.common import (
    Report,
    facts,
    failures,
    falls,
    figure,
    label,
    reasons,
    signed,
    span,
    tokens,
    verdict,
    worst,
)

_WIDTH = 100
_SHOWN = 10  # of a list; the other formats have the rest
_WORST = 5
_LEAST = 8  # columns of a metric's name


def document(report: Report) -> str:
    blocks = [
        _head(report),
        _metrics(report),
        _comparisons(report),
        *_lists(report),
        f"{tokens(report['usage'])}; {money(report['usage']['cost_usd'])}",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(report: Report) -> str:
    told = [] if report["gate"] is None else report["gate"]["reasons"]
    lines = [*_wrapped(verdict(report).sentence), *(line for reason in told for line in _wrapped(reason, "  - "))]
    lines.append("")
    for name, value in facts(report):
        lines += _wrapped(value, f"{name:8}  ")
    return "\n".join(lines)


def _metrics(report: Report) -> str:
    rows = [
        (name, metric["direction"], figure(metric["mean"]), span(metric), f"{metric['items']:,}", _missing(metric))
        for name, metric in report["metrics"].items()
    ]
    return _table(("metric", "better", "mean", "interval", "items", "missing"), rows, left={0, 1})


def _missing(metric: Mapping[str, Any]) -> str:
    return f"{metric['missing']:,}" if metric["missing"] else ""


def _comparisons(report: Report) -> str:
    if report["gate"] is None:
        return ""
    head = ("against the baseline", "before", "now", "change", "interval", "visible", "verdict")
    rows = [
        (
            one["metric"],
            *(figure(one[name]) for name in ("before", "after")),
            signed(one["difference"]),
            span(one, signed),
            figure(one["smallest_visible"]),
            one["verdict"],
        )
        for one in report["gate"]["comparisons"]
    ]
    return _table(head, rows, left={0, 6})


def _lists(report: Report) -> Iterator[str]:
    yield from (_list(*titled) for titled in (_falls(report), _worst(report)))
    for kind, items in failures(report).items():
        told = ((label(report, item), item["error"]["message"]) for item in items)
        yield _list(f"{pluralize(len(items), 'item')} failed: {mask_unprintable(kind)}", told)
    for how in ("missed", "unused"):
        names = report["recordings"][how]
        yield _list(f"{pluralize(len(names), 'recording')} {how}", ((name,) for name in names))


def _falls(report: Report) -> tuple[str, list[tuple[str, ...]]]:
    limit = "" if report["gate"] is None else f" of {figure(report['gate']['tail_limit'])}"
    fallen: list[tuple[str, ...]] = [
        (f"{signed(-fall['fall'])}  {figure(fall['before'])} -> {figure(fall['after'])}  {fall['id']}",)
        for fall in falls(report)
    ]
    return f"{pluralize(len(fallen), 'item')} fell beyond the limit{limit}", fallen


def _worst(report: Report) -> tuple[str, list[tuple[str, ...]]]:
    scored, reason = worst(report), reasons(report)
    low: list[tuple[str, ...]] = [
        (f"{figure(item['score'])}  {label(report, item)}", *((why,) if (why := reason(item)) else ()))
        for item in scored[:_WORST]
    ]
    return f"lowest scores, of {pluralize(len(scored), 'item')}", low


def _list(title: str, entries: Iterable[tuple[str, ...]]) -> str:
    """Entries of a line and what stands below it; "" where there are none."""
    told = list(entries)
    if not told:
        return ""
    shown = [_cut(title, _WIDTH)]
    for first, *below in told[:_SHOWN]:
        shown.append(f"  {_cut(first, _WIDTH - 2)}")
        shown += [line for text in below for line in _wrapped(text, "    ")]
    return "\n".join([*shown, *([f"  and {len(told) - _SHOWN:,} more"] if len(told) > _SHOWN else [])])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: set[int]) -> str:
    """left: the columns that stand to the left; the others are figures. The first is cut to what the others leave."""
    lines = [head, *rows]
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    widths[0] = min(widths[0], max(_LEAST, _WIDTH - sum(widths[1:]) - 2 * len(widths[1:])))
    return "\n".join(
        _cut("  ".join(_padded(cell, widths[at], at in left) for at, cell in enumerate(line)).rstrip(), _WIDTH)
        for line in lines
    )


def _padded(text: str, width: int, left: bool) -> str:
    text = _cut(text, width)
    room = " " * (width - display_width(text))
    return text + room if left else room + text


def _wrapped(text: str, mark: str = "") -> list[str]:
    """Broken between words, what follows below the text and not below the mark."""
    room = _WIDTH - display_width(mark)
    lines = [""]
    for word in mask_unprintable(" ".join(text.split())).split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else _cut(word, room)
        if display_width(joined) <= room:
            lines[-1] = joined
        else:
            lines.append(_cut(word, room))
    return [f"{' ' * display_width(mark) if at else mark}{line}".rstrip() for at, line in enumerate(lines)]


def _cut(text: str, width: int) -> str:
    """What fits into so many columns, and … where something was left out."""
    text = mask_unprintable(text)
    if display_width(text) <= width:
        return text
    shown = text[:width]
    while display_width(shown) > width - 1:
        shown = shown[:-1]
    return f"{shown}…"
