"""The geometry of the charts: figures in, places out. Across in percent, so that a chart is as wide as its place is
and its words keep their size; down in pixels."""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor, log2, log10
from statistics import StatisticsError, correlation, fmean
from typing import Any, NamedTuple

from qtgen.evaluation.reports.common import Item, Report, values

BINS = 20
PLOT = 160  # pixels down that the histogram and the scatter have for their marks
_STRIP = 1000  # places across a strip of ticks
_OCTAVES = 5.0  # a length ratio beyond 1/32 or 32 is drawn at the edge


class Scale(NamedTuple):
    low: float
    high: float

    def at(self, value: float) -> float:
        """Percent of the way across; what lies outside is drawn at the edge."""
        return round(100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))), 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Five places across, in percent, and their figures."""
        return [(25.0 * n, f"{self.low + (self.high - self.low) * n / 4:g}") for n in range(5)]


UNIT = Scale(0.0, 1.0)


def scale_of(figures: Iterable[float]) -> Scale:
    """0 to 1 where all figures lie there; else from 0 or below to a round figure above."""
    figures = list(figures)
    low, high = min(figures, default=0.0), max(figures, default=1.0)
    if low >= 0 and high <= 1:
        return UNIT
    return Scale(-_round_up(-low) if low < 0 else 0.0, _round_up(high) if high > 0 else 0.0)


def _round_up(value: float) -> float:
    """The next of 1, 2, 4 and 8 times a power of ten: a quarter of it is short too."""
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value * (1 - 1e-12))


class Bin(NamedTuple):
    """x, width in percent; height in pixels."""

    x: float
    width: float
    height: float
    items: int
    low: float
    high: float


def histogram(figures: Sequence[float], scale: Scale) -> list[Bin]:
    """Bins of one width over the whole scale; the last holds its upper end too."""
    counts = [0] * BINS
    for value in figures:
        counts[min(BINS - 1, int(scale.at(value) / 100 * BINS))] += 1
    top, width = max(counts) or 1, (scale.high - scale.low) / BINS
    return [
        Bin(
            100 / BINS * n,
            100 / BINS,
            round(PLOT * count / top, 1),
            count,
            scale.low + width * n,
            scale.low + width * (n + 1),
        )
        for n, count in enumerate(counts)
    ]


def strip(figures: Iterable[float], scale: Scale) -> str:
    """An SVG path of a tick for each figure, 1 high, over `_STRIP` units."""
    return "".join(f"M{x} 0v1" for x in sorted({round(scale.at(value) / 100 * _STRIP) for value in figures}))


class SubjectBar(NamedTuple):
    """mean is None where no item of the subject has a score."""

    name: str
    mean: float | None
    items: int
    ticks: str
    bar: float


def subjects(report: Report, scale: Scale) -> list[SubjectBar]:
    """The mean score of each subject, the lowest first, those without a score at the end. items: those with a score."""
    scores: dict[str, list[float]] = {}
    for item in report["items"]:
        of_subject = scores.setdefault(item["subject"], [])
        if item["score"] is not None:
            of_subject.append(item["score"])
    rows = [_subject(name, found, scale) for name, found in scores.items()]
    return sorted(rows, key=lambda row: (row.mean is None, row.mean, row.name))


def _subject(name: str, scores: Sequence[float], scale: Scale) -> SubjectBar:
    mean = fmean(scores) if scores else None
    return SubjectBar(name, mean, len(scores), strip(scores, scale), 0.0 if mean is None else scale.at(mean))


class PlotPoint(NamedTuple):
    """x in percent, y in pixels from the top."""

    x: float
    y: float
    ratio: float
    item: Item


class Lengths(NamedTuple):
    """rho: Spearman's rank correlation of length ratio and score, None where it is not defined."""

    points: list[PlotPoint]
    ticks: list[tuple[float, str]]
    rho: float | None


