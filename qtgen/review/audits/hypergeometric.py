"""The hypergeometric distribution: how many bad pages are among those that were read.

`scipy.stats` has it too, but takes three times as long to import as the rest of the app.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln  # type: ignore[import-untyped, unused-ignore]

Floats = NDArray[np.float64]

ROUNDING = 1e-9
"""By how much a probability or its logarithm may be wrong. Compare with it, so that equal ones count as equal."""


def at_most(bad: int, pages: int, total_bad: int, read: int) -> float:
    """Return the probability that at most `bad` of the pages that were read are bad.

    Args:
        bad: The number of bad pages among those that were read.
        pages: The number of pages of the batch.
        total_bad: How many of them are bad.
        read: How many of them were read, at random.
    """
    return _sum_of_chances(np.arange(max(0, read - (pages - total_bad)), bad + 1), pages, total_bad, read)


def at_least(bad: int, pages: int, total_bad: int, read: int) -> float:
    """Return the probability that at least `bad` of the pages that were read are bad. See `at_most`."""
    return _sum_of_chances(np.arange(bad, min(total_bad, read) + 1), pages, total_bad, read)


def _sum_of_chances(numbers: NDArray[np.int64], pages: int, total_bad: int, read: int) -> float:
    good = log_choose(pages - total_bad, read - numbers)
    chances = np.exp(log_choose(total_bad, numbers) + good - log_choose(pages, read))
    return min(float(chances.sum()), 1.0)


def log_choose(total: ArrayLike, chosen: ArrayLike) -> Floats:
    """Return the logarithm of a binomial coefficient: −∞ if it is 0."""
    all_, some = np.asarray(total, np.float64), np.asarray(chosen, np.float64)
    is_possible = (some >= 0) & (some <= all_)
    inside = np.where(is_possible, some, 0.0)
    value = gammaln(all_ + 1) - gammaln(inside + 1) - gammaln(all_ - inside + 1)
    return np.where(is_possible, value, -np.inf)
