"""What a rule is: one function with a code, a name, a severity, a docstring and two examples that are its tests.

A page rule looks at one page. A site rule (family 4xx, `rules/links.py`) looks at the facts of all pages at once.
"""

import inspect
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

import re2

from qtgen.errors import QtgenError
from qtgen.page import Page, Span, splice_edits
from qtgen.page.edits import TextEdit
from qtgen.page.splicer import Changes
from qtgen.site.index import SiteIndex
from qtgen.validation.diagnostics import Diagnostic, Edit, Fix, Severity


class PageFile(NamedTuple):
    """A page and the path it has, or is to have, with `/` between its parts.

    path: as it is shown; location: the same from the root of the disk, where it was given from elsewhere.
    """

    path: str
    page: Page
    location: str | None = None

    @property
    def name(self) -> str:
        return (self.location or self.path).rpartition("/")[2]

    @property
    def folder(self) -> str:
        return (self.location or self.path).rpartition("/")[0].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class RuleFix:
    """Edits that mend a finding. Safe: a reader of the page loses nothing by them."""

    description: str
    edits: Sequence[TextEdit]
    safe: bool = True


FixFactory = Callable[[], RuleFix | None]
"""Makes a repair when somebody wants it: most checks only list what they find."""


class Finding(NamedTuple):
    """A rule's objection, where it stands, and the field it is about. severity: where it is not the rule's own."""

    message: str
    span: Span
    field: str | None = None
    repair: FixFactory | None = None
    severity: Severity | None = None


class SiteFinding(NamedTuple):
    """A site rule's objection to pages, or to links of theirs. rows: of the site's facts; key: the field of each that
    the objection is about; other: the number of another page that the message names as `{other}`."""

    message: str
    rows: Iterable[int]
    key: str = "url"
    other: int | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A small change to the example page (`rules/example.py`): every `old` becomes `new`, or the file's name does.

    neighbour: the same for the other page of the example site, which only site rules see.
    """

    old: str = ""
    new: str = ""
    path: str | None = None
    raw: bytes | None = None  # the whole file, where no text can show it
    neighbour: tuple[str, str] = ("", "")


PageCheck = Callable[[PageFile], Iterable[Finding]]
SiteCheck = Callable[[SiteIndex], Iterable[SiteFinding]]
LinkRepair = Callable[[Page, str, Page | None], FixFactory | None]
"""(page, path of the link, the page it leads to if there is one) -> what mends it."""


@dataclass(frozen=True, eq=False)
class Rule:
    """fix: "safe" or "unsafe" where the rule offers one; on_request: runs only when it is selected by its code."""

    code: str
    name: str
    severity: Severity
    check: Callable[..., Iterable[object]]
    bad: Example
    good: Example
    fix: str | None = None
    on_request: bool = False

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.check) or ""

    @property
    def family(self) -> int:
        return int(self.code[2])


@dataclass(frozen=True, eq=False)
class PageRule(Rule):
    """Looks at one page.

    The rest says where it need not look, among the pages that the fast scanner knows; the others it looks at always.
    odd_pages_only: at none. unless: at those for which this quick test, which rules can share, is true. signs: at those
    whose description and answer, each a line, hold none of these patterns (RE2's; all rules' are looked for at once).
    """

    check: PageCheck
    odd_pages_only: bool = False
    unless: Callable[[PageFile], bool] | None = None
    signs: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SiteRule(Rule):
    """repair: makes the fix when somebody wants it; the site's facts do not hold what it needs."""

    check: SiteCheck
    repair: LinkRepair | None = None


_LONGEST = 400  # characters of a message
_MOST = 100  # findings of one rule on one page: what a hostile file can ask for

REGISTRY: dict[str, Rule] = {}


def rule(
    code: str,
    name: str,
    severity: Severity,
    *,
    bad: Example,
    good: Example,
    fix: str | None = None,
    odd_pages_only: bool = False,
    unless: Callable[[PageFile], bool] | None = None,
    signs: tuple[str, ...] = (),
) -> Callable[[PageCheck], PageCheck]:
    """Register a rule over one page. `good` is a near miss that must pass."""

    def register(check: PageCheck) -> PageCheck:
        if unless and signs:
            raise ValueError(f"{code}: has a quick test and signs; one is enough")
        _add(PageRule(code, name, severity, check, bad, good, fix, False, odd_pages_only, unless, signs))
        return check

    return register


def site_rule(
    code: str,
    name: str,
    severity: Severity,
    *,
    bad: Example,
    good: Example,
    fix: str | None = None,
    repair: LinkRepair | None = None,
    on_request: bool = False,
) -> Callable[[SiteCheck], SiteCheck]:
    """Register a rule over all pages. Its examples change one page of the example site."""

    def register(check: SiteCheck) -> SiteCheck:
        _add(SiteRule(code, name, severity, check, bad, good, fix, on_request, repair))
        return check

    return register


def _add(rule: Rule) -> None:
    if rule.code in REGISTRY:
        raise ValueError(f"{rule.code} is defined twice")
    REGISTRY[rule.code] = rule


