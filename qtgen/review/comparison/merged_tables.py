"""Merge two versions of a table, cell by cell."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from qtgen.page.markdown.tables import split_row
from qtgen.review.comparison.merged_words import Kind, merge_words
from qtgen.review.types import Mark

_ROWS_MAX = 1_000

Cell = tuple[str, Sequence[Mark]]
Row = tuple[str, ...]


def merge_tables(old: str, new: str) -> tuple[str, list[Mark]] | None:
    """Return a table with the cells of both versions, or None if their columns differ."""
    old_rows, new_rows = _rows(old), _rows(new)
    if len(old_rows[0]) != len(new_rows[0]) or old_rows[1] != new_rows[1]:
        return None
    if max(len(old_rows), len(new_rows)) > _ROWS_MAX:
        return None
    columns = len(new_rows[0])
    text, marks = "", []
    for number, row in enumerate(_merged_rows(old_rows, new_rows, columns)):
        text += "\n|" if number else "|"
        for cell, cell_marks in row:
            start = len(text) + 1
            marks += [Mark(start + mark.start, start + mark.end, mark.kind) for mark in cell_marks]
            text += f" {cell} |"
    return text, marks


def _rows(table: str) -> list[Row]:
    return [tuple(line[slice(*cell)] for cell in split_row(line, 0, len(line))) for line in table.split("\n")]


def _merged_rows(old: Sequence[Row], new: Sequence[Row], columns: int) -> Iterator[list[Cell]]:
    """Yield the header, the dashes, and the other rows in order."""
    yield [_merged_cell(*cells) for cells in zip(old[0], new[0], strict=True)]
    yield _unmarked_row(new[1])
    old, new = old[2:], new[2:]
    for kind, first, last, new_first, new_last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (_unmarked_row(row[:columns]) for row in new[new_first:new_last])
        elif last - first == new_last - new_first:
            for row, new_row in zip(old[first:last], new[new_first:new_last], strict=True):
                cells = zip_longest(row[:columns], new_row[:columns], fillvalue="")
                yield [_merged_cell(*pair) for pair in cells]
        else:
            yield from (_marked_row(row[:columns], "del") for row in old[first:last])
            yield from (_marked_row(row[:columns], "ins") for row in new[new_first:new_last])


def _unmarked_row(row: Row) -> list[Cell]:
    return [(cell, ()) for cell in row]


def _marked_row(row: Row, kind: Kind) -> list[Cell]:
    return [_marked_cell(cell, kind) for cell in row]


def _marked_cell(cell: str, kind: Kind) -> Cell:
    return cell, [Mark(0, len(cell), kind)] if cell else []


def _merged_cell(old: str, new: str) -> Cell:
    if old == new:
        return new, []
    if not old or not new:
        return _marked_cell(old or new, "del" if old else "ins")
    merged = merge_words(old, new)
    if merged is not None:
        return merged
    return f"{old} {new}", [Mark(0, len(old), "del"), Mark(len(old) + 1, len(old) + 1 + len(new), "ins")]
