"""The run of a suite: facts about pages, and the report."""

import datetime as dt
from pathlib import Path

from qtgen.evaluation.runner import RunInfo, build_report, score_candidates
from qtgen.evaluation.suites.candidates import Candidate, find_candidates
from qtgen.evaluation.suites.suite import load_suite
from qtgen.llm.types import Usage
from qtgen.page.profile import default_profile
from qtgen.validation.rules import PageChecker
from qtgen.validation.selection import choose_rules

NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


def test_reference_pages_as_candidates_score_high_and_are_healthy(smoke: Path) -> None:
    suite = load_suite(smoke, default_profile())
    candidates = find_candidates(suite, smoke / "references")
    results = score_candidates(
        candidates, PageChecker(choose_rules(profile=default_profile()), profile=default_profile()), ["page_health"]
    )
    assert all(result.score is not None and result.score > 0.95 for result in results)
    assert {result.metrics["page_health"] for result in results} == {1.0}


def test_candidates_without_a_page_or_an_answer_have_an_error(smoke: Path) -> None:
    reference = load_suite(smoke, default_profile()).references[0]
    candidates = [Candidate(reference, 1), Candidate(reference, 1, "no front matter")]
    results = score_candidates(
        candidates, PageChecker(choose_rules(profile=default_profile()), profile=default_profile())
    )
    assert [result.error and result.error.kind for result in results] == ["no-page", "unreadable-page"]


def test_the_report_adds_up_usage_and_cuts_texts_that_are_too_large(smoke: Path) -> None:
    suite = load_suite(smoke, default_profile())
    page = suite.references[0].path.read_text().replace("answer: >-\n    ", "answer: >-\n    " + "water " * 20_000, 1)
    candidates = [
        Candidate(reference, 1, page if number == 0 else None, usage=Usage(10, 5, 0, 0.5))
        for number, reference in enumerate(suite.references)
    ]
    results = score_candidates(
        candidates, PageChecker(choose_rules(profile=default_profile()), profile=default_profile())
    )
    report = build_report(suite, candidates, results, RunInfo("pages", "pages", judges=("j",)), NOW)
    assert report.items[0].error is not None
    assert report.items[0].error.kind == "too-large"
    assert (len(report.items[0].candidate), len(report.items[0].reference)) == (1_000, 1_000)
    assert report.usage == Usage(80, 40, 0, 4.0)
    assert (report.created, report.judges, report.repeats) == ("2026-01-31T12:00:00+00:00", ("j",), 1)
    assert report.metrics["score"].missing == 8
    assert "wordfreq" in report.libraries
