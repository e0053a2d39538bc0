"""Statistics of an evaluation: intervals of means, and paired tests of two runs.

Items of one cluster (repeats of a question, questions about one reference) resemble each other, so one cluster is one
observation.
"""

from collections.abc import Hashable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import nctdtrinc, ndtr, stdtrit  # type: ignore[import-untyped, unused-ignore]

from qtgen.evaluation.report import Verdict
from qtgen.evaluation.statistics.bootstrap import bootstrap_bounds
from qtgen.evaluation.statistics.sign_flips import sign_flip_test, smallest_p, without_noise
from qtgen.evaluation.statistics.sign_test import sign_test, smallest_visible_share

Floats = NDArray[np.float64]
Values = Sequence[float] | Floats
Clusters = Sequence[Hashable]

_POWER = 0.8
_MIN_CLUSTERS = 5  # with fewer, "no change" is never claimed
_ROUNDING = 1e-9  # relative: a change of 0.7 - 0.8 is as large as 0.1
_NOISE = 1e-12  # relative to the largest value: smaller differences are left over from rounding


class Interval(NamedTuple):
    """A mean with its confidence interval.

    `mean` is None without items; `low` and `high` are None with fewer than two clusters.
    """

    mean: float | None
    low: float | None
    high: float | None
    items: int
    clusters: int


class PairedComparison(NamedTuple):
    """One metric before and after: means over clusters, all weighted equally, and a test of their difference.

    `low` and `high` are the interval of the difference; 0 lies outside exactly if p < alpha. `smallest_visible` is the
    true difference that a t-test finds with a power of 80 %; from 8 clusters on this test finds it as well. All three
    are None if no outcome of so few clusters is significant (5 or fewer at an alpha of 0.05). `standard_error` is that
    of the difference, None with fewer than two clusters. `differences` are those of the clusters; smaller ones than
    `noise` are left over from rounding.

    A preference (`is_preference`) is tested by an exact sign test instead. Its clusters' differences are 1, -1 or 0 for
    none, and `before` and `after` are the shares of the clusters that prefer either side, of those that prefer one.

    `correct_for_multiple_tests` replaces `p_corrected`, the interval and `smallest_visible` with values for all metrics
    together.
    """

    metric: str
    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    p: float
    p_corrected: float
    smallest_visible: float | None
    items: int
    clusters: int
    verdict: Verdict
    higher_is_better: bool
    standard_error: float | None
    differences: tuple[float, ...] = ()
    noise: float = 0.0
    is_preference: bool = False


class Fall(NamedTuple):
    """An item that became worse by more than the limit."""

    id: str
    before: float
    after: float
    fall: float


def mean_interval(
    values: Values, clusters: Clusters, *, level: float = 0.95, seed: int = 0, resamples: int = 2000
) -> Interval:
    """Return the mean over items with a clustered bootstrap interval.

    Clusters are drawn with replacement; the mean of a draw is its sum divided by its count. The quantiles are those of
    the widened level of Hesterberg (2015, "What teachers should know about the bootstrap"), because plain ones are too
    narrow with few clusters. Raises ValueError for a value that is not finite and for sequences of different length.
    """
    scores = finite_array(values, clusters)
    if not len(scores):
        return Interval(None, None, None, 0, 0)
    sums, counts = _sums_by_cluster(scores, clusters)
    mean, count = float(sums.sum() / counts.sum()), len(sums)
    if count < 2:
        return Interval(mean, None, None, len(scores), count)
    tail = ndtr(sqrt(count / (count - 1)) * stdtrit(count - 1, (1 - level) / 2))
    low, high = bootstrap_bounds(sums, counts, tail, seed=seed, resamples=resamples)
    return Interval(mean, min(mean, low), max(mean, high), len(scores), count)


def compare(
    metric: str,
    before: Values,
    after: Values,
    clusters: Clusters,
    *,
    higher_is_better: bool,
    alpha: float = 0.05,
    matters: float = 0.05,
) -> PairedComparison:
    """Compare items before and after, paired by position.

    `matters` is the smallest difference that the user cares about.

    The means of the clusters' differences are tested two-sidedly by flipping their signs (Fisher 1935): if nothing
    changed, before and after are exchangeable. The test is exact for up to 14 clusters. Beyond that, 10,000 flips are
    drawn and counted as in Phipson and Smyth (2010). The interval contains the differences that the test does not
    reject. Raises ValueError for a value that is not finite, for sequences of different length, and without any item.
    """
    old, new = finite_array(before, clusters), finite_array(after, clusters)
    if not len(old):
        raise ValueError("there is nothing to compare")
    noise = _NOISE * max(np.abs(old).max(), np.abs(new).max())
    differences = without_noise(noise, _cluster_means(new - old, clusters))
    count = len(differences)
    old_mean, new_mean = (float(_cluster_means(scores, clusters).mean()) for scores in (old, new))
    difference = float(without_noise(noise, differences.mean()))
    p, low, high = sign_flip_test(differences, alpha, noise)
    error = float(without_noise(noise, differences.std(ddof=1) / sqrt(count))) if count > 1 else None
    visible = _smallest_visible(error, count, alpha)
    comparison = PairedComparison(
        metric, old_mean, new_mean, difference, low, high, p, p, visible, len(old), count, Verdict.TOO_FEW,
        higher_is_better, error, tuple(differences.tolist()), float(noise),
    )  # fmt: skip
    return comparison._replace(verdict=_verdict(comparison, alpha, matters))


