"""The canonical pages of a buffer by column."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qtgen.page.columns.buffer import Bools, Buffer, Ints
from qtgen.page.document import Page, Value
from qtgen.page.layout import Layout
from qtgen.page.profile import Kind
from qtgen.page.reader import read_exactly


class Column(NamedTuple):
    """Where the values of a field are on N pages.

    Attributes:
        starts, ends: Offsets of bytes in the buffer. They mean nothing where the field is absent.
        lines: The 1-based line of the value on its page.
        folded: Whether the value is folded.
        present: Whether the page has the field.
        values: The values, if they are not texts.
    """

    starts: Ints
    ends: Ints
    lines: Ints
    folded: Bools
    present: Bools
    values: NDArray[Any] | None = None

    def of(self, rows: Ints | None) -> "Column":
        """Return the column of some pages, or of all of them, with starts that equal ends where the field is absent."""
        column = self
        if rows is not None:
            values = None if self.values is None else self.values[rows]
            places = self.starts[rows], self.ends[rows], self.lines[rows]
            column = Column(*places, self.folded[rows], self.present[rows], values)
        if column.present.all():
            return column
        starts, lines = np.where(column.present, column.starts, column.ends), np.where(column.present, column.lines, 0)
        return column._replace(starts=starts, lines=lines)


class PageColumns:
    """The canonical pages of one layout, by column. A row is one of N pages. Arrays and lists have N items.

    Attributes:
        layout: The layout.
        numbers: The number of each page among those that were given: N.
        first, end: The offsets of each page in the buffer: N.
        raw: The buffer.
        buffer: The buffer as an array of bytes.
    """

    def __init__(self, layout: Layout, buffer: Buffer, columns: Mapping[str, Column], rows: Ints) -> None:
        self.layout, self.numbers = layout, rows
        self.first, self.end = buffer.first[rows], buffer.end[rows]
        self.raw, self.buffer = buffer.raw, buffer.bytes
        self._buffer, self._found = buffer, columns
        self._rows = None if len(rows) == len(buffer.first) else rows
        self._wide_rows = np.flatnonzero(buffer.is_wide[rows])
        self._columns: dict[str, Column] = {}
        self._values: dict[str, list[bytes]] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    def column(self, path: str) -> Column:
        """Return where the values of a field are. Starts and ends are equal where it is absent."""
        known = self._columns.get(path)
        if known is None:
            known = self._columns[path] = self._found[path].of(self._rows)
        return known

    def starts(self, path: str) -> Ints:
        """Return the offsets of the bytes at which the values begin: N. They equal `ends` if there is no value."""
        return self.column(path).starts

    def ends(self, path: str) -> Ints:
        """Return the offsets of the bytes at which the values end: N."""
        return self.column(path).ends

    def lines(self, path: str) -> Ints:
        """Return the 1-based line of each value: N. It is 0 if there is no value."""
        return self.column(path).lines

    def folded(self, path: str) -> Bools:
        """Return which values are folded: N."""
        return self.column(path).folded

    def present(self, path: str) -> Bools:
        """Return which pages have the field: N."""
        return self.column(path).present

    def lengths(self, path: str) -> Ints:
        """Return the length of each value in code points: N. It is 0 if there is no value."""
        return self._lengths(self.starts(path), self.ends(path))

    @cached_property
    def text_lengths(self) -> Ints:
        """The length of each page in code points: N."""
        return self._lengths(self.first, self.end)

    def _lengths(self, starts: Ints, ends: Ints) -> Ints:
        lengths, wide = ends - starts, self._wide_rows
        lengths[wide] -= self._buffer.continuations(starts[wide], ends[wide])
        return lengths

    def integers(self, path: str) -> Ints:
        """Return the values of a field of whole numbers: N. They mean nothing if there is none."""
        constant = self.layout.constants.get(path)
        values = self.column(path).values
        return np.full(len(self), constant, np.int64) if values is None else values

    def scalars(self, path: str) -> list[Value]:
        """Return the values of a field of numbers, days or flags: N. It is None if there is none."""
        values = self.column(path).values
        constant: Value = self.layout.constants.get(path)
        known = [constant] * len(self) if values is None else values.tolist()
        return [value if is_present else None for value, is_present in zip(known, self.present(path), strict=True)]

    def values(self, path: str) -> list[bytes]:
        """Return the values of a field as bytes: N. They are empty if there is none."""
        known = self._values.get(path)
        if known is None:
            raw = self.raw
            places = zip(self.starts(path).tolist(), self.ends(path).tolist(), strict=True)
            known = self._values[path] = [raw[start:end] for start, end in places]
        return known

    def value(self, row: int, path: str) -> bytes:
        """Return a value as bytes. It is empty if there is none. `values` is faster for most pages."""
        return self.raw[self.starts(path)[row] : self.ends(path)[row]]

    def is_text(self, path: str) -> bool:
        """Return whether the field is a text."""
        return self.layout.fields[path].kind is Kind.TEXT

    def text(self, row: int) -> str:
        """Return the text of a page."""
        return self.raw[self.first[row] : self.end[row]].decode()

    def page(self, row: int) -> Page:
        """Return a page as the scanner reads it."""
        text, scan = self.text(row), self.layout.scan
        page = scan(text) if scan else None
        return page if page is not None else read_exactly(text, self.layout)
