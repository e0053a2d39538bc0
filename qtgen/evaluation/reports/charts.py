"""The geometry of the HTML report's charts: values in, positions out.

Horizontal positions are percentages, so that a chart fills its place and its text keeps its size. Vertical positions
are pixels.
"""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log2, log10
from statistics import StatisticsError, correlation, fmean
from typing import NamedTuple

from qtgen.evaluation.report import EvalItem, EvalReport, MetricComparison, MetricSummary

BINS = 20
PLOT_HEIGHT = 160  # pixels that the histogram and the scatter plot have for their marks
_STRIP_WIDTH = 1000  # positions across a strip of ticks
_MAX_OCTAVES = 5.0  # a length ratio beyond 1/32 or 32 is drawn at the edge


class Scale(NamedTuple):
    """The values at the left and at the right end of an axis."""

    low: float
    high: float

    def position(self, value: float) -> float:
        """Return the percentage across; a value outside is drawn at the edge."""
        return round(100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))), 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Five positions with their values."""
        return [(25.0 * n, f"{self.low + (self.high - self.low) * n / 4:g}") for n in range(5)]


UNIT_SCALE = Scale(0.0, 1.0)


def scale_for(values: Iterable[float]) -> Scale:
    """Return 0 to 1 if all values lie in it; otherwise a scale from 0 or below to a round number above."""
    values = list(values)
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low >= 0 and high <= 1:
        return UNIT_SCALE
    return Scale(-_round_up(-low) if low < 0 else 0.0, _round_up(high) if high > 0 else 0.0)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 4 and 8 times a power of ten, so that a quarter of it is a short number too."""
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value * (1 - 1e-12))


class Bin(NamedTuple):
    """A bar of a histogram: `x` and `width` in percent, `height` in pixels, and the values it covers."""

    x: float
    width: float
    height: float
    items: int
    low: float
    high: float


def histogram(values: Sequence[float], scale: Scale) -> list[Bin]:
    """Return bins of equal width over the whole scale. The last one contains its upper end."""
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int(scale.position(value) / 100 * BINS))] += 1
    tallest, step, width = max(counts) or 1, (scale.high - scale.low) / BINS, 100 / BINS
    return [
        Bin(
            width * n,
            width,
            round(PLOT_HEIGHT * count / tallest, 1),
            count,
            scale.low + step * n,
            scale.low + step * (n + 1),
        )
        for n, count in enumerate(counts)
    ]


def tick_strip(values: Iterable[float], scale: Scale) -> str:
    """Return an SVG path with a tick of height 1 for each value."""
    positions = sorted({round(scale.position(value) / 100 * _STRIP_WIDTH) for value in values})
    return "".join(f"M{x} 0v1" for x in positions)


class SubjectBar(NamedTuple):
    """The mean score of a subject, None if no item has a score. `items` counts those with a score."""

    name: str
    mean: float | None
    items: int
    ticks: str
    bar: float


def subject_bars(report: EvalReport, scale: Scale) -> list[SubjectBar]:
    """Return one bar per subject, the lowest mean first and those without a score at the end."""
    scores: dict[str, list[float]] = {}
    for item in report.items:
        subject_scores = scores.setdefault(item.subject, [])
        if item.score is not None:
            subject_scores.append(item.score)
    bars = []
    for name, values in scores.items():
        mean = fmean(values) if values else None
        bar = 0.0 if mean is None else scale.position(mean)
        bars.append(SubjectBar(name, mean, len(values), tick_strip(values, scale), bar))
    return sorted(bars, key=lambda bar: (bar.mean is None, bar.mean, bar.name))


class PlotPoint(NamedTuple):
    """A point of the scatter plot: `x` in percent, `y` in pixels from the top."""

    x: float
    y: float
    ratio: float
    item: EvalItem


class LengthPlot(NamedTuple):
    """Length ratio against score. `rho` is their rank correlation, None if it is not defined."""

    points: list[PlotPoint]
    ticks: list[tuple[float, str]]
    rho: float | None


