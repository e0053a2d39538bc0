"""Read the rows of tables: their column names, and CSV as spreadsheets write it. An unreadable row is a value."""

import csv
import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from qtgen._util.setting_types import QUESTION_COLUMNS
from qtgen._util.text import mask_unprintable
from qtgen.errors import QuestionFileError
from qtgen.generation.question_text import without_list_mark
from qtgen.page.invisible import normalize

_CELL_MAX = 10_000_000  # characters; an unclosed quote would otherwise read a whole file into one cell
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;]*', re.IGNORECASE)  # a spreadsheet may fill it up with empty cells
_TYPOGRAPHIC = re.compile("^[“„«‟‘‚]|[”“»’]$")
_OPENING, _CLOSING = "“„«‟", "”“»"
_BLANK = ' \t\r\n,;"'
_AROUND = " \r\n"  # a tab may be the separator itself
_SHOWN = 200  # characters of a record that could not be read
_SAME_LIMIT = threading.Lock()


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table: its values by column name, or why it has none.

    Args:
        number: The line or row that it begins in, from 1.
        values: Its values by column.
        fault: What is wrong with the row, and the remedy; empty if it could be read.
    """

    number: int
    values: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record of a CSV file whose quotes are wrong: its beginning, and what is wrong."""

    text: str
    fault: str


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a table, in order. A column without a name is an empty string."""

    columns: Sequence[str]
    delimiter: str = ","

    def row(self, number: int, cells: Sequence[str]) -> TableRow:
        """Return the row that has these cells."""
        values = {name: cell for name, cell in zip_longest(self.columns, cells, fillvalue="") if name}
        if question := values.get("question"):
            values["question"] = without_list_mark(question)
        return TableRow(number, values, self._fault(cells))

    def _fault(self, cells: Sequence[str]) -> str:
        surplus = any(cell.strip() for cell in cells[len(self.columns) :])
        if surplus:
            mark = _DELIMITERS.get(self.delimiter, f"`{self.delimiter}`")
            if any(_TYPOGRAPHIC.search(cell.strip()) for cell in cells):
                return f'“ and ” are not quotes of CSV; write " before and after a text that contains a {mark}'
            return f"more cells than columns; quote a text that contains a {mark}"
        for number, (name, cell) in enumerate(zip(self.columns, cells, strict=False), 1):
            if not name and cell.strip():
                return f"column {number} has a text but no name; name the column, or empty the cell"
        return ""


def column_name(name: object) -> str:
    """Return a column name in the form in which names are compared."""
    return normalize(str(name)).lower()


def is_header(cells: Iterable[str], columns: Mapping[str, str]) -> bool:
    """Return whether cells name the column `question`, under this name or the one that `columns` maps to it."""
    return any(_target(cell, columns) == "question" for cell in cells)


def _target(cell: str, columns: Mapping[str, str]) -> str:
    name = column_name(cell)
    return next((target for source, target in columns.items() if column_name(source) == name), name)


def read_header(place: str, cells: Sequence[str], columns: Mapping[str, str], delimiter: str = ",") -> Header:
    """Return the columns of a table. Raises QuestionFileError if they are not those of a question file.

    Args:
        place: The file and the line.
        cells: The cells of the first row.
        columns: Columns by the names that the file has for them.
        delimiter: What separates cells.
    """
    names = [_target(cell, columns) for cell in cells]
    while names and not names[-1]:  # a spreadsheet saves columns that were once used
        names.pop()
    sources = {column_name(cell) for cell in cells}
    for source, target in columns.items():
        if column_name(source) not in sources and target not in names:
            known = ", ".join(mask_unprintable(cell.strip()) for cell in cells if cell.strip()) or "none"
            message = f"no column `{mask_unprintable(source)}`, which `columns` maps to `{target}`"
            raise QuestionFileError(message, path=place, remedy=f"the columns of the file are {known}")
    if "question" not in names:
        remedy = (
            f"the first line must name the columns: {', '.join(QUESTION_COLUMNS)}; `columns` maps other names to these"
        )
        raise QuestionFileError("no column `question`", path=place, remedy=remedy)
    if fault := unknown_column(filter(None, names)):
        raise QuestionFileError(fault[0], path=place, remedy=fault[1])
    repeated = [name for name in names if name and names.count(name) > 1]
    if repeated:
        raise QuestionFileError(f"duplicate column `{repeated[0]}`", path=place)
    return Header(names, delimiter)


def unknown_column(names: Iterable[str]) -> tuple[str, str] | None:
    """Return a message about the first name that is no column, and the remedy, or None."""
    unknown = next((name for name in names if name not in QUESTION_COLUMNS), None)
    if unknown is None:
        return None
    near = get_close_matches(unknown, QUESTION_COLUMNS, n=1)
    remedy = f"did you mean `{near[0]}`?" if near else f"the columns are {', '.join(QUESTION_COLUMNS)}"
    return f"unknown column `{mask_unprintable(unknown[:80])}`", remedy


def rename_keys(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Return a JSON object with the columns' names for its keys."""
    return {columns.get(key, key): value for key, value in row.items()} if columns else dict(row)


def is_csv_header(line: str, columns: Mapping[str, str]) -> bool:
    """Return whether a line is the first one of a CSV file."""
    declared = _SEPARATOR_LINE.fullmatch(line.strip(_AROUND))
    return bool(declared) or is_header(_split(line.strip(), _delimiter(line, columns)), columns)


