"""JSON lines that are collected in any order and printed in the order of the input."""

import tempfile
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

from qtgen._util.text import json_text


class JsonLines:
    """One JSON line per item, kept in a temporary file until they are printed in the order of the input.

    Args:
        total: Number of items.
        is_printed: Whether the lines will be printed. If not, only which items have a line is recorded.
    """

    def __init__(self, total: int, *, is_printed: bool = True) -> None:
        self._file = tempfile.TemporaryFile("w+b")  # noqa: SIM115  # closed at the end of the block
        self._offsets = array("q", [-1]) * total
        self._is_printed = is_printed

    def __enter__(self) -> "JsonLines":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, position: int, record: Mapping[str, Any]) -> None:
        """Set the line of the item at a position."""
        if not self._is_printed:
            self._offsets[position] = 0
            return
        self._offsets[position] = self._file.seek(0, 2)
        self._file.write(json_text(record).encode() + b"\n")

    def __contains__(self, position: int) -> bool:
        return self._offsets[position] >= 0

    def __iter__(self) -> Iterator[str]:
        for offset in self._offsets:
            if offset >= 0:
                self._file.seek(offset)
                yield self._file.readline().decode().rstrip("\n")
