"""What all formats of the evaluation report show in the same words: verdict, numbers, failures, lowest scores."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from statistics import fmean, pstdev
from typing import NamedTuple, Protocol

from qtgen._util.text import pluralize
from qtgen.evaluation.gate_words import is_small_change
from qtgen.evaluation.metrics.base import Direction
from qtgen.evaluation.report import EvalItem, EvalReport, MetricComparison, Verdict
from qtgen.llm.types import Usage

_VERDICT_WORDS = {  # tone of a verdict, and the headline
    Verdict.WORSE: ("bad", "Worse than the baseline"),
    Verdict.NO_CHANGE: ("even", "No change from the baseline shown"),
    Verdict.TOO_FEW: ("unsure", "Too few items to tell a change from the baseline"),
    Verdict.BETTER: ("good", "Better than the baseline"),
}
DIRECTION_WORDS = {
    Direction.HIGHER: "higher is better",
    Direction.LOWER: "lower is better",
    Direction.NONE: "neither is better",
}
_FAILED = "Failed"
_REFUSED = "Not evaluated"
_FIRST = ("refused", "lost-metric", "no-preference", "no-opinion")  # failures that are graver than a worse verdict
RECORDING_LISTS = ("missed", "unused")
_NOISE = 1e-9  # standard deviation left over from rounding if all items agree


class VerdictSummary(NamedTuple):
    """The outcome for people.

    `tone` is bad if the run fails. Otherwise it is unsure, even or good, and none without a baseline.

    `headline`, a colon and `detail` make one sentence without a full stop.
    """

    tone: str
    headline: str
    detail: str

    @property
    def sentence(self) -> str:
        return f"{self.headline}: {self.detail}."


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


def summarize_verdict(report: EvalReport) -> VerdictSummary:
    """Return the outcome with its gravest failure, the mean score, and how many items failed or fell.

    The tone is bad exactly if the run fails.
    """
    gate, failures = report.gate, report.failures
    tone, headline = _headline(report)
    of_score = next((known for known in gate.comparisons if known.metric == "score"), None) if gate else None
    parts = [failures[0].message] if failures and headline in (_FAILED, _REFUSED) else []
    if not report.is_refused:
        parts.append(_score_change(of_score) if of_score else _mean_score(report))
    if unscored := len(report.unscored):
        parts.append(f"{unscored} of {pluralize(len(report.items), 'item')} without a score")
    if gate and gate.falls:
        parts.append(f"{pluralize(len(gate.falls), 'item')} fell by more than the limit")
    return VerdictSummary(tone, headline, "; ".join(parts))


def _headline(report: EvalReport) -> tuple[str, str]:
    """Return the tone and the headline. A failure other than the verdict has a headline of its own."""
    gate, failures = report.gate, report.failures
    if report.is_refused:
        return "bad", _REFUSED
    if failures:
        is_worse = gate is not None and gate.verdict is Verdict.WORSE and failures[0].kind not in _FIRST
        return "bad", _VERDICT_WORDS[Verdict.WORSE][1] if is_worse else _FAILED
    if report.accepted:
        return "even", "Accepted as the new baseline"
    if gate is None:
        return "none", "Not compared with a baseline"
    if gate.comparisons and gate.verdict is Verdict.NO_CHANGE and is_small_change(gate.comparisons[0], gate):
        return "even", "No change that matters"
    return _VERDICT_WORDS[gate.verdict]


def explanations(report: EvalReport) -> list[str]:
    """Return sentences that explain the outcome: every failure, the gravest first, then the gate's other reasons.

    The failure that the headline names is left out.
    """
    messages = [failure.message for failure in report.failures]
    refusal = [report.refusal.message] if report.refusal and report.accepted else []
    reasons = report.gate.reasons if report.gate else ()
    named = messages[:1] if _headline(report)[1] in (_FAILED, _REFUSED) else []
    return [message for message in dict.fromkeys([*messages, *refusal, *reasons]) if message not in named]


def reference_lists(report: EvalReport) -> list[tuple[str, tuple[str, ...]]]:
    """Return the references that are not compared because they differ from the baseline's, each list with its title."""
    gate = report.gate
    if gate is None:
        return []
    lists = (("changed", gate.changed), ("added", gate.added), ("removed", gate.removed))
    return [(f"{pluralize(len(ids), 'reference')} {what} since the baseline", ids) for what, ids in lists if ids]


def uncertain_title(report: EvalReport) -> str:
    """Return the title of the list of items whose offline score cannot be trusted."""
    count = len(report.uncertain)
    return f"{pluralize(count, 'item')} {'needs' if count == 1 else 'need'} a judge or a person"


def uncertain_reason(item: EvalItem) -> str:
    """Return how far the score of an item can be trusted, and why."""
    note = item.notes.get("confidence", "")
    return f"confidence {format_number(item.metrics.get('confidence'))}" + (f": {note}" if note else "")


def verdict_tone(verdict: Verdict) -> str:
    """Return the tone of a verdict: bad, unsure, even or good."""
    return _VERDICT_WORDS[verdict][0]


def _score_change(comparison: MetricComparison) -> str:
    before, after, change = map(format_number, (comparison.before, comparison.after, abs(comparison.difference)))
    way = "down" if comparison.difference < 0 else "up"
    items = pluralize(comparison.items, "item")
    return f"mean score {before} before, {after} now, {way} {change}, over {items}"


def _mean_score(report: EvalReport) -> str:
    summary = report.metrics.get("score")
    if summary is None or summary.mean is None:
        return f"no score from {pluralize(len(report.items), 'item')}"
    items = pluralize(summary.items, "item")
    return f"mean score {format_number(summary.mean)} ({format_interval(summary)}) over {items}"


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
