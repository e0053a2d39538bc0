"""The report for a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from qtgen._util.text import display_width
from qtgen.evaluation.reports.text import render
from support.eval_reports import HOSTILE, SIXTY, VARIANTS, failed_item, make_report, poisoned_report

TEXTS = st.text(st.characters(codec=None), max_size=60) | st.just(HOSTILE)


def test_the_verdict_comes_first() -> None:
    lines = render(SIXTY).splitlines()
    assert lines[0].startswith("Worse than the baseline: mean score 0.")
    assert ", down 0.020, over 57 items; 3 of 60 items without a score;" in " ".join(lines[:3])
    assert "  - score fell by 0.020" in lines
    assert lines[-1] == "6,000 prompt and 7,200 completion tokens; cost unknown"


def test_tables_show_every_metric_with_its_interval() -> None:
    summary = SIXTY.metrics["rouge_l"]
    values = [f"{summary.mean:.3f}", f"{summary.low:.3f}", "to", f"{summary.high:.3f}", str(summary.items), "12"]
    row = next(line.split() for line in render(SIXTY).splitlines() if line.startswith("rouge_l "))
    assert row == ["rouge_l", "higher", *values]


def test_lists_show_falls_failures_and_recordings() -> None:
    lines = render(SIXTY).splitlines()
    for line in (
        "2 items fell by more than the limit of 25%",
        "2 items failed: unreachable",
        "1 item failed: truncated",
        "1 recording unused",
    ):
        assert line in lines


def test_an_error_beside_a_score_explains_the_score() -> None:
    text = render(VARIANTS["empty answer"])
    assert "  0.000  question-1\n    empty-candidate: no word" in text
    assert "1 item failed: unreachable" in text


def test_a_long_list_ends_with_the_number_of_further_entries() -> None:
    text = render(make_report([failed_item(n) for n in range(30)], None))
    assert "\n  … and 20 more\n" in text


@given(TEXTS)
def test_no_line_is_wider_than_100_columns_or_contains_control_characters(text: str) -> None:
    rendered = render(poisoned_report(text * 3))
    assert max(map(display_width, rendered.split("\n"))) <= 100
    assert rendered.replace("\n", "").isprintable()
