"""What every format says about judges."""

from dataclasses import replace

import pytest

from qtgen.errors import Failure
from qtgen.evaluation.judging.summary import JudgeAgreement, JudgeUse, Judging
from qtgen.evaluation.report import EvalReport
from qtgen.evaluation.reports.github import render_step_summary
from qtgen.evaluation.reports.html import render as render_html
from qtgen.evaluation.reports.judging import judging_lines
from qtgen.evaluation.reports.text import render as render_text
from support.eval_reports import HOSTILE, VARIANTS

JUDGING = Judging(
    {"gpt-4o": JudgeUse(24, 3, 2, 1, 12_345, 678, 0.25), "free": JudgeUse(24, cost_usd=None)},
    items=8,
    judgements=3,
    scope="uncertain",
    agreement=(
        JudgeAgreement("judge", "gpt-4o", 3, 8, 8, 0.8123, 0.6, 0.95, 0.625),
        JudgeAgreement("judge_must_recall", "judges", 2, 24, 8, None, None, None, 1.0),
    ),
    silent={"free (judge)": "the answer is empty"},
)
LINES = [
    "no opinion on any item: free (judge): the answer is empty",
    "judged only items with a low confidence: 8 items",
    "judge gpt-4o: 24 judgements (3 reused, 2 retried, 1 without an opinion); "
    "12,345 prompt and 678 completion tokens; $0.2500",
    "judge free: 24 judgements; 0 prompt and 0 completion tokens; cost unknown",
    "agreement on judge, 3 judgements of gpt-4o: alpha 0.812 (0.600 to 0.950); all equal on 62% of 8 items",
    "agreement on judge_must_recall, 2 judges: alpha undefined; all equal on 100% of 24 claims of 8 items",
]


@pytest.fixture
def report() -> EvalReport:
    return replace(VARIANTS["no gate"], judging=JUDGING)


def test_the_lines() -> None:
    assert list(judging_lines(JUDGING)) == LINES
    assert list(judging_lines(None)) == []
    ended = Failure("budget", "the budget of $1.00 is used up with 2 of 48 judgements left")
    assert list(judging_lines(replace(JUDGING, ended=ended))) == LINES[1:]
    replayed = replace(JUDGING, source="recordings", silent={}, scope="all")
    assert next(judging_lines(replayed)).endswith("678 completion tokens; replayed at no cost")


def test_every_format_shows_them(report: EvalReport) -> None:
    text, html, summary = render_text(report), render_html(report), render_step_summary(report)
    assert "judge gpt-4o: 24 judgements (3 reused, 2 retried, 1 without an opinion)" in text
    assert max(map(len, text.splitlines())) <= 100
    for line in LINES:
        assert f"<li>{line[0].upper()}{line[1:]}</li>" in html
    assert 'id="judges"' not in render_html(VARIANTS["no gate"])
    assert "judge gpt-4o: 24 judgements" in summary.replace("\\", "")


def test_a_report_with_judges_is_read_back(report: EvalReport) -> None:
    assert EvalReport.from_json(report.to_json()) == report


def test_names_of_judges_are_only_text(report: EvalReport) -> None:
    hostile = replace(report, judging=replace(JUDGING, judges={HOSTILE: JudgeUse(1)}))
    assert "<script>document.title" not in render_html(hostile)
    assert "\x1b" not in render_text(hostile)
    assert "<script>" not in render_step_summary(hostile)


def test_a_run_fails_if_a_judge_gave_no_opinion_or_judging_ended() -> None:
    good = Judging({"m": JudgeUse(2, failed=1)}, items=2)
    assert not good.has_failed
    assert replace(good, silent={"m (judge)": "no"}).has_failed
    assert replace(good, ended=Failure("budget", "used up")).has_failed
