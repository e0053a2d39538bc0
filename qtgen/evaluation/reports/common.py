"""What all formats say of an evaluation in the same words: the verdict, figures, what failed and what was worst."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from statistics import fmean, pstdev
from typing import Any, NamedTuple

from qtgen._util.text import pluralize

Report = Mapping[str, Any]
Item = Mapping[str, Any]

_SAID = {  # verdict of the gate -> tone, and how its sentence begins
    "worse": ("bad", "Worse than the baseline"),
    "no change shown": ("even", "No change from the baseline shown"),
    "too few items to tell": ("unsure", "Too few items to tell a change from the baseline"),
    "better": ("good", "Better than the baseline"),
}
DIRECTIONS = {"higher": "higher is better", "lower": "lower is better", "none": "neither is better"}


_NOISE = 1e-9  # a deviation that rounding leaves where all items agree


class VerdictSummary(NamedTuple):
    """tone: bad, unsure, even or good; none without a baseline.

    `headline`, a colon and `detail` are one sentence, without the full stop.
    """

    tone: str
    headline: str
    detail: str

    @property
    def sentence(self) -> str:
        return f"{self.headline}: {self.detail}."


class Weakness(NamedTuple):
    """The metric that speaks most against an item. note may be ""."""

    metric: str
    value: float
    note: str

    def __str__(self) -> str:
        return f"{self.metric} {figure(self.value)}" + (f": {self.note}" if self.note else "")


def verdict(report: Report) -> VerdictSummary:
    gate = report["gate"]
    if gate is None:
        return VerdictSummary("none", "Not compared with a baseline", _scored(report))
    headline = _SAID[gate["verdict"]][1] if gate["verdict"] in _SAID else gate["verdict"]
    of_score = next((one for one in gate["comparisons"] if one["metric"] == "score"), None)
    parts = [_changed(of_score) if of_score else _scored(report)]
    if lost := sum(item["score"] is None for item in report["items"]):
        parts.append(f"{lost} of {pluralize(len(report['items']), 'item')} without a score")
    if fallen := len(gate["falls"]):
        parts.append(f"{pluralize(fallen, 'item')} fell beyond the limit")
    return VerdictSummary(tone(gate["verdict"]), headline, "; ".join(parts))


def tone(said: str) -> str:
    return _SAID[said][0] if said in _SAID else "even"


def _changed(comparison: Mapping[str, Any]) -> str:
    difference = comparison["difference"]
    way = "" if difference is None else f", {'down' if difference < 0 else 'up'} {figure(abs(difference))}"
    before, after = figure(comparison["before"]), figure(comparison["after"])
    return f"mean score {before} before, {after} now{way}, over {pluralize(comparison['items'], 'item')}"


def _scored(report: Report) -> str:
    score = report["metrics"].get("score")
    if not score or score["mean"] is None:
        return f"no score from {pluralize(len(report['items']), 'item')}"
    return f"mean score {figure(score['mean'])} ({span(score)}) over {pluralize(score['items'], 'item')}"


def figure(value: float | None, like: float | None = None) -> str:
    """Three decimals below ten, fewer above; `-` where there is none. like: the figure that decides on the decimals."""
    if value is None:
        return "-"
    places = _places(value if like is None else like)
    return f"{round(value, places) + 0.0:,.{places}f}"  # + 0.0: no -0.000


def signed(value: float | None, like: float | None = None) -> str:
    if value is None:
        return "-"
    places = _places(value if like is None else like)
    return f"{round(value, places) + 0.0:+,.{places}f}"


def _places(value: float) -> int:
    return 3 if abs(value) < 10 else 1 if abs(value) < 1000 else 0


def span(interval: Mapping[str, Any], form: Callable[[float | None, float | None], str] = figure) -> str:
    """`low to high`; `-` where either is unknown."""
    low, high = interval["low"], interval["high"]
    if low is None or high is None:
        return "-"
    like = max(abs(low), abs(high))
    return f"{form(low, like)} to {form(high, like)}"


def tokens(usage: Mapping[str, Any]) -> str:
    return f"{usage['prompt_tokens']:,} prompt and {usage['completion_tokens']:,} completion tokens"


def when(created: str) -> str:
    """`2026-11-25 03:00 UTC` of an ISO 8601 time; what is no such time comes back as it is."""
    try:
        time = dt.datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".rstrip()


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """What was evaluated, as name and value."""
    yield "suite", f"{report['suite']} ({report['suite_digest']})"
    yield "model", f"{report['model']} ({report['provider']})"
    yield "prompts", ", ".join(f"{name} ({digest})" for name, digest in report["prompts"].items()) or "none"
    yield "scorer", report["scorer"]
    yield "date", when(report["created"])
    if report["gate"] is not None:
        yield "baseline", report["gate"]["baseline"]
    if report["repeats"] != 1:
        yield "repeats", str(report["repeats"])
    yield "qtgen", report["qtgen"]


def label(report: Report, item: Item) -> str:
    """The item's id, and which repeat where there are several."""
    return item["id"] if report["repeats"] == 1 else f"{item['id']} #{item['repeat']}"


