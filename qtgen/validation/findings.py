"""Findings as numbers: how many each page has, where they are, and what kind each one is.

Most findings of a site differ only in their page and place. So what they have in common, their kind, is kept once, and
a finding takes 20 bytes. A `Diagnostic` is made only if somebody looks at it.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, compress, islice, pairwise, repeat
from operator import add, concat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from qtgen.validation.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    Numbers: TypeAlias = array[int]
else:
    Numbers = array
"""Whole numbers of four bytes. msgspec reads the annotation, and `array` has no parameters before Python 3.12."""

_PLACE = 4  # numbers of a place
_new = tuple.__new__  # makes a named tuple twice as fast as its own constructor


CodesOf = Callable[[str], frozenset[str]]
"""Returns the codes of the rules to report for a path."""


class FindingKind(NamedTuple):
    """What findings can have in common: everything except page, place and fix. The fields are those of `Diagnostic`."""

    code: str
    name: str
    severity: Severity
    message: str
    field: str | None
    fixable: bool
    fix_is_unsafe: bool


class Findings(NamedTuple):
    """The findings of consecutive pages.

    Attributes:
        counts: The number of findings of each page.
        places: Four numbers per finding: line, column, end line and end column, as in `Diagnostic`.
        kinds: The kind of each finding, as its index in `table`.
        table: The kinds.
    """

    counts: Numbers
    places: Numbers
    kinds: Numbers
    table: list[FindingKind]

    @property
    def page_count(self) -> int:
        """The number of pages."""
        return len(self.counts)

    def take(self, pages: Sequence[int]) -> "Findings":
        """Return the findings of some of the pages, given by their numbers, in this order."""
        runs = runs_of(pages)
        found = extents(self.counts, runs)
        return Findings(
            joined([self.counts[first:last] for first, last in runs]),
            joined([self.places[_PLACE * first : _PLACE * last] for first, last in found]),
            joined([self.kinds[first:last] for first, last in found]),
            self.table,
        )

    def cut(self, first: int, last: int, ends: Sequence[int]) -> "Findings":
        """Return the findings of a half-open range of pages, given where the findings of each page end, after a 0."""
        start, end = ends[first], ends[last]
        return Findings(
            self.counts[first:last], self.places[_PLACE * start : _PLACE * end], self.kinds[start:end], self.table
        )

    def split(self, sizes: Iterable[int]) -> Iterator["Findings"]:
        """Yield the findings of consecutive batches, given how many pages each has."""
        page = first = 0
        for size in sizes:
            counts = self.counts[page : page + size]
            last = first + sum(counts)
            yield Findings(counts, self.places[_PLACE * first : _PLACE * last], self.kinds[first:last], self.table)
            page, first = page + size, last

    def of_rules(self, codes: frozenset[str]) -> "Findings":
        """Return the findings of some of the rules."""
        shown = bytes(kind.code in codes for kind in self.table)
        if all(shown):
            return self
        chosen = bytes(map(shown.__getitem__, self.kinds))
        places = compress(self.places, chain.from_iterable(map(repeat, chosen, repeat(_PLACE))))
        return Findings(
            array("I", [sum(chosen[first:last]) for first, last in self._ranges()]),
            array("I", places),
            array("I", compress(self.kinds, chosen)),
            self.table,
        )

    def count_kinds(self) -> dict[FindingKind, int]:
        """Return the number of findings of each kind."""
        return {self.table[number]: count for number, count in Counter(self.kinds).items()}

    def _ranges(self) -> Iterator[tuple[int, int]]:
        """Yield which findings each page has, as half-open ranges."""
        return pairwise(accumulate(self.counts, initial=0))

    def pages_with(self, code: str) -> list[int]:
        """Return the numbers of the pages that have a finding of a rule."""
        wanted = {number for number, kind in enumerate(self.table) if kind.code == code}
        if not wanted:
            return []
        pages = enumerate(self._ranges())
        return [page for page, (first, last) in pages if not wanted.isdisjoint(self.kinds[first:last])]

    def diagnostics(self, paths: Iterable[str], codes_of: CodesOf) -> Iterator[list[Diagnostic]]:
        """Yield the diagnostics of each page, given the paths of the pages."""
        all_paths = [*paths]
        codes_by_page = [*map(codes_of, all_paths)]
        findings = self.of_rules(frozenset().union(*{*codes_by_page}))
        codes = frozenset(findings.table[kind].code for kind in {*findings.kinds})
        diagnostics = findings._every_diagnostic(all_paths)
        for count, page_codes in zip(findings.counts, codes_by_page, strict=True):
            page = [*islice(diagnostics, count)]
            yield page if codes <= page_codes else [found for found in page if found.code in page_codes]

    def _every_diagnostic(self, paths: Sequence[str]) -> Iterator[Diagnostic]:
        """Yield all diagnostics. The loops are in C, because this takes most of the time of a warm run."""
        rest_of = {kind: _rest_of(self.table[kind]) for kind in {*self.kinds}}
        path_of_each = chain.from_iterable(map(repeat, paths, self.counts))
        places = zip(path_of_each, *[iter(self.places)] * _PLACE, strict=True)
        return map(_new, repeat(Diagnostic), map(concat, places, map(rest_of.__getitem__, self.kinds)))


def _rest_of(kind: FindingKind) -> tuple[object, ...]:
    """Return the fields of a diagnostic that follow its place. It has no fix."""
    return *kind[:5], None, *kind[5:]


def findings_of(pages: Iterable[Iterable[Diagnostic]]) -> Findings:
    """Return the diagnostics of consecutive pages as numbers. Their fixes are left out."""
    counts, places, kinds = array("I"), array("I"), array("I")
    table: dict[FindingKind, int] = {}
    for diagnostics in pages:
        before = len(kinds)
        for found in diagnostics:
            places.extend(found[1:5])
            kinds.append(table.setdefault(FindingKind(*found[5:10], *found[11:]), len(table)))
        counts.append(len(kinds) - before)
    return Findings(counts, places, kinds, [*table])


def join_findings(parts: Sequence[Findings]) -> Findings:
    """Return the findings of the pages of all parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    kinds = array("I")
    table: dict[FindingKind, int] = {}
    for part in parts:
        numbers = [table.setdefault(kind, len(table)) for kind in part.table]
        kinds.extend([numbers[kind] for kind in part.kinds])
    counts, places = joined([part.counts for part in parts]), joined([part.places for part in parts])
    return Findings(counts, places, kinds, [*table])


