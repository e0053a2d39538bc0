"""Calibration of a judge: textbook numbers, identities, and what happens with few or one-sided labels."""

from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qtgen.evaluation.people.calibration import Calibration, Estimate, JudgedItem, calibrate, cohens_kappa, wilson


def by_name(estimates: tuple[Estimate, ...]) -> dict[str, Estimate]:
    return {estimate.name: estimate for estimate in estimates}


def from_table(table: tuple[int, int, int, int], passes: int = 0, fails: int = 0) -> list[JudgedItem]:
    """Return labelled items in the order of `Confusion`, and unlabelled ones that the judge passes and fails."""
    verdicts = [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1.0, None), (0.0, None)]
    rows = [row for row, count in zip(verdicts, (*table, passes, fails), strict=True) for _ in range(count)]
    return [JudgedItem(str(number), value, label) for number, (value, label) in enumerate(rows)]


def rates(table: tuple[int, int, int, int], passes: int = 0, fails: int = 0) -> dict[str, Estimate]:
    return by_name(calibrate(from_table(table, passes, fails), 0.5).pass_rates)


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_of_shares_are_those_of_newcombe(successes: int, count: int, low: float, high: float) -> None:
    estimate = wilson("share", successes / count, count)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)


def test_kappa_is_that_of_a_textbook() -> None:
    assert cohens_kappa(np.array([[20.0, 5.0], [10.0, 15.0]]), 50).value == pytest.approx(0.4)
    diagnoses = np.array([[0.53, 0.05, 0.02], [0.11, 0.14, 0.05], [0.01, 0.06, 0.03]])  # Fleiss, Cohen and Everitt 1969
    assert cohens_kappa(diagnoses, 200).value == pytest.approx(0.429, abs=5e-4)


@given(st.lists(st.integers(1, 40), min_size=4, max_size=4))
def test_the_error_of_kappa_is_that_of_the_delta_method(cells: list[int]) -> None:
    table, total = np.array(cells, np.float64).reshape(2, 2), sum(cells)

    def kappa(shares: np.ndarray) -> float:
        observed, expected = np.trace(shares), shares.sum(axis=1) @ shares.sum(axis=0)
        return float((observed - expected) / (1 - expected))

    shares, step = table / total, 1e-6
    gradient = np.zeros((2, 2))
    for cell in product(range(2), repeat=2):
        moved = np.zeros((2, 2))
        moved[cell] = step
        gradient[cell] = (kappa(shares + moved) - kappa(shares - moved)) / (2 * step)
    variance = ((shares * gradient**2).sum() - (shares * gradient).sum() ** 2) / total
    estimate = cohens_kappa(table, total)
    assert estimate.value is not None
    assert estimate.low == pytest.approx(max(-1, estimate.value - 1.95996 * sqrt(max(0, variance))), abs=1e-4)


def test_a_rate_is_corrected_as_by_rogan_and_gladen() -> None:
    """Of 100 items, 40 are labelled: sensitivity 0.9, specificity 0.8. The judge passes 60 of 100."""
    corrected = rates((18, 4, 2, 16), passes=38, fails=22)["corrected for errors"]
    assert corrected.value == pytest.approx((0.6 + 0.8 - 1) / (0.9 + 0.8 - 1))


@given(st.tuples(st.integers(10, 30), st.integers(1, 9), st.integers(1, 9), st.integers(10, 30)))
def test_labels_of_all_items_leave_nothing_to_correct(table: tuple[int, int, int, int]) -> None:
    estimates = rates(table)
    assert estimates["corrected for errors"].value == pytest.approx(estimates["labels alone"].value)
    assert estimates["prediction-powered"] == Estimate("prediction-powered", None, reason="every item has a label")


def test_a_perfect_judge_narrows_the_interval_and_a_useless_one_does_not_widen_it() -> None:
    def width(estimate: Estimate) -> float:
        assert estimate.low is not None
        assert estimate.high is not None
        return estimate.high - estimate.low

    perfect = rates((20, 0, 0, 20), passes=200, fails=200)
    assert width(perfect["prediction-powered"]) < width(perfect["labels alone"]) / 2
    useless = rates((10, 10, 10, 10), passes=200, fails=200)
    assert useless["prediction-powered"].value == pytest.approx(0.5)
    assert width(useless["prediction-powered"]) == pytest.approx(width(useless["labels alone"]), abs=0.01)
    assert useless["corrected for errors"].reason == "the labels do not show that the judge is better than chance"