def has_failed(item: Item) -> bool:
    """Whether nothing is known of the item. An error beside a score, as an empty answer has, explains the score."""
    return item["error"] is not None and item["score"] is None


def ranked(report: Report) -> list[Item]:
    """All items, the lowest score first; then those without a score, then those that failed."""
    return sorted(report["items"], key=_rank)


def worst(report: Report) -> list[Item]:
    """The items that have a score, the lowest first."""
    return [item for item in ranked(report) if item["score"] is not None]


def _rank(item: Item) -> tuple[bool, bool, float, str, int]:
    score = item["score"]
    return has_failed(item), score is None, score or 0.0, item["id"], item["repeat"]


def failures(report: Report) -> dict[str, list[Item]]:
    """The kind of an error -> items that failed so, the most frequent kind first."""
    kinds: dict[str, list[Item]] = defaultdict(list)
    for item in report["items"]:
        if has_failed(item):
            kinds[item["error"]["kind"]].append(item)
    return dict(sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0])))


def falls(report: Report) -> list[Mapping[str, Any]]:
    """Items that fell beyond the gate's limit, worst first; none without a gate."""
    return [] if report["gate"] is None else list(report["gate"]["falls"])


def values(report: Report, metric: str) -> list[float]:
    """An item's figures of one metric, in the order of the items, without those that have none."""
    found = (item["score"] if metric == "score" else item["metrics"].get(metric) for item in report["items"])
    return [value for value in found if value is not None]


def reasons(report: Report) -> Callable[[Item], str]:
    """item -> one line on why it scored low; "" where nothing tells."""
    weakest = weaknesses(report)

    def reason(item: Item) -> str:
        if item["error"] is not None:
            return f"{item['error']['kind']}: {item['error']['message']}"
        weakness = weakest(item)
        return "" if weakness is None else str(weakness)

    return reason


def weaknesses(report: Report) -> Callable[[Item], Weakness | None]:
    """item -> the metric by which it lies furthest on the wrong side of the mean, in standard deviations.

    Metrics without a direction, and those on which all items agree, say nothing; None where no metric is left.
    """
    shapes: dict[str, tuple[float, float]] = {}
    for name, metric in report["metrics"].items():
        found = values(report, name)
        if (
            name != "score"
            and metric["direction"] != "none"
            and len(found) > 1
            and (deviation := pstdev(found)) > _NOISE
        ):
            shapes[name] = fmean(found), deviation if metric["direction"] == "higher" else -deviation

    def weakest(item: Item) -> Weakness | None:
        short = {
            name: (mean - item["metrics"][name]) / deviation
            for name, (mean, deviation) in shapes.items()
            if item["metrics"].get(name) is not None
        }
        name = max(short, key=lambda name: short[name], default=None)
        return None if name is None else Weakness(name, item["metrics"][name], item["notes"].get(name, ""))

    return weakest
