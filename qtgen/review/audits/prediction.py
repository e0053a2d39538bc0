"""Predict whether a page can be published, by ridge logistic regression on what is known about it before it is read.

A prediction makes estimates more precise and tells the queue `next` where reviewers learn most. It never decides about
a page, and a bad prediction makes no estimate wrong, because it is frozen before the pages are drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Features = Mapping[str, float]
"""What is known about a page, by name. A feature that a page lacks counts as average."""

MIN_LABELS = 30
"""Labels of each kind that a prediction needs."""
_PENALTY = 1.0  # of the square of each coefficient of a standardized feature
_STEPS = 100
_CONVERGED = 1e-9
_MARGIN = 0.001  # no page is certain


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted prediction.

    Args:
        names: The features that it uses, sorted; empty if the prediction is constant.
        means: The mean of each feature over the labelled pages.
        scales: The standard deviation of each feature.
        coefficients: The intercept, and the coefficient of each standardized feature.
        labels: The numbers of publishable and of bad pages that it was fitted on.
    """

    names: tuple[str, ...]
    means: Floats
    scales: Floats
    coefficients: Floats
    labels: tuple[int, int]

    @property
    def has_enough_labels(self) -> bool:
        """Whether there are 30 labels of each kind."""
        return min(self.labels) >= MIN_LABELS

    def predict(self, pages: Sequence[Features]) -> Floats:
        """Return the probability of each page that it can be published."""
        values = _standardized(_matrix(pages, self.names), self.means, self.scales)
        linear = self.coefficients[0] + values @ self.coefficients[1:]
        return np.clip(_logistic(linear), _MARGIN, 1 - _MARGIN)


def fit(pages: Sequence[Features], labels: Sequence[float]) -> Model:
    """Fit a prediction on pages with labels.

    It is constant if there are fewer than 30 labels of each kind, or if no feature differs between the pages.

    Args:
        pages: The features of each page.
        labels: The label of each page, from 0 to 1. A label below 1 counts as bad.
    """
    targets = np.asarray(labels, np.float64)
    good = int((targets == 1).sum())
    counts = (good, len(targets) - good)
    rate = (float(targets.sum()) + 0.5) / (len(targets) + 1)
    nothing = np.zeros(0)
    constant = Model((), nothing, nothing, np.array([np.log(rate / (1 - rate))]), counts)
    if min(counts) < MIN_LABELS:
        return constant
    names = tuple(sorted({name for page in pages for name in page}))
    matrix = _matrix(pages, names)
    is_known = np.isfinite(matrix)
    known = np.maximum(is_known.sum(axis=0), 1)
    means = np.where(is_known, matrix, 0.0).sum(axis=0) / known
    scales = np.sqrt((np.where(is_known, matrix - means, 0.0) ** 2).sum(axis=0) / known)
    varies = scales > 1e-12 * np.maximum(np.abs(means), 1.0)
    if not varies.any():
        return constant
    names = tuple(name for name, used in zip(names, varies, strict=True) if used)
    means, scales = means[varies], scales[varies]
    coefficients = _ridge_logistic(_standardized(matrix[:, varies], means, scales), targets)
    return Model(names, means, scales, coefficients, counts)


def _matrix(pages: Sequence[Features], names: Sequence[str]) -> Floats:
    rows = [[page.get(name, np.nan) for name in names] for page in pages]
    return np.array(rows, np.float64).reshape(len(pages), len(names))


def _standardized(matrix: Floats, means: Floats, scales: Floats) -> Floats:
    return np.where(np.isfinite(matrix), (matrix - means) / scales, 0.0) if len(means) else np.zeros(matrix.shape)


def _logistic(values: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(0.5 * values))  # unlike 1/(1+exp(−x)), it never overflows


def _ridge_logistic(features: Floats, targets: Floats) -> Floats:
    """Return the coefficients that minimize the penalized loss, by Newton's method. The intercept has no penalty."""
    design = np.column_stack([np.ones(len(features)), features])
    penalty = np.full(design.shape[1], _PENALTY)
    penalty[0] = 0.0

    def loss(coefficients: Floats) -> float:
        linear = design @ coefficients
        return float((np.logaddexp(0, linear) - targets * linear).sum() + 0.5 * penalty @ coefficients**2)

    coefficients = np.zeros(design.shape[1])
    current = loss(coefficients)
    for _ in range(_STEPS):
        shares = _logistic(design @ coefficients)
        gradient = design.T @ (shares - targets) + penalty * coefficients
        curvature = (design * (shares * (1 - shares))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        size = 1.0
        while (value := loss(coefficients - size * step)) > current and size > _CONVERGED:
            size /= 2
        coefficients, improvement, current = coefficients - size * step, current - value, value
        if improvement <= _CONVERGED * (1 + abs(current)):
            break
    return coefficients
