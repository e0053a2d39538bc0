"""Planning: power, and how many references a difference needs."""

import subprocess
import sys
from math import inf, isfinite, nan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nct, t  # type: ignore[import-untyped, unused-ignore]

from qtgen.errors import UsageError
from qtgen.evaluation.report import Verdict
from qtgen.evaluation.statistics.paired import compare, correct_for_multiple_tests
from qtgen.evaluation.statistics.power import (
    MOST_REFERENCES,
    GateTest,
    deviation_at_most,
    deviation_between,
    fewest_references,
    gate_power,
    power_of,
    references_needed,
    smallest_p,
)
from support.eval_reports import scored_report, with_metric

ANYTHING_MATTERS = GateTest(matters=1e-12)


@pytest.mark.parametrize(("effect", "clusters"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_references_needed_are_those_of_gpower(effect: float, clusters: int) -> None:
    assert references_needed(1.0, effect, ANYTHING_MATTERS) == clusters
    assert references_needed(0.1, -effect / 10, ANYTHING_MATTERS) == clusters


@given(
    st.floats(0.01, 1), st.floats(0.05, 1), st.sampled_from([0.01, 0.05]), st.sampled_from([0.5, 0.8, 0.95]),
    st.sampled_from([1, 5, 40]),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_references_needed_is_the_smallest_number_with_enough_power(
    sd: float, difference: float, alpha: float, power: float, metrics: int
) -> None:
    gate = GateTest(alpha, metrics=metrics)
    number, fewest = references_needed(sd, difference, gate, power), fewest_references(gate)
    assert number
    assert fewest
    assert number >= fewest
    assert gate_power(number, sd, difference, gate) >= power
    assert number == fewest or gate_power(number - 1, sd, difference, gate) < power


@pytest.mark.parametrize("metrics", [1, 2, 5, 12])
@pytest.mark.parametrize("alpha", [0.3, 0.05, 0.01])
def test_the_gate_decides_with_the_fewest_references_and_with_no_fewer(alpha: float, metrics: int) -> None:
    def verdict(references: int) -> Verdict:
        """Return the gate's verdict if every reference falls from 1 to 0 in one metric, and nothing else changes."""
        columns = [([1.0] * references, [0.0 if number == 0 else 1.0] * references) for number in range(metrics)]
        comparisons = [
            compare(str(number), *column, range(references), higher_is_better=True, alpha=alpha)
            for number, column in enumerate(columns)
        ]
        return correct_for_multiple_tests(comparisons, alpha)[0].verdict

    fewest = fewest_references(GateTest(alpha, metrics=metrics))
    assert fewest
    assert verdict(fewest) is Verdict.WORSE
    assert fewest == 1 or verdict(fewest - 1) is Verdict.TOO_FEW


def test_six_references_are_the_fewest_for_one_metric_and_eight_for_five() -> None:
    assert [fewest_references(GateTest(metrics=metrics)) for metrics in (1, 2, 5)] == [6, 7, 8]
    assert smallest_p(6) == 2**-5


def test_no_number_of_references_is_significant_beyond_the_smallest_p_of_drawn_flips() -> None:
    gate = GateTest(0.0001, metrics=2)
    assert fewest_references(gate) is None
    assert references_needed(0.1, 0.2, gate) is None


def test_a_difference_that_does_not_matter_needs_no_number() -> None:
    gate = GateTest(matters=0.05)
    assert references_needed(0.1, 0.049, gate) is None
    assert references_needed(0.1, 0.05, gate) == 34


def test_a_power_beyond_that_of_the_interval_is_not_reached_at_what_matters() -> None:
    assert references_needed(0.1, 0.05, GateTest(matters=0.05), power=0.999) is None
    assert references_needed(0.1, 0.06, GateTest(matters=0.05), power=0.999)


@given(
    st.floats(0, 1e6), st.floats(1e-300, 1e6), st.floats(0.0001, 0.5), st.floats(0.5, 0.999), st.integers(1, 1000),
    st.floats(1e-300, 1e6),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_any_question_has_an_answer(
    sd: float, difference: float, alpha: float, power: float, metrics: int, matters: float
) -> None:
    gate = GateTest(alpha, matters, metrics)
    number, fewest = references_needed(sd, difference, gate, power), fewest_references(gate)
    if number is not None:
        assert fewest is not None
        assert fewest <= number <= 2 * MOST_REFERENCES
        assert isfinite(gate_power(number, sd, difference, gate))


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


def test_the_power_for_many_references_continues_that_for_fewer() -> None:
    assert power_of(5_000, 1.0, 0.04) == pytest.approx(power_of(4_999, 1.0, 0.04), abs=1e-3)


def test_power_without_variance_or_clusters() -> None:
    assert (power_of(1, 1.0, 5.0), power_of(9, 0.0, 0.0), power_of(9, 0.0, 0.1)) == (0.0, 0.0, 1.0)
    assert references_needed(0.0, 0.1, GateTest()) == 6
    assert references_needed(0.0, 0.1, GateTest(metrics=5)) == 8


@pytest.mark.parametrize(("sd", "difference"), [(1.0, 0.0), (-1.0, 1.0), (nan, 1.0), (inf, 1.0)])
def test_impossible_questions_are_rejected(sd: float, difference: float) -> None:
    with pytest.raises(ValueError, match="must not be 0"):
        references_needed(sd, difference, GateTest())


def test_deviations_come_from_one_report_or_two() -> None:
    before = scored_report({"a": 0.1, "b": 0.3, "c": None})
    after = scored_report({"a": 0.2, "b": 0.6, "c": 0.5})
    deviation, references = deviation_between(before, after, "score")
    assert (deviation, references) == pytest.approx((0.02**0.5, 2))
    assert deviation_at_most(before, "score") == pytest.approx((0.2, 2))
    assert deviation_between(before, before, "score") == (0, 2)


def test_a_deviation_needs_two_references() -> None:
    single = scored_report({"a": 0.1})
    with pytest.raises(UsageError, match="fewer than two references have `score` in both reports"):
        deviation_between(single, single, "score")
    with pytest.raises(UsageError, match="fewer than two references have `bleu`"):
        deviation_at_most(single, "bleu")


def test_values_beyond_all_bounds_are_one_error() -> None:
    with pytest.raises(UsageError, match="too large"):
        deviation_at_most(with_metric(scored_report({"a": 0.1, "b": 0.2}), "bleu", [1e308, -1e308]), "bleu")


@pytest.mark.parametrize("clusters", [2, 3, 8, 50, 4_999])
@pytest.mark.parametrize("effect", [0.05, 0.2, 1.0, 4.0, 30.0])
@pytest.mark.parametrize("alpha", [0.05, 0.0001])
def test_the_power_is_that_of_the_noncentral_t_distribution(clusters: int, effect: float, alpha: float) -> None:
    limit, shift = t.isf(alpha / 2, clusters - 1), effect * sqrt(clusters)
    tails = nct.sf(limit, clusters - 1, [shift, -shift])  # nan if a tail is too small
    assert power_of(clusters, 1.0, effect, alpha) == pytest.approx(np.nansum(tails), abs=1e-9)


def test_planning_does_not_import_scipy_stats() -> None:
    code = "import sys, qtgen.commands.eval.power; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
