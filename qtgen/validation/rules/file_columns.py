"""Pages by column as rules read them, and what rules ask of all their answers at once. NumPy is imported here."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np

from qtgen.page import Value
from qtgen.page.columns import PageColumns
from qtgen.page.columns.buffer import Bools, Ints
from qtgen.page.columns.steps import FieldStep, steps_of
from qtgen.page.layout import Layout
from qtgen.page.sentences import MARKS_AROUND, SENTENCE_BYTES_MIN
from qtgen.validation.rules.light_page import light_page
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings
from qtgen.validation.rules.types import PageFile

_WORD = 8  # bytes
_AROUND_SENTENCE = np.zeros(256, np.bool_)
_AROUND_SENTENCE[[*MARKS_AROUND]] = True
_HASH_BITS = 40  # of a part of a page; the number of the page takes the others


@cache
def _proven_constants(layout: Layout) -> frozenset[str]:
    """Return the constants that pages by column have for certain."""
    return frozenset(step.path for step in steps_of(layout) if isinstance(step, FieldStep) and step.value)


class FileColumns:
    """The canonical pages of one layout, by column, together with their paths: what `PageFile` is for one page.

    There are N pages; a row is one of them.

    Attributes:
        columns: The pages.
        paths: The path of each page, as in `PageFile`: N.
        locations: The absolute path of each page, as in `PageFile`: N.
        settings: What the rules read from the settings.
    """

    def __init__(
        self,
        columns: PageColumns,
        paths: Sequence[str],
        locations: Sequence[str | None],
        settings: RuleSettings = DEFAULT_SETTINGS,
    ) -> None:
        self.columns, self.paths, self.locations, self.settings = columns, paths, locations, settings
        self.layout = columns.layout
        self._texts: dict[str, list[str]] = {}
        self._scalars: dict[str, list[Value]] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def file(self, row: int, *, whole: bool) -> PageFile:
        """Return a page as rules read it.

        Args:
            whole: Whether the page has its style too, which only rules of plugins may read.
        """
        page = self.columns.page(row) if whole else light_page(self, row)
        return PageFile(self.paths[row], page, self.locations[row], self.settings)

    def texts(self, path: str) -> list[str]:
        """Return the values of a field of texts: N. They are empty if there is none."""
        texts = self._texts.get(path)
        if texts is None:
            has_values = path in self.layout.fields
            texts = [value.decode() for value in self.columns.values(path)] if has_values else [""] * len(self)
            self._texts[path] = texts
        return texts

    def value(self, row: int, path: str) -> Value:
        """Return a value that a page has."""
        if not self.columns.is_text(path):
            return self.scalars(path)[row]
        if path in self._texts:
            return self._texts[path][row]
        start, end = int(self.columns.starts(path)[row]), int(self.columns.ends(path)[row])
        return self.columns.raw[start:end].decode()

    def scalars(self, path: str) -> list[Value]:
        """Return the values of a field of numbers, days or flags: N. It is None if there is none."""
        if path not in self._scalars:
            self._scalars[path] = self.columns.scalars(path)
        return self._scalars[path]

    @property
    def answers(self) -> list[str]:
        """The answers: N. They are on one line, as they are in the pages."""
        return self.texts(self.layout.roles.answer or "")

    @cached_property
    def names(self) -> list[str]:
        """The files' own names: N."""
        return [place.rpartition("/")[2] for place in self._places]

    def folders(self, depth: int) -> list[str]:
        """Return the last folders of each path, joined by `/`: N. There are none for a depth of 0."""
        folders = [place.rpartition("/")[0] for place in self._places]
        if depth == 1:
            return [folder.rpartition("/")[2] for folder in folders]
        return ["/".join(folder.split("/")[-depth:]) if depth else "" for folder in folders]

    @cached_property
    def _places(self) -> list[str]:
        return [location or path for path, location in zip(self.paths, self.locations, strict=True)]

    def searched_texts(self) -> Iterator[bytes]:
        """Yield the joined texts of the model of each page, which patterns search."""
        columns, answer = self.columns, self.layout.roles.answer or ""
        others = [path for path in self.layout.model_fields if path != answer]
        texts = [columns.values(path) if columns.is_text(path) else self._written(path) for path in others]
        answers = columns.values(answer) if answer in self.layout.fields else [b""] * len(self)
        return map(b"\n".join, zip(*texts, answers, strict=True))

    def _written(self, path: str) -> list[bytes]:
        return [b"" if value is None else str(value).encode() for value in self.scalars(path)]

    @staticmethod
    def rows_where(test: Bools) -> list[int]:
        """Return the pages for which a test is true."""
        rows: list[int] = np.flatnonzero(test).tolist()
        return rows

    def rows_with_faults(self, path: str, fault: Callable[[Any], str | None]) -> list[int]:
        """Return the pages with a value that fails a check."""
        if path in _proven_constants(self.layout) and fault(self.layout.constants[path]) is None:
            return []
        if self.columns.is_text(path):
            return [row for row, text in enumerate(self.texts(path)) if text and fault(text) is not None]
        values = self.scalars(path)
        faulty = {value for value in {*values} if value is not None and fault(value) is not None}
        return [row for row, value in enumerate(values) if value in faulty] if faulty else []

    def rows_with_unsearched_characters(self) -> list[int]:
        """Return the pages with characters outside ASCII besides those in the texts of the model."""
        columns = self.columns
        surplus: Ints = columns.end - columns.first - columns.text_lengths
        for path in self.layout.model_fields:
            surplus -= columns.ends(path) - columns.starts(path) - columns.lengths(path)
        return self.rows_where(surplus != 0)

    def rows_with(self, *literals: bytes, least: int) -> list[int]:
        r"""Return the pages with at least `least` of the literals: a backslash and up to seven bytes each."""
        marks, buffer = self._sentence_ends, self.columns.buffer
        marks = marks[buffer[marks] == ord("\\")]
        words = self._words[marks]
        found = np.zeros(len(marks), np.bool_)
        for literal in literals:
            mask = np.uint64((1 << 8 * len(literal)) - 1)
            found |= (words & mask) == np.uint64(int.from_bytes(literal, "little"))
        rows = self._rows_at(marks[found])
        return self.rows_where(np.bincount(rows[rows >= 0], minlength=len(self)) >= least)

    def rows_with_repeated_headings(self) -> list[int]:
        """Return the pages that may have two equal texts between double asterisks after a space."""
        rows, starts, ends = self.between_asterisks
        headings = self.columns.buffer[starts - 3] == ord(" ")
        return self._rows_with_equal(rows[headings], starts[headings], ends[headings])

    @cached_property
    def between_asterisks(self) -> tuple[Ints, Ints, Ints]:
        """The row, the start and the end of each text between two double asterisks, as offsets in the buffer."""
        stars = np.flatnonzero(self.columns.buffer == ord("*"))
        follows = stars[1:] == stars[:-1] + 1
        opens = np.flatnonzero(follows[:-2] & ~follows[1:-1] & follows[2:])
        starts, ends = stars[opens + 1] + 1, stars[opens + 2]
        rows = self._rows_at(starts)
        inside = rows >= 0
        return rows[inside], starts[inside], ends[inside]

    def rows_with_repeated_sentences(self) -> list[int]:
        """Return the pages that may have two equal sentences in their answer."""
        columns, answer = self.columns, self.layout.roles.answer or ""
        marks = self._sentence_ends  # an answer ends at a newline
        long = np.flatnonzero(np.diff(marks) > SENTENCE_BYTES_MIN + 1)
        rows = np.searchsorted(columns.starts(answer), marks[long + 1]).astype(np.int64) - 1
        long, rows = long[rows >= 0], rows[rows >= 0]
        starts, ends = np.maximum(marks[long] + 1, columns.starts(answer)[rows]), marks[long + 1]
        inside = (ends <= columns.ends(answer)[rows]) & (ends - starts > SENTENCE_BYTES_MIN)
        return self._rows_with_equal(rows[inside], *self._stripped(starts[inside], ends[inside]))

    def _stripped(self, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """Return the places of sentences without the marks around them. It changes the arguments."""
        buffer = self.columns.buffer
        for places, offset, step in ((starts, 0, 1), (ends, -1, -1)):
            some = np.arange(len(places))
            while some.size:
                some = some[_AROUND_SENTENCE[buffer[places[some] + offset]] & (starts[some] < ends[some])]
                places[some] += step
        return starts, ends

    def _rows_with_equal(self, rows: Ints, starts: Ints, ends: Ints) -> list[int]:
        """Return the pages with two parts of one length that begin and end with the same eight bytes.

        Args:
            rows: The row of each part, of which there may be any number.
            starts, ends: The offsets of each part.
        """
        lengths = (ends - starts).astype(np.uint64)
        short = np.minimum(lengths, _WORD)
        mask = np.where(short == _WORD, np.uint64(2**64 - 1), (np.uint64(1) << (8 * short % 64)) - np.uint64(1))
        head = self._words[starts] & mask
        tail = np.where(short == _WORD, self._words[np.maximum(ends - _WORD, 0)], head)
        mixed = (head * _FACTORS[0]) ^ (tail * _FACTORS[1]) ^ (lengths * _FACTORS[2])
        keys = np.sort((rows.astype(np.uint64) << np.uint64(_HASH_BITS)) | (mixed >> np.uint64(64 - _HASH_BITS)))
        repeated: list[int] = (keys[1:][keys[1:] == keys[:-1]] >> np.uint64(_HASH_BITS)).tolist()
        return [*dict.fromkeys(repeated)]  # `np.unique` would import `numpy.ma`

    @cached_property
    def _words(self) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
        """The eight bytes at each offset of the buffer as a number."""
        raw = self.columns.raw
        return np.ndarray((len(raw) - _WORD + 1,), "<u8", raw, strides=(1,))

    @cached_property
    def _sentence_ends(self) -> Ints:
        """The offsets of all full stops, backslashes and newlines of the buffer."""
        buffer = self.columns.buffer
        return np.flatnonzero((buffer == ord(".")) | (buffer == ord("\\")) | (buffer == ord("\n")))

    def _rows_at(self, offsets: Ints) -> Ints:
        """Return the row of the page at each of the offsets, or -1."""
        columns = self.columns
        rows = np.searchsorted(columns.first, offsets, "right").astype(np.int64) - 1
        return np.where((rows >= 0) & (offsets < columns.end[rows]), rows, -1)


_FACTORS = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)))
