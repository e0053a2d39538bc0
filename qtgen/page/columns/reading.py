"""Parse all pages at once, one step of the layout at a time. Pages that are not certainly canonical are left out."""

from collections.abc import Sequence

import numpy as np

from qtgen.page.columns.buffer import Bools, Buffer, Ints
from qtgen.page.columns.steps import FieldStep, SectionStep, Step, scalar, steps_of
from qtgen.page.columns.table import Column, PageColumns
from qtgen.page.layout import Layout
from qtgen.page.profile import Kind
from qtgen.page.spelling import is_plain_safe

PAGE_BYTES_MAX = (1 << 14) - 1
"""Larger pages are left out, because the places of their values do not fit into facts."""

_DIGITS = 18  # of a number that the scanner accepts
_SHORT, _LONG = 5, 512  # bytes of a plain value that is looked at alone
_FIRST_OF_PLAIN = np.zeros(256, np.bool_)
_FIRST_OF_PLAIN[[*b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/_"]] = True


def columns_of(contents: Sequence[bytes], layout: Layout) -> PageColumns:
    """Return the columns of pages, given as bytes. Pages that are not certainly canonical are left out.

    Args:
        layout: A layout that has columns (`has_columns`).
    """
    steps = steps_of(layout)
    body = (layout.body or "").encode()
    longest = max(len(body), *(max(map(len, _literals(step))) for step in steps))
    buffer = Buffer(contents, margin=2 * longest + _LONG, spare_lines=2 * len(steps) + 4)
    walk = _Walk(buffer, layout)
    walk.line(b"---\n")
    for step in steps:
        if isinstance(step, SectionStep):
            walk.section(step)
        else:
            walk.field(step)
    walk.close(body)
    accepted = walk.accepted & buffer.clean() & (buffer.end - buffer.first <= PAGE_BYTES_MAX)
    return PageColumns(layout, buffer, walk.columns, np.flatnonzero(accepted))


def _literals(step: Step) -> tuple[bytes, ...]:
    if isinstance(step, SectionStep):
        return (step.line,)
    return step.plain + step.value + b"\n", step.folded + step.value + b"\n"


class _Walk:
    """Where the walk is on each page: N pages.

    Attributes:
        accepted: Which pages are canonical so far: N.
        columns: What was found, by path.
    """

    def __init__(self, buffer: Buffer, layout: Layout) -> None:
        self._buffer, self._true = buffer, layout.spec.booleans
        self._line = buffer.first_line.copy()
        self.accepted: Bools = np.ones(len(self._line), np.bool_)
        self._everywhere = self.accepted.copy()
        self._present: dict[str, Bools] = {}  # by path of an optional map
        self.columns: dict[str, Column] = {}

    def line(self, literal: bytes) -> None:
        """Match a line that every page must have."""
        self.accepted &= self._buffer.has(literal, self._buffer.line_starts[self._line])
        self._line += 1

    def section(self, step: SectionStep) -> None:
        """Match the key of a map."""
        if step.required:
            self.line(step.line)
            return
        present = self._buffer.has(step.line, self._buffer.line_starts[self._line])
        if step.after:
            present &= self._present[step.after]
        self._present[step.path] = present
        self._line += present

    def field(self, step: FieldStep) -> None:
        """Match a field."""
        possible = self._present[step.section] if step.section else self._everywhere
        if step.value:
            column, valid = self._constant(step)
        elif step.folded:
            column, valid = self._text(step)
        else:
            column, valid = self._scalar(step, possible)
        present = column.present & possible
        if step.required:
            self.accepted &= (present & valid) | ~possible
        else:
            self.accepted &= valid | ~present
        self._line = np.where(present, column.lines + 1, self._line)
        lines = column.lines - self._buffer.first_line + 1
        folded = column.folded & present
        self.columns[step.path] = column._replace(lines=lines, folded=folded, present=present)

    def _constant(self, step: FieldStep) -> tuple[Column, Bools]:
        head = step.folded if step.is_folded else step.plain
        starts = self._buffer.line_starts[self._line]
        present = self._buffer.has(head + step.value + b"\n", starts)
        starts = starts + len(head)
        folded = self._everywhere if step.is_folded else ~self._everywhere
        lines = self._line + step.is_folded
        return Column(starts, starts + len(step.value), lines, folded, present), self._everywhere

    def _text(self, step: FieldStep) -> tuple[Column, Bools]:
        buffer = self._buffer
        starts = buffer.line_starts[self._line]
        folded = buffer.has(step.folded, starts)
        plain = buffer.has(step.plain, starts) & ~folded
        starts = starts + np.where(folded, len(step.folded), len(step.plain))
        lines = self._line + folded
        ends = buffer.line_ends[lines]
        valid = (starts < ends) & (buffer.bytes[starts] != ord(" "))
        rows = np.flatnonzero(plain & valid & self.accepted)
        valid[rows] &= self._are_plain(starts[rows], ends[rows])
        return Column(starts, ends, lines, folded, folded | plain), valid

    def _are_plain(self, starts: Ints, ends: Ints) -> Bools:
        """Return which values YAML reads as they are, although they are written without quotes."""
        buffer = self._buffer
        plain: Bools = _FIRST_OF_PLAIN[buffer.bytes[starts]] & (buffer.bytes[ends - 1] != ord(" "))
        lengths = ends - starts
        if not lengths.size:
            return plain
        width = min(int(lengths.max()), _LONG)
        window = buffer.windows(width, starts).view(np.uint8).reshape(-1, width)
        marks = (window == ord(":")) | (window == ord("#"))
        first_mark = marks.argmax(axis=1)  # 0 if there is none, because a plain value does not begin with one
        doubtful = (first_mark > 0) & (first_mark < lengths) | (lengths <= _SHORT) | (lengths > _LONG)
        for row in np.flatnonzero(doubtful & plain).tolist():
            value = buffer.raw[starts[row] : ends[row]].decode(errors="replace")
            plain[row] = is_plain_safe(value)
        return plain

    def _scalar(self, step: FieldStep, possible: Bools) -> tuple[Column, Bools]:
        buffer = self._buffer
        starts = buffer.line_starts[self._line]
        present = buffer.has(step.plain, starts)
        starts = starts + len(step.plain)
        ends = buffer.line_ends[self._line]
        column = Column(starts, ends, self._line, ~self._everywhere, present)
        if step.kind is Kind.INT:
            numbers, valid = self._integers(starts, ends)
            return column._replace(values=numbers), valid
        rows = np.flatnonzero(present & possible & self.accepted)
        places = zip(starts[rows].tolist(), ends[rows].tolist(), strict=True)
        texts = [buffer.raw[start:end] for start, end in places]
        known = {text: scalar(text, step.kind, self._true) for text in {*texts}}
        values = np.full(len(starts), None, object)
        values[rows] = [known[text] for text in texts]
        return column._replace(values=values), values != np.array(None)

    def _integers(self, starts: Ints, ends: Ints) -> tuple[Ints, Bools]:
        """Return whole numbers, and which of them are spelled as the scanner accepts them."""
        digits = self._buffer.bytes
        negative = digits[starts] == ord("-")
        first = starts + negative
        count = ends - first
        is_zero = (digits[first] == ord("0")) & (count == 1) & ~negative
        valid = (count >= 1) & (count <= _DIGITS) & ((digits[first] != ord("0")) | is_zero)
        numbers = np.zeros(len(starts), np.int64)
        for place in range(min(int(count.max(initial=0)), _DIGITS)):
            digit = digits[first + place] - np.uint8(ord("0"))
            inside = place < count
            valid &= (digit <= 9) | ~inside
            numbers = np.where(inside, 10 * numbers + digit, numbers)
        return np.where(negative, -numbers, numbers), valid

    def close(self, body: bytes) -> None:
        """Match the end of the front matter and the body."""
        buffer = self._buffer
        self._line += buffer.line_starts[self._line] == buffer.line_ends[self._line]
        self.accepted &= buffer.line_ends[self._line] < buffer.end
        self.line(b"---\n")
        starts = buffer.line_starts[self._line]
        self.accepted &= buffer.end - starts == len(body)
        if body:
            self.accepted &= buffer.has(body, starts)
