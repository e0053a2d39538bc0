"""All pages -> which others each of them names: vectors and a few facts in, numbers out.

Free places are filled with the best candidates, one a page at a time, so that all have their turn before a page that
many want is full. A page that nobody names then takes the place of a link of a page near to it, whose target others
name too: of one just chosen, and only in the last resort of one that was there before.
"""

from array import array
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from qtgen.embeddings.index import NeighborIndex
from qtgen.linking.candidates import POOL, Pages, candidates
from qtgen.page.fields import RELATED_MAX

if TYPE_CHECKING:
    from qtgen.embeddings.index import RowNumbers

MOST_INBOUND = 25  # links that a page is given at most; those that it has already stay (docs/linking.md)
WORTH_A_PLACE = 0.45  # least cosine for a new page to be named by one that has its links: 19 of 20 links are nearer
# For a page that nobody names: how many pages near to it are asked, whether a link that was there before may go, and
# how many such pages one takes in at most. What the first way leaves comes to the next.
_WAYS = ((48, False, 2), (48, False, RELATED_MAX), (48, True, RELATED_MAX), (500, True, RELATED_MAX))
_ROUNDS = 10  # filling and placing again, until nothing changes: two or three
_FREE = -1


@dataclass(frozen=True, slots=True)
class Assignment:
    """links: (pages, 5) numbers of the pages named, -1: none; gave_way: pages with a link that was there before and
    made room; orphans: pages that no page could name."""

    links: "RowNumbers"
    gave_way: frozenset[int]
    orphans: tuple[int, ...]


def searchable(pages: Pages) -> NeighborIndex:
    """Over the pages that others may name, of those that ask the same the first."""
    import numpy as np

    firsts = np.flatnonzero(pages.linkable & (pages.groups == np.arange(len(pages))))
    return NeighborIndex(pages.vectors, firsts.astype(np.int32))


def choose(pages: Pages, near: NeighborIndex, *, fill: bool = True, fair: bool = False) -> Assignment:
    """The same for the same pages. near: `searchable`; fill: whether free places are filled for their own sake; fair:
    whether a page that nobody names may take only the place of one that is farther."""
    board = _Board(pages, near, fair)
    board.fill_and_place(fill)
    return board.chosen()


