"""The findings of the rules that compare pages, page by page."""

from array import array
from collections.abc import Iterator, Sequence

from qtgen.site.index import SiteIndex
from qtgen.validation.rules import SiteFinding, SiteRule

_KIND_BITS = 32  # of a packed finding; the other bits are its row
_KIND_MASK = (1 << _KIND_BITS) - 1


class SiteFindings:
    """The findings of the site rules, each packed into one number, because there can be more of them than pages.

    Args:
        pages: How many pages of the site were checked. They come first; the others are its corpus.
    """

    def __init__(self, site: SiteIndex, rules: Sequence[SiteRule], pages: int) -> None:
        kinds = [(rule, finding) for rule in rules for finding in rule.check(site)]
        self._ends = array("Q", (*site.starts, len(site.urls)))[1 : pages + 1]
        end = self._ends[-1]
        packed = array("Q")
        for kind, (_, finding) in enumerate(kinds):
            packed.extend([row << _KIND_BITS | kind for row in finding.rows if row < end])
        self._kinds = [(rule, finding._replace(rows=())) for rule, finding in kinds]
        self._packed = array("Q", sorted(packed))

    def by_page(self) -> Iterator[list[tuple[SiteRule, SiteFinding, int]]]:
        """Yield the findings of each page in turn, each with its row."""
        packed, index, count = self._packed, 0, len(self._packed)
        for end in self._ends:
            begin, limit = index, end << _KIND_BITS
            while index < count and packed[index] < limit:
                index += 1
            yield [(*self._kinds[number & _KIND_MASK], number >> _KIND_BITS) for number in packed[begin:index]]
