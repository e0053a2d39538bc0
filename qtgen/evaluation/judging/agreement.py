"""Agreement of several judgements of the same texts.

Krippendorff's alpha (2011, "Computing Krippendorff's alpha-reliability") is 1 if all judgements of a text are equal,
and 0 if they differ as much as judgements of different texts. Ratings are points, and two of them differ by their
squared distance: that is the interval form of alpha for numbers, and the nominal form for verdicts, each an axis of
its own. Intervals come from drawing whole items with replacement, because the claims of one item belong together.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qtgen.evaluation.judging.summary import JudgeAgreement

Floats = NDArray[np.float64]
_MIN_ITEMS = 5  # with fewer, resampling gives no useful interval
_DRAWS = 2_000
_MAX_UNDEFINED = 0.1  # share of resamples whose alpha may be undefined


class Opinion(NamedTuple):
    """One judgement that a judge has given.

    Args:
        judge: The model.
        metric: The metric of the judgement.
        item: The judged text.
        value: The score.
        labels: The verdicts, if it judged claims.
    """

    judge: str
    metric: str
    item: int
    value: float
    labels: tuple[str, ...] = ()


class _Unit(NamedTuple):
    """The ratings of one text, or of one claim of a text."""

    item: int
    ratings: tuple[float | str, ...]


def judge_agreements(opinions: Sequence[Opinion], *, seed: int = 0) -> tuple[JudgeAgreement, ...]:
    """Return the agreement within each judge and between judges, for each metric.

    A judge's several judgements of a text count as one between judges: the mean of its scores, or its most frequent
    verdict.
    """
    found = []
    for metric in dict.fromkeys(opinion.metric for opinion in opinions):
        by_judge: dict[str, dict[int, list[Opinion]]] = defaultdict(lambda: defaultdict(list))
        for opinion in opinions:
            if opinion.metric == metric:
                by_judge[opinion.judge][opinion.item].append(opinion)
        groups = {judge: _ratings(items) for judge, items in by_judge.items()}
        comparisons = [(judge, groups[judge]) for judge in groups]
        if len(groups) > 1:
            comparisons.append(("judges", _between(list(groups.values()))))
        for between, units in comparisons:
            if agreement := _agreement(metric, between, units, seed):
                found.append(agreement)
    return tuple(found)


def _ratings(items: dict[int, list[Opinion]]) -> list[_Unit]:
    """Return the units that one judge has rated: the texts, or the claims if it judged claims."""
    units = []
    for item, opinions in items.items():
        if opinions[0].labels:
            units += [_Unit(item, labels) for labels in zip(*(opinion.labels for opinion in opinions), strict=True)]
        else:
            units.append(_Unit(item, tuple(opinion.value for opinion in opinions)))
    return units


def _between(groups: Sequence[Sequence[_Unit]]) -> list[_Unit]:
    """Return the units with one rating of each judge."""
    ratings: dict[tuple[int, int], list[float | str]] = defaultdict(list)
    for units in groups:
        places: Counter[int] = Counter()  # the number of the claim within its item
        for unit in units:
            ratings[unit.item, places[unit.item]].append(_summary(unit.ratings))
            places[unit.item] += 1
    return [_Unit(item, tuple(values)) for (item, _), values in ratings.items()]


def _summary(ratings: Sequence[float | str]) -> float | str:
    numbers = [rating for rating in ratings if isinstance(rating, float)]
    return fmean(numbers) if numbers else Counter(ratings).most_common(1)[0][0]


def _agreement(metric: str, between: str, units: Sequence[_Unit], seed: int) -> JudgeAgreement | None:
    compared = [unit for unit in units if len(unit.ratings) > 1]
    if not compared:
        return None
    alpha, low, high = krippendorff_alpha([unit.ratings for unit in compared], [unit.item for unit in compared], seed)
    return JudgeAgreement(
        metric,
        between,
        judgements=max(len(unit.ratings) for unit in compared),
        units=len(compared),
        items=len({unit.item for unit in compared}),
        alpha=alpha,
        low=low,
        high=high,
        equal=fmean(len(set(unit.ratings)) == 1 for unit in compared),
    )


def krippendorff_alpha(
    units: Sequence[Sequence[float | str]], clusters: Sequence[int], seed: int = 0
) -> tuple[float | None, float | None, float | None]:
    """Return Krippendorff's alpha of ratings, which are all numbers or all labels, with its 95% interval.

    Alpha is None if no unit has two ratings, or if all ratings are equal. There is no interval with fewer than five
    clusters, nor if many resamples have no alpha.
    """
    sums = np.array(list(_unit_sums(units)))
    if not len(sums):
        return None, None, None
    alpha = _alphas(sums.sum(axis=0)[None])[0]
    if not np.isfinite(alpha):
        return None, None, None
    used = [cluster for unit, cluster in zip(units, clusters, strict=True) if len(unit) > 1]
    numbers = np.unique(used, return_inverse=True)[1]
    by_cluster = np.zeros((numbers.max() + 1, sums.shape[1]))
    np.add.at(by_cluster, numbers, sums)
    count = len(by_cluster)
    if count < _MIN_ITEMS:
        return float(alpha), None, None
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=_DRAWS)
    draws = _alphas(times.astype(np.float64) @ by_cluster)
    known = draws[np.isfinite(draws)]
    if len(known) < (1 - _MAX_UNDEFINED) * _DRAWS:
        return float(alpha), None, None
    low, high = np.quantile(known, [0.025, 0.975])
    return float(alpha), min(float(low), float(alpha)), max(float(high), float(alpha))


def _unit_sums(units: Sequence[Sequence[float | str]]) -> Iterator[Floats]:
    """Yield the ratings, the disagreement, the sum of squares and the sums on each axis of each unit."""
    labels = sorted({rating for rating in chain.from_iterable(units) if isinstance(rating, str)})
    axes = {label: axis for axis, label in enumerate(labels)}
    for unit in units:
        count = len(unit)
        if count < 2:
            continue
        if labels:
            points = np.zeros((count, len(labels)))
            points[np.arange(count), [axes[str(rating)] for rating in unit]] = 1.0
        else:
            points = np.array([[float(rating)] for rating in unit])
        squares, sums = float((points**2).sum()), points.sum(axis=0)
        disagreement = 2 * (count * squares - float(sums @ sums)) / (count - 1)
        yield np.array([count, disagreement, squares, *sums])


def _alphas(sums: Floats) -> Floats:
    """Return alpha for each row of sums over units; `nan` if it is undefined."""
    count, disagreement, squares, axes = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3:]
    expected = 2 * (count * squares - (axes**2).sum(axis=1)) / np.maximum(count - 1, 1)
    is_defined = expected > 1e-9 * np.maximum(squares, 1.0)
    return np.where(is_defined, 1 - disagreement / np.where(is_defined, expected, 1.0), np.nan)
