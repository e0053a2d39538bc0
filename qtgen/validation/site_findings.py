"""The findings of the rules that compare pages, with their places and texts."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import chain, islice, pairwise, repeat
from typing import NamedTuple, Protocol

from qtgen.page import Page
from qtgen.page.compile import layouts_of
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile
from qtgen.page.sentences import find_sentence
from qtgen.site.entries import links_on
from qtgen.site.index import SiteIndex
from qtgen.validation.diagnostics import printable
from qtgen.validation.findings import CodesOf, FindingKind, Findings, findings_of, reordered_places
from qtgen.validation.places import Place, fill_names, place_of, span_of_item
from qtgen.validation.rules import SiteFinding, SiteRule
from qtgen.validation.rules.edits import span_within

_SENTENCE_SHOWN = 60  # characters
_ROWS_AT_ONCE = 1_000

_Position = tuple[int, int, int, int]


class SiteFindings(NamedTuple):
    """The findings between pages, page by page.

    Attributes:
        findings: The findings.
        links: The number of the link that findings of each kind are about; 0 if they are about the page itself.
    """

    findings: Findings
    links: bytes

    def split(self, sizes: Iterable[int]) -> Iterator["SiteFindings"]:
        """Yield the findings of consecutive batches, given how many pages each has."""
        return (SiteFindings(findings, self.links) for findings in self.findings.split(sizes))

    def link_numbers(self, paths: Iterable[str], codes_of: CodesOf) -> Iterator[list[int]]:
        """Yield the numbers of the links for what `Findings.diagnostics` yields."""
        kinds, table = iter(self.findings.kinds), self.findings.table
        for path, count in zip(paths, self.findings.counts, strict=True):
            codes = codes_of(path)
            yield [self.links[kind] for kind in islice(kinds, count) if table[kind].code in codes]


def no_site_findings(pages: int) -> SiteFindings:
    """Return the findings of pages that are not compared."""
    return SiteFindings(findings_of(repeat((), pages)), b"")


class Site(Protocol):
    """The pages of a run."""

    @property
    def site(self) -> SiteIndex:
        """The facts of all pages."""

    def path_of(self, page: int) -> str:
        """Return the path of a page, by its number."""

    def load(self, path: str) -> Page:
        """Read the page at a path."""


def find_between_pages(run: Site, rules: Iterable[SiteRule], pages: int, profile: Profile) -> SiteFindings:
    """Return what rules find on the first pages of a site.

    Args:
        pages: How many pages are checked. The others are only compared with them.
    """
    found = _Collector(run, pages, profile)
    for rule in rules:
        for finding in rule.check(run.site):
            found.add(rule, finding)
    return found.in_order()


class _Collector:
    """Collects findings in the order of rules, and returns them in the order of pages."""

    def __init__(self, run: Site, pages: int, profile: Profile) -> None:
        self._run, self._site, self._profile = run, run.site, profile
        self._layout = layouts_of(profile)[0]
        self._ends = array("Q", (*self._site.starts, len(self._site.urls)))[1 : pages + 1]
        self._table: dict[tuple[FindingKind, int], int] = {}  # kinds with the number of their link
        self._rows, self._places, self._kinds = array("I"), array("I"), array("I")  # of the findings

    def add(self, rule: SiteRule, finding: SiteFinding) -> None:
        """Add the findings of the rows of checked pages."""
        rows = array("I", finding.rows)
        if max(rows, default=0) >= self._ends[-1]:
            rows = array("I", (row for row in rows if row < self._ends[-1]))
        if finding.sentence is not None:
            for row in rows:
                if described := self._sentence(rule, finding, finding.sentence, row):
                    self._append(row, *described, 0)
            return
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            self._add_rows(rule, finding, rows[start : start + _ROWS_AT_ONCE])

    def _add_rows(self, rule: SiteRule, finding: SiteFinding, rows: "array[int]") -> None:
        def key_of(link: int) -> str:
            return place_of(self._layout, link, finding.key).key

        located: list[tuple[int, int, _Position]] = []  # findings whose page need not be read
        for row, (link, position) in zip(rows, self._site.locations_of(rows, key_of, self._profile), strict=True):
            if position is None or (link and rule.explain_link):
                self._append(row, *self._read(rule, finding, row, link), link)
            else:
                located.append((row, link, position))
        links = [link for _, link, _ in located]
        kinds = {link: self._number(self._kind(rule, finding, self._layout, link), link) for link in {*links}}
        self._rows.extend(row for row, *_ in located)
        self._places.extend(chain.from_iterable(position for *_, position in located))
        self._kinds.extend(map(kinds.__getitem__, links))

    def _append(self, row: int, position: _Position, kind: FindingKind, link: int) -> None:
        self._rows.append(row)
        self._places.extend(position)
        self._kinds.append(self._number(kind, link))

    def _number(self, kind: FindingKind, link: int) -> int:
        return self._table.setdefault((kind, link), len(self._table))

    def _kind(self, rule: SiteRule, finding: SiteFinding, layout: Layout, link: int, message: str = "") -> FindingKind:
        message = fill_names(message or finding.message, layout, link)
        if finding.other is not None:
            message = printable(message.format(other=self._run.path_of(finding.other)))
        fixable = bool(rule.fix_link and link)
        field = place_of(layout, link, finding.key).field
        return FindingKind(
            rule.code, rule.name, rule.severity, message, field, fixable, fixable and rule.fix == "unsafe"
        )

    def _read(self, rule: SiteRule, finding: SiteFinding, row: int, link: int) -> tuple[_Position, FindingKind]:
        """Return the place and the kind of a finding whose page must be read."""
        page, message = self._page_of(row), None
        place = place_of(page.layout, link, finding.key)
        if rule.explain_link and link and (target := target_of(self._run, page, place.link)):
            message = rule.explain_link(page, place.link, target)
        kind = self._kind(rule, finding, page.layout, link, message or "")
        if page.problems:
            kind = kind._replace(fixable=False, fix_is_unsafe=False)
        return _position_of(page, place), kind

    def _sentence(
        self, rule: SiteRule, finding: SiteFinding, sentence: int, row: int
    ) -> tuple[_Position, FindingKind] | None:
        """Return the place and the kind of a sentence, or None if the sentence is too short or contains math."""
        page = self._page_of(row)
        key = page.layout.roles.answer or ""
        answer = page.text_of(key) or ""
        place = find_sentence(answer, sentence, page.layout.codec)
        if place is None:
            return None
        shown = answer[slice(*place)][:_SENTENCE_SHOWN]
        message = printable(fill_names(finding.message, page.layout, 0).format(sentence=shown))
        span = span_within(page, key, *place)
        position = (*page.position(span.start), *page.position(span.end))
        return position, FindingKind(rule.code, rule.name, rule.severity, message, key, False, False)

    def _page_of(self, row: int) -> Page:
        return self._run.load(self._run.path_of(self._site.page_number(row)))

    def in_order(self) -> SiteFindings:
        """Return the findings of each page, by row and rule."""
        order = sorted(range(len(self._rows)), key=self._rows.__getitem__)
        rows = array("I", map(self._rows.__getitem__, order))
        kinds = array("I", map(self._kinds.__getitem__, order))
        places = reordered_places(self._places, order)
        of_pages = pairwise(chain([0], (bisect_left(rows, end) for end in self._ends)))
        page_counts = array("I", (last - first for first, last in of_pages))
        findings = Findings(page_counts, places, kinds, [kind for kind, _ in self._table])
        return SiteFindings(findings, bytes(link for _, link in self._table))


def _position_of(page: Page, place: Place) -> _Position:
    span = span_of_item(page, place.path)
    return (*page.position(span.start), *page.position(span.end))


def target_of(run: Site, page: Page, path: str) -> Page | None:
    """Return the page that the link at a path leads to, if there is one."""
    key = next((link.key for link in links_on(page) if link.path == path), None)
    row = run.site.row_of_url(key or "")
    return None if row is None else run.load(run.path_of(run.site.page_number(row)))