class _Board:
    """The links as they stand while they are chosen."""

    def __init__(self, pages: Pages, near: NeighborIndex, fair: bool) -> None:
        import numpy as np

        self._pages, self._near, self._fair = pages, near, fair
        self._links: list[list[int]] = pages.kept.tolist()
        named = pages.kept[pages.kept >= 0]
        self._inbound: list[int] = np.bincount(named, minlength=len(pages)).tolist()
        self._served: Counter[int] = Counter()  # pages that nobody named, by the page that names them now
        self._gave_way: set[int] = set()
        self._refused: list[int] = []

    def chosen(self) -> Assignment:
        import numpy as np

        links = np.array(self._links, np.int32).reshape(-1, RELATED_MAX)
        return Assignment(links, frozenset(self._gave_way), tuple(self._refused))

    def fill_and_place(self, fill: bool) -> None:
        offers = self._offers() if fill else ([], array("i"))
        for _ in range(_ROUNDS):
            filled = self._fill(offers)
            if not self._place_orphans() and not filled:
                break

    # --- free places -------------------------------------------------------------------------------------------------

    def _offers(self) -> "tuple[list[int], array[int]]":
        """Pages with a free place, and `POOL` candidates for each."""
        import numpy as np

        has_room = self._pages.changeable & (self._pages.kept < 0).any(axis=1)
        rows = np.flatnonzero(has_room).astype(np.int32)
        offered = array("i")
        for others in candidates(self._pages, rows, self._near):
            offered.frombytes(others.astype(np.int32).tobytes())
        return rows.tolist(), offered

    def _fill(self, offers: "tuple[list[int], array[int]]") -> bool:
        """One link a page and turn, while there is a candidate and room for it; whether there was any."""
        rows, offered = offers
        following = [iter(range(turn * POOL, (turn + 1) * POOL)) for turn in range(len(rows))]
        changed = False
        for _ in range(RELATED_MAX):
            for page, places in zip(rows, following, strict=True):
                links = self._links[page]
                if _FREE not in links:
                    continue
                other = next((offered[at] for at in places if self._may_name(page, offered[at])), _FREE)
                if other != _FREE:
                    links[links.index(_FREE)] = other
                    self._inbound[other] += 1
                    changed = True
        return changed

    def _may_name(self, page: int, other: int) -> bool:
        links = self._links[page]
        if other < 0 or other in links or self._inbound[other] >= MOST_INBOUND:
            return False
        # Candidates differ in meaning from each other, but not from what the page took in.
        alike = self._pages.alike if self._served[page] else self._pages.same_words
        return not any(alike(one, other) for one in (page, *links) if one >= 0)

    # --- pages that nobody names -------------------------------------------------------------------------------------

    def _place_orphans(self) -> bool:
        """Whether any found a place."""
        import numpy as np

        inbound = np.array(self._inbound)
        orphans = np.flatnonzero(self._pages.wanted & (inbound == 0)).tolist()
        left = orphans
        for count, may_displace_old, most in _WAYS:
            for source, orphan in self._sources(left, count) if left else ():
                if not self._inbound[orphan] and self._served[source] < most:
                    self._take_in(source, orphan, may_displace_old)
            left = [orphan for orphan in left if not self._inbound[orphan]]
        self._refused = left
        return len(left) < len(orphans)

    @cached_property
    def _near_sources(self) -> NeighborIndex:
        """Over the pages that can name others and are found themselves."""
        import numpy as np

        sources = np.flatnonzero(self._pages.changeable & self._pages.linkable)
        if 2 * len(sources) > self._pages.linkable.sum():  # most are: that index will do
            return self._near
        return NeighborIndex(self._pages.vectors, sources.astype(np.int32))

    def _sources(self, orphans: list[int], count: int) -> list[tuple[int, int]]:
        """(page that could name it, orphan), the pairs with most in common first."""
        import numpy as np

        rows = np.array(orphans, np.int32)
        sources, cosines = self._near_sources(rows, count)
        usable = (sources >= 0) & self._pages.changeable[sources] & (sources != rows[:, None])
        scores = self._pages.scores(rows, sources, cosines)[usable]
        named, naming = np.broadcast_to(rows[:, None], sources.shape)[usable], sources[usable]
        order = np.lexsort((naming, named, -scores))
        return list(zip(naming[order].tolist(), named[order].tolist(), strict=True))

    def _take_in(self, source: int, orphan: int, may_displace_old: bool) -> None:
        links, pages = self._links[source], self._pages
        place = self._room(source, may_displace_old)
        if place is None or pages.alike(source, orphan):
            return
        others = [other for at, other in enumerate(links) if at != place and other >= 0]
        if any(pages.alike(other, orphan) for other in others):
            return
        given_up = links[place]
        if self._fair and not self._is_gain(source, orphan, given_up):
            return
        if given_up != _FREE:
            self._inbound[given_up] -= 1
            if given_up in pages.kept[source]:
                self._gave_way.add(source)
        links[place] = orphan
        self._inbound[orphan] += 1
        self._served[source] += 1

    def _room(self, page: int, may_displace_old: bool) -> int | None:
        """A free place of a page, else that of its farthest new link whose target others name too, else an old one."""
        links, old = self._links[page], self._pages.kept[page]
        if _FREE in links:
            return links.index(_FREE)
        can_go = [place for place, other in enumerate(links) if self._inbound[other] > 1]
        new = [place for place in can_go if links[place] not in old]
        places = new or (can_go if may_displace_old else [])
        return min(places, key=lambda place: self._closeness(page, links[place]), default=None)

    def _is_gain(self, page: int, new: int, old: int) -> bool:
        least = WORTH_A_PLACE if old == _FREE else max(WORTH_A_PLACE, self._closeness(page, old))
        return self._closeness(page, new) >= least

    def _closeness(self, one: int, other: int) -> float:
        return float(self._pages.vectors[one] @ self._pages.vectors[other])
