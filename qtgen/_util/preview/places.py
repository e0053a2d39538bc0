"""Find where in a Markdown text the text of a block is."""

from itertools import accumulate

from markdown_it.token import Token


class SourceLines:
    """The lines of a Markdown text, and where they begin."""

    def __init__(self, markdown: str) -> None:
        self._lines = markdown.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)]
        self._cell_ends: dict[int, int] = {}

    def places_of(self, content: str, token: Token, *, is_cell: bool) -> list[int]:
        """Return the offset in the source of each character of a token's content, and of its end.

        Args:
            is_cell: Whether the content is a cell of a table, which shares its line with others.
        """
        first = token.map[0] if token.map else 0
        if is_cell:
            return self._places_of_cell(content, first)
        places: list[int] = []
        for number, line in enumerate(content.split("\n"), first):
            start = self._start_of(line, number)
            places += range(start, start + len(line) + 1)
        return places

    def _start_of(self, text: str, number: int) -> int:
        """Return where a line of content begins in the source: it is the end of a line, as a rule."""
        if number >= len(self._lines):
            return self._starts[-1]
        wanted = text.strip()
        found = self._lines[number].rfind(wanted)
        return self._starts[number] + max(0, found) - (len(text) - len(text.lstrip()))

    def _places_of_cell(self, content: str, number: int) -> list[int]:
        line, at = self._lines[number], self._cell_ends.get(number, 0)
        whole = line.find(content, at)
        at = whole if whole >= 0 else at
        places: list[int] = []
        for char in content:
            while at < len(line) and line[at] != char:  # the backslash of `\|`, and what precedes the cell
                at += 1
            places.append(self._starts[number] + at)
            at += 1
        self._cell_ends[number] = at
        return [*places, self._starts[number] + at]

    def ranges_of_block(self, token: Token, line_count: int) -> list[tuple[int, int]]:
        """Return start and end of each line of the content of a block of code or math."""
        first = (token.map[0] if token.map else 0) + (token.type in ("fence", "math_block"))
        numbers = [min(number, len(self._lines) - 1) for number in range(first, first + line_count)]
        return [(self._starts[number], self._starts[number] + len(self._lines[number])) for number in numbers]
