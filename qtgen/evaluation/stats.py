"""Did the pages get better, worse, or can nobody tell? Values in, figures and a verdict out.

Items of one cluster (repeats of a question, questions of one reference) are alike: one observation is a cluster.
"""

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from enum import StrEnum
from math import ceil, inf, isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import nctdtrinc, ndtr, stdtrit  # type: ignore[import-untyped, unused-ignore]
from scipy.stats import bootstrap, nct  # type: ignore[import-untyped, unused-ignore]

Floats = NDArray[np.float64]
Values = Sequence[float] | Floats
Clusters = Sequence[Hashable]

_POWER = 0.8
_FEWEST = 5  # clusters below which nobody is told that nothing changed
_ENUMERATED = 14  # clusters up to which all flips of signs are fewer than those that would be drawn
_DRAWN = 10_000
_BLOCK = 1_000  # flips in memory at once
_NOISE = 1e-12  # of the largest value: what is below was left by rounding


class Verdict(StrEnum):
    WORSE = "worse"
    NO_CHANGE = "no change shown"
    TOO_FEW = "too few items to tell"
    BETTER = "better"


class Interval(NamedTuple):
    """mean: None without items; low, high: None with fewer than two clusters, of which nothing is known."""

    mean: float | None
    low: float | None
    high: float | None
    items: int
    clusters: int


class PairedComparison(NamedTuple):
    """One metric before and after: means over clusters, each counting the same, and what may be said of them.

    low, high: of the difference; 0 is outside exactly where p < alpha. smallest_visible: the true difference that a
    t-test finds with a power of 80 %, and ours too from 8 clusters on. All three are None where no outcome of so few
    clusters would be significant (5 or fewer at an alpha of 0.05).
    p_corrected and smallest_visible are those of all metrics together once they are `corrected`; the other figures are
    of this metric alone. standard_error: of the difference, None with fewer than two clusters.
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
    id: str
    before: float
    after: float
    fall: float


def mean_interval(
    values: Values, clusters: Clusters, *, level: float = 0.95, seed: int = 0, resamples: int = 2000
) -> Interval:
    """The mean over items with a clustered bootstrap interval. values, clusters: one of each an item.

    Clusters are drawn with replacement, the mean of a draw being its sum by its count. The quantiles are those of the
    widened level of Hesterberg (2015, "What teachers should know about the bootstrap"), for the plain ones are too
    narrow with few clusters. Raises ValueError for what is no finite number, and for lists of unlike length.
    """
    scores = _finite(values, clusters)
    if not len(scores):
        return Interval(None, None, None, 0, 0)
    sums, counts = _by_cluster(scores, clusters)
    mean, number = float(sums.sum() / counts.sum()), len(sums)
    if number < 2:
        return Interval(mean, None, None, len(scores), number)
    tail = ndtr(sqrt(number / (number - 1)) * stdtrit(number - 1, (1 - level) / 2))
    drawn = bootstrap(
        (sums, counts), lambda sums, counts, axis: sums.sum(axis) / counts.sum(axis), paired=True,
        vectorized=True, method="percentile", n_resamples=resamples, batch=max(1, 10**6 // number),
        confidence_level=1 - 2 * tail, rng=np.random.default_rng(seed),
    )  # fmt: skip
    low, high = map(float, drawn.confidence_interval)
    return Interval(mean, min(mean, low), max(mean, high), len(scores), number)


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
    """Items before and after, paired by position. matters: the smallest difference that the user cares for.

    The means of the clusters' differences are tested two-sidedly by flipping their signs (Fisher 1935): where nothing
    changed, before and after might as well be exchanged. Exact for up to 14 clusters; beyond, 10,000 flips are drawn
    and counted as by Phipson and Smyth (2010). The interval holds what the test does not reject.
    Raises ValueError for what is no finite number, for lists of unlike length, and where there is no item.
    """
    old, new = _finite(before, clusters), _finite(after, clusters)
    if not len(old):
        raise ValueError("there is nothing to compare")
    noise = _NOISE * max(np.abs(old).max(), np.abs(new).max())
    differences = _without(noise, _cluster_means(new - old, clusters))
    number = len(differences)
    was, now = (float(_cluster_means(scores, clusters).mean()) for scores in (old, new))
    difference = float(_without(noise, differences.mean()))
    p, low, high = _sign_flip(differences, alpha, noise)
    error = float(_without(noise, differences.std(ddof=1) / sqrt(number))) if number > 1 else None
    visible = _smallest_visible(error, number, alpha)
    shown = PairedComparison(
        metric, was, now, difference, low, high, p, p, visible, len(old), number, Verdict.TOO_FEW, higher_is_better,
        error,
    )  # fmt: skip
    return shown._replace(verdict=_verdict(shown, alpha, matters))


def corrected(
    comparisons: Sequence[PairedComparison], alpha: float = 0.05, matters: float = 0.05
) -> list[PairedComparison]:
    """The same, in the same order, with p_corrected by Holm (1979) over all of them and verdicts anew.

    smallest_visible is that of Holm's first and strictest step, alpha by the number of metrics, so that the power it
    promises is kept whatever the other metrics come to.
    """
    number, p = len(comparisons), np.array([comparison.p for comparison in comparisons])
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(number)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(number, 0, -1)))
    visible = [_smallest_visible(one.standard_error, one.clusters, alpha / number) for one in comparisons]
    anew = [
        one._replace(p_corrected=float(value), smallest_visible=least)
        for one, value, least in zip(comparisons, adjusted, visible, strict=True)
    ]
    return [one._replace(verdict=_verdict(one, alpha, matters)) for one in anew]


def power_of(n: int, sd: float, difference: float, alpha: float = 0.05) -> float:
    """Chance that a two-sided t-test finds `difference` with n clusters whose differences deviate by sd (Cohen 1988).

    By the noncentral t distribution. That of `compare` is nearly the same from 8 clusters on.
    """
    if n < 2 or sd == 0:
        return float(n >= 2 and difference != 0)
    critical, shift = stdtrit(n - 1, 1 - alpha / 2), difference / sd * sqrt(n)
    return float(nct.sf(critical, n - 1, shift) + nct.sf(critical, n - 1, -shift))


def clusters_needed(sd: float, difference: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many clusters, at least 2, it takes to find `difference` with this power. See `power_of`.

    Raises ValueError for a difference of 0, which no number of clusters shows, and for a negative sd.
    """
    if difference == 0 or sd < 0:
        raise ValueError("the difference must not be 0, nor the standard deviation negative")
    enough = 2
    while power_of(enough, sd, difference, alpha) < power:
        enough *= 2
    return 2 + bisect_left(range(2, enough), power, key=lambda n: power_of(n, sd, difference, alpha))


