"""Family 5xx, tables: does a reader see all cells of a table?"""

import re
from collections.abc import Iterator
from itertools import zip_longest

from qtgen._util.text import pluralize
from qtgen.page.markdown import Block, Document, find_segments, segment_at
from qtgen.page.markdown.tables import count_header_cells, delimiter_cells, split_row
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import answer_finding, document_of, has_answer
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

_ROWS_MIN = 2
_PIPE = re.compile(r"(?<!\\)(?:\\\\)*(\|)")
_DASHES = re.compile(r"(?=[^|]*\|)[ |:]*-[-:| ]*")
_DRAWN = re.compile(r"\+[-=+]{3,}\+")
_MONEY = re.compile(r"[^$]*\$[ ]?\d[^$]*")
_SHELL = re.compile(r"\b(?:cat|grep|sort|uniq|wc|awk|sed|head|tail|xargs|ls|echo|less|tr|cut|tee|curl|find)\b")
_CELL_MAX = 40  # characters of a cell in a line without outer pipes
_WRONG_DASHES = "the line of dashes does not have as many cells as the line above it; add or remove cells"
_HEAD = r"Osmosis:\n\n| side | water |\n|---|---|\n"


@rule(
    "QT509",
    "broken-table",
    Severity.WARNING,
    bad=Example("Osmosis moves", _HEAD + r"| $|x|$ | in |\n\nOsmosis moves"),
    good=Example("Osmosis moves", _HEAD + r"| $\vert x \vert$ | in |\n| a \| b |\n\nOsmosis moves"),
    patterns=(r"(?:^|\\n)[ >]*(?:(?:[-*+]|\d+[.)]) +)*\|", r"-\|-|- \| -|:\|:| \| [^|]* \| "),
    repairable="concern",
    applies=has_answer,
)
def broken_table(file: PageFile) -> Iterator[Finding]:
    r"""A `|` in {math_or}code cuts a cell, a row has more cells than the header, or a table has no line of dashes.

    Why it is bad: the site cuts every row at each `|`, also within {formula_and}code. It does not show cells for which
    the header has no column. Without a correct line of dashes below the header, the reader sees the pipes.
    Fix: write `\|` in code{bars_in_math}. Give each row as many cells as the header has. Write a line
    of dashes (`|---|---|`) below the header, with a cell for each column. No automatic fix.
    Precision and recall: 1.00, over the 7 such pages among 9,923 live pages (`benchmarks/rendering.py`).
    Limits: the rule does not report a table of one row, or of two columns without pipes at the ends of its lines.
    """
    document = document_of(file)
    for block, following in zip_longest(document.blocks, document.blocks[1:]):
        if block.kind == "table":
            yield from _rows(file, document, block)
        elif block.kind == "setext" and block.width > 1 and _has_outer_pipes(_line(document, block.lines[-1])):
            line = block.lines[-1]
            yield answer_finding(file, line[0], line[0] + len(_line(document, line)), _WRONG_DASHES)
        elif block.kind == "paragraph":
            yield from _missing_table(file, document, block)
            if following and following.kind == "table":
                yield from _row_above(file, document, block.lines[-1], following)


def _row_above(file: PageFile, document: Document, line: tuple[int, int], table: Block) -> Iterator[Finding]:
    """Yield a finding if the line directly above a table is a row of it."""
    row = _line(document, line)
    if _has_outer_pipes(row) and document.content.count("\n", line[1], table.start) == 1:
        message = "the site shows this row as text; write the line of dashes below the first row"
        yield answer_finding(file, line[0], line[0] + len(row), message)


