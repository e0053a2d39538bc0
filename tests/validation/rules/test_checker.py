"""The checker: which rules it runs, limits, and order."""

from collections.abc import Iterator
from typing import Any

import pytest

from qtgen.page import Span
from qtgen.page.profile import default_profile
from qtgen.validation.diagnostics import Severity
from qtgen.validation.findings import findings_of
from qtgen.validation.rules import Example, Finding, PageChecker, PageFile, PageRule
from qtgen.validation.rules.example import EXAMPLE_PAGE, EXAMPLE_PATH
from qtgen.validation.rules.types import FixFactory, FixSafety, RuleFix
from support.default_tables import read, read_text
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
    return [diagnostic.code for diagnostic in PageChecker(rules, profile=default_profile())(file)]


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
    found = PageChecker([rule(findings=250)], profile=default_profile())(_CANONICAL)
    assert len(found) == 100
    positions = [(diagnostic.line, diagnostic.column) for diagnostic in found]
    assert positions == sorted(positions)


@pytest.mark.parametrize(
    ("span", "place"),
    [
        (Span(-5, 2), (1, 1, 1, 3)),
        (Span(2, -1), (1, 3, 1, 3)),
        (Span(3, 1), (1, 4, 1, 4)),
        (Span(0, 1 << 40), (1, 1, *_CANONICAL.page.position(len(EXAMPLE_PAGE)))),
    ],
)
def test_places_outside_the_page_are_moved_into_it(span: Span, place: tuple[int, ...]) -> None:
    plugin = PageRule("ACME201", "a-rule", Severity.WARNING, lambda _: [Finding("found", span)], Example(), Example())
    (found,) = PageChecker([plugin], profile=default_profile())(_CANONICAL)
    assert found[1:5] == place
    assert findings_of([[found]]).page_count == 1


def _rule_with_fix(factory: FixFactory | None, safety: FixSafety | None = None) -> PageRule:
    def check(_: PageFile) -> Iterator[Finding]:
        yield Finding("found", Span(0, 0), None, factory, fix_safety=safety)

    return PageRule("ACME201", "a-rule", Severity.WARNING, check, Example(), Example(), "safe")


def test_fixes_of_canonical_pages_are_computed_only_if_they_are_needed() -> None:
    one = _rule_with_fix(lambda: pytest.fail("the fix was computed"))
    (diagnostic,) = PageChecker([one], profile=default_profile())(_CANONICAL)
    assert (diagnostic.fixable, diagnostic.fix_is_unsafe, diagnostic.fix) == (True, False, None)
    with pytest.raises(pytest.fail.Exception):
        PageChecker([one], fixes=True, profile=default_profile())(_CANONICAL)


def test_a_fix_that_is_not_possible_in_another_layout_is_not_announced() -> None:
    (diagnostic,) = PageChecker([_rule_with_fix(lambda: None)], profile=default_profile())(_OTHER_LAYOUT)
    assert not diagnostic.fixable


@pytest.mark.parametrize("file", [_CANONICAL, _OTHER_LAYOUT])
@pytest.mark.parametrize("fixes", [False, True])
@pytest.mark.parametrize("safety", ["safe", "unsafe"])
def test_a_finding_can_override_whether_its_fix_is_safe(file: PageFile, fixes: bool, safety: FixSafety) -> None:
    one = _rule_with_fix(lambda: RuleFix("fix it", [], safe=safety == "safe"), safety)
    (diagnostic,) = PageChecker([one], fixes=fixes, profile=default_profile())(file)
    assert (diagnostic.fixable, diagnostic.fix_is_unsafe) == (True, safety == "unsafe")
    assert (diagnostic.fix is not None) is fixes


def test_a_finding_can_override_the_severity_of_its_rule() -> None:
    def check(_: PageFile) -> Iterator[Finding]:
        yield Finding("found", Span(0, 0), severity=Severity.ERROR)

    one = PageRule("ACME201", "a-rule", Severity.INFO, check, Example(), Example())
    assert [diagnostic.severity for diagnostic in PageChecker([one], profile=default_profile())(_CANONICAL)] == [
        Severity.ERROR
    ]
