"""Statistics of an evaluation: intervals of means, and paired tests of two runs.

Items of one cluster (repeats of a question, questions about one reference) resemble each other, so one cluster is one
observation.
"""

from collections.abc import Hashable, Iterator, Sequence
from math import ceil, inf, isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import nctdtrinc, ndtr, stdtrit  # type: ignore[import-untyped, unused-ignore]

from qtgen.evaluation.bootstrap import bootstrap_bounds
from qtgen.evaluation.report import Verdict

Floats = NDArray[np.float64]
Values = Sequence[float] | Floats
Clusters = Sequence[Hashable]

_POWER = 0.8
_MIN_CLUSTERS = 5  # with fewer, "no change" is never claimed
_EXACT_CLUSTERS = 14  # up to here all sign flips are enumerated: there are fewer of them than would be drawn
_DRAWS = 10_000
_BLOCK = 1_000  # flips in memory at once
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
    of the difference, None with fewer than two clusters.

    `correct_for_multiple_tests` replaces `p_corrected` and `smallest_visible` with values for all metrics together.
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
    differences = _without_noise(noise, _cluster_means(new - old, clusters))
    count = len(differences)
    old_mean, new_mean = (float(_cluster_means(scores, clusters).mean()) for scores in (old, new))
    difference = float(_without_noise(noise, differences.mean()))
    p, low, high = _sign_flip_test(differences, alpha, noise)
    error = float(_without_noise(noise, differences.std(ddof=1) / sqrt(count))) if count > 1 else None
    visible = _smallest_visible(error, count, alpha)
    comparison = PairedComparison(
        metric, old_mean, new_mean, difference, low, high, p, p, visible, len(old), count, Verdict.TOO_FEW,
        higher_is_better, error,
    )  # fmt: skip
    return comparison._replace(verdict=_verdict(comparison, alpha, matters))


def correct_for_multiple_tests(
    comparisons: Sequence[PairedComparison], alpha: float = 0.05, matters: float = 0.05
) -> list[PairedComparison]:
    """Return the comparisons in the same order, with p values corrected by Holm (1979) and new verdicts.

    `smallest_visible` becomes that of Holm's first and strictest step, alpha divided by the number of metrics, so that
    its power holds whatever the other metrics show.
    """
    count, p = len(comparisons), np.array([comparison.p for comparison in comparisons])
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(count, 0, -1)))
    corrected = []
    for comparison, value in zip(comparisons, adjusted, strict=True):
        visible = _smallest_visible(comparison.standard_error, comparison.clusters, alpha / count)
        corrected.append(comparison._replace(p_corrected=float(value), smallest_visible=visible))
    return [comparison._replace(verdict=_verdict(comparison, alpha, matters)) for comparison in corrected]


def falls(
    before: Values, after: Values, ids: Sequence[str], limit: float, *, higher_is_better: bool = True
) -> list[Fall]:
    """Return the items that became worse by more than `limit`, the worst first.

    Raises ValueError as `mean_interval` does.
    """
    old, new = finite_array(before, ids), finite_array(after, ids)
    losses = (old - new) * (1 if higher_is_better else -1)
    rows = map(Fall, ids, old.tolist(), new.tolist(), losses.tolist())
    fallen = [row for row in rows if row.fall - limit > _NOISE * max(abs(row.before), abs(row.after))]
    return sorted(fallen, key=lambda fall: (-fall.fall, fall.id))


def _verdict(comparison: PairedComparison, alpha: float, matters: float) -> Verdict:
    if comparison.p_corrected < alpha:
        is_better = (comparison.difference > 0) == comparison.higher_is_better
        return Verdict.BETTER if is_better else Verdict.WORSE
    is_blind = comparison.smallest_visible is None or comparison.smallest_visible > matters
    return Verdict.TOO_FEW if is_blind or comparison.clusters < _MIN_CLUSTERS else Verdict.NO_CHANGE


def _smallest_visible(error: float | None, clusters: int, alpha: float) -> float | None:
    if error is None or _smallest_p(clusters) >= alpha:
        return None
    return float(error * nctdtrinc(clusters - 1, 1 - _POWER, stdtrit(clusters - 1, 1 - alpha / 2)))


def _smallest_p(clusters: int) -> float:
    """Return the p of differences that all have the same sign."""
    return max(2.0 ** (1 - clusters), 1 / (_DRAWS + 1))


def _sign_flip_test(differences: Floats, alpha: float, noise: float) -> tuple[float, float | None, float | None]:
    """Return the p of no difference, and the smallest and the largest difference whose p is at least alpha.

    Flipping the signs of a subset moves the mean at least as far from a supposed difference as it is exactly if the
    mean of the subset or of its complement lies beyond that difference. So both the p value and the interval follow
    from the means of subsets (Hartigan 1969).
    """
    lower, upper = (_without_noise(noise, means) for means in _subset_means(differences))
    flips, mean = len(lower) + 1, _without_noise(noise, differences.mean())
    extreme = (lower <= 0).sum() if mean > 0 else (upper >= 0).sum() if mean < 0 else flips - 1
    p, rank = float(1 + extreme) / flips, ceil(alpha * flips) - 1
    if rank < 1:
        return p, None, None
    low, high = float(np.sort(lower)[rank - 1]), float(np.sort(upper)[-rank])
    return p, low if isfinite(low) else None, high if isfinite(high) else None


def _subset_means(differences: Floats) -> tuple[Floats, Floats]:
    """Return for every flip the lower and the upper of two means: of the flipped subset, and of all others."""
    count = len(differences)
    parts = [(np.einsum("ij,j->i", block, differences[:-1]), block.sum(axis=1)) for block in _subsets(count - 1)]
    inside, size = (np.concatenate(part) for part in zip(*parts, strict=True))
    subset, complement = inside / np.maximum(size, 1), (differences.sum() - inside) / (count - size)
    is_empty = size == 0  # the flip that changes nothing
    lower, upper = np.minimum(subset, complement), np.maximum(subset, complement)
    return np.where(is_empty, -inf, lower), np.where(is_empty, inf, upper)


def _subsets(count: int) -> Iterator[NDArray[np.bool_]]:
    """Yield blocks of rows, one subset per row: all non-empty ones, or random ones if there are too many."""
    if count < _EXACT_CLUSTERS:
        yield (np.arange(1, 2**count)[:, None] >> np.arange(count) & 1).astype(np.bool_)
        return
    generator = np.random.default_rng(0)
    yield from (generator.integers(0, 2, (_BLOCK, count), np.bool_) for _ in range(_DRAWS // _BLOCK))


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


def _without_noise(noise: float, values: Any) -> Any:
    return np.where(np.abs(values) > noise, values, 0.0)


def finite_array(values: Values, companions: Sequence[object] | Floats) -> Floats:
    """Return the values as an array. Raises ValueError unless there is one finite value per companion."""
    array = np.asarray(values, np.float64)
    if array.shape != (len(companions),) or not np.isfinite(array).all():
        raise ValueError("each item needs a finite number; leave out the others first")
    return array
