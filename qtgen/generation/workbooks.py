"""Read the rows of an Excel workbook (`.xlsx`) as text, so that they can be treated like the rows of a CSV file."""

import datetime as dt
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

from qtgen._util.extras import require
from qtgen.errors import QuestionFileError


def workbook_rows(path: Path, stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each row of the first sheet that has text in it.

    Formulas count by the value that Excel saved. Dates become `YYYY-MM-DD`. Raises QuestionFileError if the file is not
    a workbook, and MissingExtra without the `excel` extra.
    """
    require("a question file in .xlsx", "excel", "openpyxl")
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns about features of Excel that it does not keep
            workbook = load_workbook(stream, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        raise QuestionFileError("not an Excel workbook", path=path, remedy="save it as .xlsx or .csv") from None
    try:
        sheet = workbook.worksheets[0]
        for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
            cells = [_text(value) for value in row]
            if any(cell.strip() for cell in cells):
                yield number, cells
    finally:
        workbook.close()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # Excel stores every number as a float
    return str(value)
