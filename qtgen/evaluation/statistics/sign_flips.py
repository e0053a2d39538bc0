"""The sign-flip test of paired differences, and the interval that belongs to it."""

from collections.abc import Iterator
from math import ceil, inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EXACT_CLUSTERS = 14  # up to here all sign flips are enumerated: there are fewer of them than would be drawn
_DRAWS = 10_000
_BLOCK = 1_000  # flips in memory at once


def smallest_p(clusters: int) -> float:
    """Return the p of differences that all have the same sign."""
    return max(2.0 ** (1 - clusters), 1 / (_DRAWS + 1))


def sign_flip_test(differences: Floats, alpha: float, noise: float) -> tuple[float, float | None, float | None]:
    """Return the p of no difference, and the smallest and the largest difference whose p is at least alpha.

    Flipping the signs of a subset moves the mean at least as far from a supposed difference as it is exactly if the
    mean of the subset or of its complement lies beyond that difference. So both the p value and the interval follow
    from the means of subsets (Hartigan 1969).
    """
    lower, upper = (without_noise(noise, means) for means in _subset_means(differences))
    flips, mean = len(lower) + 1, without_noise(noise, differences.mean())
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


def without_noise(noise: float, values: Any) -> Any:
    """Return the values with 0 for those that only rounding tells from 0."""
    return np.where(np.abs(values) > noise, values, 0.0)