def falls(
    before: Values, after: Values, ids: Sequence[str], limit: float, *, higher_is_better: bool = True
) -> list[Fall]:
    """Items that got worse by more than `limit`, the worst first. Raises ValueError as `mean_interval` does."""
    old, new = _finite(before, ids), _finite(after, ids)
    rows = zip(ids, old.tolist(), new.tolist(), ((old - new) * (1 if higher_is_better else -1)).tolist(), strict=True)
    found = [Fall(*row) for row in rows if row[3] - limit > _NOISE * max(abs(row[1]), abs(row[2]))]
    return sorted(found, key=lambda fall: (-fall.fall, fall.id))


def pairwise_accuracy(metric_differences: Values, human_differences: Values) -> float:
    """Share of the pairs of answers that humans did not tie which the metric orders as they do (Kocmi et al. 2021).

    A tie or a NaN of the metric counts 1/2. Raises ValueError where humans tied all, and for a NaN of theirs.
    """
    agreement, decided = _agreement(metric_differences, human_differences)
    if not decided.any():
        raise ValueError("humans tied every pair")
    return float(agreement[decided].mean())


def accuracy_interval(
    metric_differences: Values, human_differences: Values, clusters: Clusters, *, level: float = 0.95, seed: int = 0
) -> Interval:
    """`pairwise_accuracy` with the interval of `mean_interval`; its items are the pairs that humans did not tie."""
    agreement, decided = _agreement(metric_differences, human_differences)
    kept = [cluster for cluster, is_decided in zip(clusters, decided, strict=True) if is_decided]
    return mean_interval(agreement[decided], kept, level=level, seed=seed)


def _agreement(metric_differences: Values, human_differences: Values) -> tuple[Floats, NDArray[np.bool_]]:
    """1, 1/2 or 0 a pair, and whether humans preferred one of it."""
    humans = _finite(human_differences, metric_differences)
    metric = np.nan_to_num(np.asarray(metric_differences, np.float64))
    return (1 + np.sign(metric) * np.sign(humans)) / 2, humans != 0


