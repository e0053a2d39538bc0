"""The outcome of a run: what makes it fail, and that every format and the exit code agree on it."""

import json
from dataclasses import replace

import pytest

from qtgen.evaluation.gate import outcome
from qtgen.evaluation.report import EvalReport, Verdict
from qtgen.evaluation.reports import github, html, junit, text
from qtgen.evaluation.reports import json as json_format
from support.eval_outcomes import OUTCOMES, SHOWS_FAILURE, json_fails, junit_fails
from support.eval_reports import SIXTY, failed_item, make_item, make_report, passing_report


@pytest.mark.parametrize("form", SHOWS_FAILURE)
@pytest.mark.parametrize("name", OUTCOMES)
def test_every_format_agrees_with_the_exit_code(name: str, form: str) -> None:
    report, code = OUTCOMES[name]
    assert report.exit_code == code
    assert SHOWS_FAILURE[form](report) == (code != 0)


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_format_shows_the_most_severe_failure(name: str) -> None:
    report, _ = OUTCOMES[name]
    for failure in report.failures[:1]:
        for render in (text.render, junit.render, html.render, github.render):
            shown = " ".join(render(report).split())
            assert failure.message in shown.replace("%25", "%"), render


def test_failures_are_in_the_order_of_their_kinds() -> None:
    kinds = list(outcome.KINDS)
    places = [kinds.index(failure.kind) for failure in SIXTY.failures]
    assert places == sorted(places)
    assert [failure.kind for failure in SIXTY.failures] == [
        "no-score", "no-score", "unused-recordings", "worse", "worse", "worse", "worse", "fall",
    ]  # fmt: skip
    assert {failure.kind for report, _ in OUTCOMES.values() for failure in report.failures} == set(kinds)


def test_json_holds_the_failures_and_is_read_back() -> None:
    report = passing_report(Verdict.BETTER, [make_item(1), failed_item(2), failed_item(3)])
    document = json.loads(report.to_json())
    assert document["failures"] == [
        {
            "kind": "no-score",
            "message": "2 items have no score (unreachable): the first is question-2, no answer",
            "items": ["question-2", "question-3"],
            "metric": None,
        }
    ]
    assert EvalReport.from_json(report.to_json()) == report


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_report_keeps_its_outcome_as_json(name: str) -> None:
    report, _ = OUTCOMES[name]
    if not report.is_refused:
        assert EvalReport.from_json(report.to_json()).failures == report.failures


def test_a_lost_score_is_not_counted_twice() -> None:
    report, _ = OUTCOMES["a lost score"]
    items = (make_item(1, score=None), *report.items[1:])
    assert [failure.kind for failure in replace(report, items=items).failures] == ["lost-metric"]


def test_items_whose_score_cannot_be_trusted_are_listed_unless_a_judge_judged_them() -> None:
    unsure = make_item(1, metrics={"confidence": 0.2}, notes={"confidence": "few words in common"})
    judged = make_item(2, metrics={"confidence": 0.2, "judge": 0.9})
    items = [unsure, judged, make_item(3, metrics={"confidence": 0.9}), make_item(4)]
    report = make_report(items, Verdict.NO_CHANGE)
    assert report.uncertain == (unsure,)
    assert json.loads(report.to_json())["uncertain"] == [{"id": "question-1", "repeat": 1}]
    for render in (text.render, junit.render, html.render, github.render, github.render_step_summary):
        shown = render(report)
        assert "1 item needs a judge or a person" in shown
        assert "few words in common" in shown


def test_a_judge_without_some_opinions_is_shown_although_the_run_passes() -> None:
    report, code = OUTCOMES["a judge without one opinion"]
    assert code == 0
    for render in (text.render, junit.render, html.render, github.render, github.render_step_summary):
        assert "judge had no opinion on 1 of 2 items" in " ".join(render(report).split()), render


def test_several_suites_are_one_document() -> None:
    reports = [report for report, _ in OUTCOMES.values()]
    documents = json.loads(json_format.render_all([*reports, {"suite": "later", "error": {"kind": "pending"}}]))
    assert len(documents) == len(reports) + 1
    assert {"suite": "core", "error": {"kind": "cassette", "message": "completions.yaml: not YAML"}} in documents
    assert documents[-1] == {"suite": "later", "error": {"kind": "pending"}}
    assert junit.render_all(reports).count("<testsuite ") == len(reports)
    passing = [report for report, code in OUTCOMES.values() if not code]
    assert not json_fails(json_format.render_all(passing))
    assert not junit_fails(junit.render_all(passing))
