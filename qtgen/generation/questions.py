"""Read question files. An invalid row is a value beside the valid ones; an unreadable file raises.

Formats: `.csv` (separated by commas, semicolons or tabs), `.xlsx` (the first sheet), `.jsonl`, `.txt` (one question per
line), and `-` for standard input, whose format is recognized by its first line.
"""

import csv
import datetime as dt
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from qtgen._util.text import mask_unprintable
from qtgen.errors import Failure, QuestionFileError
from qtgen.generation.types import Question
from qtgen.generation.workbooks import workbook_rows
from qtgen.page.text import FORBIDDEN, to_single_line

STDIN = Path("-")
_SUFFIXES = (".csv", ".xlsx", ".jsonl", ".txt")
_SAVE_AS_UTF8 = "save it as UTF-8 (in Excel: `CSV UTF-8`)"
_BOM_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def _reject_bool_and_float(value: object) -> object:
    if isinstance(value, bool | float):
        raise ValueError("is not a whole number")
    return value


def _require_iso_date(value: object) -> object:
    """pydantic would also accept timestamps (86400 is 1970-01-02)."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        raise ValueError("is not written as YYYY-MM-DD")
    return value.strip()


class QuestionRow(BaseModel):
    """One row of a question file, before its subject is filled in."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    question: str = Field(min_length=1)
    subject: str | None = None
    id: Annotated[int, BeforeValidator(_reject_bool_and_float), Field(gt=-(10**17), lt=10**17)] | None = None
    date: Annotated[dt.date, BeforeValidator(_require_iso_date)] | None = None
    context: str | None = None

    @field_validator("question", "subject", mode="before")
    @classmethod
    def _on_one_line(cls, value: object) -> object:
        line = to_single_line(value) if isinstance(value, str) else value
        if isinstance(line, str) and FORBIDDEN.search(line):
            raise ValueError("contains a character that a page cannot contain")
        return line

    @field_validator("subject", "id", "date", "context", mode="before")
    @classmethod
    def _blank_to_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value


COLUMNS = tuple(QuestionRow.model_fields)
_SURPLUS = "(more cells than columns)"  # the key of a row's surplus cells; not a column name anybody can write


@dataclass(frozen=True, slots=True)
class InvalidRow:
    """A row that is not a question, and why."""

    source: str
    text: str
    error: Failure


def read_questions(path: Path, stream: BinaryIO, subject: str | None = None) -> Iterator[Question | InvalidRow]:
    """Yield every row of one file, in order, while reading it.

    Args:
        path: The file's name, which decides its format, or `STDIN`.
        stream: Its contents.
        subject: Subject of rows that have none.

    Raises QuestionFileError if the file as a whole cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return (_to_question(f"{path}:{number}", row, subject) for number, row in _workbook_rows(path, stream))
    lines = _decode_lines(path, stream)
    if path == STDIN:
        suffix, lines = _recognize(lines)
    if suffix == ".csv":
        rows = _csv_rows(path, lines)
    elif suffix == ".jsonl":
        rows = _json_rows(path, lines)
    elif suffix == ".txt":
        rows = ((number, {"question": line}) for number, line in enumerate(lines, 1) if line.strip())
    else:
        raise QuestionFileError(
            f"unknown file type `{path.suffix}`", path=path, remedy=f"use {', '.join(_SUFFIXES)}, or `-` for stdin"
        )
    return (_to_question(f"{path}:{number}", row, subject) for number, row in rows)


def _decode_lines(path: Path, stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file, each ending in a line feed."""
    number = 0
    for chunk in stream:
        text = _decode(path, number, chunk)
        for line in text.removesuffix("\n").removesuffix("\r").split("\r"):  # old spreadsheets end lines with CR
            number += 1
            yield line + "\n"


