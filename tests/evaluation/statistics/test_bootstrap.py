"""Bootstrap bounds equal scipy's."""

import numpy as np
import pytest
from scipy.stats import bootstrap  # type: ignore[import-untyped, unused-ignore]

from qtgen.evaluation.statistics import bootstrap as module
from qtgen.evaluation.statistics.bootstrap import bootstrap_bounds


@pytest.mark.parametrize("clusters", [2, 3, 8, 48, 700])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_bounds_equal_those_of_scipy(clusters: int, level: float, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(clusters)
    sums, counts = generator.random(clusters), generator.integers(1, 4, clusters).astype(float)
    draws = bootstrap(
        (sums, counts), lambda sums, counts, axis: sums.sum(axis) / counts.sum(axis), paired=True, vectorized=True,
        method="percentile", n_resamples=500, confidence_level=level, rng=np.random.default_rng(3),
    )  # fmt: skip
    expected = tuple(map(float, draws.confidence_interval))
    for block in (1_000_000, clusters * 7):
        monkeypatch.setattr(module, "_BLOCK", block)
        assert bootstrap_bounds(sums, counts, (1 - level) / 2, seed=3, resamples=500) == pytest.approx(
            expected, rel=1e-15, abs=0
        )
