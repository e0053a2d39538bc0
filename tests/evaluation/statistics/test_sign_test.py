"""The sign test, compared with that of scipy."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from qtgen.evaluation.statistics.sign_test import sign_test, smallest_visible_share


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.01, 0.05, 0.2]))
def test_p_and_interval_equal_those_of_scipy(wins: int, losses: int, alpha: float) -> None:
    p, low, high = sign_test(wins, losses, alpha)
    if not wins + losses:
        assert (p, low, high) == (1.0, None, None)
        return
    expected = binomtest(wins, wins + losses)
    interval = expected.proportion_ci(1 - alpha, method="exact")
    assert p == pytest.approx(expected.pvalue)
    assert low == pytest.approx(2 * interval.low - 1)
    assert high == pytest.approx(2 * interval.high - 1)


def test_few_references_cannot_decide() -> None:
    assert smallest_visible_share(5, 0.05) is None
    shares = [smallest_visible_share(count, 0.05) for count in (6, 10, 20, 50, 200)]
    assert all(
        first is not None and second is not None and first > second for first, second in itertools.pairwise(shares)
    )
