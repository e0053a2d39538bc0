"""The canonical pages of a buffer by column."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qtgen.page.columns.buffer import Bools, Buffer, Ints
from qtgen.page.columns.row_page import RowSpans, RowValues
from qtgen.page.document import HOUSE_STYLE, Page, Style, Value
from qtgen.page.layout import Layout
from qtgen.page.profile import Kind


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


class Columns:
    """The canonical pages of one layout, by column. There are N pages; a row is one of them.

    Attributes:
        layout: The layout.
        numbers: The number of each page among those that were given: N.
        first, end: The offsets of each page in the buffer: N.
        raw: The buffer.
        buffer: The buffer as an array of bytes.
    """

    def __init__(self, layout: Layout, buffer: Buffer, columns: Mapping[str, Column], blank: Bools, rows: Ints) -> None:
        self.layout, self.numbers = layout, rows
        self.first, self.end = buffer.first[rows], buffer.end[rows]
        self.raw, self.buffer = buffer.raw, buffer.bytes
        self._buffer, self._found = buffer, columns
        self._rows = None if len(rows) == len(buffer.first) else rows
        self._blank = blank[rows]
        self._wide_rows = np.flatnonzero(buffer.is_wide[rows])
        self._columns: dict[str, Column] = {}
        self._values: dict[str, list[bytes]] = {}
        self._texts: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    def column(self, path: str) -> Column:
        """Return where the values of a field are. Starts and ends are equal where it is absent."""
        known = self._columns.get(path)
        if known is None:
            known = self._columns[path] = self._found[path].of(self._rows)
        return known

    def starts(self, path: str) -> Ints:
        """Return the offsets of the bytes at which the values begin: N. They equal `ends` where there is no value."""
        return self.column(path).starts

    def ends(self, path: str) -> Ints:
        """Return the offsets of the bytes at which the values end: N."""
        return self.column(path).ends

    def lines(self, path: str) -> Ints:
        """Return the 1-based line of each value: N. It is 0 where there is no value."""
        return self.column(path).lines

    def folded(self, path: str) -> Bools:
        """Return which values are folded: N."""
        return self.column(path).folded

    def present(self, path: str) -> Bools:
        """Return which pages have the field: N."""
        return self.column(path).present

    def lengths(self, path: str) -> Ints:
        """Return the length of each value in code points: N. It is 0 where there is no value."""
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
        """Return the values of a field of whole numbers: N. They mean nothing where there is none."""
        constant = self.layout.constants.get(path)
        values = self.column(path).values
        return np.full(len(self), constant, np.int64) if values is None else values

    def scalars(self, path: str) -> list[Value]:
        """Return the values of a field of numbers, days or flags: N. It is None where there is none."""
        values = self.column(path).values
        constant: Value = self.layout.constants.get(path)
        known = [constant] * len(self) if values is None else values.tolist()
        return [value if is_present else None for value, is_present in zip(known, self.present(path), strict=True)]

    def values(self, path: str) -> list[bytes]:
        """Return the values of a field as bytes: N. They are empty where there is none."""
        known = self._values.get(path)
        if known is None:
            raw = self.raw
            places = zip(self.starts(path).tolist(), self.ends(path).tolist(), strict=True)
            known = self._values[path] = [raw[start:end] for start, end in places]
        return known

    def value(self, row: int, path: str) -> bytes:
        """Return a value as bytes. It is empty if there is none."""
        return self.values(path)[row]

    def equal(self, path: str, other: str) -> Bools:
        """Return which pages have equal bytes in two fields: N."""
        pairs = zip(self.values(path), self.values(other), strict=True)
        return np.fromiter((value == copy for value, copy in pairs), np.bool_, len(self))

    def is_text(self, path: str) -> bool:
        """Return whether the field is a text."""
        return self.layout.fields[path].kind is Kind.TEXT

    def texts(self, path: str) -> list[str]:
        """Return the values of a field of texts: N. They are empty where there is none."""
        known = self._texts.get(path)
        if known is None:
            known = self._texts[path] = [value.decode() for value in self.values(path)]
        return known

    def text(self, row: int) -> str:
        """Return the text of a page."""
        return self.raw[self.first[row] : self.end[row]].decode()

    def page(self, row: int) -> Page:
        """Return a page, which equals the one that the scanner reads."""
        paths, style = self._forms[row]
        return Page(self.text(row), self.layout, RowValues(self, row, paths), RowSpans(self, row, paths), style)

    def value_at(self, row: int, path: str) -> Value:
        """Return the value of a field that a page has."""
        if path in self._texts:
            return self._texts[path][row]
        column = self.column(path)
        if self.layout.fields[path].kind is Kind.TEXT:
            return self.raw[column.starts[row] : column.ends[row]].decode()
        if column.values is None:
            return self.layout.constants[path]
        value: Value = column.values.item(row)
        return value

    def span_at(self, row: int, path: str) -> tuple[int, int]:
        """Return where a value is in the text of its page, in code points."""
        column, first = self.column(path), int(self.first[row])
        start, end = int(column.starts[row]), int(column.ends[row])
        if not self._buffer.is_wide[self.numbers[row]]:
            return start - first, end - first
        before = len(self.raw[first:start].decode())
        return before, before + len(self.raw[start:end].decode())

    @cached_property
    def _forms(self) -> list[tuple[Mapping[str, None], Style]]:
        """The paths of the fields of each page, and its style: N."""
        fields = self.layout.fields
        columns = [self.column(path) for path in fields]
        bits = np.stack([*(column.present for column in columns), *(column.folded for column in columns), self._blank])
        packed = np.packbits(bits, axis=0).T.copy()
        keys = packed.view(f"V{packed.shape[1]}").ravel().tolist()
        forms: dict[bytes, tuple[Mapping[str, None], Style]] = {}
        for row, key in enumerate(keys):
            if key not in forms:
                forms[key] = self._form(row)
        return [forms[key] for key in keys]

    def _form(self, row: int) -> tuple[Mapping[str, None], Style]:
        fields = self.layout.fields
        paths = {path: None for path in fields if self.column(path).present[row]}
        texts = [path for path in paths if fields[path].kind is Kind.TEXT]
        plain = frozenset(path for path in texts if fields[path].folded and not self.column(path).folded[row])
        folded = frozenset(path for path in texts if not fields[path].folded and self.column(path).folded[row])
        if not (plain or folded or self._blank[row]):
            return paths, HOUSE_STYLE
        return paths, Style(plain, folded, blank_before_close=bool(self._blank[row]))