def length_plot(report: EvalReport, scale: Scale) -> LengthPlot:
    """Return the score against the words of the candidate per word of the reference, on a logarithmic scale."""
    ratios, scores, items = [], [], []
    for item in report.items:
        candidate, reference = len(item.candidate.split()), len(item.reference.split())
        if candidate and reference and item.score is not None:  # that an empty answer scores low shows nothing
            ratios.append(candidate / reference)
            scores.append(item.score)
            items.append(item)
    octaves = [min(_MAX_OCTAVES, max(-_MAX_OCTAVES, log2(ratio))) for ratio in ratios]
    lowest, highest = min([-1, *map(floor, octaves)]), max([1, *map(ceil, octaves)])
    across = Scale(lowest, highest)
    points = [
        PlotPoint(across.position(octave), round(PLOT_HEIGHT * (1 - scale.position(score) / 100), 1), ratio, item)
        for octave, score, ratio, item in zip(octaves, scores, ratios, items, strict=True)
    ]
    ticks = [(across.position(n), f"{2**n}" if n >= 0 else f"1/{2**-n}") for n in range(lowest, highest + 1)]
    return LengthPlot(points, ticks, rank_correlation(ratios, scores))


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Spearman's rho (Spearman 1904), with ties at their mean rank.

    None for fewer than three values, and if all values of one sequence are equal.
    """
    if len(first) < 3:
        return None
    try:
        return correlation(_ranks(first), _ranks(second))
    except StatisticsError:
        return None


def _ranks(values: Sequence[float]) -> list[float]:
    ranks: dict[float, list[int]] = {}
    for rank, value in enumerate(sorted(values)):
        ranks.setdefault(value, []).append(rank)
    return [fmean(ranks[value]) for value in values]


class IntervalMark(NamedTuple):
    """The positions of a metric's mean, its interval and the mean before, in percent of its own scale."""

    ticks: str
    low: float | None
    high: float | None
    mean: float | None
    before: float | None
    scale: Scale


def interval_mark(report: EvalReport, name: str, summary: MetricSummary, before: float | None) -> IntervalMark:
    """Return the marks of one metric. `before` is the baseline's mean, if there is one."""
    values = report.values(name)
    marks = [summary.low, summary.high, summary.mean, before]
    scale = scale_for([*values, *(mark for mark in marks if mark is not None)])
    low, high, mean, earlier = (None if mark is None else scale.position(mark) for mark in marks)
    return IntervalMark(tick_strip(values, scale), low, high, mean, earlier, scale)


class ChangeMark(NamedTuple):
    """The positions of a change and its interval, in percent of an axis with no change in the middle.

    `band` contains the changes that are too small to be visible.
    """

    low: float
    high: float
    difference: float
    band: tuple[float, float]


def change_marks(comparisons: Sequence[MetricComparison]) -> dict[str, ChangeMark]:
    """Return the marks by metric. Metrics between 0 and 1 share an axis; each of the others has its own."""
    known = [comparison for comparison in comparisons if None not in (comparison.low, comparison.high)]
    shared = max((_reach(comparison) for comparison in known if _is_unit(comparison)), default=0.0)
    return {
        comparison.metric: _change_mark(comparison, shared if _is_unit(comparison) else _reach(comparison))
        for comparison in known
    }


def _is_unit(comparison: MetricComparison) -> bool:
    return 0 <= comparison.before <= 1 and 0 <= comparison.after <= 1


def _reach(comparison: MetricComparison) -> float:
    ends = (comparison.low, comparison.high, comparison.difference, comparison.smallest_visible)
    return max(abs(end or 0.0) for end in ends)


def _change_mark(comparison: MetricComparison, reach: float) -> ChangeMark:
    axis = Scale(-1.05 * reach, 1.05 * reach) if reach else Scale(-1.0, 1.0)
    visible = comparison.smallest_visible or 0.0
    low, high = axis.position(comparison.low or 0.0), axis.position(comparison.high or 0.0)
    return ChangeMark(
        low, high, axis.position(comparison.difference), (axis.position(-visible), axis.position(visible))
    )
