r"""Write the `|` of math and code in tables so that it does not cut a cell."""

import re
from collections.abc import Iterator

from qtgen.page.markdown.bracket_math import Replacement, apply_replacements
from qtgen.page.markdown.document import Document
from qtgen.page.markdown.tables import delimiter_cells, split_row

_BACKSLASHES_AND_PIPE = re.compile(r"(\\*)\|")
_COLUMNS = re.compile(r"\\begin\{(?:array|tabular)\}")


def escape_pipes(cell: str) -> str:
    r"""Return the text of one cell with `\vert` and `\Vert` for the pipes of math, and `\|` for all others."""
    return _escape(cell, prose=True)


def write_pipes(markdown: str) -> str:
    r"""Return the text with `\vert` and `\Vert` for pipes of math in tables, and `\|` for those of code.

    A row changes only if it has as many cells as the line of dashes afterwards.
    """
    if "|" not in markdown or not ("$" in markdown or "`" in markdown):
        return markdown
    changes: list[Replacement] = []
    for start, end, columns in _rows(Document(markdown)):
        row = markdown[start:end]
        new = _escape(row, prose=False)
        if new != row and len(split_row(new, 0, len(new))) == columns:
            changes.append((start, end, new))
    return apply_replacements(markdown, changes)


def _rows(document: Document) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and the expected number of cells of each row, also of a table that its header breaks."""
    for block in document.blocks:
        if block.kind == "table":
            for start, end in (block.lines[0], *block.lines[2:]):
                yield start, end, block.width
        elif block.kind == "paragraph":
            columns = [delimiter_cells(document.content, *line) for line in block.lines]
            dashes = next((number for number, count in enumerate(columns) if count > 1 and number), 0)
            for start, end in (*block.lines[dashes - 1 : dashes], *block.lines[dashes + 1 :]) if dashes else ():
                yield start, end, columns[dashes]


def _escape(text: str, *, prose: bool) -> str:
    if "|" not in text:
        return text
    parts, done = [], 0
    for part in Document(text).segments:
        if part.kind in ("math", "code"):
            parts.append(_in_prose(text[done : part.inner[0]]) if prose else text[done : part.inner[0]])
            inner = text[slice(*part.inner)]
            parts.append(_in_math(inner) if part.kind == "math" else _in_prose(inner))
            done = part.inner[1]
    return "".join([*parts, _in_prose(text[done:]) if prose else text[done:]])


def _in_math(text: str) -> str:
    if _COLUMNS.search(text):
        return text  # its `|` are lines between columns
    return _BACKSLASHES_AND_PIPE.sub(lambda match: _bar(text, match), text)


def _bar(text: str, match: re.Match[str]) -> str:
    backslashes = match[1]
    is_double = len(backslashes) % 2 == 1
    bar = backslashes[: len(backslashes) - is_double] + ("\\Vert" if is_double else "\\vert")
    return f"{bar} " if text[match.end() : match.end() + 1].isalpha() else bar


def _in_prose(text: str) -> str:
    return _BACKSLASHES_AND_PIPE.sub(lambda match: match[0] if len(match[1]) % 2 else f"{match[1]}\\|", text)
