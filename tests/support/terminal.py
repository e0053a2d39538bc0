"""An emulated terminal that wraps lines like the common ones: a line that no longer fits continues on the next row."""

import re

_CONTROL = re.compile(r"\x1b\[(\??)(\d*)([A-Za-z])")


class Terminal:
    """Understands what rich sends for a live display, and rewraps its rows when it is resized."""

    encoding = "utf-8"

    def __init__(self, width: int) -> None:
        self.width = width
        self._lines = [""]  # logical lines, each of which takes one or more rows
        self._line = self._column = 0
        self._has_just_written = False

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        pass

    def resize(self, width: int) -> None:
        self.width = width

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._lines]

    def write(self, text: str) -> int:
        position = 0
        while position < len(text):
            match = _CONTROL.match(text, position)
            if match:
                self._control(match)
                position = match.end()
            else:
                self._put(text[position])
                position += 1
        return len(text)

    def _put(self, char: str) -> None:
        if char == "\r":
            self._column = self._row() * self.width
        elif char == "\n":
            self._line, self._column = self._line + 1, 0
            if self._line == len(self._lines):
                self._lines.append("")
        else:
            line = self._lines[self._line].ljust(self._column)
            self._lines[self._line] = line[: self._column] + char + line[self._column + 1 :]
            self._column += 1
            self._has_just_written = True
            return
        self._has_just_written = False

    def _row(self) -> int:
        """The row of the line that the cursor is in. After the last column of a row it is still in that row."""
        return (self._column - self._has_just_written) // self.width

    def _control(self, match: re.Match[str]) -> None:
        private, number, letter = match.groups()
        if private or letter == "m":
            return
        if letter == "K":
            self._erase_row()
        elif letter == "A":
            for _ in range(int(number or 1)):
                self._up()
        else:
            raise NotImplementedError(match.group())

    def _erase_row(self) -> None:
        start = self._row() * self.width
        line = self._lines[self._line]
        self._lines[self._line] = line[:start] if start else ""

    def _up(self) -> None:
        """Go one row up, which may be a row of the same line."""
        self._has_just_written = False
        if self._column >= self.width:
            self._column -= self.width
            return
        self._line -= 1
        rows = max(1, -(-len(self._lines[self._line]) // self.width))
        self._column += (rows - 1) * self.width
