"""Run page rules over pages, each rule only on the pages that can violate it."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from operator import attrgetter, itemgetter

import re2

from qtgen.page import Page, Value
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile
from qtgen.page.sentences import encoded
from qtgen.validation.diagnostics import Diagnostic, Edit, Fix, printable
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings
from qtgen.validation.rules.types import Finding, FixFactory, PageFile, PageRule, RowTest, Rule, RuleFix, SkipTest

_FINDINGS_MAX = 100  # of one rule on one page; a hostile file could cause millions


def applicable_rules(rules: Iterable[Rule], profile: Profile) -> list[PageRule]:
    """Return the page rules that have subject matter on a site, sorted by code."""
    applicable = (rule for rule in rules if isinstance(rule, PageRule) and rule.applies(profile))
    return sorted(applicable, key=lambda rule: rule.code)


by_position = attrgetter("line", "column", "code")
"""Sort key of the diagnostics of one file."""


class PageChecker:
    """Runs page rules over pages.

    Nearly all pages have the canonical layout and violate nothing. On such pages a rule runs only if its `skip_if` is
    false or one of its `patterns` matches.

    Args:
        rules: The rules to run. Site rules, and rules without subject matter on the site, are ignored.
        profile: The layout of the site.
        fixes: Whether diagnostics contain their fixes, instead of only telling that there is one.
        settings: What the rules read from the settings.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        profile: Profile,
        fixes: bool = False,
        settings: RuleSettings = DEFAULT_SETTINGS,
    ) -> None:
        self._fixes, self._settings = fixes, settings
        self._all = applicable_rules(rules, profile)
        self._reading = [rule for rule in self._all if rule.is_builtin and rule.family == 1]
        self._tests = QuickTests(self._all, profile)

    def __call__(self, file: PageFile) -> list[Diagnostic]:
        """Return the diagnostics of a page, sorted by position.

        If the front matter could not be read to its end, only family 1xx runs: the other rules would report fields as
        missing that are there.
        """
        page = file.page
        if self._settings is not DEFAULT_SETTINGS:
            file = file._replace(settings=self._settings)
        all_rules = self._all if page.complete else self._reading
        rules = self._tests.applicable(file) if page.canonical else all_rules
        diagnostics = [diagnostic for rule in rules for diagnostic in diagnostics_of(file, rule, fixes=self._fixes)]
        if len(diagnostics) > 1:
            diagnostics.sort(key=by_position)
        return diagnostics


class QuickTests:
    """The tests that tell which rules a page in the canonical layout can violate.

    Args:
        rules: The rules, which apply to the site.
        profile: The layout of the site.

    Attributes:
        always: The rules without a test, which any page can violate.
        by_test: The rules that share a `skip_if`, by this test and its `may_break`.
    """

    def __init__(self, rules: Iterable[PageRule], profile: Profile) -> None:
        canonical = [rule for rule in rules if not _is_ruled_out(rule, profile)]
        self.always = [rule for rule in canonical if not rule.skip_if and not rule.patterns]
        self.by_test: dict[tuple[SkipTest, RowTest | None], list[PageRule]] = {}
        for rule in canonical:
            if rule.skip_if:
                self.by_test.setdefault((rule.skip_if, rule.may_break), []).append(rule)
        self._patterns = re2.Set.SearchSet()
        self._by_pattern: list[PageRule] = []  # indexed by the number that RE2 gives a pattern
        for owner, pattern in ((rule, pattern) for rule in canonical for pattern in rule.patterns):
            self._patterns.Add(pattern)
            self._by_pattern.append(owner)
        self._patterns.Compile()

    def applicable(self, file: PageFile) -> list[PageRule]:
        """Return the rules that a page in the canonical layout can violate."""
        rules = [*self.always]
        for (cannot_violate, _), rules_with_test in self.by_test.items():
            if not cannot_violate(file):
                rules += rules_with_test
        matching = self.matching(_searched_text(file.page.layout)(file.page.values))
        return [*rules, *(rule for rule in matching if rule not in rules)] if matching else rules

    def matching(self, text: bytes) -> Iterable[PageRule]:
        """Return the rules of which a pattern matches the joined texts of the model, each once."""
        matches = self._patterns.Match(text)
        return dict.fromkeys([self._by_pattern[number] for number in matches]) if matches else ()


