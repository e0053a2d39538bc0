"""The report for GitHub: annotations and the job summary."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.errors import Failure
from qtgen.evaluation.report import Verdict
from qtgen.evaluation.reports.github import render, render_step_summary
from support.eval_reports import (
    HOSTILE,
    SIXTY,
    VARIANTS,
    failed_item,
    make_item,
    make_report,
    passing_report,
    poisoned_report,
)

TEXTS = st.text(st.characters(codec=None), max_size=60) | st.just(HOSTILE)


def test_annotations_show_the_gate_failures_recordings_and_falls() -> None:
    lines = render(SIXTY).splitlines()
    assert lines[0].startswith("::error title=Evaluation of core::Worse than the baseline: ")
    assert lines[0].endswith("%0Ascore fell by 0.020%0A2 items fell by more than 0.25")
    assert "::error title=2 items failed%3A unreachable::question-57: no answer:%0A100%25 of 3 tries%0A" in lines[1]
    assert lines[3] == "::error title=1 recording unused::old.json"
    assert lines[4].startswith("::error title=question-0 fell by 0.800::What is osmosis")


@pytest.mark.parametrize(
    ("verdict", "level"),
    [
        (Verdict.WORSE, "error"),
        (Verdict.TOO_FEW, "warning"),
        (Verdict.NO_CHANGE, "notice"),
        (Verdict.BETTER, "notice"),
        (None, "notice"),
    ],
)
def test_the_level_of_the_annotation_follows_the_verdict(verdict: Verdict | None, level: str) -> None:
    assert render(passing_report(verdict)).startswith(f"::{level} title=Evaluation of core::")


@given(TEXTS)
def test_no_text_can_end_an_annotation_or_begin_one(text: str) -> None:
    lines = render(poisoned_report(text)).encode("utf-8").decode("utf-8").split("\n")
    assert lines.pop() == ""
    assert len(lines) == 6
    for line in lines:
        command, _, rest = line.removeprefix("::").partition("::")
        assert re.fullmatch(r"(error|warning|notice) title=[^:,\r]*", command)
        assert "\r" not in rest


@pytest.mark.parametrize("name", VARIANTS)
def test_the_summary_has_a_headline_and_a_whole_table(name: str) -> None:
    summary = render_step_summary(VARIANTS[name])
    assert summary.startswith("### ")
    assert "None" not in summary
    rows = [line for line in summary.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1


@given(TEXTS)
def test_no_text_of_the_summary_is_markup(text: str) -> None:
    summary = render_step_summary(poisoned_report(text))
    summary.encode("utf-8")
    assert set(re.findall(r"</?[a-zA-Z!][^>]*>", summary)) <= {
        "<details>", "<details open>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>"
    }  # fmt: skip
    assert not re.search(r"[`@\\\[\]$~]", summary)


def test_the_summary_of_many_failures_stays_short() -> None:
    items = [make_item(n, score=None, metrics={}, error=Failure("k", "m" * 1000)) for n in range(500)]
    summary = render_step_summary(make_report(items, None))
    assert len(summary) < 20_000
    assert "… and 490 more" in summary
    assert "- **question-1**" in render_step_summary(make_report([failed_item(1)], None)).replace("&#45;", "-")
