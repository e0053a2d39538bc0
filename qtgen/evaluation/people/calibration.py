"""Calibration of a judge: its agreement with people's labels, and pass rates corrected for its errors.

Items of one cluster share a weight of 1, so one cluster is one observation, as in `stats`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from math import isnan, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_Z = NormalDist().inv_cdf(0.975)
_RESAMPLES = 2_000
_BLOCK = 250  # draws in memory at once


class JudgedItem(NamedTuple):
    """An item with the judge's value, and the label of a person from 0 to 1 if it has one."""

    cluster: str
    value: float
    label: float | None = None


class Estimate(NamedTuple):
    """A number with its 95% interval. All three are None if it cannot be estimated. `reason` then has the reason."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


class Confusion(NamedTuple):
    """Number of labelled items by the verdicts of the judge (first word) and of people (second word)."""

    pass_pass: int
    pass_fail: int
    fail_pass: int
    fail_fail: int


class Calibration(NamedTuple):
    """How a judge compares with people.

    Args:
        items: Number of items with a value of the judge.
        labelled: Those of them that have a label.
        clusters: Number of clusters of the labelled items.
        confusion: The labelled items.
        agreement: Sensitivity, specificity, kappa and the share of pairs in the same order.
        pass_rates: The share of passing items among all items, estimated in four ways.
    """

    items: int
    labelled: int
    clusters: int
    confusion: Confusion
    agreement: tuple[Estimate, ...]
    pass_rates: tuple[Estimate, ...]


def calibrate(items: Sequence[JudgedItem], pass_mark: float) -> Calibration:
    """Compare a judge with people.

    The labelled items must be a random sample of all items. A value or a label of at least `pass_mark` is a pass.
    Raises ValueError if no item has a label.
    """
    labelled = [item for item in items if item.label is not None]
    if not labelled:
        raise ValueError("no item has a label")
    sample = _Sample(labelled, pass_mark)
    tested = _Sample(items, pass_mark)
    cells = Counter(zip(sample.judged.tolist(), sample.human.tolist(), strict=True))
    confusion = Confusion(cells[1, 1], cells[1, 0], cells[0, 1], cells[0, 0])
    sensitivity, specificity = _Rate(sample, sample.human == 1), _Rate(sample, sample.human == 0)
    rest = _Sample([item for item in items if item.label is None], pass_mark)
    agreement = (
        sensitivity.estimate("sensitivity", "no labelled item passes"),
        specificity.estimate("specificity", "no labelled item fails"),
        cohens_kappa(sample.table, float(sample.weight.sum())),
        _pairs_in_order(labelled, sample),
        *([_weighted_kappa(labelled)] if _has_marks(labelled) else []),
    )
    pass_rates = (
        wilson("uncorrected", _share(tested, tested.judged), float(tested.weight.sum())),
        wilson("labels alone", _share(sample, sample.human), float(sample.weight.sum())),
        _rogan_gladen(tested, sensitivity, specificity),
        _prediction_powered(rest, sample),
    )
    clusters = len({item.cluster for item in labelled})
    return Calibration(len(items), len(labelled), clusters, confusion, agreement, pass_rates)


class _Sample:
    """Items as arrays: verdicts as 0 or 1, and a weight per item, of which each cluster has 1 in total."""

    def __init__(self, items: Sequence[JudgedItem], pass_mark: float) -> None:
        counts = Counter(item.cluster for item in items)
        self.clusters = [item.cluster for item in items]
        self.weight: Floats = np.array([1 / counts[item.cluster] for item in items], np.float64)
        self.judged: Floats = np.array([item.value >= pass_mark for item in items], np.float64)
        self.human: Floats = np.array([(item.label or 0.0) >= pass_mark for item in items], np.float64)

    @property
    def table(self) -> Floats:
        """The weighted 2 x 2 table: rows are the judge's verdicts, columns people's."""
        cells = [[(self.judged == row) & (self.human == column) for column in (1, 0)] for row in (1, 0)]
        return np.array([[self.weight[cell].sum() for cell in row] for row in cells])


def _share(sample: _Sample, verdicts: Floats) -> float:
    return float(sample.weight @ verdicts / sample.weight.sum())


class _Rate:
    """The share of items with the right verdict among those of one class."""

    def __init__(self, sample: _Sample, is_member: NDArray[np.bool_]) -> None:
        self.count = float(sample.weight[is_member].sum())
        is_right = is_member & (sample.judged == sample.human)
        self.share = float(sample.weight[is_right].sum() / self.count) if self.count else 0.0

    def estimate(self, name: str, reason: str) -> Estimate:
        return wilson(name, self.share, self.count) if self.count else Estimate(name, None, reason=reason)

    def smoothed(self) -> tuple[float, float]:
        """Return the share and the count with one success and one failure added, as Lang and Reiczigel do."""
        return (self.share * self.count + 1) / (self.count + 2), self.count + 2


def wilson(name: str, share: float, count: float) -> Estimate:
    """Return a share with the interval of Wilson (1927)."""
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return _rate(name, share, middle, half)


def cohens_kappa(table: Floats, count: float) -> Estimate:
    """Return Cohen's kappa of a square table with the interval of Fleiss, Cohen and Everitt (1969).

    Args:
        table: Counts; rows are one rater's categories, columns the other's.
        count: Number of independent observations.
    """
    shares = table / table.sum()
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float(np.trace(shares)), float(rows @ columns)
    if expected >= 1 - 1e-12:
        return Estimate("Cohen's kappa", None, reason="judge and people give all items the same verdict")
    kappa = (observed - expected) / (1 - expected)
    margins = columns[:, None] + rows[None, :]  # of cell (i, j): the first rater's share of j and the second's of i
    diagonal = np.diag(shares) @ (1 - np.diag(margins) * (1 - kappa)) ** 2
    others = (1 - kappa) ** 2 * float(((shares - np.diag(np.diag(shares))) * margins**2).sum())
    constant = (kappa - expected * (1 - kappa)) ** 2
    error = sqrt(max(0.0, float(diagonal) + others - constant) / count) / (1 - expected)
    return Estimate("Cohen's kappa", kappa, max(-1.0, kappa - _Z * error), min(1.0, kappa + _Z * error))


def _pairs_in_order(labelled: Sequence[JudgedItem], sample: _Sample) -> Estimate:
    """Return how often the judge gives a passing item a higher value than a failing item."""
    values, passes = np.array([item.value for item in labelled]), sample.human == 1
    order = (1 + np.sign(values[passes][:, None] - values[~passes][None, :])) / 2

    def statistic(weights: Floats) -> Floats:
        good, bad = weights[:, passes], weights[:, ~passes]
        return _ratio(((good @ order) * bad).sum(axis=1), good.sum(axis=1) * bad.sum(axis=1))

    reason = "no pair of an item that passes and one that fails"
    return _bootstrap("pairs in the order of people", sample.clusters, statistic, reason)


def _has_marks(labelled: Sequence[JudgedItem]) -> bool:
    return any(item.label not in (0.0, 1.0) for item in labelled)


def _weighted_kappa(labelled: Sequence[JudgedItem]) -> Estimate:
    """Return kappa with quadratic weights (Cohen 1968): 1 minus the observed by the expected squared difference."""
    values = np.array([item.value for item in labelled])
    marks = np.array([item.label for item in labelled], np.float64)

    def statistic(weights: Floats) -> Floats:
        value, mark, value_square, mark_square, observed = (
            weights @ column / weights.sum(axis=1)
            for column in (values, marks, values**2, marks**2, (values - marks) ** 2)
        )
        return 1 - _ratio(observed, value_square + mark_square - 2 * value * mark)

    clusters = [item.cluster for item in labelled]
    return _bootstrap("weighted kappa", clusters, statistic, "judge and people give all items the same mark")


def _ratio(above: Floats, below: Floats) -> Floats:
    """Return the quotients, NaN for a divisor that is 0 up to rounding."""
    is_known = below > 1e-12
    return np.where(is_known, above / np.where(is_known, below, 1), np.nan)


def _bootstrap(name: str, clusters: Sequence[str], statistic: Callable[[Floats], Floats], reason: str) -> Estimate:
    """Return a statistic with the percentiles of a bootstrap over clusters.

    `statistic` maps rows of weights, one weight per item, to one value per row.
    """
    value = float(statistic(np.ones((1, len(clusters))))[0])
    if isnan(value):
        return Estimate(name, None, reason=reason)
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    members = np.array([numbers[cluster] for cluster in clusters])
    generator, chances = np.random.default_rng(0), np.full(len(numbers), 1 / len(numbers))
    draws = np.concatenate([
        statistic(generator.multinomial(len(numbers), chances, _BLOCK)[:, members].astype(np.float64))
        for _ in range(_RESAMPLES // _BLOCK)
    ])  # fmt: skip
    known = draws[~np.isnan(draws)]
    if len(numbers) < 2 or len(known) < _RESAMPLES / 2:  # most draws lack one kind of item
        return Estimate(name, value)
    low, high = map(float, np.quantile(known, [0.025, 0.975]))
    return Estimate(name, value, min(value, low), max(value, high))


def _rogan_gladen(tested: _Sample, sensitivity: _Rate, specificity: _Rate) -> Estimate:
    """Return the pass rate corrected for the judge's errors (Rogan and Gladen 1978).

    The interval is that of Lang and Reiczigel (2014), which covers the uncertainty of the judge's errors as well.
    Theirs is for labels from elsewhere. Here the labelled items are among the tested ones, so both errors and the share
    of passes come from the same draw, and their covariance is subtracted.
    """
    name = "corrected for errors"
    if not (sensitivity.count and specificity.count):
        return Estimate(name, None, reason="the labels need items that pass and items that fail")
    hits, hit_count = sensitivity.smoothed()
    rejections, rejection_count = specificity.smoothed()
    youden = hits + rejections - 1
    if youden <= 0 or sensitivity.share + specificity.share <= 1:
        return Estimate(name, None, reason="the labels do not show that the judge is better than chance")
    count = float(tested.weight.sum())
    share = _share(tested, tested.judged)
    value = (share + specificity.share - 1) / (sensitivity.share + specificity.share - 1)
    total = count + _Z**2
    apparent = (count * share + _Z**2 / 2) / total
    rate = (apparent + rejections - 1) / youden
    hit_variance = hits * (1 - hits) / hit_count
    rejection_variance = rejections * (1 - rejections) / rejection_count
    shift = 2 * _Z**2 * (rate * hit_variance - (1 - rate) * rejection_variance)
    covariance = (rate * hits * (1 - hits) + (1 - rate) * rejections * (1 - rejections)) / total
    variance = apparent * (1 - apparent) / total + rate**2 * hit_variance + (1 - rate) ** 2 * rejection_variance
    return _rate(name, value, rate + shift, _Z * sqrt(max(0.0, variance - 2 * covariance)) / youden)


def _prediction_powered(rest: _Sample, sample: _Sample) -> Estimate:
    """Return people's pass rate, moved by how much the judge's rate differs between labelled and other items.

    It is prediction-powered inference (Angelopoulos et al. 2023) with the tuned weight of PPI++ (Angelopoulos, Duchi
    and Zrnic 2023): the worse the judge predicts labels, the less it counts. The variances count half an item more in
    each cell of the table (Agresti and Min 2005), because few labels often show no error at all.
    """
    name = "prediction-powered"
    if not len(rest.weight):
        return Estimate(name, None, reason="every item has a label")
    rest_count, count = float(rest.weight.sum()), float(sample.weight.sum())
    share = _share(rest, rest.judged)
    (both, judge_only), (human_only, _) = (sample.table + 0.5) / (count + 2)
    judged, human = both + judge_only, both + human_only
    shared = both - judged * human
    trust = min(1.0, max(0.0, shared / ((1 + count / rest_count) * judged * (1 - judged))))
    error_variance = human * (1 - human) - 2 * trust * shared + trust**2 * judged * (1 - judged)
    smooth = (share * rest_count + 2) / (rest_count + 4)
    half = _Z * sqrt(error_variance / (count + 2) + trust**2 * smooth * (1 - smooth) / (rest_count + 4))
    value = float(sample.weight @ (sample.human - trust * sample.judged)) / count + trust * share
    return _rate(name, value, human - trust * (judged - smooth), half)


def _rate(name: str, value: float, middle: float, half: float) -> Estimate:
    """Return a rate with an interval that contains it, both limited to 0 to 1."""
    low, value, high = (min(1.0, max(0.0, float(number))) for number in (middle - half, value, middle + half))
    return Estimate(name, value, min(low, value), max(high, value))
