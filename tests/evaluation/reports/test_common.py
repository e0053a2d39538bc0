"""What all formats share: numbers, the weakest metric of an item, and the order of the items."""

from dataclasses import replace

from qtgen.evaluation.report import MetricSummary
from qtgen.evaluation.reports import common
from support.eval_reports import DIRECTIONS, VARIANTS, make_item, make_report


def test_numbers_are_short() -> None:
    numbers = (None, 0.12345, -0.0001, 12.34, 1234.5)
    assert [common.format_number(number) for number in numbers] == ["-", "0.123", "0.000", "12.3", "1,234"]
    assert [common.format_change(number) for number in numbers] == ["-", "+0.123", "+0.000", "+12.3", "+1,234"]


def test_both_ends_of_an_interval_have_the_same_decimals() -> None:
    summary = MetricSummary(0.0, -26.04, 2.0, 1, 0, DIRECTIONS["score"])
    assert common.format_interval(summary, common.format_change) == "-26.0 to +2.0"
    assert common.format_interval(replace(summary, low=None)) == "-"


def test_a_time_that_is_not_iso_8601_is_shown_as_it_is() -> None:
    assert common.format_time("2026-11-25T03:00:00+00:00") == "2026-11-25 03:00 UTC"
    assert common.format_time("yesterday") == "yesterday"


def test_the_weakest_metric_is_the_one_furthest_on_the_wrong_side() -> None:
    items = [
        make_item(n, metrics={"rouge_l": 0.5 + n / 100, "strays": 0.9 if n == 3 else 0.1, "words": 1.0})
        for n in range(8)
    ]
    weakest = common.find_weaknesses(make_report(items))
    assert str(weakest(items[0])) == "rouge_l 0.500: 0 words in a row"
    assert weakest(items[3]) == ("strays", 0.9, "")
    assert common.find_weaknesses(make_report(items[:1]))(items[0]) is None


def test_failed_items_come_last() -> None:
    report = VARIANTS["empty answer"]
    assert [item.id for item in common.ranked_items(report)] == ["question-1", "question-2", "question-3"]
    assert [item.id for item in common.scored_items(report)] == ["question-1", "question-2"]
    assert {kind: len(items) for kind, items in common.failed_items(report).items()} == {"unreachable": 1}