def merge_findings(first: Findings, second: Findings) -> Findings:
    """Return two sets of findings of the same pages as one, by position and code."""
    table: dict[FindingKind, int] = {}
    kinds = array("I")
    for part in (first, second):
        numbers = {kind: table.setdefault(part.table[kind], len(table)) for kind in sorted({*part.kinds})}
        kinds.extend(map(numbers.__getitem__, part.kinds))
    if not second.kinds:
        return Findings(first.counts, first.places, kinds, [*table])
    places = first.places + second.places
    pages = chain(*(chain.from_iterable(map(repeat, range(part.page_count), part.counts)) for part in (first, second)))
    codes = [kind.code for kind in table]
    keys = [*zip(pages, places[::_PLACE], places[1::_PLACE], map(codes.__getitem__, kinds), strict=True)]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    counts = array("I", map(add, first.counts, second.counts))
    return Findings(counts, reordered_places(places, order), array("I", map(kinds.__getitem__, order)), [*table])


def reordered_places(places: Numbers, order: Sequence[int]) -> Numbers:
    """Return the places of the findings whose numbers are in `order`, in that order."""
    result = array("I", bytes(places.itemsize * _PLACE * len(order)))
    for part in range(_PLACE):
        result[part::_PLACE] = array("I", map(places[part::_PLACE].__getitem__, order))
    return result


def joined(parts: Iterable[Numbers]) -> Numbers:
    """Return the numbers of all parts."""
    numbers = array("I")
    for part in parts:
        numbers += part
    return numbers


def runs_of(pages: Sequence[int]) -> list[tuple[int, int]]:
    """Return the runs of consecutive numbers in a sequence, as half-open ranges."""
    if isinstance(pages, range):
        return [(pages.start, pages.stop)]
    starts = [0, *(place for place in range(1, len(pages)) if pages[place] != pages[place - 1] + 1), len(pages)]
    return [(pages[first], pages[last - 1] + 1) for first, last in pairwise(starts) if first < last]


def extents(sizes: Numbers, runs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return which items the pages of each run have, as half-open ranges.

    Args:
        sizes: The number of items of each page.
        runs: Runs of pages, as half-open ranges.
    """
    if len(runs) == 1:  # faster
        first, last = runs[0]
        start = sum(sizes[:first])
        return [(start, start + sum(sizes[first:last]))]
    ends = [0, *accumulate(sizes)]
    return [(ends[first], ends[last]) for first, last in runs]