def lengths(report: Report, scale: Scale) -> Lengths:
    """Words of the candidate over words of the reference, on a scale of doublings, against the score."""
    pairs = [(ratio, item) for item in report["items"] if (ratio := _length_ratio(item)) is not None]
    octaves = [min(_OCTAVES, max(-_OCTAVES, log2(ratio))) for ratio, _ in pairs]
    across = Scale(min(map(floor, octaves), default=-1), max(map(ceil, octaves), default=1))
    across = Scale(min(across.low, -1), max(across.high, 1))
    points = [
        PlotPoint(across.at(octave), round(PLOT * (1 - scale.at(item["score"]) / 100), 1), ratio, item)
        for octave, (ratio, item) in zip(octaves, pairs, strict=True)
    ]
    ticks = [
        (across.at(n), f"{2**n}" if n >= 0 else f"1/{2**-n}") for n in range(int(across.low), int(across.high) + 1)
    ]
    return Lengths(points, ticks, rank_correlation([ratio for ratio, _ in pairs], [item["score"] for _, item in pairs]))


def _length_ratio(item: Item) -> float | None:
    """None where the item has no score, or either text no words: that an empty answer scores low says nothing."""
    candidate, reference = len(item["candidate"].split()), len(item["reference"].split())
    return candidate / reference if candidate and reference and item["score"] is not None else None


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Spearman's rho (Spearman 1904), tied figures at their mean rank; None for fewer than three, or where all of one
    are equal."""
    if len(one) < 3:
        return None
    try:
        return correlation(_ranks(one), _ranks(other))
    except StatisticsError:
        return None


def _ranks(figures: Sequence[float]) -> list[float]:
    places: dict[float, list[int]] = {}
    for rank, value in enumerate(sorted(figures)):
        places.setdefault(value, []).append(rank)
    return [fmean(places[value]) for value in figures]


class IntervalMark(NamedTuple):
    """Of one metric: its mean and interval, the mean before, and the scale's ends where it is not 0 to 1. Percent."""

    ticks: str
    low: float | None
    high: float | None
    mean: float | None
    before: float | None
    scale: Scale


def interval(report: Report, name: str, metric: Mapping[str, Any], before: float | None) -> IntervalMark:
    items = values(report, name)
    figures = [metric["low"], metric["high"], metric["mean"], before]
    scale = scale_of([*items, *(value for value in figures if value is not None)])
    low, high, mean, then = (None if value is None else scale.at(value) for value in figures)
    return IntervalMark(strip(items, scale), low, high, mean, then, scale)


class Change(NamedTuple):
    """Of one comparison, in percent of an axis with no change in the middle: the interval, the difference, and the band
    that would not be seen."""

    low: float
    high: float
    difference: float
    band: tuple[float, float]


def changes(comparisons: Sequence[Mapping[str, Any]]) -> dict[str, Change]:
    """metric -> its change. Metrics between 0 and 1 share an axis; the others have one each."""
    known = [one for one in comparisons if None not in (one["difference"], one["low"], one["high"])]
    shared = max((_reach(one) for one in known if _is_unit(one)), default=0.0)
    return {one["metric"]: _change(one, shared if _is_unit(one) else _reach(one)) for one in known}


def _is_unit(one: Mapping[str, Any]) -> bool:
    return all(0 <= one[name] <= 1 for name in ("before", "after"))


def _reach(one: Mapping[str, Any]) -> float:
    return max(abs(float(one[name] or 0.0)) for name in ("low", "high", "difference", "smallest_visible"))


def _change(one: Mapping[str, Any], reach: float) -> Change:
    axis = Scale(-1.05 * reach, 1.05 * reach) if reach else Scale(-1.0, 1.0)
    visible = one["smallest_visible"] or 0.0
    low, high, difference = (axis.at(one[name]) for name in ("low", "high", "difference"))
    return Change(low, high, difference, (axis.at(-visible), axis.at(visible)))
