"""How many pages of a whole batch can be published, from those that were read.

The difference estimator adds the mean prediction of all pages and the mean error of the prediction on the pages that
were read, both scaled by a factor λ that the data choose (prediction-powered inference with a tuned λ, "PPI++":
Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453). A useless prediction gets λ = 0, which leaves the plain mean.
"""

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qtgen.review.audits.hypergeometric import ROUNDING, at_least, at_most

Floats = NDArray[np.float64]

MIN_OF_EACH = 10
"""Labels of either kind, below which a normal interval would be wrong."""


class Rate(NamedTuple):
    """An estimate of the share of pages that can be published, from 0 to 1.

    Args:
        value: The estimate; None if nothing was read.
        low: The lower end of the confidence interval.
        high: The upper end.
        method: `exact` (hypergeometric), `difference` (all pages equally probable), or `weighted` (the queue `next`).
        read: The number of labels.
        bad: How many of them are bad.
        slope: λ, how much the predictions count: 0 not at all, 1 fully.
    """

    value: float | None
    low: float
    high: float
    method: str
    read: int
    bad: int
    slope: float = 0.0

    @property
    def bad_share(self) -> tuple[float | None, float, float]:
        """The share of bad pages with its interval."""
        return (None if self.value is None else 1 - self.value), 1 - self.high, 1 - self.low


def exact_interval(pages: int, read: int, bad: int, confidence: float = 0.95) -> tuple[int, int]:
    """Return the least and the largest number of bad pages in a batch that fit a simple random sample.

    They are the numbers that neither of two one-sided hypergeometric tests rejects at (1 − `confidence`)/2. The
    interval is exact: it covers the true number at least with the probability `confidence`.
    """
    least, most = bad, pages - (read - bad)
    if not read:
        return least, most
    tail = (1 - confidence) / 2 + ROUNDING
    low = _first(least, most, lambda total: at_least(bad, pages, total, read) > tail)
    high = _first(low, most + 1, lambda total: total > most or at_most(bad, pages, total, read) <= tail) - 1
    return low, max(low, high)


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the least number for which a condition holds that stays true once it is; `high` if it never holds."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def audit_rate(labels: Floats, predictions: Floats, population: Floats, confidence: float = 0.95) -> Rate:
    """Estimate the share of publishable pages from a simple random sample.

    With fewer than ten labels of either kind, the interval is the exact hypergeometric one.

    Args:
        labels: The label of every page that was read, from 0 to 1. A label below 1 is bad if it must be binary.
        predictions: The predictions of the same pages.
        population: The predictions of all pages of the batch.
        confidence: The probability with which the interval contains the true share.
    """
    pages, read, bad = len(population), len(labels), int((labels < 1).sum())
    if not pages:
        return Rate(None, 0.0, 1.0, "exact", 0, 0)
    if min(bad, read - bad) < MIN_OF_EACH:
        low, high = exact_interval(pages, read, bad, confidence)
        return Rate(1 - bad / read if read else None, 1 - high / pages, 1 - low / pages, "exact", read, bad)
    slope = _slope(labels, predictions, np.ones(read))
    errors = labels - slope * predictions
    value = slope * float(population.mean()) + float(errors.mean())
    variance = (1 - read / pages) * float(errors.var(ddof=1)) / read
    return _normal(value, variance, labels, pages, "difference", slope, confidence)


def next_rate(
    labels: Floats, predictions: Floats, probabilities: Floats, population: Floats, confidence: float = 0.95
) -> Rate | None:
    """Estimate the share of publishable pages from the pages of the queue `next` that were read.

    Each page counts for as many pages as its probability of being drawn says: the inverse of it (Hájek's estimator). No
    interval for such a sample holds with few labels, so there is no estimate with fewer than ten of either kind.

    Args:
        labels: The label of every page that was read, from 0 to 1.
        predictions: The predictions of the same pages.
        probabilities: Their probabilities of being drawn, above 0.
        population: The predictions of all pages of the plan.
        confidence: The probability with which the interval contains the true share.
    """
    read, bad = len(labels), int((labels < 1).sum())
    if min(bad, read - bad) < MIN_OF_EACH:
        return None
    inverse = 1 / probabilities
    slope = _slope(labels, predictions, inverse)
    errors = labels - slope * predictions
    mean = float((errors * inverse).sum() / inverse.sum())
    value = slope * float(population.mean()) + mean
    spread = float(((1 - probabilities) * ((errors - mean) * inverse) ** 2).sum())
    variance = read / (read - 1) * spread / float(inverse.sum()) ** 2
    return _normal(value, variance, labels, len(population), "weighted", slope, confidence)


def _slope(labels: Floats, predictions: Floats, page_weights: Floats) -> float:
    """Return cov(y, f)/var(f), clipped to 0 and 1; 0 if all predictions are equal."""
    shares = page_weights / page_weights.sum()
    centered = predictions - float(shares @ predictions)
    variance = float(shares @ centered**2)
    if variance <= 1e-12:
        return 0.0
    return float(np.clip(shares @ (centered * labels) / variance, 0.0, 1.0))


def _normal(
    value: float, variance: float, labels: Floats, pages: int, method: str, slope: float, confidence: float
) -> Rate:
    """Return the estimate with a normal interval. It never contradicts the labels that are known."""
    margin = NormalDist().inv_cdf((1 + confidence) / 2) * max(variance, 0.0) ** 0.5
    known, read = float(labels.sum()), len(labels)
    least, most = known / pages, (known + pages - read) / pages
    value, low, high = (float(np.clip(end, least, most)) for end in (value, value - margin, value + margin))
    return Rate(value, low, high, method, read, int((labels < 1).sum()), slope)
