"""The report as JUnit XML."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from qtgen.evaluation.report import EvalReport
from qtgen.evaluation.reports.junit import render
from support.eval_reports import HOSTILE, SIXTY, VARIANTS, passing_report, poisoned_report

SCHEMAS = Path(__file__).parents[2] / "schemas"


def parse(report: EvalReport) -> ElementTree.Element:
    suite = ElementTree.fromstring(render(report)).find("testsuite")
    assert suite is not None
    return suite


@pytest.fixture(scope="module")
def junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd", allow="local")


@pytest.mark.parametrize("report", [*VARIANTS.values(), poisoned_report(HOSTILE)], ids=[*VARIANTS, "hostile"])
def test_the_document_is_valid(report: EvalReport, junit_schema: xmlschema.XMLSchema) -> None:
    junit_schema.validate(render(report))


def test_falls_are_failures_and_failed_items_are_errors() -> None:
    suite = parse(SIXTY)
    assert dict(suite.attrib) == {"name": "core", "tests": "61", "failures": "3", "errors": "3", "skipped": "0"}
    failures = {case.get("name"): case.find("failure") for case in suite.iterfind("testcase[failure]")}
    assert set(failures) == {"question-0", "question-1", "gate"}
    assert failures["question-0"] is not None
    assert failures["question-0"].get("message") == "score fell by 0.800, 0.900 -> 0.100; limit 25% of the score"
    errors = [case.get("name") for case in suite.iterfind("testcase[error]")]
    assert errors == ["question-57", "question-58", "question-59"]


def test_an_empty_answer_is_a_failure_and_not_an_error() -> None:
    suite = parse(VARIANTS["empty answer"])
    assert [case.get("name") for case in suite.iterfind("testcase[error]")] == ["question-3"]
    assert [case.get("name") for case in suite.iterfind("testcase[failure]")] == ["question-1", "gate"]
    assert "empty-candidate: no word" in (suite.findtext("testcase/system-out") or "")


def test_the_gate_is_skipped_without_a_baseline() -> None:
    suite = parse(passing_report(None))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "0", "1")


def test_a_fall_over_several_repeats_fails_once() -> None:
    failures = parse(VARIANTS["repeats"]).iterfind("testcase[failure]")
    assert [case.get("name") for case in failures] == ["question-1 #1", "gate"]
