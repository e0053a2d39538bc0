"""The table of rules, and the decorators that add to it.

To add a rule, write a function with one of these decorators: in a module of this package, in a file that `plugins` in
qtgen.toml names, or in a package with an entry point in the group `qtgen.rules`.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import re2

from qtgen.page.profile import Profile
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.types import (
    AnyExample,
    Applies,
    Example,
    FixSafety,
    LinkExplanation,
    LinkFixFactory,
    PageCheck,
    PageRule,
    Repairable,
    RowTest,
    Rule,
    SiteCheck,
    SiteRule,
    SkipTest,
    always,
)

REGISTRY: dict[str, Rule] = {}
"""Every rule by its code."""

_CODE = re.compile(r"[A-Z]{2,5}\d{3}")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_VALID_PAGE = Example()


def rule(
    code: str,
    name: str,
    severity: Severity,
    *,
    bad: AnyExample,
    good: AnyExample = _VALID_PAGE,
    fix: FixSafety | None = None,
    noncanonical_only: bool | Applies = False,
    skip_if: SkipTest | None = None,
    patterns: tuple[str, ...] = (),
    may_break: RowTest | None = None,
    repairable: Repairable | None = None,
    applies: Applies = always,
) -> Callable[[PageCheck], PageCheck]:
    """Register the decorated function as a rule that reads one page at a time.

    Args:
        code: A prefix of two to five capital letters and three digits (`ACME101`). `QT` is reserved.
        name: A short name in kebab case.
        severity: How serious its findings are. A finding can override it.
        bad: An example that the rule must report, or a function that makes it from the example site of a profile.
        good: A similar example that it must not report. By default, the valid example page.
        fix: "safe" or "unsafe", if its findings carry fixes.
        noncanonical_only: See `PageRule`; so are `skip_if` and `patterns`.
        repairable: "concern" or "fault", if a warning of the rule leads to a repair request when a page is generated.
            If no repair resolves it, the page is written despite a concern, but not despite a fault.
        applies: Returns whether the rule applies to the site of a profile.

    Raises ValueError if the code or the name is invalid or already used.
    """

    def register(check: PageCheck) -> PageCheck:
        if not code.startswith("QT"):  # those of built-in rules are valid, and compiling them takes time at start-up
            if may_break is not None:
                raise ValueError(f"rule {code}: only built-in rules can have `may_break`")
            for pattern in patterns:
                _check_pattern(code, pattern)
        quick = (noncanonical_only, skip_if, patterns, may_break)
        _add(PageRule(code, name, severity, check, bad, good, fix, False, repairable, applies, False, *quick))
        return check

    return register


def site_rule(
    code: str,
    name: str,
    severity: Severity,
    *,
    bad: AnyExample,
    good: AnyExample = _VALID_PAGE,
    fix: FixSafety | None = None,
    fix_link: LinkFixFactory | None = None,
    explain_link: LinkExplanation | None = None,
    on_request: bool = False,
    applies: Applies = always,
) -> Callable[[SiteCheck], SiteCheck]:
    """Register the decorated function as a rule that compares all pages of a site.

    Args:
        code: As in `rule`, like the other arguments that both have. The examples change one page of the example site.
        fix_link: Computes the fix of a link that the rule reports.
        explain_link: Returns a message that tells more about a link than the finding does, or None.
        on_request: Run the rule only if it is selected by its full code.
        applies: As in `rule`.

    Raises ValueError if the code or the name is invalid or already used.
    """

    def register(check: SiteCheck) -> SiteCheck:
        links = (fix_link, explain_link)
        _add(SiteRule(code, name, severity, check, bad, good, fix, on_request, None, applies, False, *links))
        return check

    return register


def rules_of(profile: Profile) -> tuple[Rule, ...]:
    """Return the registered rules that apply to a site, with the site's severities, sorted by code.

    Rules that the site turns off are left out.
    """
    severities = profile.file.rules
    return tuple(
        replace(rule, severity=Severity(severities[code]), severity_is_set=True) if code in severities else rule
        for code, rule in sorted(REGISTRY.items())
        if severities.get(code) != "off" and rule.applies(profile)
    )


def _check_pattern(code: str, pattern: str) -> None:
    try:
        re2.compile(pattern)
    except re2.error as error:
        raise ValueError(f"rule {code}: RE2 cannot compile the pattern `{pattern}`: {error}") from None


def _add(rule: Rule) -> None:
    ships_with_qtgen = rule.check.__module__.startswith("qtgen.")
    if not _CODE.fullmatch(rule.code):
        raise ValueError(f"rule code `{rule.code}` must be two to five capital letters and three digits")
    if rule.is_builtin and not ships_with_qtgen:
        raise ValueError(f"rule code `{rule.code}` begins with QT, which is reserved; use a prefix of your own")
    if not _NAME.fullmatch(rule.name):
        raise ValueError(f"rule name `{rule.name}` must be lower-case words joined by hyphens")
    for other in REGISTRY.values():
        if rule.code == other.code or rule.name == other.name:
            raise ValueError(f"rule {rule.code} {rule.name} has the code or name of {other.code} {other.name}")
    REGISTRY[rule.code] = rule
