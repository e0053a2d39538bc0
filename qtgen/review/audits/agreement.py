"""How far two judgements of the same pages agree, beyond what chance would give.

Cohen's κ (1960) compares two judges, and Krippendorff's α (2011, "Computing Krippendorff's alpha-reliability") any
number of interchangeable ones. Both are 1 for full agreement and 0 for agreement by chance. They are computed from
weighted tables: a page that was drawn with probability π represents 1/π pages. The labels are nominal. Intervals
come from resampling whole pages (a cluster bootstrap), because the judgements of one page belong together.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_PAIRS = 30
"""The least number of pairs of judgements from which figures mean something."""
_MIN_CLUSTERS = 5  # with fewer, resampling gives no useful interval
_DRAWS = 2_000
_MAX_UNDEFINED = 0.1  # share of resamples whose figure may be undefined


class Figure(NamedTuple):
    """A figure with its interval. `value` is None if it is undefined, `low` and `high` if there is no interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Pair(NamedTuple):
    """Two judgements of a page: 1 if it can be published, else 0.

    Args:
        first: The first judgement.
        second: The second one.
        cluster: The page.
        weight: The number of pages that it represents: 1/π.
    """

    first: int
    second: int
    cluster: str
    weight: float = 1.0


class Agreement(NamedTuple):
    """How far two judges agree.

    Args:
        pairs: The number of pairs.
        table: The counts of pairs, by the first and the second judgement.
        raw: The share of pairs that agree.
        positive: How much they agree about pages that can be published: 2a/(2a+b+c).
        negative: How much they agree about bad pages: 2d/(2d+b+c).
        kappa: Cohen's κ.
        alpha: Krippendorff's α.
    """

    pairs: int
    table: tuple[tuple[int, int], tuple[int, int]]
    raw: Figure
    positive: Figure
    negative: Figure
    kappa: Figure
    alpha: Figure

    @property
    def is_enough(self) -> bool:
        """Whether there are enough pairs for the figures to mean something."""
        return self.pairs >= MIN_PAIRS


def cohen_kappa(table: Sequence[Sequence[float]] | Floats) -> float | None:
    """Return Cohen's κ of a square table of counts or weights; None if it is empty, or if chance explains all of it."""
    values = np.asarray(table, np.float64)
    return _defined(_kappas(values[None])[0])


def krippendorff_alpha(units: Sequence[Sequence[Hashable]], weights: Sequence[float] | None = None) -> float | None:
    """Return Krippendorff's α for nominal labels; None if no unit has two labels, or if all labels are equal.

    Args:
        units: The labels of each unit, in any order. Missing ones are left out.
        weights: The weight of each unit. They count relative to each other.
    """
    labels = list(dict.fromkeys(label for unit in units for label in unit))
    numbers = {label: number for number, label in enumerate(labels)}
    counts = np.zeros((len(units), len(labels)))
    for row, unit in enumerate(units):
        for label in unit:
            counts[row, numbers[label]] += 1
    matrices = _coincidences(counts)
    return _defined(_alphas(np.tensordot(_relative(weights, counts), matrices, 1)[None])[0])


def agreement_of(pairs: Sequence[Pair], *, seed: int = 0, level: float = 0.95) -> Agreement:
    """Return how far two judges agree, with intervals."""
    clusters = {name: number for number, name in enumerate(dict.fromkeys(pair.cluster for pair in pairs))}
    weight = np.array([pair.weight for pair in pairs], np.float64)
    weight = weight / weight.mean() if len(weight) else weight
    tables = np.zeros((len(clusters), 2, 2))
    counts = np.zeros((2, 2), np.int64)
    for pair, share in zip(pairs, weight, strict=True):
        tables[clusters[pair.cluster], pair.first, pair.second] += share
        counts[pair.first, pair.second] += 1
    draws = _resampled(tables, seed)

    def figure(values: Callable[[Floats], Floats]) -> Figure:
        return _figure(values(tables.sum(axis=0)[None])[0], values(draws) if len(draws) else np.zeros(0), level)

    return Agreement(
        pairs=len(pairs),
        table=((int(counts[0, 0]), int(counts[0, 1])), (int(counts[1, 0]), int(counts[1, 1]))),
        raw=figure(lambda some: _ratio(some[:, 0, 0] + some[:, 1, 1], some.sum(axis=(1, 2)))),
        positive=figure(lambda some: _specific(some, 1)),
        negative=figure(lambda some: _specific(some, 0)),
        kappa=figure(_kappas),
        alpha=figure(lambda some: _alphas(some + some.transpose(0, 2, 1))),  # each pair counts in both orders
    )


