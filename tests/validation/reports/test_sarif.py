"""SARIF within the limits of GitHub: the most serious results first, and no file that is too large."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qtgen.validation.diagnostics import Diagnostic, Edit, Fix, Severity
from qtgen.validation.reports import ReportContext, get_format, sarif
from qtgen.validation.rules import REGISTRY
from support.validation import Run

RULES = [rule for _, rule in sorted(REGISTRY.items())]
BY_SEVERITY = {Severity.ERROR: "QT201", Severity.WARNING: "QT601", Severity.INFO: "QT409"}


def findings(*counts: tuple[Severity, int], fix: Fix | None = None) -> Iterator[Diagnostic]:
    for severity, count in counts:
        code = BY_SEVERITY[severity]
        for number in range(count):
            yield Diagnostic(f"p{number}.md", 1, 1, 1, 2, code, "name", severity, f"number {number}", fix=fix)


def report(diagnostics: Iterator[Diagnostic]) -> tuple[list[Any], list[str]]:
    warnings: list[str] = []
    context = ReportContext(1, "0", RULES, lambda _: [], warn=warnings.append)
    (text,) = get_format("sarif").render(diagnostics, context)
    return json.loads(text)["runs"][0]["results"], warnings


def test_a_run_has_at_most_25000_results_and_errors_come_first() -> None:
    counts = (Severity.INFO, 13_000), (Severity.WARNING, 12_000), (Severity.ERROR, 10_000)
    results, warnings = report(findings(*counts))
    assert [*Counter(result["level"] for result in results).items()] == [
        ("error", 10_000), ("warning", 12_000), ("note", 3_000),
    ]  # fmt: skip
    assert warnings == [
        "10,000 of 35,000 results left out of the SARIF report, the least serious ones first; GitHub accepts 25,000"
    ]


def test_more_errors_than_a_run_may_have() -> None:
    results, warnings = report(findings((Severity.WARNING, 5), (Severity.ERROR, 25_001)))
    assert {result["level"] for result in results} == {"error"}
    assert len(results) == 25_000
    assert warnings[0].startswith("6 of 25,006 results left out")


def test_exactly_as_many_as_a_run_may_have_stay_in_order() -> None:
    results, warnings = report(findings((Severity.WARNING, 1), (Severity.ERROR, 24_999)))
    assert (results[0]["level"], len(results), warnings) == ("warning", 25_000, [])


def test_fixes_are_left_out_of_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    fix = Fix(True, "write it", (Edit(1, 1, 1, 2, "text"),))
    results, warnings = report(findings((Severity.ERROR, 3), fix=fix))
    assert (all("fixes" in result for result in results), warnings) == (True, [])
    monkeypatch.setattr(sarif, "COMPRESSED_MAX", 1_000)
    results, warnings = report(findings((Severity.ERROR, 3), fix=fix))
    assert not any("fixes" in result for result in results)
    assert warnings == ["the SARIF report contains no fixes, because GitHub accepts 10 MB of compressed SARIF"]


def test_the_command_says_on_stderr_what_was_left_out(qtgen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "RESULTS_MAX", 5)
    Path("site").mkdir()
    Path("site/empty.md").write_text("---\n---\n\n&nbsp;", encoding="utf-8")
    code, out, err = qtgen("validate", "site", "--no-cache", "--format", "sarif", "--quiet")
    assert code == 1
    assert len(json.loads(out)["runs"][0]["results"]) == 5
    assert "results left out of the SARIF report" in err
