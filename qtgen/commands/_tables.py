"""Tables for people. No cell is ever broken inside a word, however narrow the terminal is."""

import os
import sys
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from qtgen._util.text import escape_controls, one_line
from qtgen.commands._echo import echo

_FILE_WIDTH = 160  # a file has no edge; this keeps its lines readable
_GAP = 2  # columns of space between two cells


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> None:
    """Print a table on stdout, or one block of `header  value` lines per row if the terminal is too narrow for it.

    Args:
        headers: The names of the columns.
        rows: The cells, as many per row as there are headers.
        left: Number of columns that are aligned to the left; the others contain figures.
    """
    rows = [[one_line(cell) for cell in row] for row in rows]
    console = _console()
    columns = [*zip(headers, *rows, strict=True)]
    widths = _fit([max(map(cell_len, cells)) for cells in columns], [*map(_longest_word, columns)], console.width)
    if widths:
        _print(console, _table(headers, rows, widths, left))
        return
    for number, row in enumerate(rows):
        if number:
            echo()
        _print(console, _grid([(header, cell) for header, cell in zip(headers, row, strict=True) if cell]))


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print a line for each name and its value on stdout. Long values wrap between words."""
    _print(_console(), _grid([(one_line(name), one_line(value)) for name, value in facts]))


def print_text(text: str) -> None:
    """Print a paragraph on stdout. Long lines wrap between words."""
    _print(_console(), Text(escape_controls(text)))


def _console() -> Console:
    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, color_system=None, width=None if has_width else _FILE_WIDTH)


def _print(console: Console, renderable: RenderableType) -> None:
    with console.capture() as capture:
        console.print(renderable)
    for line in capture.get().splitlines():
        echo(line.rstrip())


def _longest_word(cells: Sequence[str]) -> int:
    return max((cell_len(word) for cell in cells for word in cell.split()), default=0)


def _fit(wanted: Sequence[int], least: Sequence[int], available: int) -> list[int]:
    """Return the width of each column, taking space from the widest ones first; empty if they cannot all fit.

    Args:
        wanted: The width of each column without wrapping.
        least: The width of the longest word in each column.
        available: The width of the terminal.
    """
    available -= _GAP * (len(wanted) - 1)
    if sum(least) > available:
        return []
    widths = [*wanted]
    while sum(widths) > available:
        shrinkable = [number for number, width in enumerate(widths) if width > least[number]]
        widths[max(shrinkable, key=widths.__getitem__)] -= 1
    return widths


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], left: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0))
    for number, (header, width) in enumerate(zip(headers, widths, strict=True)):
        table.add_column(header, justify="left" if number < left else "right", width=width)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _grid(facts: Sequence[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")  # a word that is wider than the terminal is broken, not cut
    for name, value in facts:
        grid.add_row(Text(name), Text(value))
    return grid
