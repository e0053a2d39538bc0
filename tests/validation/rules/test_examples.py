"""The examples of every rule are its tests, and every fix is proved on its rule's bad example."""

import pytest

from qtgen.page.profile import default_profile
from qtgen.site.discovery import batches_for_paths
from qtgen.validation.autofix import fix_pages
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules import FAMILIES, Example, Rule, SiteRule
from qtgen.validation.rules.docs import describe_rule
from qtgen.validation.rules.example import apply_example, example_pages, example_site_of, resolve_example
from qtgen.validation.rules.types import AnyExample
from qtgen.validation.run import ValidationOptions
from support.validation import ALL_RULES, run_options

SITE = example_site_of(default_profile())


def pages_of(rule: Rule, example: AnyExample) -> dict[str, bytes]:
    """Return the pages of an example: the page itself, or for a site rule the example site."""
    return dict(example_pages(example, SITE) if isinstance(rule, SiteRule) else [apply_example(example, SITE)])


def findings(rule: Rule, example: AnyExample) -> list[Diagnostic]:
    pages = pages_of(rule, example)
    return run_options(
        batches_for_paths(pages),
        ValidationOptions(
            [rule],
            overlay=pages,
            fixes=True,
            settings=resolve_example(example, SITE).settings,
            profile=default_profile(),
        ),
    )


def codes(pages: dict[str, bytes]) -> set[str]:
    """Return the codes that all rules together report."""
    return {
        diagnostic.code
        for diagnostic in run_options(
            batches_for_paths(pages), ValidationOptions(ALL_RULES, overlay=pages, profile=default_profile())
        )
    }


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.code)
def test_a_rule_reports_its_bad_example_and_not_its_good_one(rule: Rule) -> None:
    assert {diagnostic.code for diagnostic in findings(rule, rule.bad)} == {rule.code}
    assert findings(rule, rule.good) == []


@pytest.mark.parametrize("rule", [rule for rule in ALL_RULES if rule.fix], ids=lambda rule: rule.code)
def test_a_fix_resolves_the_bad_example_and_causes_no_other_finding(rule: Rule) -> None:
    pages = pages_of(rule, rule.bad)
    unsafe = rule.fix == "unsafe"
    before = codes(pages)
    options = ValidationOptions(ALL_RULES, overlay=pages, profile=default_profile())
    fixed = pages | {file.path: file.after for file in fix_pages(batches_for_paths(pages), options, unsafe=unsafe)}
    assert rule.code in before
    assert rule.code not in codes(fixed)
    assert codes(fixed) <= before | {"QT409"}, "a link that is removed may leave an orphan"
    assert (
        list(
            fix_pages(
                batches_for_paths(pages),
                ValidationOptions(ALL_RULES, overlay=fixed, profile=default_profile()),
                unsafe=unsafe,
            )
        )
        == []
    )


@pytest.mark.parametrize("rule", [rule for rule in ALL_RULES if rule.fix], ids=lambda rule: rule.code)
def test_the_findings_of_a_bad_example_carry_the_fix_that_the_rule_announces(rule: Rule) -> None:
    fixes = [diagnostic.fix for diagnostic in findings(rule, rule.bad)]
    assert all(fix is not None and fix.safe is (rule.fix == "safe") for fix in fixes)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.code)
def test_a_rule_documents_its_reason_its_remedy_and_its_example(rule: Rule) -> None:
    assert "Why it is bad: " in rule.doc
    assert "Fix: " in rule.doc
    assert rule.family in FAMILIES
    text = describe_rule(rule, default_profile())
    assert text.startswith(f"## {rule.code} {rule.name} ({rule.severity})")
    assert f" {rule.code} " in text.partition("qtgen reports")[2]


def test_the_example_site_is_valid() -> None:
    assert codes(dict(example_pages(Example(), SITE))) == set()