class PageChecker:
    """Runs page rules over pages, asking of each page only what it can break."""

    def __init__(self, rules: Iterable[Rule], *, fixes: bool = False) -> None:
        """fixes: whether diagnostics are to carry theirs, or only say that there is one."""
        self._fixes = fixes
        self._all = sorted((rule for rule in rules if isinstance(rule, PageRule)), key=lambda rule: rule.code)
        self._reading = [rule for rule in self._all if rule.family == 1]
        usual = [rule for rule in self._all if not rule.odd_pages_only]
        tests = dict.fromkeys(rule.unless for rule in usual if rule.unless)
        self._always = [rule for rule in usual if not rule.unless and not rule.signs]
        self._by_test = [(test, [rule for rule in usual if rule.unless is test]) for test in tests]
        self._signs = re2.Set.SearchSet()
        self._by_sign: list[PageRule] = []
        for signed, sign in ((rule, sign) for rule in usual for sign in rule.signs):
            if self._signs.Add(sign) != len(self._by_sign):
                raise ValueError(f"{signed.code}: RE2 does not take the sign {sign}")
            self._by_sign.append(signed)
        self._signs.Compile()

    def __call__(self, file: PageFile) -> list[Diagnostic]:
        """Every finding in `file`, sorted by place.

        A page that could not be read to its end is judged by family 1xx alone: the others would only report what is
        missing because of that.
        """
        page = file.page
        usual = page.canonical
        rules = self._worth_asking(file) if usual else self._all if page.complete else self._reading
        made = [
            _diagnostic(file, rule, finding, self._fixes)
            for rule in rules
            for finding in islice(rule.check(file), _MOST)
        ]
        if len(made) > 1:
            made.sort(key=by_place)
        return made

    def _worth_asking(self, file: PageFile) -> list[PageRule]:
        """The rules that can find something in a page of the canonical layout."""
        rules = [*self._always]
        for fine, of_test in self._by_test:
            if not fine(file):
                rules += of_test
        values = file.page.values
        signs = self._signs.Match(f"{values['seo.page_description']}\n{values['answer']}".encode())
        if signs:
            rules += dict.fromkeys([self._by_sign[number] for number in signs])
        return rules


by_place = attrgetter("line", "column", "code")


def run(file: PageFile, rules: Iterable[Rule]) -> list[Diagnostic]:
    """Every finding of `rules` in one page."""
    return PageChecker(rules)(file)


def changing(page: Page, description: str, changes: Changes, *, safe: bool = True) -> FixFactory:
    """A repair that gives fields new values; none where the page cannot be edited line by line."""
    return partial(_changed, page, description, changes, safe)


def _changed(page: Page, description: str, changes: Changes, safe: bool) -> RuleFix | None:
    try:
        return RuleFix(description, splice_edits(page, changes), safe)
    except QtgenError:
        return None


def fix_of(page: Page, mend: FixFactory | None) -> Fix | None:
    """A repair in the terms of a report: lines and columns."""
    repair = mend() if mend else None
    if repair is None:
        return None
    lines = page.line_starts()

    def place(offset: int) -> tuple[int, int]:
        line = bisect_right(lines, offset)
        return line, offset - lines[line - 1] + 1

    edits = (Edit(*place(span.start), *place(span.end), text) for span, text in repair.edits)
    return Fix(repair.safe, repair.description, tuple(edits))


def _diagnostic(file: PageFile, rule: Rule, finding: Finding, fixes: bool) -> Diagnostic:
    page = file.page
    start, end = finding.span
    line, column = page.position(start)
    end_line, end_column = line, column + end - start
    if "\n" in page.text[start:end]:
        end_line, end_column = page.position(end)
    return Diagnostic(
        file.path,
        line,
        column,
        end_line,
        end_column,
        rule.code,
        rule.name,
        finding.severity or rule.severity,
        printable(finding.message),
        finding.field if finding.field is None else printable(finding.field),
        fix_of(page, finding.repair) if fixes else None,
        finding.repair is not None,
    )


def printable(text: str) -> str:
    """`text` without what would break a line or steer a terminal, and not endless."""
    if text.isprintable() and len(text) <= _LONGEST:
        return text
    clean = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:_LONGEST])
    return clean + "…" * (len(text) > _LONGEST)


def within(page: Page, path: str, start: int, end: int) -> Span:
    """Where part of a text value stands; the whole value where its spelling hides the part."""
    place = page.span(path)
    if page.canonical or page.text.startswith(page.text_of(path) or "\n", place.start):
        return Span(place.start + start, place.start + end)
    return place


def replacing(
    page: Page, path: str, description: str, parts: Iterable[tuple[int, int, str]], *, safe: bool = True
) -> FixFactory:
    """A repair that replaces parts (start, end, new) of a text value; the whole field where its spelling hides them."""
    return partial(_replaced, page, path, description, parts, safe)


def _replaced(
    page: Page, path: str, description: str, parts: Iterable[tuple[int, int, str]], safe: bool
) -> RuleFix | None:
    place = page.span(path)
    value = page.text_of(path) or ""
    wanted = sorted(parts)
    if page.text.startswith(value, place.start):
        edits = [TextEdit(Span(place.start + start, place.start + end), new) for start, end, new in wanted]
        return RuleFix(description, edits, safe)
    for start, end, new in reversed(wanted):
        value = value[:start] + new + value[end:]
    return _changed(page, description, {path: value}, safe)