def test_a_biased_judge_is_corrected_towards_people() -> None:
    """The judge passes 90 %, and people pass half of a random sample. The judge passes half of what people fail."""
    estimates = rates((50, 40, 0, 10), passes=450, fails=50)
    assert estimates["uncorrected"].value == pytest.approx(0.9)
    assert estimates["uncorrected"].low is not None
    assert estimates["uncorrected"].low > 0.8
    for name in ("corrected for errors", "prediction-powered"):
        value, low, high = estimates[name][1:4]
        assert value == pytest.approx(0.5, abs=0.02)
        assert low is not None
        assert high is not None
        assert 0.1 < low < 0.5 < high < 0.85


@pytest.mark.parametrize("table", [(5, 0, 2, 0), (0, 3, 0, 4)])
def test_labels_of_one_kind_cannot_correct(table: tuple[int, int, int, int]) -> None:
    calibration = calibrate(from_table(table, 10, 10), 0.5)
    assert by_name(calibration.pass_rates)["corrected for errors"].reason.startswith("the labels need")
    agreement = by_name(calibration.agreement)
    missing = agreement["specificity" if table[0] else "sensitivity"]
    assert (missing.value, bool(missing.reason)) == (None, True)
    assert agreement["pairs in the order of people"].value is None


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=12))
@settings(max_examples=10, deadline=None)
def test_weighted_kappa_is_that_of_the_table_of_marks(pairs: list[tuple[int, int]]) -> None:
    items = [JudgedItem(str(n), value / 4, mark / 4) for n, (value, mark) in enumerate([*pairs, (1, 2), (3, 3)])]
    estimate = by_name(calibrate(items, 0.75).agreement)["weighted kappa"]
    values, marks = (
        [round(4 * number) for number in column] for column in zip(*[item[1:] for item in items], strict=True)
    )
    observed = sum((value - mark) ** 2 for value, mark in zip(values, marks, strict=True)) / len(items)
    expected = sum((value - mark) ** 2 for value, mark in product(values, marks)) / len(items) ** 2
    assert estimate.value == pytest.approx(1 - observed / expected)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=20))
@settings(max_examples=10, deadline=None)
def test_pairs_in_order_are_counted(rows: list[tuple[float, bool]]) -> None:
    rows = [*rows, (0.4, True), (0.6, False)]
    items = [JudgedItem(str(number), value, float(label)) for number, (value, label) in enumerate(rows)]
    good, bad = ([value for value, label in rows if label is kind] for kind in (True, False))
    wins = sum(1 if better > worse else 0.5 if better == worse else 0 for better, worse in product(good, bad))
    estimate = by_name(calibrate(items, 0.5).agreement)["pairs in the order of people"]
    assert estimate.value == pytest.approx(wins / (len(good) * len(bad)))


def test_repeats_of_an_item_add_no_certainty() -> None:
    once = from_table((8, 2, 1, 7), passes=20, fails=9)
    first, tripled = calibrate(once, 0.5), calibrate(once * 3, 0.5)

    def rounded(calibration: Calibration) -> list[tuple[float | None, ...]]:
        estimates = (*calibration.agreement, *calibration.pass_rates)
        return [
            tuple(number if number is None else round(number, 9) for number in estimate[1:4]) for estimate in estimates
        ]

    assert rounded(tripled) == rounded(first)
    assert (tripled.items, tripled.labelled, tripled.clusters) == (3 * first.items, 3 * first.labelled, first.clusters)


@example((1, 3, 0, 1), 0, 0)  # better than chance, but not with a success and a failure added
@given(st.tuples(*[st.integers(0, 5)] * 4).filter(any), st.integers(0, 9), st.integers(0, 9))
@settings(max_examples=25, deadline=None)
def test_any_table_has_ordered_intervals(table: tuple[int, int, int, int], passes: int, fails: int) -> None:
    calibration = calibrate(from_table(table, passes, fails), 0.5)
    for estimate in (*calibration.agreement, *calibration.pass_rates):
        if estimate.value is None:
            assert estimate.reason
        elif estimate.low is not None and estimate.high is not None:
            assert -1 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_a_calibration_needs_a_label() -> None:
    with pytest.raises(ValueError, match="no item has a label"):
        calibrate(from_table((0, 0, 0, 0), 3, 3), 0.5)