def _verdict(shown: PairedComparison, alpha: float, matters: float) -> Verdict:
    if shown.p_corrected < alpha:
        return Verdict.BETTER if (shown.difference > 0) == shown.higher_is_better else Verdict.WORSE
    is_blind = shown.smallest_visible is None or shown.smallest_visible > matters
    if is_blind or shown.clusters < _FEWEST:
        return Verdict.TOO_FEW
    return Verdict.NO_CHANGE


def _smallest_visible(error: float | None, number: int, alpha: float) -> float | None:
    if error is None or _least_p(number) >= alpha:
        return None
    return float(error * nctdtrinc(number - 1, 1 - _POWER, stdtrit(number - 1, 1 - alpha / 2)))


def _least_p(clusters: int) -> float:
    """That of differences which all have the same sign."""
    return max(2.0 ** (1 - clusters), 1 / (_DRAWN + 1))


def _sign_flip(differences: Floats, alpha: float, noise: float) -> tuple[float, float | None, float | None]:
    """The p of no difference, and the least and the greatest difference whose p is alpha or more.

    Flipping the signs of a set takes the mean as far from a supposed difference as it is, or farther, exactly if the
    mean of the set or of its complement lies beyond it: so both come from the means of subsets (Hartigan 1969).
    """
    lower, upper = (_without(noise, means) for means in _subset_means(differences))
    flips, mean = len(lower) + 1, _without(noise, differences.mean())
    extreme = (lower <= 0).sum() if mean > 0 else (upper >= 0).sum() if mean < 0 else flips - 1
    p, rank = float(1 + extreme) / flips, ceil(alpha * flips) - 1
    if rank < 1:
        return p, None, None
    low, high = float(np.sort(lower)[rank - 1]), float(np.sort(upper)[-rank])
    return p, low if isfinite(low) else None, high if isfinite(high) else None


def _subset_means(differences: Floats) -> tuple[Floats, Floats]:
    """For every flip the lower and the upper of two means: of the set that is flipped, and of all others."""
    number = len(differences)
    parts = [(np.einsum("ij,j->i", block, differences[:-1]), block.sum(axis=1)) for block in _subsets(number - 1)]
    inside, size = (np.concatenate(part) for part in zip(*parts, strict=True))
    one, other = inside / np.maximum(size, 1), (differences.sum() - inside) / (number - size)
    is_empty = size == 0  # the flip that changes nothing
    return np.where(is_empty, -inf, np.minimum(one, other)), np.where(is_empty, inf, np.maximum(one, other))


def _subsets(number: int) -> Iterator[NDArray[np.bool_]]:
    """Blocks of rows, a set each: all but the empty one, or as many as are drawn."""
    if number < _ENUMERATED:
        yield (np.arange(1, 2**number)[:, None] >> np.arange(number) & 1).astype(np.bool_)
        return
    generator = np.random.default_rng(0)
    yield from (generator.integers(0, 2, (_BLOCK, number), np.bool_) for _ in range(_DRAWN // _BLOCK))


def _cluster_means(values: Floats, clusters: Clusters) -> Floats:
    """In an order that depends on nothing but the means, and is the same if all change their sign."""
    sums, counts = _by_cluster(values, clusters)
    means = sums / counts
    return means[np.lexsort((means, np.abs(means)))]


def _by_cluster(values: Floats, clusters: Clusters) -> tuple[Floats, Floats]:
    """Sums and counts, sorted. Items are added in order of their values: that of the items changes no bit."""
    numbers: dict[Hashable, int] = {}
    of = np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], np.intp)
    order = np.argsort(values)
    sums, counts = np.bincount(of[order], values[order]).astype(np.float64), np.bincount(of).astype(np.float64)
    order = np.lexsort((counts, sums))
    return sums[order], counts[order]


def _without(noise: float, values: Any) -> Any:
    return np.where(np.abs(values) > noise, values, 0.0)


def _finite(values: Values, beside: Sequence[object] | Floats) -> Floats:
    array = np.asarray(values, np.float64)
    if array.shape != (len(beside),) or not np.isfinite(array).all():
        raise ValueError("a finite number is needed for each item: leave out the others first")
    return array
