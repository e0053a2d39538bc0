"""The examples of every rule are its tests, on three sites, and every fix is proved on its rule's bad example."""

from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

import pytest

from qtgen.page.compile import main_layout
from qtgen.page.profile import Profile, default_profile, load_profile, parse_profile
from qtgen.site.discovery import batches_for_paths
from qtgen.validation.autofix import fix_pages
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.rules import FAMILIES, REGISTRY, Example, Rule, SiteRule, rules_of
from qtgen.validation.rules.docs import describe_rule
from qtgen.validation.rules.example import ExampleSite, apply_example, example_pages, example_site_of, resolve_example
from qtgen.validation.rules.types import AnyExample
from qtgen.validation.run import ValidationOptions
from support.renamed_site import rename_site_toml
from support.validation import run_options

WORKSHOP = Path(__file__).parents[2] / "fixtures" / "sites" / "workshop" / "site.toml"


@cache
def profiles() -> dict[str, Profile]:
    """Return the profiles of three sites: the default one, articles, and the default one under other names."""
    shipped = (resources.files("qtgen.page") / "default_site.toml").read_text(encoding="utf-8")
    renamed = parse_profile(rename_site_toml(shipped).encode(), Path("site.toml").absolute())
    return {"default": default_profile(), "workshop": load_profile(WORKSHOP), "renamed": renamed}


def cases(*, fixable: bool = False) -> Iterator[object]:
    """Yield each rule of each site, or those whose findings there have fixes."""
    for name, profile in profiles().items():
        for rule in rules_of(profile):
            is_only_a_name = rule.code == "QT302" and main_layout(profile).file_name_field is None
            if not fixable or (rule.fix and not is_only_a_name):  # qtgen renames no files
                yield pytest.param(example_site_of(profile), rule, id=f"{name}-{rule.code}")


def pages_of(site: ExampleSite, rule: Rule, example: AnyExample) -> dict[str, bytes]:
    """Return the pages of an example: the page itself, or for a site rule the example site."""
    return dict(example_pages(example, site) if isinstance(rule, SiteRule) else [apply_example(example, site)])


def findings(site: ExampleSite, rule: Rule, example: AnyExample) -> list[Diagnostic]:
    pages = pages_of(site, rule, example)
    settings = resolve_example(example, site).settings
    options = ValidationOptions([rule], profile=site.profile, overlay=pages, fixes=True, settings=settings)
    return run_options(batches_for_paths(pages), options)


def options_of(site: ExampleSite, pages: dict[str, bytes]) -> ValidationOptions:
    return ValidationOptions(rules_of(site.profile), profile=site.profile, overlay=pages)


def codes(site: ExampleSite, pages: dict[str, bytes]) -> set[str]:
    """Return the codes that all rules together report."""
    return {diagnostic.code for diagnostic in run_options(batches_for_paths(pages), options_of(site, pages))}


@pytest.mark.parametrize(("site", "rule"), [*cases()])
def test_a_rule_reports_its_bad_example_and_not_its_good_one(site: ExampleSite, rule: Rule) -> None:
    assert {diagnostic.code for diagnostic in findings(site, rule, rule.bad)} == {rule.code}
    assert findings(site, rule, rule.good) == []


@pytest.mark.parametrize(("site", "rule"), [*cases(fixable=True)])
def test_a_fix_resolves_the_bad_example_and_causes_no_other_finding(site: ExampleSite, rule: Rule) -> None:
    pages = pages_of(site, rule, rule.bad)
    unsafe = rule.fix == "unsafe"
    before = codes(site, pages)
    options = options_of(site, pages)
    fixed = pages | {file.path: file.after for file in fix_pages(batches_for_paths(pages), options, unsafe=unsafe)}
    assert rule.code in before
    assert rule.code not in codes(site, fixed)
    assert codes(site, fixed) <= before | {"QT409"}, "a link that is removed may leave an orphan"
    assert list(fix_pages(batches_for_paths(pages), options_of(site, fixed), unsafe=unsafe)) == []


@pytest.mark.parametrize(("site", "rule"), [*cases(fixable=True)])
def test_the_findings_of_a_bad_example_have_the_fix_of_the_rule(site: ExampleSite, rule: Rule) -> None:
    fixes = [diagnostic.fix for diagnostic in findings(site, rule, rule.bad)]
    assert all(fix is not None and fix.safe is (rule.fix == "safe") for fix in fixes)


@pytest.mark.parametrize(("site", "rule"), [*cases()])
def test_a_rule_documents_its_reason_its_remedy_and_its_example(site: ExampleSite, rule: Rule) -> None:
    assert "Why it is bad: " in rule.doc
    assert "Fix: " in rule.doc
    assert rule.family in FAMILIES
    text = describe_rule(rule, site.profile)
    assert text.startswith(f"## {rule.code} {rule.name} ({rule.severity})")
    assert f" {rule.code} " in text.partition("qtgen reports")[2]


@pytest.mark.parametrize("name", [*profiles()])
def test_the_example_site_is_valid(name: str) -> None:
    site = example_site_of(profiles()[name])
    assert codes(site, dict(example_pages(Example(), site))) == set()


def test_every_rule_applies_to_one_of_the_sites() -> None:
    assert {rule.code for profile in profiles().values() for rule in rules_of(profile)} == {*REGISTRY}