def csv_rows(path: Path, lines: Iterator[str], columns: Mapping[str, str]) -> Iterator[TableRow]:
    """Yield the rows of a CSV file that have text. Raises QuestionFileError if its header is wrong."""
    number, first = 1, next(lines, "")
    declared = _SEPARATOR_LINE.fullmatch(first.strip(_AROUND))
    if declared:
        number, first = 2, next(lines, "")
    while first and not first.strip(_BLANK):
        number, first = number + 1, next(lines, "")
    delimiter = declared[1] if declared else _delimiter(first, columns)
    records = CsvRecords(chain([first], lines), number, delimiter)
    line, cells = next(records)
    if isinstance(cells, BadRecord):
        raise QuestionFileError(cells.fault, path=f"{path}:{line}")
    header = read_header(f"{path}:{number}", cells, columns, delimiter)
    return _body(header, records)


def _body(header: Header, records: Iterator[tuple[int, list[str] | BadRecord]]) -> Iterator[TableRow]:
    for number, cells in records:
        if isinstance(cells, BadRecord):
            yield TableRow(number, {"question": cells.text}, cells.fault)
        elif any(cell.strip() for cell in cells):
            row = header.row(number, cells)
            yield TableRow(number, row.values, row.fault or _quote_fault(str(row.values.get("question", ""))))


def _quote_fault(question: str) -> str:
    """Return what is wrong with a question in typographic quotes, which the writer took for quotes of CSV."""
    question = question.strip()
    if question[:1] in _OPENING and question and not any(mark in question[1:-1] for mark in _CLOSING):
        return 'question: “ and ” are not quotes of CSV; write " before and after the text, or leave them out'
    return ""


def _delimiter(first_line: str, columns: Mapping[str, str]) -> str:
    """Return what separates the cells of a header: the first mark that gives a column `question`."""
    return next((mark for mark in _DELIMITERS if is_header(_split(first_line.strip(), mark), columns)), ",")


def _split(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line, as far as they can be read."""
    with _long_cells():
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let the `csv` module read long cells. Its limit belongs to the whole process, so it is restored at once."""
    with _SAME_LIMIT:
        before = csv.field_size_limit(_CELL_MAX)
        try:
            yield
        finally:
            csv.field_size_limit(before)


class CsvRecords:
    """The records of a CSV file, each with its first line: its cells, or what is wrong with it.

    After a record with wrong quotes, the next line is read as a record of its own, so one row does not take others with
    it. If a later line closes the quote, the lines up to it belong to the wrong record.

    Args:
        lines: The lines, each ending in a line feed.
        number: The number of the first line.
        delimiter: What separates cells.
    """

    def __init__(self, lines: Iterator[str], number: int, delimiter: str) -> None:
        self._lines, self._number, self._delimiter = lines, number, delimiter
        self._returned: deque[str] = deque()
        mark = re.escape(delimiter)
        self._opening = re.compile(rf'(?:^|{mark}) *"')
        self._closing = re.compile(rf'" *(?:{mark}[^"]*)?$')

    def __iter__(self) -> Iterator[tuple[int, list[str] | BadRecord]]:
        return self

    def __next__(self) -> tuple[int, list[str] | BadRecord]:
        number, first = self._number, self._next_line()
        if '"' not in first:
            return number, first.rstrip("\n").split(self._delimiter)
        taken = [first]
        try:
            with _long_cells():
                return number, next(self._reader(taken))
        except csv.Error:
            return number, BadRecord(first[:_SHOWN].strip(_BLANK), self._fault(number, taken))

    def _next_line(self, default: str | None = None) -> str:
        """Return the next line. After the last one, return `default`, or raise StopIteration if there is none."""
        line = self._returned.popleft() if self._returned else next(self._lines, default)
        if line is None:
            raise StopIteration
        self._number += line is not default
        return line

    def _return_line(self, line: str) -> None:
        self._returned.appendleft(line)
        self._number -= 1

    def _reader(self, taken: list[str]) -> Iterator[list[str]]:
        def feed() -> Iterator[str]:
            yield taken[0]
            for line in iter(lambda: self._next_line(""), ""):
                taken.append(line)
                yield line

        return csv.reader(feed(), delimiter=self._delimiter, skipinitialspace=True, strict=True)

    def _fault(self, number: int, taken: list[str]) -> str:
        """Return what is wrong with a record, and return all lines that may be rows of their own."""
        for line in reversed(taken[1:]):
            self._return_line(line)
        message = 'unclosed quote; close it, and double each quote inside a quoted text ("")'
        if len(taken) == 1 and taken[0].count('"') > 1:
            message = 'a quote inside a quoted text; double it ("")'
        if taken[0].count('"') % 2 and self._skip_rest():
            message += f" (lines {number} to {self._number - 1})"
        return message

    def _skip_rest(self) -> bool:
        """Skip the lines up to the one that closes the quote of a wrong record. Return False if there is none."""
        passed = []
        for line in iter(lambda: self._next_line(""), ""):
            passed.append(line)
            if '"' not in line:
                continue
            if self._opening.search(line):  # a row of its own
                break
            if line.count('"') % 2 and self._closing.search(line):
                return True
        for line in reversed(passed):
            self._return_line(line)
        return False
