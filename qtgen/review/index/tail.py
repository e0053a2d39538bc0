"""Read the lines that were appended to a file since it was read last."""

import os
from pathlib import Path
from typing import NamedTuple


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
    """The end of a file that other processes append lines to. A line without its line break is left for later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        self._offset = self._lines = 0
        self.rest = b""
        """The last line, if it had no line break yet when the file was read."""

    def is_replaced(self) -> bool:
        """Return whether the file is another one than at the last call of `read`, or became shorter."""
        try:
            status = self._path.stat()
        except OSError:
            return self._file is not None
        return (status.st_dev, status.st_ino) != self._file or status.st_size < self._offset

    def read(self) -> Appended:
        """Return the new lines; none if there is no such file. Raises OSError."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                identity = (status.st_dev, status.st_ino)
                is_whole = identity != self._file or status.st_size < self._offset
                if is_whole:
                    self._file, self._offset, self._lines = identity, 0, 0
                file.seek(self._offset)
                raw = file.read()
        except FileNotFoundError:
            was_there, self._file, self._offset, self._lines = self._file is not None, None, 0, 0
            self.rest = b""
            return Appended([], 1, was_there)
        complete = raw[: raw.rfind(b"\n") + 1]
        lines, first = [line + b"\n" for line in complete.split(b"\n")[:-1]], self._lines + 1
        self._offset += len(complete)
        self._lines += len(lines)
        self.rest = raw[len(complete) :]
        return Appended(lines, first, is_whole)
