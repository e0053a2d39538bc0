"""Findings as numbers: how many each page has, where they are, and what kind each one is.

Most findings of a site differ only in their page and place. So what they have in common, their kind, is kept once, and
a finding takes 20 bytes. A `Diagnostic` is made only if somebody looks at it.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, compress, islice, pairwise, repeat
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
        findings = zip(*[iter(self.places)] * _PLACE, self.kinds, strict=True)
        by_codes: dict[frozenset[str], list[tuple[object, ...] | None]] = {}
        for path, count in zip(paths, self.counts, strict=True):
            codes = codes_of(path)
            if codes not in by_codes:
                by_codes[codes] = [_rest_of(kind) if kind.code in codes else None for kind in self.table]
            rest_of = by_codes[codes]
            yield [
                _new(Diagnostic, (path, line, column, end_line, end_column, *rest))
                for line, column, end_line, end_column, kind in islice(findings, count)
                if (rest := rest_of[kind])
            ]


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
