"""Planning: power, and how many references a difference needs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtgen.errors import UsageError
from qtgen.evaluation.power import clusters_needed, deviation_at_most, deviation_between, power_of
from qtgen.evaluation.stats import compare
from support.eval_reports import scored_report


@pytest.mark.parametrize(("effect", "clusters"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_clusters_needed_are_those_of_gpower(effect: float, clusters: int) -> None:
    assert clusters_needed(1.0, effect) == clusters_needed(0.1, -effect / 10) == clusters


@given(st.floats(0.01, 1), st.floats(0.01, 1), st.sampled_from([0.01, 0.05]), st.sampled_from([0.5, 0.8, 0.95]))
@settings(max_examples=40, deadline=None)
def test_clusters_needed_is_the_smallest_number_with_enough_power(
    sd: float, difference: float, alpha: float, power: float
) -> None:
    number = clusters_needed(sd, difference, alpha=alpha, power=power)
    assert power_of(number, sd, difference, alpha) >= power
    assert number == 2 or power_of(number - 1, sd, difference, alpha) < power


@pytest.mark.parametrize("clusters", [6, 15, 100])
def test_the_smallest_visible_difference_has_a_power_of_80_percent(clusters: int) -> None:
    differences = np.random.default_rng(clusters).normal(0, 0.1, clusters)
    comparison = compare("score", [0.0] * clusters, differences, range(clusters), higher_is_better=True)
    assert comparison.smallest_visible is not None
    power = power_of(clusters, differences.std(ddof=1), comparison.smallest_visible)
    assert power == pytest.approx(0.8, abs=1e-4)


def test_power_of_no_difference_is_alpha() -> None:
    assert power_of(10, 1.0, 0.0) == pytest.approx(0.05)
    assert power_of(2, 0.001, 1e6) == pytest.approx(1.0)


def test_power_without_variance_or_clusters() -> None:
    assert (power_of(1, 1.0, 5.0), power_of(9, 0.0, 0.0), power_of(9, 0.0, 0.1)) == (0.0, 0.0, 1.0)
    assert clusters_needed(0.0, 0.1) == 2


@pytest.mark.parametrize(("sd", "difference"), [(1.0, 0.0), (-1.0, 1.0)])
def test_impossible_questions_are_rejected(sd: float, difference: float) -> None:
    with pytest.raises(ValueError, match="must not be 0"):
        clusters_needed(sd, difference)


def test_deviations_come_from_one_report_or_two() -> None:
    before = scored_report({"a": 0.1, "b": 0.3, "c": None})
    after = scored_report({"a": 0.2, "b": 0.6, "c": 0.5})
    deviation, references = deviation_between(before, after, "score")
    assert (deviation, references) == pytest.approx((0.02**0.5, 2))
    assert deviation_at_most(before, "score") == pytest.approx((0.2, 2))


def test_a_deviation_needs_two_references() -> None:
    single = scored_report({"a": 0.1})
    with pytest.raises(UsageError, match="fewer than two references have `score` in both reports"):
        deviation_between(single, single, "score")
    with pytest.raises(UsageError, match="fewer than two references have `bleu`"):
        deviation_at_most(single, "bleu")
