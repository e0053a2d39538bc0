"""Concatenated pages in a buffer, and what is true of their bytes whatever the layout."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NEWLINE = 10


class Buffer:
    """N concatenated pages, each followed by a line feed.

    Attributes:
        raw: The pages, followed by zeros.
        bytes: The same as an array.
        first, end: The offsets of each page: N each.
        line_starts, line_ends: The offsets of all lines. Behind the last one are empty lines at the end.
        first_line: The number of the first line of each page: N.
    """

    def __init__(self, pages: Sequence[bytes], *, margin: int, spare_lines: int) -> None:
        """Join the pages.

        Args:
            margin: How many zeros follow the pages, so that reading at a line's start stays inside.
            spare_lines: How many empty lines follow them, so that going to a next line stays inside.
        """
        self.raw = b"\n".join([*pages, bytes(margin)])
        self.bytes = np.frombuffer(self.raw, np.uint8)
        sizes = np.fromiter(map(len, pages), np.int64, len(pages))
        self.end: Ints = np.cumsum(sizes + 1) - 1
        self.first: Ints = self.end - sizes
        size = len(self.raw) - margin
        # Signed bytes below the space are control characters and all bytes outside ASCII.
        unusual: Ints = np.flatnonzero(self.bytes.view(np.int8)[:size] < 0x20)
        is_newline = self.bytes[unusual] == _NEWLINE
        newlines = unusual[is_newline]
        self._others: Ints = unusual[~is_newline]
        self.line_ends: Ints = np.concatenate([newlines, np.full(spare_lines, size)])
        self.line_starts: Ints = np.concatenate([[0], newlines + 1, np.full(spare_lines - 1, size)])
        self.first_line: Ints = np.searchsorted(newlines, self.first)

    def has(self, literal: bytes, offsets: Ints) -> Bools:
        """Return whether the literal, which has no zero byte, is at each of the offsets."""
        equal: Bools = self.windows(len(literal), offsets) == literal
        return equal

    def windows(self, length: int, offsets: Ints) -> NDArray[np.bytes_]:
        """Return the bytes at each of the offsets."""
        every = np.ndarray((len(self.raw) - length + 1,), f"S{length}", self.raw, strides=(1,))
        windows: NDArray[np.bytes_] = every[offsets]
        return windows

    def pages_at(self, offsets: Ints) -> Ints:
        """Return the number of the page that each of the offsets is in."""
        return np.searchsorted(self.first, offsets, "right").astype(np.int64) - 1

    @cached_property
    def _wide(self) -> Ints:
        """The offsets of the bytes outside ASCII."""
        return self._others[self.bytes[self._others] >= 0x80]

    @cached_property
    def is_wide(self) -> Bools:
        """Which pages have characters outside ASCII: N."""
        is_wide = np.zeros(len(self.first), np.bool_)
        is_wide[self.pages_at(self._wide)] = True
        return is_wide

    @cached_property
    def _continuations(self) -> Ints:
        """The offsets of the bytes that continue a code point."""
        return self._wide[self.bytes[self._wide] < 0xC0]

    def continuations(self, starts: Ints, ends: Ints) -> Ints:
        """Return how many bytes continue a code point in each range of bytes."""
        inside: Ints = np.searchsorted(self._continuations, ends) - np.searchsorted(self._continuations, starts)
        return inside

    def clean(self) -> Bools:
        """Return which pages are valid UTF-8 without characters that no page can hold: N."""
        clean = np.ones(len(self.first), np.bool_)
        others, wide = self._others, self._wide
        clean[self.pages_at(others[self.bytes[others] < 0x80])] = False
        if b"\x7f" in self.raw:
            clean[self.pages_at(np.flatnonzero(self.bytes == 0x7F))] = False
        if wide.size:
            clean[self.pages_at(wide[self._forbidden(wide)])] = False
            for page in np.flatnonzero(self.is_wide).tolist():
                clean[page] &= _is_utf8(self.raw[self.first[page] : self.end[page]])
        return clean

    def _forbidden(self, wide: Ints) -> Bools:
        """Return which bytes outside ASCII begin a character of `text.FORBIDDEN`."""
        lead, second, third = self.bytes[wide], self.bytes[wide + 1], self.bytes[wide + 2]
        forbidden: Bools = (lead == 0xC2) & (second < 0xA0)  # C1 controls
        forbidden |= (lead == 0xE2) & (second == 0x80) & ((third == 0xA8) | (third == 0xA9))
        forbidden |= (lead == 0xEF) & (second == 0xBB) & (third == 0xBF)
        forbidden |= (lead == 0xEF) & (second == 0xBF) & (third >= 0xBE)
        return forbidden


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
