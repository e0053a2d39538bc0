"""The checker: which rules it runs, limits, and order."""

from collections.abc import Iterator
from typing import Any

import pytest

from qtgen.page import Span, read, read_text
from qtgen.validation.diagnostics import Fix, Severity
from qtgen.validation.rules import Example, Finding, PageChecker, PageFile, PageRule
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from qtgen.validation.rules.types import RuleFix
from support.validation import example_with

_CANONICAL = PageFile(EXAMPLE_PATH, read_text(EXAMPLE_PAGE))
_OTHER_LAYOUT = PageFile(EXAMPLE_PATH, read(example_with("author: QuickTakes\n", "")))
_INCOMPLETE = PageFile(EXAMPLE_PATH, read(example_with("author: QuickTakes", "author: &a QuickTakes")))


def rule(code: str = "ACME201", findings: int = 1, **arguments: object) -> PageRule:
    def check(_: PageFile) -> Iterator[Finding]:
        for number in range(findings):
            yield Finding("found", Span(findings - number, findings - number))

    return PageRule(code, "a-rule", Severity.WARNING, check, Example(), Example(), **arguments)  # type: ignore[arg-type]


def codes(file: PageFile, *rules: PageRule) -> list[str]:
    return [diagnostic.code for diagnostic in PageChecker(rules)(file)]


@pytest.mark.parametrize(
    ("arguments", "runs_on_canonical"),
    [
        ({}, True),
        ({"noncanonical_only": True}, False),
        ({"skip_if": lambda file: True}, False),
        ({"skip_if": lambda file: False}, True),
        ({"patterns": ("smosis moves",)}, True),
        ({"patterns": ("towards the side that holds more solute",)}, True),
        ({"patterns": ("osmosis, membrane, solute",)}, True),
        ({"patterns": ("QuickTakes",)}, False),
        ({"patterns": ("nowhere", "smosis", "water")}, True),
        ({"patterns": ("nowhere",), "skip_if": lambda file: True}, False),
        ({"patterns": ("nowhere",), "skip_if": lambda file: False}, True),
        ({"patterns": ("smosis",), "skip_if": lambda file: True}, True),
        ({"patterns": ("smosis",), "skip_if": lambda file: False}, True),
    ],
)
def test_a_rule_runs_on_pages_that_can_violate_it(arguments: dict[str, Any], runs_on_canonical: bool) -> None:
    one = rule(**arguments)
    assert codes(_CANONICAL, one) == ["ACME201"] * runs_on_canonical
    assert codes(_OTHER_LAYOUT, one) == ["ACME201"], "other pages are always checked"


def test_only_built_in_rules_about_reading_run_on_a_page_that_was_not_read_to_its_end() -> None:
    assert codes(_INCOMPLETE, rule("QT199"), rule("QT299"), rule("ACME101")) == ["QT199"]


def test_the_findings_of_a_rule_are_limited_and_sorted_by_position() -> None:
    found = PageChecker([rule(findings=250)])(_CANONICAL)
    assert len(found) == 100
    positions = [(diagnostic.line, diagnostic.column) for diagnostic in found]
    assert positions == sorted(positions)


@pytest.mark.parametrize("safe", [True, False])
def test_a_diagnostic_tells_whether_there_is_a_fix_and_whether_it_is_safe(safe: bool) -> None:
    def check(_: PageFile) -> Iterator[Finding]:
        yield Finding("fixed", Span(0, 0), None, lambda: RuleFix("fix it", [], safe))
        yield Finding("not fixed", Span(1, 1), None, lambda: None)
        yield Finding("no fix", Span(2, 2))

    one = PageRule("ACME201", "a-rule", Severity.WARNING, check, Example(), Example(), "safe")
    found = PageChecker([one])(_CANONICAL)
    assert [diagnostic.fixable for diagnostic in found] == [True, False, False]
    assert [diagnostic.fix_is_unsafe for diagnostic in found] == [not safe, False, False]
    assert [diagnostic.fix for diagnostic in found] == [None, None, None]
    assert PageChecker([one], fixes=True)(_CANONICAL)[0].fix == Fix(safe, "fix it", ())


def test_a_finding_can_override_the_severity_of_its_rule() -> None:
    def check(_: PageFile) -> Iterator[Finding]:
        yield Finding("found", Span(0, 0), severity=Severity.ERROR)

    one = PageRule("ACME201", "a-rule", Severity.INFO, check, Example(), Example())
    assert [diagnostic.severity for diagnostic in PageChecker([one])(_CANONICAL)] == [Severity.ERROR]