def check_page(file: PageFile, rules: Iterable[Rule], settings: RuleSettings = DEFAULT_SETTINGS) -> list[Diagnostic]:
    """Return the diagnostics of `rules` for one page."""
    return PageChecker(rules, profile=file.page.layout.profile, settings=settings)(file)


def _is_ruled_out(rule: PageRule, profile: Profile) -> bool:
    """Return whether no page in the canonical layout can violate a rule."""
    test = rule.noncanonical_only
    return test if isinstance(test, bool) else test(profile)


@cache
def _searched_text(layout: Layout) -> Callable[[Mapping[str, Value]], bytes]:
    """Return the function that joins the texts of the model on a page in the canonical form, for the patterns."""
    answer = layout.roles.answer or ""
    others = tuple(path for path in layout.model_fields if path != answer)
    on_one_line = layout.codec.on_one_line

    def join(values: Mapping[str, Value]) -> bytes:
        joined = "".join([f"{values.get(path, '')}\n" for path in others])
        return joined.encode() + encoded(on_one_line(str(values.get(answer, ""))))

    if not layout.codec.escapes or len(others) < 2 or not all(layout.fields[path].required for path in others):
        return join
    if len(others) == 2:  # as on nearly every site
        first, second = others
        return lambda values: f"{values[first]}\n{values[second]}\n".encode() + encoded(str(values.get(answer, "")))
    get = itemgetter(*others)  # faster
    return lambda values: "\n".join([*map(str, get(values)), ""]).encode() + encoded(str(values.get(answer, "")))


def compute_fix(page: Page, factory: FixFactory | None) -> Fix | None:
    """Compute a fix, and convert its offsets to lines and columns."""
    rule_fix = factory() if factory else None
    return _convert_fix(page, rule_fix) if rule_fix else None


def _convert_fix(page: Page, rule_fix: RuleFix) -> Fix:
    lines = page.line_starts()

    def position(offset: int) -> tuple[int, int]:
        line = bisect_right(lines, offset)
        return line, offset - lines[line - 1] + 1

    edits = (Edit(*position(span.start), *position(span.end), text) for span, text in rule_fix.edits)
    parts = None if rule_fix.parts is None else tuple(rule_fix.parts)
    return Fix(rule_fix.safe, rule_fix.description, tuple(edits), parts)


def diagnostics_of(file: PageFile, rule: PageRule, *, fixes: bool = False) -> Iterator[Diagnostic]:
    """Yield the diagnostics of a rule for a page, up to a maximum number.

    Args:
        fixes: Whether diagnostics contain their fixes.
    """
    for finding in islice(rule.check(file), _FINDINGS_MAX):
        yield _diagnostic(file, rule, finding, fixes)


def _diagnostic(file: PageFile, rule: Rule, finding: Finding, fixes: bool) -> Diagnostic:
    page = file.page
    length = len(page.text)
    start = min(max(finding.span[0], 0), length)  # plugins can give any numbers
    end = min(max(finding.span[1], start), length)
    line, column = page.position(start)
    end_line, end_column = line, column + end - start
    if "\n" in page.text[start:end]:
        end_line, end_column = page.position(end)
    # Most runs only list findings, and nearly every fix of a page in the canonical layout is possible.
    is_needed = fixes or not page.canonical
    rule_fix = finding.fix() if finding.fix and is_needed else None
    fixable = rule_fix is not None if is_needed else finding.fix is not None
    safety = finding.fix_safety or rule.fix
    return Diagnostic(
        file.path,
        line,
        column,
        end_line,
        end_column,
        rule.code,
        rule.name,
        rule.severity if rule.severity_is_set else finding.severity or rule.severity,
        printable(finding.message),
        finding.field if finding.field is None else printable(finding.field),
        _convert_fix(page, rule_fix) if rule_fix and fixes else None,
        fixable,
        not rule_fix.safe if rule_fix else fixable and safety == "unsafe",
    )
