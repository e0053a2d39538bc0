"""The geometry of the HTML report's charts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.evaluation.report import MetricComparison, Verdict
from qtgen.evaluation.reports import charts
from support.eval_reports import DIRECTIONS, SIXTY, make_item, make_report


def test_rank_correlation_is_that_of_scipy() -> None:
    assert charts.rank_correlation([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) == pytest.approx(0.8207826816681233)


def test_rank_correlation_needs_three_values_that_differ() -> None:
    assert charts.rank_correlation([1, 2], [1, 2]) is None
    assert charts.rank_correlation([1, 1, 1], [1, 2, 3]) is None


@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), max_size=50))
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    scale = charts.scale_for(values)
    bins = charts.histogram(values, scale)
    assert sum(bar.items for bar in bins) == len(values)
    assert all(scale.low <= value <= scale.high for value in values)
    assert all(0 <= bar.height <= charts.PLOT_HEIGHT for bar in bins)


def comparison(metric: str, change: float, unit: float = 1.0, low: float | None = 0.0) -> MetricComparison:
    before, after = 0.5 * unit, (0.5 + change) * unit
    high, visible = 2 * change * unit, change * unit
    direction = DIRECTIONS["score"]
    return MetricComparison(
        metric, before, after, change * unit, low, high, 0.1, 0.1, visible, 5, 5, Verdict.NO_CHANGE, direction
    )


def test_changes_of_metrics_between_0_and_1_share_an_axis() -> None:
    comparisons = [comparison("small", 0.01), comparison("large", 0.1), comparison("words", 0.01, 400.0)]
    marks = charts.change_marks(comparisons)
    assert marks["large"].high - 50 == pytest.approx(10 * (marks["small"].high - 50), abs=0.1)
    assert marks["words"].high == marks["large"].high


def test_a_change_without_an_interval_has_no_mark() -> None:
    assert charts.change_marks([comparison("still", 0.1, low=None)]) == {}


def test_subjects_are_sorted_by_mean_and_those_without_a_score_come_last() -> None:
    items = [
        make_item(1, subject="low", score=0.1),
        make_item(2, subject="none", score=None),
        make_item(3, subject="high", score=0.9),
    ]
    bars = charts.subject_bars(make_report(items, None), charts.UNIT_SCALE)
    assert [(bar.name, bar.mean, bar.items, bar.bar) for bar in bars] == [
        ("low", 0.1, 1, 10.0), ("high", 0.9, 1, 90.0), ("none", None, 0, 0.0)
    ]  # fmt: skip


def test_lengths_are_plotted_by_doublings_within_the_axis() -> None:
    items = [
        make_item(1, candidate="a b", reference="a b c d", score=0.5),
        make_item(2, candidate="a " * 100, reference="a", score=1.0),
        make_item(3, candidate="", score=0.0),
    ]
    plot = charts.length_plot(make_report(items, None), charts.UNIT_SCALE)
    assert [(point.ratio, point.x, point.y) for point in plot.points] == [(0.5, 0.0, 80.0), (100.0, 100.0, 0.0)]
    assert [text for _, text in plot.ticks] == ["1/2", "1", "2", "4", "8", "16", "32"]
    assert plot.rho is None
    assert charts.length_plot(SIXTY, charts.UNIT_SCALE).rho is not None