def compare_preferences(preferences: Sequence[float], *, items: int, alpha: float = 0.05) -> PairedComparison:
    """Test whether more clusters prefer the new side than the old one.

    Args:
        preferences: One value per cluster: positive if it prefers the new side, negative for the old one, 0 for none.
        items: Number of the comparisons behind the values.
        alpha: Significance level.
    """
    signs = np.sign(finite_array(preferences, preferences))
    wins, losses = int((signs > 0).sum()), int((signs < 0).sum())
    decided = max(1, wins + losses)
    p, low, high = sign_test(wins, losses, alpha)
    visible = smallest_visible_share(len(signs), alpha)
    comparison = PairedComparison(
        "preference", losses / decided, wins / decided, (wins - losses) / decided, low, high, p, p, visible, items,
        len(signs), Verdict.TOO_FEW, True, None, tuple(signs.tolist()), is_preference=True,
    )  # fmt: skip
    return comparison._replace(verdict=_verdict(comparison, alpha, 0.0))


def correct_for_multiple_tests(
    comparisons: Sequence[PairedComparison], alpha: float = 0.05, matters: float = 0.05
) -> list[PairedComparison]:
    """Return the comparisons in the same order, with p values corrected by Holm (1979) and new verdicts.

    The interval of each comparison becomes that of the level at which Holm's procedure tests it, so that 0 still lies
    outside exactly if `p_corrected` < alpha. All comparisons that are not significant are at the level at which the
    procedure stopped.

    `smallest_visible` becomes that of Holm's first and strictest step, alpha divided by the number of metrics, so that
    its power holds whatever the other metrics show.
    """
    count, p = len(comparisons), np.array([comparison.p for comparison in comparisons])
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(count, 0, -1)))
    rejected = int((adjusted < alpha).sum())
    corrected = []
    for comparison, value, rank in zip(comparisons, adjusted, np.argsort(order, kind="stable"), strict=True):
        low, high = _interval(comparison, alpha / (count - min(int(rank), rejected)))
        visible = _visible(comparison, alpha / count)
        corrected.append(comparison._replace(p_corrected=float(value), low=low, high=high, smallest_visible=visible))
    return [comparison._replace(verdict=_verdict(comparison, alpha, matters)) for comparison in corrected]


def _interval(comparison: PairedComparison, alpha: float) -> tuple[float | None, float | None]:
    differences = np.array(comparison.differences)
    if comparison.is_preference:
        _, low, high = sign_test(int((differences > 0).sum()), int((differences < 0).sum()), alpha)
    else:
        _, low, high = sign_flip_test(differences, alpha, comparison.noise)
    return low, high


def _visible(comparison: PairedComparison, alpha: float) -> float | None:
    if comparison.is_preference:
        return smallest_visible_share(comparison.clusters, alpha)
    return _smallest_visible(comparison.standard_error, comparison.clusters, alpha)


def falls(
    before: Values, after: Values, ids: Sequence[str], limit: float, *, higher_is_better: bool = True
) -> list[Fall]:
    """Return the items that became worse by more than `limit` times what they had before, the worst first.

    Raises ValueError as `mean_interval` does.
    """
    old, new = finite_array(before, ids), finite_array(after, ids)
    losses = (old - new) * (1 if higher_is_better else -1)
    rows = map(Fall, ids, old.tolist(), new.tolist(), losses.tolist())
    fallen = [row for row in rows if row.fall - limit * abs(row.before) > _NOISE * max(abs(row.before), abs(row.after))]
    return sorted(fallen, key=lambda fall: (-fall.fall, fall.id))


def _verdict(comparison: PairedComparison, alpha: float, matters: float) -> Verdict:
    if comparison.is_preference:
        matters = 0.0  # it is no amount: a preference that is significant matters
    if comparison.p_corrected < alpha:
        if not _may_matter(comparison, matters):
            return Verdict.NO_CHANGE
        is_better = (comparison.difference > 0) == comparison.higher_is_better
        return Verdict.BETTER if is_better else Verdict.WORSE
    visible = comparison.smallest_visible
    is_blind = visible is None or (visible > matters and not comparison.is_preference)
    return Verdict.TOO_FEW if is_blind or comparison.clusters < _MIN_CLUSTERS else Verdict.NO_CHANGE


def _may_matter(comparison: PairedComparison, matters: float) -> bool:
    """Return whether the interval of a change contains changes in its direction that are as large as `matters`."""
    is_rise = comparison.difference > 0
    end = comparison.high if is_rise else comparison.low
    if end is None:
        return True
    return (end if is_rise else -end) >= matters * (1 - _ROUNDING)


def _smallest_visible(error: float | None, clusters: int, alpha: float) -> float | None:
    if error is None or smallest_p(clusters) >= alpha:
        return None
    return float(error * nctdtrinc(clusters - 1, 1 - _POWER, stdtrit(clusters - 1, 1 - alpha / 2)))


def _cluster_means(values: Floats, clusters: Clusters) -> Floats:
    """Return the means in an order that depends on nothing but the means, and not on their common sign."""
    sums, counts = _sums_by_cluster(values, clusters)
    means = sums / counts
    return means[np.lexsort((means, np.abs(means)))]


def _sums_by_cluster(values: Floats, clusters: Clusters) -> tuple[Floats, Floats]:
    """Return sorted sums and counts. Values are added in sorted order, so the order of items changes no bit."""
    numbers: dict[Hashable, int] = {}
    indices = np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], np.intp)
    order = np.argsort(values)
    sums = np.bincount(indices[order], values[order]).astype(np.float64)
    counts = np.bincount(indices).astype(np.float64)
    order = np.lexsort((counts, sums))
    return sums[order], counts[order]


def finite_array(values: Values, companions: Sequence[object] | Floats) -> Floats:
    """Return the values as an array. Raises ValueError unless there is one finite value per companion."""
    array = np.asarray(values, np.float64)
    if array.shape != (len(companions),) or not np.isfinite(array).all():
        raise ValueError("each item needs a finite number; leave out the others first")
    return array
