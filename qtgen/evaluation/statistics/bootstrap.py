"""Bootstrap intervals of a mean over clusters."""

from math import floor

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_BLOCK = 1_000_000  # draws in memory at once


def bootstrap_bounds(sums: Floats, counts: Floats, tail: float, *, seed: int, resamples: int) -> tuple[float, float]:
    """Return the quantiles `tail` and `1 - tail` of the means of resampled clusters.

    Clusters are drawn with replacement; the mean of a draw is the sum of its `sums` divided by the sum of its `counts`.
    The bounds equal those of the percentile method of `scipy.stats.bootstrap`, whose import takes over a second.
    """
    generator, size = np.random.default_rng(seed), len(sums)
    rows = max(1, _BLOCK // size)
    means = []
    for start in range(0, resamples, rows):
        drawn = generator.integers(0, size, (min(rows, resamples - start), size))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    ordered = np.sort(np.concatenate(means))
    return _quantile(ordered, tail), _quantile(ordered, 1 - tail)


def _quantile(ordered: Floats, share: float) -> float:
    """Return a quantile of sorted values, linear between two of them."""
    place = len(ordered) * share + (1 - share) - 1
    below = floor(place)
    rest = place - below
    return float((1 - rest) * ordered[below] + rest * ordered[min(below + 1, len(ordered) - 1)])
