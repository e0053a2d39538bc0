"""Read the rows of an Excel workbook (`.xlsx`) as text, so that they can be treated like the rows of a CSV file."""

import datetime as dt
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

from qtgen._util.extras import require
from qtgen._util.text import enumeration, mask_unprintable
from qtgen.errors import QuestionFileError
from qtgen.generation.question_lines import OLD_WORKBOOK

_HEADER_WITHIN = 10  # rows with text; a title may stand above the columns
_CHUNK = 1 << 20
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # how Excel saves a carriage return: `_x000D_`
_REMEDY = "save it as .xlsx or .csv"

Rows = Iterator[tuple[int, list[str]]]
IsHeader = Callable[[Sequence[str]], bool]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet of a workbook that has the questions.

    Args:
        name: Its name; empty if it is the first sheet.
        rows: The number and the cells of each row with text, from the header on.
        ignored: Names of later sheets that have questions too.
    """

    name: str
    rows: Rows
    ignored: Sequence[str]


def read_workbook(path: Path, stream: BinaryIO, is_header: IsHeader) -> Sheet:
    """Return the first visible sheet that has a header among its first rows. If there is none, return the first one.

    Formulas count by the value that was saved; a formula without a saved value is a cell with its text. Dates become
    `YYYY-MM-DD`. Raises QuestionFileError if the file is not a workbook, and MissingExtra without the `excel` extra.
    """
    require("a question file in .xlsx", "excel", "openpyxl")
    _check_format(path, stream)
    with _one_line_errors(path):
        books = [_open(stream, values=True)]
        if _has_formulas(stream):
            books.append(_open(stream, values=False))
    visible = [sheet for sheet in books[0].worksheets if sheet.sheet_state == "visible"]
    with_header = [sheet.title for sheet in visible if _start_rows(path, [sheet], is_header)]
    if not with_header:
        hidden = [sheet.title for sheet in books[0].worksheets if sheet not in visible]
        _check_hidden(path, [name for name in hidden if _start_rows(path, [books[0][name]], is_header)])
        with_header = [sheet.title for sheet in visible[:1]]
    if not with_header:
        raise QuestionFileError("has no visible sheet", path=path, remedy=_REMEDY)
    chosen = with_header[0]
    sheets = [book[chosen] for book in books]
    rows = _start_rows(path, sheets, is_header) or _rows(path, sheets)
    return Sheet("" if chosen == books[0].sheetnames[0] else chosen, rows, with_header[1:])


def _check_format(path: Path, stream: BinaryIO) -> None:
    beginning = stream.read(len(OLD_WORKBOOK))
    stream.seek(0)
    if beginning == OLD_WORKBOOK:
        message = "is an old Excel workbook (.xls), or has a password"
        raise QuestionFileError(message, path=path, remedy="save it as .xlsx without a password")


def _check_hidden(path: Path, names: Sequence[str]) -> None:
    """Raise QuestionFileError if only hidden sheets have questions."""
    if names:
        shown = enumeration([f"`{mask_unprintable(name)}`" for name in names])
        message = f"only a hidden sheet has a column `question` ({shown})"
        raise QuestionFileError(message, path=path, remedy="show the sheet in Excel, or save it as CSV UTF-8")


def _open(stream: BinaryIO, *, values: bool) -> Any:
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns about features of Excel that it does not keep
        return load_workbook(stream, read_only=True, data_only=values)


def _has_formulas(stream: BinaryIO) -> bool:
    """Return whether a sheet has a formula. Reading the formulas takes as long as reading the values."""
    with ZipFile(stream) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as sheet:
                    tail = b""
                    while chunk := sheet.read(_CHUNK):
                        if _FORMULA.search(tail + chunk):
                            return True
                        tail = chunk[-20:]
    return False


def _start_rows(path: Path, sheets: Sequence[Any], is_header: IsHeader) -> Rows | None:
    """Return the rows of a sheet from its header on, or None if it has no header."""
    rows = _rows(path, sheets)
    for number, cells in islice(rows, _HEADER_WITHIN):
        if is_header(cells):
            return chain([(number, cells)], rows)
    return None


def _rows(path: Path, sheets: Sequence[Any]) -> Rows:
    """Yield the rows with text. The second sheet, if there is one, has formulas instead of values."""
    with _one_line_errors(path):
        for sheet in sheets:
            sheet.reset_dimensions()  # some programs save wrong ones
        rows = [sheet.iter_rows(values_only=True) for sheet in sheets]
        for number, versions in enumerate(zip(*rows, strict=False), 1):
            cells = [_text(value) for value in versions[0]]
            if len(versions) > 1:
                cells = _with_formulas(cells, versions[1])
            if any(cell.strip() for cell in cells):
                yield number, cells


def _with_formulas(cells: list[str], formulas: Sequence[Any]) -> list[str]:
    """Return the cells, with its formula for each cell that has no saved value."""
    both = zip(cells, formulas, strict=False)
    return [cell or (str(formula) if _is_formula(formula) else "") for cell, formula in both]


def _is_formula(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("=") and len(value) > 1


@contextmanager
def _one_line_errors(path: Path) -> Iterator[None]:
    """Raise QuestionFileError for whatever openpyxl raises for a file that is no workbook or is damaged."""
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        yield
    except (BadZipFile, InvalidFileException, zlib.error, EOFError, SyntaxError) as error:
        raise QuestionFileError("not an Excel workbook", path=path, remedy=_REMEDY) from error
    # openpyxl does not check what it reads, so a damaged file raises whatever its code happens to raise.
    except (ArithmeticError, AttributeError, LookupError, NotImplementedError, OSError, TypeError, ValueError) as error:
        raise QuestionFileError("not an Excel workbook", path=path, remedy=_REMEDY) from error


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # Excel stores every number as a float
    if isinstance(value, str):
        return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)
    return str(value)
