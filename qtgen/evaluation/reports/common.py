"""What all formats of the evaluation report show in the same words: verdict, numbers, failures, lowest scores."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from statistics import fmean, pstdev
from typing import NamedTuple, Protocol

from qtgen.evaluation.metrics.base import Direction
from qtgen.evaluation.report import EvalItem, EvalReport
from qtgen.llm.types import Usage

DIRECTION_WORDS = {
    Direction.HIGHER: "higher is better",
    Direction.LOWER: "lower is better",
    Direction.NONE: "neither is better",
}
_NOISE = 1e-9  # standard deviation left over from rounding if all items agree


class Weakness(NamedTuple):
    """The metric on which an item is furthest below the others. The note can be empty."""

    metric: str
    value: float
    note: str

    def __str__(self) -> str:
        return f"{self.metric} {format_number(self.value)}" + (f": {self.note}" if self.note else "")


class HasInterval(Protocol):
    """A value with a confidence interval, which can be unknown."""

    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def format_number(value: float | None, like: float | None = None) -> str:
    """Return a number with three decimals below ten and fewer above; `-` for None.

    `like` is the number that decides on the decimals, if it is another one.
    """
    if value is None:
        return "-"
    decimals = _decimals(value if like is None else like)
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"  # + 0.0 avoids -0.000


def format_change(value: float | None, like: float | None = None) -> str:
    """Return a number as `format_number` does, with its sign."""
    if value is None:
        return "-"
    decimals = _decimals(value if like is None else like)
    return f"{round(value, decimals) + 0.0:+,.{decimals}f}"


def _decimals(value: float) -> int:
    return 3 if abs(value) < 10 else 1 if abs(value) < 1000 else 0


def format_interval(interval: HasInterval, form: Callable[[float | None, float | None], str] = format_number) -> str:
    """Return `LOW to HIGH`; `-` if either is unknown."""
    low, high = interval.low, interval.high
    if low is None or high is None:
        return "-"
    like = max(abs(low), abs(high))
    return f"{form(low, like)} to {form(high, like)}"


def format_tokens(usage: Usage) -> str:
    """Return the tokens of a usage for people."""
    return f"{usage.prompt_tokens:,} prompt and {usage.completion_tokens:,} completion tokens"


def format_time(created: str) -> str:
    """Return an ISO 8601 time as `2026-11-25 03:00 UTC`; any other text as it is."""
    try:
        time = dt.datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".rstrip()


def report_facts(report: EvalReport) -> Iterator[tuple[str, str]]:
    """Yield names and values that say what was evaluated."""
    if report.is_refused:
        yield "suite", report.suite
        return
    yield "suite", f"{report.suite} ({report.suite_digest})"
    yield "model", f"{report.model} ({report.provider})"
    yield "prompts", ", ".join(f"{name} ({digest})" for name, digest in report.prompts.items()) or "none"
    yield "scorer", report.scorer
    yield "date", format_time(report.created)
    if report.gate is not None:
        yield "baseline", report.gate.baseline
    if report.repeats != 1:
        yield "repeats", str(report.repeats)
    yield "qtgen", report.qtgen


def item_label(report: EvalReport, item: EvalItem) -> str:
    """Return an item's id, with the number of its repeat if there are several."""
    return item.id if report.repeats == 1 else f"{item.id} #{item.repeat}"


def ranked_items(report: EvalReport) -> list[EvalItem]:
    """Return all items, the lowest score first, then those without a score, then those that failed."""
    return sorted(
        report.items,
        key=lambda item: (item.has_failed, item.score is None, item.score or 0.0, item.id, item.repeat),
    )


def scored_items(report: EvalReport) -> list[EvalItem]:
    """Return the items that have a score, the lowest first."""
    return [item for item in ranked_items(report) if item.score is not None]


def failed_items(report: EvalReport) -> dict[str, list[EvalItem]]:
    """Return the failed items by the kind of their error, the most frequent kind first."""
    return _by_kind(item for item in report.items if item.has_failed)


def flawed_items(report: EvalReport) -> dict[str, list[EvalItem]]:
    """Return the items with a score and an error, such as empty answers, by the kind of the error."""
    return _by_kind(item for item in report.items if item.error is not None and item.score is not None)


def _by_kind(items: Iterable[EvalItem]) -> dict[str, list[EvalItem]]:
    kinds: dict[str, list[EvalItem]] = defaultdict(list)
    for item in items:
        if item.error is not None:
            kinds[item.error.kind].append(item)
    return dict(sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0])))


def error_message(item: EvalItem) -> str:
    """Return the message of an item's error; empty if it has none."""
    return "" if item.error is None else item.error.message


def low_score_reasons(report: EvalReport) -> Callable[[EvalItem], str]:
    """Return a function that says in one line why an item scored low; empty if nothing tells."""
    weakest = find_weaknesses(report)

    def reason(item: EvalItem) -> str:
        if item.error is not None:
            return f"{item.error.kind}: {item.error.message}"
        weakness = weakest(item)
        return "" if weakness is None else str(weakness)

    return reason


def find_weaknesses(report: EvalReport) -> Callable[[EvalItem], Weakness | None]:
    """Return a function that finds the metric on which an item is worst, in standard deviations from the mean.

    Metrics without a direction do not count, nor do those on which all items agree. The function returns None if no
    metric is left.
    """
    scales: dict[str, tuple[float, float]] = {}
    for name, summary in report.metrics.items():
        values = report.values(name)
        if name != "score" and summary.direction is not Direction.NONE and len(values) > 1:
            deviation = pstdev(values)
            if deviation > _NOISE:
                sign = 1 if summary.direction is Direction.HIGHER else -1
                scales[name] = fmean(values), sign * deviation

    def weakest(item: EvalItem) -> Weakness | None:
        shortfalls = {
            name: (mean - value) / deviation
            for name, (mean, deviation) in scales.items()
            if (value := item.metrics.get(name)) is not None
        }
        name = max(shortfalls, key=shortfalls.__getitem__, default=None)
        value = None if name is None else item.metrics[name]
        return None if name is None or value is None else Weakness(name, value, item.notes.get(name, ""))

    return weakest