def _resampled(tables: Floats, seed: int) -> Floats:
    """Return the sum of the tables of random clusters, drawn with replacement, for each resample."""
    count = len(tables)
    if count < _MIN_CLUSTERS:
        return np.zeros((0, 2, 2))
    kinds, repeats = np.unique(tables.reshape(count, 4), axis=0, return_counts=True)  # most clusters are alike
    times = np.random.default_rng(seed).multinomial(count, repeats / count, size=_DRAWS)
    sums: Floats = (times @ kinds).reshape(_DRAWS, 2, 2)
    return sums


def _figure(value: float, draws: Floats, level: float) -> Figure:
    known = draws[np.isfinite(draws)]
    if _defined(value) is None or len(draws) - len(known) > _MAX_UNDEFINED * len(draws) or not len(known):
        return Figure(_defined(value))
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    if low == high:  # all resamples are alike, which says nothing about other pages
        return Figure(float(value))
    return Figure(float(value), min(float(low), float(value)), max(float(high), float(value)))


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Return the quotients; `nan` if a denominator is 0, or nothing but rounding."""
    is_defined = np.abs(whole) > 1e-12
    return np.where(is_defined, part / np.where(is_defined, whole, 1.0), np.nan)


def _specific(tables: Floats, label: int) -> Floats:
    """Return how much two judges agree about a label: among the judgements that name it, the share of agreeing ones."""
    both = 2 * tables[:, label, label]
    return _ratio(both, both + tables[:, 0, 1] + tables[:, 1, 0])


def _kappas(tables: Floats) -> Floats:
    total = tables.sum(axis=(1, 2))
    shares = tables / np.where(total > 0, total, 1.0)[:, None, None]
    observed = np.trace(shares, axis1=1, axis2=2)
    expected = (shares.sum(axis=2) * shares.sum(axis=1)).sum(axis=1)
    return np.where(total > 0, _ratio(observed - expected, 1 - expected), np.nan)


def _coincidences(counts: Floats) -> Floats:
    """Return the coincidence matrix of each unit, from the counts of its labels."""
    labels = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :] - np.einsum("uk,kl->ukl", counts, np.eye(counts.shape[1]))
    is_pairable = labels > 1
    return np.where(is_pairable[:, None, None], pairs / np.where(is_pairable, labels - 1, 1.0)[:, None, None], 0.0)


def _relative(weights: Sequence[float] | None, counts: Floats) -> Floats:
    """Return the weights, scaled so that the number of labels that can be paired stays the same."""
    values = np.ones(len(counts)) if weights is None else np.asarray(weights, np.float64)
    labels = counts.sum(axis=1)
    labels = np.where(labels > 1, labels, 0.0)
    total = float((values * labels).sum())
    return values * (labels.sum() / total) if total > 0 else values


def _alphas(matrices: Floats) -> Floats:
    """Return α of coincidence matrices. Each holds the number of pairable labels as its sum."""
    margins = matrices.sum(axis=2)
    total = margins.sum(axis=1)
    disagreement = total - np.trace(matrices, axis1=1, axis2=2)
    expected = (total**2 - (margins**2).sum(axis=1)) / np.where(total > 1, total - 1, 1.0)
    return np.where(total > 1, 1 - _ratio(disagreement, expected), np.nan)