def _decode(path: Path, lines_before: int, chunk: bytes) -> str:
    if not lines_before and chunk[:2] in _BOM_UTF16:
        raise QuestionFileError("is UTF-16", path=path, remedy=_SAVE_AS_UTF8)
    try:
        return chunk.decode("utf-8" if lines_before else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = lines_before + 1 + chunk.count(b"\r", 0, error.start)
        message = f"not UTF-8 (byte 0x{chunk[error.start]:02x})"
        raise QuestionFileError(message, path=f"{path}:{line}", remedy=_SAVE_AS_UTF8) from None


def _recognize(lines: Iterator[str]) -> tuple[str, Iterator[str]]:
    """Return the suffix that fits a stream's first non-empty line, and all of its lines."""
    seen = []
    for line in lines:
        seen.append(line)
        if line.strip():
            break
    first = seen[-1].strip() if seen else ""
    suffix = ".jsonl" if first.startswith("{") else ".csv" if "question" in _header(first) else ".txt"
    return suffix, chain(seen, lines)


def _header(first_line: str) -> list[str]:
    """Return the column names in the first line of a CSV file."""
    return [name.strip().lower() for name in next(csv.reader([first_line], delimiter=_delimiter(first_line)), [])]


def _delimiter(first_line: str) -> str:
    for mark in ",;\t":
        if "question" in [cell.strip().lower() for cell in next(csv.reader([first_line], delimiter=mark), [])]:
            return mark
    return ","


def _csv_rows(path: Path, lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    first = next(lines, "")
    header = _header(first.rstrip("\n"))
    _check_header(f"{path}:1", header)
    return _csv_body(path, header, csv.reader(lines, delimiter=_delimiter(first), strict=True))


def _check_header(place: str, header: list[str]) -> None:
    """Raise QuestionFileError if the column names are not those of a question file."""
    if "question" not in header:
        remedy = f"the first line must name the columns: {', '.join(COLUMNS)}"
        raise QuestionFileError("no column `question`", path=place, remedy=remedy)
    _check_columns(place, header)
    repeated = [name for name in header if header.count(name) > 1]
    if repeated:
        raise QuestionFileError(f"duplicate column `{repeated[0]}`", path=place)


def _workbook_rows(path: Path, stream: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = workbook_rows(path, stream)
    number, first = next(rows, (1, []))
    header = [name.strip().lower() for name in first]
    while header and not header[-1]:  # a cell that was formatted and never filled
        header.pop()
    _check_header(f"{path}:{number}", header)
    for line, cells in rows:
        row = dict(zip(header, cells, strict=False))
        yield line, {**row, _SURPLUS: ""} if any(cells[len(header) :]) else row


def _csv_body(path: Path, header: list[str], reader: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    line = 2  # the reader counts from the line after the header
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                row = dict(zip(header, cells, strict=False))
                yield line, {**row, _SURPLUS: ""} if len(cells) > len(header) else row
            line = reader.line_num + 2
    except csv.Error as error:
        message = "unclosed quote" if "unexpected end" in str(error) else str(error)
        raise QuestionFileError(message, path=f"{path}:{line}") from None


def _json_rows(path: Path, lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise QuestionFileError(f"not JSON: {error}", path=f"{path}:{number}") from None
        if not isinstance(row, dict):
            remedy = 'each line must be a JSON object such as {"question": "…"}'
            raise QuestionFileError("not a JSON object", path=f"{path}:{number}", remedy=remedy)
        _check_columns(f"{path}:{number}", row)
        yield number, row


def _check_columns(place: str, names: Iterable[str]) -> None:
    unknown = next((name for name in names if name not in COLUMNS), None)
    if unknown is None:
        return
    near = get_close_matches(unknown, COLUMNS, n=1)
    remedy = f"did you mean `{near[0]}`?" if near else f"the columns are {', '.join(COLUMNS)}"
    raise QuestionFileError(f"unknown column `{mask_unprintable(unknown)}`", path=place, remedy=remedy)


def _to_question(source: str, row: dict[str, Any], subject: str | None) -> Question | InvalidRow:
    try:
        valid = QuestionRow.model_validate(row)
    except ValidationError as error:
        column = str(error.errors()[0]["loc"][0])
        text = str(row.get("question") or "")
        message = f"{source}: {_explain_cell(column, str(row.get(column) or ''))}"
        return InvalidRow(source, text, Failure("question", message))
    row_subject = valid.subject or subject
    if not row_subject:
        message = f"{source}: no subject; add a column `subject`, or set a subject for all questions"
        return InvalidRow(source, valid.question, Failure("question", message))
    return Question(valid.question, row_subject, valid.id, valid.date, valid.context, source)


def _explain_cell(column: str, value: str) -> str:
    """Return what is wrong with a cell, for the file's author."""
    if column == _SURPLUS:
        return "more cells than columns; quote a text that contains a comma"
    if column == "question" and not value.strip():
        return "question: is empty"
    expected = {
        "id": "must be a whole number such as 19528",
        "date": "must be a day such as 2026-01-31",
    }.get(column, "must be text without control characters")
    return f"{column}: {expected}, not `{mask_unprintable(value[:40])}`"


class QuestionFiles:
    """Question files that can be read several times, row by row. Close it, or use it as a context manager.

    Args:
        files: Paths; `STDIN` stands for standard input, which is copied to a temporary file.
        subject: Subject of rows that have none.
        limit: Maximum number of rows, over all files.
        stdin: The stream that `STDIN` stands for.
    """

    def __init__(self, files: Sequence[Path], subject: str | None, limit: int | None, stdin: BinaryIO) -> None:
        self._files, self._subject, self._limit = files, subject, limit
        self._stdin = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()
        if STDIN in files:
            shutil.copyfileobj(stdin, self._stdin)

    def __enter__(self) -> "QuestionFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the copy of standard input."""
        self._stdin.close()

    def rows(self) -> Iterator[Question | InvalidRow]:
        """Yield every row of every file. Raises QuestionFileError."""
        return islice(chain.from_iterable(map(self._rows_of, self._files)), self._limit)

    def _rows_of(self, file: Path) -> Iterator[Question | InvalidRow]:
        try:
            if file == STDIN:
                self._stdin.seek(0)
                yield from read_questions(file, self._stdin, self._subject)
            else:
                with file.open("rb") as stream:
                    yield from read_questions(file, stream, self._subject)
        except OSError as error:
            raise QuestionFileError(error.strerror or str(error), path=file) from None
