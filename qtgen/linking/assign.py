"""Choose which pages each page links to, given all pages in a table.

Free slots are filled with the best candidates, one slot per page and round. So every page has its turn before a page
that many others want has all the inbound links that it may get. Then each orphan takes the slot of a page near to it
whose target keeps another inbound link. Slots that were filled just now are taken first, and slots with a link that
existed before only as a last resort.
"""

from array import array
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from qtgen._util.engines import Engine, ThisProcess
from qtgen.embeddings.index import NeighborIndex
from qtgen.linking.candidates import POOL, PageTable
from qtgen.linking.shards import candidates_shard

if TYPE_CHECKING:
    from qtgen.embeddings.index import RowNumbers

# docs/explanation/linking.md explains these figures.
MAX_INBOUND = 25  # links that a page is given; if it has more already, they stay
MIN_GAIN_COSINE = (
    0.45  # lowest cosine of a link that replaces another one for the gain alone: 19 of 20 links are nearer
)
_MAX_ROUNDS = 10  # of filling slots and placing orphans, which usually ends after two or three
_FREE = -1
_ROWS_PER_SHARD = 1_000  # pages whose candidates a worker looks for at a time


class _Pass(NamedTuple):
    """A way of finding links to orphans.

    Attributes:
        sources: Number of pages near to the orphan that are tried.
        may_displace: Whether a link that existed before may be replaced.
        max_orphans: How many orphans one page may link to in the end; None for as many as it has slots.
    """

    sources: int
    may_displace: bool
    max_orphans: int | None


