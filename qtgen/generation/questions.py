"""Question files -> questions. A row that cannot be used is a value beside the others; a file that cannot, an error.

`.csv` (comma, semicolon or tab), `.jsonl`, `.txt` (one question a line), or `-` for standard input, whose form is
told by its first line.
"""

import csv
import datetime as dt
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from qtgen.errors import Failure, QuestionFileError
from qtgen.generation.types import Question
from qtgen.page.text import FORBIDDEN, to_single_line

STDIN = Path("-")
_KINDS = (".csv", ".jsonl", ".txt")


def _not_a_flag(value: object) -> object:
    if isinstance(value, bool | float):
        raise ValueError("is no whole number")
    return value


def _written_as_a_day(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        raise ValueError("is not written as YYYY-MM-DD")
    return value.strip()


class QuestionRow(BaseModel):
    """One row as a file gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    question: str = Field(min_length=1)
    subject: str | None = None
    id: Annotated[int, BeforeValidator(_not_a_flag), Field(gt=-(10**17), lt=10**17)] | None = None
    date: Annotated[dt.date, BeforeValidator(_written_as_a_day)] | None = None
    context: str | None = None

    @field_validator("question", "subject", mode="before")
    @classmethod
    def _on_one_line(cls, value: object) -> object:
        line = to_single_line(value) if isinstance(value, str) else value
        if isinstance(line, str) and FORBIDDEN.search(line):
            raise ValueError("holds a character that no page can hold")
        return line

    @field_validator("subject", "id", "date", "context", mode="before")
    @classmethod
    def _blank_is_absent(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value


_SURPLUS = "(more cells than columns)"
COLUMNS = tuple(QuestionRow.model_fields)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no question, and why."""

    source: str
    text: str
    error: Failure


def read_questions(path: Path, stream: BinaryIO, subject: str | None = None) -> Iterator[Question | BadRow]:
    """Every row of one file, in order, read as it is asked for. `subject` is for rows that name none.

    Raises QuestionFileError, naming file, line and column, where the file as a whole cannot be read.
    """
    lines = _decoded(path, stream)
    kind = path.suffix.lower()
    if path == STDIN:
        kind, lines = _sniffed(lines)
    if kind == ".csv":
        rows = _csv_rows(path, lines)
    elif kind == ".jsonl":
        rows = _json_rows(path, lines)
    elif kind == ".txt":
        rows = ((n, {"question": line}) for n, line in enumerate(lines, 1) if line.strip())
    else:
        raise QuestionFileError(f"{path}: a question file ends in {', '.join(_KINDS)}, or is `-`")
    return (_question(f"{path}:{number}", row, subject) for number, row in rows)


def _decoded(path: Path, stream: BinaryIO) -> Iterator[str]:
    """The lines of a file, each with its end, which is a line feed."""
    number = 0
    for chunk in stream:
        text = _text(path, number, chunk)
        for line in text.removesuffix("\n").removesuffix("\r").split("\r"):  # old spreadsheets end lines so
            number += 1
            yield line + "\n"


def _text(path: Path, before: int, chunk: bytes) -> str:
    """before: lines of the file that came before."""
    if not before and chunk[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise QuestionFileError(f"{path}: is UTF-16; save it as UTF-8 (in Excel: `CSV UTF-8`)")
    try:
        return chunk.decode("utf-8" if before else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = before + 1 + chunk.count(b"\r", 0, error.start)
        byte = f"byte 0x{chunk[error.start]:02x}"
        raise QuestionFileError(
            f"{path}:{line}: not UTF-8 ({byte}); save it as UTF-8 (in Excel: `CSV UTF-8`)"
        ) from None


def _sniffed(lines: Iterator[str]) -> tuple[str, Iterator[str]]:
    """What kind of file this is, by its first line that is not empty."""
    seen = []
    for line in lines:
        seen.append(line)
        if line.strip():
            break
    first = seen[-1].strip() if seen else ""
    kind = ".jsonl" if first.startswith("{") else ".csv" if "question" in _header(first) else ".txt"
    return kind, chain(seen, lines)


def _header(first_line: str) -> list[str]:
    """Cells of the first line, at the separator that yields a column `question`."""
    return [name.strip().lower() for name in next(csv.reader([first_line], delimiter=_delimiter(first_line)), [])]


def _delimiter(first_line: str) -> str:
    for mark in ",;\t":
        if "question" in [cell.strip().lower() for cell in next(csv.reader([first_line], delimiter=mark), [])]:
            return mark
    return ","


def _csv_rows(path: Path, lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    first = next(lines, "")
    header = _header(first.rstrip("\n"))
    if "question" not in header:
        raise QuestionFileError(
            f"{path}:1: no column `question`; the first line names the columns ({', '.join(COLUMNS)})"
        )
    _check_columns(f"{path}:1", header)
    repeated = [name for name in header if header.count(name) > 1]
    if repeated:
        raise QuestionFileError(f"{path}:1: the column `{repeated[0]}` stands there twice")
    return _csv_body(path, header, csv.reader(lines, delimiter=_delimiter(first), strict=True))


def _csv_body(path: Path, header: list[str], reader: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    start = 2  # the reader counts from behind the header
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                row = dict(zip(header, cells, strict=False))
                yield start, {**row, _SURPLUS: ""} if len(cells) > len(header) else row
            start = reader.line_num + 2
    except csv.Error as error:
        unclosed = "unexpected end" in str(error)
        raise QuestionFileError(
            f"{path}:{start}: {'a quote is opened and never closed' if unclosed else error}"
        ) from None


def _json_rows(path: Path, lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise QuestionFileError(f"{path}:{number}: not JSON: {error}") from None
        if not isinstance(row, dict):
            raise QuestionFileError(f'{path}:{number}: a line must be a JSON object such as {{"question": "…"}}')
        _check_columns(f"{path}:{number}", row)
        yield number, row


def _check_columns(where: str, names: Iterable[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise QuestionFileError(f"{where}: unknown column `{unknown[0]}`; there are {', '.join(COLUMNS)}")


def _question(source: str, row: dict[str, Any], subject: str | None) -> Question | BadRow:
    try:
        checked = QuestionRow.model_validate(row)
    except ValidationError as error:
        column = str(error.errors()[0]["loc"][0])
        given = str(row.get(column) or "")
        text = str(row.get("question") or "")
        return BadRow(source, text, Failure("question", f"{source}: {_objection(column, given)}"))
    filed_under = checked.subject or subject
    if not filed_under:
        why = f"{source}: names no subject; add a column `subject`, or give --subject"
        return BadRow(source, checked.question, Failure("question", why))
    return Question(checked.question, filed_under, checked.id, checked.date, checked.context, source)


def _objection(column: str, given: str) -> str:
    """What is wrong with a cell, for whoever wrote it."""
    if column == _SURPLUS:
        return "more cells than columns; put a text that holds a comma into quotes"
    if column == "question" and not given.strip():
        return "question: is empty"
    expected = {
        "id": "must be a whole number such as 19528",
        "date": "must be a day such as 2026-01-31",
    }.get(column, "must be text without control characters")
    return f"{column}: {expected}, not `{given[:40]}`"


class QuestionFiles:
    """Question files that can be read more than once, row by row; close it, or use it as a context manager.

    stdin: what `-` stands for; it is copied to a file of its own. limit: only so many rows of all.
    """

    def __init__(self, files: Sequence[Path], subject: str | None, limit: int | None, stdin: BinaryIO) -> None:
        self._files, self._subject, self._limit = files, subject, limit
        self._stdin = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        if STDIN in files:
            shutil.copyfileobj(stdin, self._stdin)

    def __enter__(self) -> "QuestionFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stdin.close()

    def rows(self) -> Iterator[Question | BadRow]:
        """Every row of every file. Raises QuestionFileError."""
        return islice(chain.from_iterable(map(self._rows_of, self._files)), self._limit)

    def _rows_of(self, file: Path) -> Iterator[Question | BadRow]:
        try:
            if file == STDIN:
                self._stdin.seek(0)
                yield from read_questions(file, self._stdin, self._subject)
            else:
                with file.open("rb") as stream:
                    yield from read_questions(file, stream, self._subject)
        except OSError as error:
            raise QuestionFileError(f"{file}: {error.strerror}") from None
