"""Reports of every outcome of an evaluation, and whether each format of a report shows a failure."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

from qtgen.errors import Failure
from qtgen.evaluation.judging.summary import JudgeUse, Judging
from qtgen.evaluation.metrics import Direction
from qtgen.evaluation.report import (
    EvalItem,
    EvalReport,
    ItemFall,
    LostMetric,
    MetricComparison,
    PreferenceCounts,
    RecordingUse,
    Verdict,
    refused_report,
)
from qtgen.evaluation.reports import html, junit, text
from qtgen.evaluation.reports.github import render, render_step_summary
from support.eval_reports import failed_item, make_item, passing_report

PASSED, FAILED, REFUSED = 0, 1, 2


def _lost(metric: str, verdict: Verdict = Verdict.TOO_FEW) -> EvalReport:
    return _with_gate(verdict, lost=(LostMetric(metric, 1, 2, ("question-1",), "question-1, j: not JSON"),))


def _with_gate(verdict: Verdict, **changes: object) -> EvalReport:
    report = passing_report(verdict)
    assert report.gate
    return replace(report, gate=replace(report.gate, **changes))  # type: ignore[arg-type]


def _with_item(item: EvalItem, verdict: Verdict | None = Verdict.NO_CHANGE) -> EvalReport:
    return passing_report(verdict, [make_item(2), item])


def _judged(*values: float | None, gate_metrics: tuple[str, ...] = ()) -> EvalReport:
    items = [
        make_item(number, metrics={"judge": value}, notes={"judge": "j: 4/4/4" if value else "j: not JSON"})
        for number, value in enumerate(values)
    ]
    return passing_report(None, items, judges=("j",), gate_metrics=gate_metrics)


def _with_judging(**facts: Any) -> EvalReport:
    judging = Judging({"j": JudgeUse(asked=2), "k": JudgeUse(asked=2)}, items=2, **facts)
    return replace(_judged(0.5, 0.5), judges=("j", "k"), judging=judging)


def _small_change() -> EvalReport:
    comparison = MetricComparison(
        "score", 0.903, 0.901, -0.002, -0.003, -0.001, 0.008, 0.008, 0.004, 8, 8, Verdict.NO_CHANGE, Direction.HIGHER
    )
    return _with_gate(Verdict.NO_CHANGE, comparisons=(comparison,), alpha=0.05, matters=0.1)


_EMPTY = make_item(1, score=0.0, metrics={}, candidate="", error=Failure("empty-candidate", "no word"))
_FALL = ItemFall("question-1", 0.9, 0.1, 0.8, "What is osmosis?")
_REFUSAL = Failure("usage", "baseline.json: not JSON")
_COUNTS = PreferenceCounts(0, 0, 0, 0, 4, "j: no answer")

OUTCOMES: dict[str, tuple[EvalReport, int]] = {
    "no baseline": (passing_report(None), PASSED),
    "better": (passing_report(Verdict.BETTER), PASSED),
    "no change": (passing_report(Verdict.NO_CHANGE), PASSED),
    "a change that cannot matter": (_small_change(), PASSED),
    "too few": (passing_report(Verdict.TOO_FEW), PASSED),
    "too few, but a decision is required": (passing_report(Verdict.TOO_FEW, requires_power=True), FAILED),
    "no change, and a decision is required": (passing_report(Verdict.NO_CHANGE, requires_power=True), PASSED),
    "no baseline, but a decision is required": (passing_report(None, requires_power=True), FAILED),
    "worse": (passing_report(Verdict.WORSE), FAILED),
    "worse without any comparison": (_with_gate(Verdict.WORSE, comparisons=()), FAILED),
    "a reference fell": (_with_gate(Verdict.WORSE, comparisons=(), falls=(_FALL,)), FAILED),
    "a lost score": (_lost("score"), FAILED),
    "a lost judge": (_lost("judge"), FAILED),
    "worse, with a lost judge": (_lost("judge", Verdict.WORSE), FAILED),
    "a judge without any opinion": (_judged(None, None), FAILED),
    "a judge without one opinion": (_judged(None, 0.5), PASSED),
    "a judge of the gate without one opinion": (_judged(None, 0.5, gate_metrics=("judge",)), FAILED),
    "judges who could not compare": (_with_gate(Verdict.TOO_FEW, preferences=_COUNTS), FAILED),
    "nothing that judges can compare": (_with_gate(Verdict.TOO_FEW, preferences=replace(_COUNTS, failed=0)), FAILED),
    "judges who could compare some": (_with_gate(Verdict.NO_CHANGE, preferences=replace(_COUNTS, neither=1)), PASSED),
    "an item without a score": (_with_item(failed_item(1)), FAILED),
    "an item that the budget did not allow": (_with_item(failed_item(1, "budget"), None), FAILED),
    "an item without a score and a reason": (_with_item(make_item(1, score=None, metrics={})), FAILED),
    "an empty answer": (_with_item(_EMPTY), FAILED),
    "an empty answer without a baseline": (_with_item(_EMPTY, None), FAILED),
    "a broken metric": (_with_item(make_item(1, error=Failure("not-a-number", "bleu"))), FAILED),
    "a request without a recording": (passing_report(None, recordings=RecordingUse(missed=("r",))), FAILED),
    "a recording without a request": (
        replace(passing_report(Verdict.BETTER), recordings=RecordingUse(unused=("r",))),
        FAILED,
    ),
    "a recording that is not whole": (passing_report(None, recordings=RecordingUse(unpublished=("r",))), FAILED),
    "judging that ended early": (_with_judging(ended=Failure("budget", "the budget is used up")), FAILED),
    "a silent judge beside one with opinions": (_with_judging(silent={"k (judge)": "not JSON"}), FAILED),
    "judges without a silent one": (_with_judging(), PASSED),
    "an unusable baseline": (passing_report(None, refusal=_REFUSAL), REFUSED),
    "an unusable baseline, and a decision is required": (
        passing_report(None, refusal=_REFUSAL, requires_power=True),
        REFUSED,
    ),
    "an unusable suite": (refused_report("core", Failure("cassette", "completions.yaml: not YAML")), REFUSED),
    "a batch that is pending": (refused_report("core", Failure("pending", "8 pages pending")), PASSED),
    "worse, and accepted": (passing_report(Verdict.WORSE, accepted=True), PASSED),
    "a fall, and accepted": (
        replace(_with_gate(Verdict.WORSE, comparisons=(), falls=(_FALL,)), accepted=True),
        PASSED,
    ),
    "an empty answer, and accepted": (replace(_with_item(_EMPTY), accepted=True), PASSED),
    "an unusable baseline, and accepted": (passing_report(None, refusal=_REFUSAL, accepted=True), PASSED),
    "an item that needs a judge": (_with_item(make_item(1, metrics={"confidence": 0.2})), PASSED),
    "changed references": (_with_gate(Verdict.NO_CHANGE, changed=("a",), added=("b",), removed=("c",)), PASSED),
}
"""Reports by what happened, each with the exit code of its run."""


def json_fails(document: str) -> bool:
    """Return whether a JSON report, or any of several, shows a failure."""
    data = json.loads(document)
    reports = data if isinstance(data, list) else [data]
    return any("error" in report or bool(report.get("failures")) for report in reports)


def junit_fails(document: str) -> bool:
    """Return whether a JUnit report counts a failure or an error. The counts must be those of its cases."""
    root = ElementTree.fromstring(document)
    for word in ("failure", "error"):
        counted = sum(int(suite.get(f"{word}s") or 0) for suite in root.iterfind("testsuite"))
        assert counted == len(root.findall(f"testsuite/testcase/{word}"))
    return root.find("testsuite/testcase/failure") is not None or root.find("testsuite/testcase/error") is not None


def github_fails(commands: str) -> bool:
    """Return whether workflow commands contain an error."""
    return any(line.startswith("::error") for line in commands.splitlines())


def summary_fails(summary: str) -> bool:
    """Return whether a step summary has a red headline."""
    return re.search("^### 🔴", summary, re.MULTILINE) is not None


def html_fails(document: str) -> bool:
    """Return whether the headline of an HTML report is a bad one."""
    return '<h1><span class="bad">' in document


def text_fails(document: str) -> bool:
    """Return whether the headline of a text report says that the run failed."""
    return document.startswith(("Failed: ", "Worse than the baseline: ", "Not evaluated: "))


SHOWS_FAILURE: dict[str, Callable[[EvalReport], bool]] = {
    "json": lambda report: json_fails(report.to_json()),
    "junit": lambda report: junit_fails(junit.render(report)),
    "github": lambda report: github_fails(render(report)),
    "summary": lambda report: summary_fails(render_step_summary(report)),
    "html": lambda report: html_fails(html.render(report)),
    "text": lambda report: text_fails(text.render(report)),
}
"""Whether each format shows that a run failed."""