# Each pass handles the orphans that the one before could not place.
_PASSES = (
    _Pass(48, may_displace=False, max_orphans=2),
    _Pass(48, may_displace=False, max_orphans=None),
    _Pass(48, may_displace=True, max_orphans=None),
    _Pass(500, may_displace=True, max_orphans=None),
)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The links that were chosen.

    Attributes:
        links: Rows that each page links to, shape (pages, slots); -1 for a free slot.
        displaced: Pages that lost a good link which existed before, to make room for an orphan.
        orphans: Pages that need an inbound link and got none.
    """

    links: "RowNumbers"
    displaced: frozenset[int]
    orphans: tuple[int, ...]


def link_index(table: PageTable) -> NeighborIndex:
    """Return an index of the linkable pages; of pages with the same question only the first."""
    import numpy as np

    first_of_group = np.flatnonzero(table.linkable & (table.groups == np.arange(len(table))))
    return NeighborIndex(table.vectors, first_of_group.astype(np.int32))


def assign_links(
    table: PageTable,
    index: NeighborIndex,
    *,
    fill: bool = True,
    require_gain: bool = False,
    engine: Engine | None = None,
) -> Assignment:
    """Choose the links of all editable pages. The same table gives the same links.

    Args:
        index: The `link_index` of the table.
        fill: Fill all free slots; otherwise only give links to orphans.
        require_gain: Link to an orphan only if it is nearer than the link that it replaces.
        engine: Where to look for candidates, instead of in this process.
    """
    assigner = _Assigner(table, index, require_gain)
    assigner.run(fill, engine or ThisProcess())
    return assigner.assignment()


class _Slots:
    """The links of all pages, in four bytes per slot."""

    def __init__(self, links: "RowNumbers") -> None:
        self._width = links.shape[1]
        self._links = array("i", links.astype("int32").tobytes())

    def __getitem__(self, row: int) -> "array[int]":
        return self._links[row * self._width : (row + 1) * self._width]

    def set(self, row: int, slot: int, target: int) -> None:
        """Change the link in a slot of a page."""
        self._links[row * self._width + slot] = target

    def table(self) -> "RowNumbers":
        """Return the links as a table, one row for each page."""
        import numpy as np

        return np.array(self._links, np.int32).reshape(-1, self._width)


class _Assigner:
    """The links while they are being chosen."""

    def __init__(self, table: PageTable, index: NeighborIndex, require_gain: bool) -> None:
        import numpy as np

        self._table = table
        self._index = index
        self._require_gain = require_gain
        self._links = _Slots(table.kept)
        self._inbound = array("q", np.bincount(table.kept[table.kept >= 0], minlength=len(table)).tobytes())
        self._adopted: Counter[int] = Counter()  # orphans that each page links to now
        self._displaced: set[int] = set()
        self._unplaced: list[int] = []

    def assignment(self) -> Assignment:
        return Assignment(self._links.table(), frozenset(self._displaced), tuple(self._unplaced))

    def run(self, fill: bool, engine: Engine) -> None:
        """Fill slots and place orphans in turn: placing an orphan can free a target for others, and the reverse."""
        rows, candidates = self._candidates(engine) if fill else (array("i"), array("i"))
        for _ in range(_MAX_ROUNDS):
            filled = self._fill_slots(rows, candidates)
            if not self._place_orphans() and not filled:
                break

    # --- free slots --------------------------------------------------------------------------------------------------

    def _candidates(self, engine: Engine) -> "tuple[array[int], array[int]]":
        """Return the pages with a free slot, and `POOL` candidates for each of them, one page after the other."""
        import numpy as np

        has_free_slot = self._table.editable & (self._table.kept < 0).any(axis=1)
        rows = np.flatnonzero(has_free_slot).astype(np.int32)
        candidates = array("i")
        if len(rows):
            shared = engine.share((self._table, self._index))
            starts = range(0, len(rows), _ROWS_PER_SHARD)
            parcels = ((None, (rows[start : start + _ROWS_PER_SHARD].tobytes(), shared)) for start in starts)
            for _, some in engine.map(candidates_shard, parcels):
                candidates.frombytes(some)
        return array("i", rows.tobytes()), candidates

    def _fill_slots(self, rows: "array[int]", candidates: "array[int]") -> bool:
        """Give each page one link per round, while it has a candidate and a free slot; return whether any got one."""
        tried = bytearray(len(rows))  # how many candidates of each page were tried
        changed = False
        for _ in range(self._table.slots):
            for number, row in enumerate(rows):
                links = self._links[row]
                if _FREE not in links:
                    continue
                target, tried[number] = self._next_target(row, candidates, number * POOL, tried[number])
                if target != _FREE:
                    self._links.set(row, links.index(_FREE), target)
                    self._inbound[target] += 1
                    changed = True
        return changed

    def _next_target(self, row: int, candidates: "array[int]", first: int, tried: int) -> tuple[int, int]:
        """Return the next candidate that a page may link to, and how many candidates are tried then."""
        for number in range(tried, POOL):
            if self._may_link(row, candidates[first + number]):
                return candidates[first + number], number + 1
        return _FREE, POOL

    def _may_link(self, row: int, target: int) -> bool:
        links = self._links[row]
        if target < 0 or target in links or self._inbound[target] >= MAX_INBOUND:
            return False
        others = [row, *(link for link in links if link >= 0)]
        # A page's candidates already differ in meaning from each other, but not from the orphans that it adopted.
        if self._adopted[row]:
            return not any(self._table.are_duplicates(other, target) for other in others)
        return not self._table.have_same_words_as_any(target, others)

    # --- orphans -----------------------------------------------------------------------------------------------------

    def _place_orphans(self) -> bool:
        """Give each orphan an inbound link if possible; return whether any got one."""
        import numpy as np

        inbound = np.array(self._inbound)
        orphans = np.flatnonzero(self._table.needs_inbound & (inbound == 0)).tolist()
        remaining = orphans
        for step in _PASSES:
            max_orphans = self._table.slots if step.max_orphans is None else step.max_orphans
            for source, orphan in self._sources(remaining, step.sources) if remaining else ():
                if not self._inbound[orphan] and self._adopted[source] < max_orphans:
                    self._adopt(source, orphan, step.may_displace)
            remaining = [orphan for orphan in remaining if not self._inbound[orphan]]
        self._unplaced = remaining
        return len(remaining) < len(orphans)

    @cached_property
    def _source_index(self) -> NeighborIndex:
        """An index of the pages that may link to orphans and can be found themselves."""
        import numpy as np

        sources = np.flatnonzero(self._table.editable & self._table.linkable)
        if 2 * len(sources) > self._table.linkable.sum():
            return self._index  # most linkable pages are sources, so another index is not worth its time
        return NeighborIndex(self._table.vectors, sources.astype(np.int32))

    def _sources(self, orphans: list[int], count: int) -> list[tuple[int, int]]:
        """Return pairs of a page that could link to an orphan and the orphan, the best pairs first."""
        import numpy as np

        rows = np.array(orphans, np.int32)
        sources, cosines = self._source_index(rows, count)
        usable = (sources >= 0) & self._table.editable[sources] & (sources != rows[:, None])
        scores = self._table.scores(rows, sources, cosines)[usable]
        orphan_of, source_of = np.broadcast_to(rows[:, None], sources.shape)[usable], sources[usable]
        order = np.lexsort((source_of, orphan_of, -scores))
        return list(zip(source_of[order].tolist(), orphan_of[order].tolist(), strict=True))

    def _adopt(self, source: int, orphan: int, may_displace: bool) -> None:
        """Link from `source` to the orphan, if there is a slot for it and it repeats neither page nor links."""
        links, table = self._links[source], self._table
        slot = self._slot_for_orphan(source, may_displace)
        if slot is None or table.are_duplicates(source, orphan):
            return
        others = [target for number, target in enumerate(links) if number != slot and target >= 0]
        if any(table.are_duplicates(target, orphan) for target in others):
            return
        replaced = links[slot]
        if self._require_gain and not self._is_gain(source, orphan, replaced):
            return
        if replaced != _FREE:
            self._inbound[replaced] -= 1
            if replaced in table.kept[source]:
                self._displaced.add(source)
        self._links.set(source, slot, orphan)
        self._inbound[orphan] += 1
        self._adopted[source] += 1

    def _slot_for_orphan(self, row: int, may_displace: bool) -> int | None:
        """Return a free slot, or the slot of the farthest link that can go because its target has other inbound links.

        New links go before links that existed, and those only if `may_displace` is true.
        """
        links, kept = self._links[row], self._table.kept[row]
        if _FREE in links:
            return links.index(_FREE)
        replaceable = [slot for slot, target in enumerate(links) if self._inbound[target] > 1]
        new = [slot for slot in replaceable if links[slot] not in kept]
        slots = new or (replaceable if may_displace else [])
        return min(slots, key=lambda slot: self._table.cosine(row, links[slot]), default=None)

    def _is_gain(self, row: int, orphan: int, replaced: int) -> bool:
        needed = MIN_GAIN_COSINE if replaced == _FREE else max(MIN_GAIN_COSINE, self._table.cosine(row, replaced))
        return self._table.cosine(row, orphan) >= needed