def _rows(file: PageFile, document: Document, block: Block) -> Iterator[Finding]:
    """Yield a finding for each row of which a part is lost."""
    text = document.content
    for number, (start, end) in enumerate((block.lines[0], *block.lines[2:])):
        cells = split_row(text, start, end)
        surplus = [cell for cell in cells[block.width :] if cell[0] < cell[1]] if number else []
        cut = _cut_at(document, start, end, cells)
        if cut >= 0:
            remedy = r"write `\vert` in math, `\|` in code" if document.math else r"write `\|` in code"
            message = f"this `|` cuts the cell in two; {remedy}"
            yield answer_finding(file, cut, cut + 1, message)
        elif surplus:
            columns = pluralize(block.width, "cell")
            message = f"the site does not show this cell, because the header has {columns}; remove or join cells"
            yield answer_finding(file, surplus[0][0], surplus[-1][1], message)


def _cut_at(document: Document, start: int, end: int, cells: list[tuple[int, int]]) -> int:
    """Return the offset of the first `|` in a row that is between two marks of math or code, or -1."""
    text = document.content
    if not any(_is_odd(text[slice(*cell)]) for cell in cells):
        return -1
    for part in find_segments(text[start:end], math=document.math):
        if part.kind in ("math", "code"):
            pipe = _PIPE.search(text, start + part.inner[0], start + part.inner[1])
            if pipe and any(_is_odd(text[slice(*cell)]) for cell in cells if cell[0] <= pipe.end() <= cell[1] + 2):
                return pipe.start(1)
    return -1


def _is_odd(cell: str) -> bool:
    """Return whether a cell has only one of the two marks of math or code. An amount of money has one."""
    return cell.count("`") % 2 == 1 or (cell.count("$") % 2 == 1 and not _MONEY.fullmatch(cell))


def _missing_table(file: PageFile, document: Document, block: Block) -> Iterator[Finding]:
    """Yield a finding if lines of a paragraph look like the rows of a table."""
    text = document.content
    rows = [line for line in block.lines if _looks_like_row(document, *line)]
    has_dashes = any(_DASHES.fullmatch(text[slice(*row)].strip()) for row in rows)
    drawn = next((line for line in block.lines if _DRAWN.fullmatch(text[slice(*line)].strip())), None)
    if drawn and rows:
        message = "the site shows this drawn table as text; write `| a | b |` lines with `|---|---|` below the first"
        yield answer_finding(file, drawn[0], drawn[0] + len(text[slice(*drawn)].rstrip()), message)
        return
    if len(rows) < _ROWS_MIN or not (has_dashes or _are_rows(text, rows)):
        return
    first, second = rows[0], rows[1]
    if not delimiter_cells(text, second[0], second[0] + len(text[slice(*second)].rstrip())):
        message = "this table has no line of dashes below its first line; add one, such as `|---|---|`"
    elif count_header_cells(text, *first) != len(split_row(text, *second)):
        message = _WRONG_DASHES
    else:
        message = "the site shows this table as text; put a blank line above it, and indent all its lines alike"
    yield answer_finding(file, first[0], first[0] + len(text[slice(*first)].rstrip()), message)


def _line(document: Document, line: tuple[int, int]) -> str:
    return document.content[slice(*line)].rstrip()


def _looks_like_row(document: Document, start: int, end: int) -> bool:
    line = document.content[start:end].strip()
    if not _has_outer_pipes(line) and line.count(" | ") < _ROWS_MIN and not _DASHES.fullmatch(line):
        return False
    return not segment_at(document.segments, start + document.content[start:end].find("|"))


def _has_outer_pipes(line: str) -> bool:
    return len(line) > 1 and line.startswith("|") and line.endswith("|")


def _are_rows(text: str, rows: list[tuple[int, int]]) -> bool:
    """Return whether lines without a line of dashes are rows: unlike commands of a shell, whose pipes differ."""
    lines = [text[slice(*row)].strip() for row in rows]
    if sum(map(_has_outer_pipes, lines)) >= _ROWS_MIN:
        return True
    cells = [cell for line in lines for cell in line.split(" | ")]
    is_short = all(len(cell) <= _CELL_MAX and (len(rows) > _ROWS_MIN or cell.count(" ") < 2) for cell in cells)
    return len({line.count(" | ") for line in lines}) == 1 and is_short and not _SHELL.search(lines[0])
