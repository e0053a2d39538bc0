"""Findings in written pages: printed as `validate` prints them, bounded, and none of pages that were not written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qtgen.commands._page_findings import PageFindings
from qtgen.generation.types import Outcome, Question, Status
from qtgen.validation.diagnostics import Diagnostic, Severity
from support import POINTS, ROOT, points_json
from support.endpoint import FakeEndpoint, Reply, fake_endpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])


def finding(path: str, line: int = 1, severity: Severity = Severity.WARNING) -> Diagnostic:
    return Diagnostic(path, line, 14, line, 20, "QT503", "currency-as-math", severity, "money is read as math")


def printed(capsys: pytest.CaptureFixture[str], *outcomes: Outcome) -> list[str]:
    findings = PageFindings()
    for outcome in outcomes:
        findings.add(outcome)
    findings.print()
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def outcome(*diagnostics: Diagnostic, status: Status = Status.WRITTEN) -> Outcome:
    return Outcome(Question("Why?", "Physics"), status, diagnostics=diagnostics)


def test_findings_are_sorted_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    pages = (
        outcome(finding("b.md", 3), finding("b.md", 1, Severity.ERROR), finding("b.md", 2, Severity.INFO)),
        outcome(finding("c.md"), status=Status.FAILED),
        outcome(finding("d.md"), status=Status.KEPT),
        outcome(finding("a.md", 2)),
    )
    assert printed(capsys, *pages) == [
        "a.md:2:14: QT503 money is read as math",
        "b.md:1:14: QT503 money is read as math",
        "b.md:3:14: QT503 money is read as math",
        "1 error and 2 warnings in 2 written pages",
        "not listed: 1 informational finding",
    ]


def test_a_run_with_many_findings_prints_the_first_ones(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, *(outcome(finding("a.md", 29 - line), finding("b.md")) for line in range(23)))
    assert lines[0].startswith("a.md:7:14: ")
    assert lines[20:] == [
        "… and 26 more findings; `qtgen validate` lists all of them",
        "46 warnings in 23 written pages",
    ]


def test_pages_without_findings_print_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, outcome(), outcome(status=Status.EXISTS)) == []


SHOUTING = f"Great! {POINTS['introduction']}"
FENCED = f"```json\n{points_json(introduction=SHOUTING)}\n```"
RULES = ROOT / "tests" / "fixtures" / "plugin_package" / "qtgen_acme" / "rules.py"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    with fake_endpoint(lambda _: Reply(FENCED)) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.address)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        yield endpoint


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_generate_prints_the_warnings_of_validate(qtgen: Any, endpoint: FakeEndpoint, quiet: tuple[str, ...]) -> None:
    Path("rules.py").write_text(RULES.read_text())  # a warning that generation does not send back to the model
    Path("qtgen.toml").write_text('plugins = ["./rules.py"]')
    Path("q.jsonl").write_text(json.dumps({"question": "What is osmosis?", "subject": "Biology"}))
    code, out, err = qtgen("generate", "q.jsonl", "--json", *quiet)
    line = json.loads(out)
    assert (code, line["status"], line["attempts"]) == (0, "written", 1)
    assert "unwrapped" not in line
    reported = [text for text in qtgen("validate", "outputs")[1].splitlines() if text.startswith("outputs/")]
    assert "ACME101" in reported[0]
    assert [text for text in err.splitlines() if text.startswith("outputs/")] == reported
    assert ("unwrapped 1 answer: code fence (1)" in err) is not bool(quiet)
    assert ("\nreview them in the browser: qtgen review outputs\n" in err) is not bool(quiet)
