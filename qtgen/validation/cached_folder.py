"""The records of one folder's pages, as the cache reads, changes and writes them."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from msgspec import msgpack

from qtgen.site.discovery import PageBatch
from qtgen.validation.records import NO_RECORDS, KnownRecords, PageRecords, RecordSlices, join_records, restore_numbers


class FolderRecords(NamedTuple):
    """The records of a folder's pages, sorted by name. Each list has one item per page."""

    names: list[str]
    states: list[tuple[int, int]]
    records: PageRecords

    def take(self, pages: Sequence[int]) -> "FolderRecords":
        """Return some of the pages, given by their numbers, in this order."""
        names, states = [self.names[page] for page in pages], [self.states[page] for page in pages]
        return FolderRecords(names, states, self.records.take(pages))


decode_folder = msgpack.Decoder(FolderRecords, dec_hook=restore_numbers).decode
NO_PAGES = FolderRecords([], [], NO_RECORDS)


class CachedFolder:
    """A folder of the cache. New records are collected, and merged with the others once somebody looks at them.

    Args:
        pages: What the cache file holds of the folder.
    """

    def __init__(self, pages: FolderRecords) -> None:
        self._start(pages)

    def _start(self, pages: FolderRecords) -> None:
        self._pages = pages
        self._slices: RecordSlices | None = None  # made when it is needed
        self._new: list[FolderRecords] = []
        self._replaced: set[int] = set()  # numbers of pages
        self._last_new = ""  # the last name of the batches that were put

    def get(self, batch: PageBatch) -> KnownRecords:
        """Return the records of the pages that have not changed."""
        self._settle(batch)
        first, last = self._range(batch)
        names, states = self._pages.names[first:last], self._pages.states[first:last]
        self._slices = self._slices or RecordSlices(self._pages.records)
        records = self._slices.cut(first, last)
        if names == batch.names and states == batch.states:
            return KnownRecords(records)
        number_of = {page: number for number, page in enumerate(zip(names, states, strict=True))}
        numbers = [*map(number_of.get, zip(batch.names, batch.states, strict=True))]
        missing = [page for page, number in enumerate(numbers) if number is None]
        return KnownRecords(records.take([number for number in numbers if number is not None]), missing)

    def put(self, batch: PageBatch, kept: Sequence[int], records: PageRecords) -> None:
        """Replace the records of a batch, and of all pages between its first and its last one if it is complete.

        Args:
            kept: The numbers of the pages in the batch whose records are kept.
        """
        self._settle(batch)
        first, last = self._range(batch)
        if batch.complete:
            self._replaced.update(range(first, last))
        else:
            names = {*batch.names}
            self._replaced.update(page for page in range(first, last) if self._pages.names[page] in names)
        self._new.append(FolderRecords(batch.names, batch.states, records).take(kept))
        self._last_new = max(self._last_new, *batch.names)

    def merged(self) -> FolderRecords:
        """Return all records of the folder."""
        if not self._new:
            return self._pages
        left = [page for page in range(len(self._pages.names)) if page not in self._replaced]
        sources = [self._pages.take(left), *self._new]
        names = [*chain.from_iterable(source.names for source in sources)]
        states = [*chain.from_iterable(source.states for source in sources)]
        order = sorted(range(len(names)), key=names.__getitem__)
        pages = FolderRecords(names, states, join_records([source.records for source in sources])).take(order)
        self._start(pages)
        return pages

    def _settle(self, batch: PageBatch) -> None:
        """Merge what was put if the batch may have some of the same pages."""
        if self._new and min(batch.names) <= self._last_new:
            self.merged()

    def _range(self, batch: PageBatch) -> tuple[int, int]:
        """Return the half-open range of pages between the first and the last page of a batch."""
        names = self._pages.names
        return bisect_left(names, min(batch.names)), bisect_right(names, max(batch.names))
