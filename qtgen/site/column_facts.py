"""The facts of many canonical pages at once, as `page_facts` gives them for one. NumPy is imported here."""

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from qtgen.page.columns import PageColumns
from qtgen.page.layout import Layout
from qtgen.site.entries import EntryPaths, fact_fields, foldable
from qtgen.site.index import FOLDS_SHIFT, HIDDEN, KNOWN, LINE_SHIFT, TITLE_SHIFT, URL_SHIFT, WIDTH

Numbers = NDArray[np.uint64]


def has_column_facts(layout: Layout) -> bool:
    """Return whether the facts of pages of a layout can be taken from columns."""
    return bool(fact_fields(layout).entries)


def column_facts(columns: PageColumns) -> tuple[Numbers, NDArray[np.int64]]:
    """Return the facts of pages of a layout that has column facts.

    They are the numbers of all entries, one entry after the other, page by page: K×4; and how many entries each page
    has: N.
    """
    fields = fact_fields(columns.layout)
    present = np.stack([columns.present(entry.key) for entry in fields.entries], axis=1)
    numbers = np.zeros((*present.shape, WIDTH), np.uint64)
    for place, entry in enumerate(fields.entries):
        rows = np.flatnonzero(present[:, place])
        numbers[rows, place] = _entry_numbers(columns, entry, rows)
    if fields.hidden in columns.layout.fields:
        is_hidden = np.fromiter((value is True for value in columns.scalars(fields.hidden)), np.bool_, len(columns))
        numbers[:, 0, WIDTH - 1] |= np.where(is_hidden, np.uint64(HIDDEN), np.uint64(0))
    return numbers[present], present.sum(axis=1)


def _entry_numbers(columns: PageColumns, entry: EntryPaths, rows: NDArray[np.int64]) -> Numbers:
    """Return the four numbers of an entry on some pages, given by their rows."""
    keys, titles, subjects = (_values(columns, path, rows) for path in (entry.key, entry.title, entry.subject))
    folds = np.zeros(len(rows), np.int64)
    for bit, path in enumerate(foldable(columns.layout, entry)):
        folds |= columns.folded(path)[rows].astype(np.int64) << bit
    locations = entry.number | KNOWN | folds << FOLDS_SHIFT | columns.lines(entry.key)[rows] << LINE_SHIFT
    locations |= columns.lengths(entry.title)[rows] << TITLE_SHIFT | columns.lengths(entry.key)[rows] << URL_SHIFT
    numbers = np.empty((len(rows), WIDTH), np.uint64)
    numbers[:, 0] = list(map(xxh3_64_intdigest, keys))
    numbers[:, 1] = list(map(xxh3_64_intdigest, map(b"\n".join, zip(titles, subjects, strict=True))))
    numbers[:, 2] = columns.integers(entry.id)[rows].view(np.uint64)
    numbers[:, 3] = locations.view(np.uint64)
    return numbers


def _values(columns: PageColumns, path: str, rows: NDArray[np.int64]) -> list[bytes]:
    raw = columns.raw
    places = zip(columns.starts(path)[rows].tolist(), columns.ends(path)[rows].tolist(), strict=True)
    return [raw[start:end] for start, end in places]
