"""Read the lines that were appended to a file since it was read last."""

import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

_END = 256  # bytes before the offset, compared to detect that the file was replaced


class Appended(NamedTuple):
    """New lines of a file.

    Args:
        lines: The lines, each with its line break.
        first: The number of the first one, from 1.
        is_whole: True if the file was read from its start, because it is new or was replaced.
    """

    lines: list[bytes]
    first: int
    is_whole: bool


class Tail:
    """Reads the lines that other processes append to a file. A line without its line break is left for later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        self._offset = self._lines = 0
        self._end = b""  # the bytes before the offset
        self.rest = b""
        """The last line, if it had no line break yet when the file was read."""

    def is_replaced(self) -> bool:
        """Return whether the file is another one than at the last call of `read`, or its lines are no longer the same.

        The inode number is not enough: a file that Git deletes and writes again often gets the same one.
        """
        try:
            with self._path.open("rb") as file:
                return not self._is_same(file)
        except OSError:
            return self._file is not None

    def _is_same(self, file: BinaryIO) -> bool:
        if _identity(file) != self._file:
            return False
        file.seek(self._offset - len(self._end))
        return file.read(len(self._end)) == self._end

    def read(self) -> Appended:
        """Return the new lines; none if there is no such file. Raises OSError."""
        try:
            with self._path.open("rb") as file:
                is_whole = not self._is_same(file)
                if is_whole:
                    self._file, self._offset, self._lines, self._end = _identity(file), 0, 0, b""
                file.seek(self._offset)
                raw = file.read()
        except FileNotFoundError:
            was_there, self._file, self._offset, self._lines = self._file is not None, None, 0, 0
            self._end = self.rest = b""
            return Appended([], 1, was_there)
        complete = raw[: raw.rfind(b"\n") + 1]
        lines, first = [line + b"\n" for line in complete.split(b"\n")[:-1]], self._lines + 1
        self._offset += len(complete)
        self._lines += len(lines)
        self._end = (self._end + complete[-_END:])[-_END:]
        self.rest = raw[len(complete) :]
        return Appended(lines, first, is_whole)


def _identity(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino
