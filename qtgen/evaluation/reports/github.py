"""The report of an evaluation for GitHub: annotations of the workflow run, and the summary of a job."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from qtgen._util.text import money, pluralize, replace_surrogates
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
from qtgen.validation.reports.github import as_data, as_property

_SHOWN = 10  # of a list in the summary, which GitHub cuts off at 1 MiB
_LEVELS = {"bad": "error", "unsure": "warning"}
_SIGNS = {"bad": "🔴", "unsure": "🟡", "even": "⚪", "good": "🟢", "none": "⚪"}
_MARKS = re.compile(r"[&<>\\`*_\[\]|~$#!@]")


def document(report: Report) -> str:
    """Workflow commands, falls last, of which there may be many: GitHub shows ten errors and ten warnings of a step."""
    lines = chain(_gate(report), _failed(report), _recordings(report), _falls(report))
    return replace_surrogates("".join(f"{line}\n" for line in lines))


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={as_property(title)}::{as_data(message)}"


def _gate(report: Report) -> Iterator[str]:
    said = verdict(report)
    told = [] if report["gate"] is None else report["gate"]["reasons"]
    title = f"Evaluation of {report['suite']}"
    yield _command(_LEVELS.get(said.tone, "notice"), title, "\n".join([said.sentence, *told]))


def _falls(report: Report) -> Iterator[str]:
    for fall in falls(report):
        fell = f"{fall['question']}\nscore {figure(fall['before'])} before, {figure(fall['after'])} now"
        yield _command("error", f"{fall['id']} fell by {figure(fall['fall'])}", fell)


def _failed(report: Report) -> Iterator[str]:
    for kind, items in failures(report).items():
        told = [f"{label(report, item)}: {item['error']['message']}" for item in items]
        yield _command("error", f"{pluralize(len(items), 'item')} failed: {kind}", "\n".join(told))


def _recordings(report: Report) -> Iterator[str]:
    for how in ("missed", "unused"):
        if names := report["recordings"][how]:
            yield _command("error", f"{pluralize(len(names), 'recording')} {how}", "\n".join(names))


def step_summary(report: Report) -> str:
    """Markdown for the file that $GITHUB_STEP_SUMMARY names."""
    said = verdict(report)
    listed = [] if report["gate"] is None else [f"- {_text(reason)}" for reason in report["gate"]["reasons"]]
    told = " · ".join(f"{name} {_text(value)}" for name, value in facts(report))
    usage = f"{tokens(report['usage'])}; {_text(money(report['usage']['cost_usd']))}."
    blocks = [
        f"### {_SIGNS[said.tone]} {_text(said.headline)}",
        f"{_text(said.detail[:1].upper() + said.detail[1:])}.",
        "\n".join(listed),
        _metrics(report),
        *_lists(report),
        usage,
        f"<sub>{told}</sub>",
    ]
    return replace_surrogates("\n\n".join(block for block in blocks if block) + "\n")


def _metrics(report: Report) -> str:
    if report["gate"] is None:
        measured = (_measured(*metric) for metric in report["metrics"].items())
        return _table(("metric", "better", "mean", "interval", "items"), measured, numbers=2)
    head = ("metric", "better", "before", "now", "change", "interval of the change", "smallest visible", "verdict")
    return _table(head, map(_compared, report["gate"]["comparisons"]), numbers=2)


def _measured(name: str, metric: Mapping[str, Any]) -> tuple[str, ...]:
    return name, metric["direction"], figure(metric["mean"]), span(metric), f"{metric['items']:,}"


def _compared(one: Mapping[str, Any]) -> tuple[str, ...]:
    before, after, visible = (figure(one[name]) for name in ("before", "after", "smallest_visible"))
    change = signed(one["difference"]), span(one, signed)
    return one["metric"], one["direction"], before, after, *change, visible, one["verdict"]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], numbers: int) -> str:
    """numbers: the column from which on cells stand to the right."""
    under = ["---"] * numbers + ["---:"] * (len(head) - numbers)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, under, *(map(_text, row) for row in rows)))


def _lists(report: Report) -> Iterator[str]:
    reason = reasons(report)
    fallen = [
        f"**{_text(fall['id'])}** {figure(fall['before'])} → {figure(fall['after'])}: {_text(fall['question'])}"
        for fall in falls(report)
    ]
    yield _list(f"{pluralize(len(fallen), 'item')} fell beyond the limit", fallen, is_open=True)
    failed = [
        f"**{_text(label(report, item))}** {_text(kind)}: {_text(item['error']['message'])}"
        for kind, items in failures(report).items()
        for item in items
    ]
    yield _list(f"{pluralize(len(failed), 'item')} failed, and no score counts them", failed, is_open=True)
    low = [
        f"**{_text(label(report, item))}** {figure(item['score'])}" + (f", {_text(why)}" if why else "")
        for item, why in ((item, reason(item)) for item in worst(report)[:_SHOWN])
    ]
    yield _list("Lowest scores", low)
    for how in ("missed", "unused"):
        yield _list(f"Recordings {how}", [_text(name) for name in report["recordings"][how]])


def _list(title: str, lines: list[str], *, is_open: bool = False) -> str:
    if not lines:
        return ""
    more = [f"and {len(lines) - _SHOWN:,} more"] if len(lines) > _SHOWN else []
    listed = "\n".join(f"- {line}" for line in [*lines[:_SHOWN], *more])
    return f"<details{' open' * is_open}><summary>{title}</summary>\n\n{listed}\n\n</details>"


def _text(text: str) -> str:
    """One line that Markdown leaves as it is: a character reference is never markup."""
    return _MARKS.sub(lambda mark: f"&#{ord(mark.group())};", " ".join(text.split()))
