"""The rows and cells of a table."""

import re

_DELIMITERS = re.compile(r"\|?[ \t]*:?-+:?[ \t]*+(?:\|[ \t]*:?-+:?[ \t]*+)*+(?:\|[ \t]*)?(?=\n|\Z)")
_CELL = re.compile(r"((?:[^\\|]|\\[\\|]?)*+)(?:\||\Z)")
Cell = tuple[int, int]


def delimiter_cells(text: str, start: int, end: int) -> int:
    """Return how many columns a line of dashes has, or 0 if it is not the second line of a table."""
    if not _DELIMITERS.match(text, start):
        return 0
    line = text[start:end].strip()
    if "|" not in line and ":" not in line:
        return 0
    return len(line.removeprefix("|").removesuffix("|").split("|"))


def split_row(text: str, start: int, end: int) -> list[Cell]:
    """Return start and end of each cell of a row, without the space around its text."""
    end -= len(text[start:end]) - len(text[start:end].rstrip())
    if text.startswith("|", start) and start < end:
        start += 1
    cells: list[Cell] = []
    while start < end and (match := _CELL.match(text, start, end)):
        cells.append(_trim(text, match.start(1), match.end(1)))
        if match.end() == match.end(1):
            break
        start = match.end()
    return cells


def count_header_cells(text: str, start: int, end: int) -> int:
    """Return how many cells the first row of a table would have."""
    return 0 if text[start:end].strip() in ("", "|") else len(split_row(text, start, end))


def _trim(text: str, start: int, end: int) -> Cell:
    content = text[start:end]
    left = len(content) - len(content.lstrip())
    return (start + left, end - (len(content) - len(content.rstrip()))) if content.strip() else (start, start)
