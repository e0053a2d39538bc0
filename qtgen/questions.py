"""Question files -> questions. A row that cannot be used is a value beside the others; a file that cannot, an error.

`.csv` (comma, semicolon or tab), `.jsonl`, `.txt` (one question a line), or `-` for standard input, whose form is
told by its first line.
"""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from qtgen.errors import QuestionFileError
from qtgen.page.text import one_line
from qtgen.records import Failure, Question

STDIN = Path("-")
_KINDS = (".csv", ".jsonl", ".txt")


class Row(BaseModel):
    """One row as a file gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    question: str = Field(min_length=1)
    subject: str | None = None
    id: int | None = None
    date: dt.date | None = None
    context: str | None = None

    @field_validator("question", "subject", mode="before")
    @classmethod
    def _on_one_line(cls, value: object) -> object:
        return one_line(value) if isinstance(value, str) else value

    @field_validator("subject", "id", "date", "context", mode="before")
    @classmethod
    def _blank_is_absent(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value


COLUMNS = tuple(Row.model_fields)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no question, and why."""

    source: str
    text: str
    error: Failure


def read_questions(path: Path, raw: bytes, subject: str | None = None) -> Iterator[Question | BadRow]:
    """Every row of one file, in order. `subject` is for rows that name none.

    Raises QuestionFileError, naming file, line and column, where the file as a whole cannot be read.
    """
    text = _decode(path, raw)
    kind = path.suffix.lower() if path != STDIN else _sniff(text)
    if kind == ".csv":
        rows = _csv_rows(path, text)
    elif kind == ".jsonl":
        rows = _json_rows(path, text)
    elif kind == ".txt":
        rows = ((n, {"question": line}) for n, line in enumerate(text.splitlines(), 1) if line.strip())
    else:
        raise QuestionFileError(f"{path}: a question file ends in {', '.join(_KINDS)}, or is `-`")
    return (_question(f"{path}:{number}", row, subject) for number, row in rows)


def _decode(path: Path, raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise QuestionFileError(f"{path}: is UTF-16; save it as UTF-8 (in Excel: `CSV UTF-8`)")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{raw[error.start]:02x}"
        raise QuestionFileError(
            f"{path}:{line}: not UTF-8 ({byte}); save it as UTF-8 (in Excel: `CSV UTF-8`)"
        ) from None


def _sniff(text: str) -> str:
    first = text.lstrip().partition("\n")[0]
    if first.startswith("{"):
        return ".jsonl"
    return ".csv" if "question" in _header(first) else ".txt"


def _header(first_line: str) -> list[str]:
    """Cells of the first line, at the separator that yields a column `question`."""
    return [name.strip().lower() for name in next(csv.reader([first_line], delimiter=_delimiter(first_line)), [])]


def _delimiter(first_line: str) -> str:
    for mark in ",;\t":
        if "question" in [cell.strip().lower() for cell in next(csv.reader([first_line], delimiter=mark), [])]:
            return mark
    return ","


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    first = text.partition("\n")[0].strip("\r")
    header = _header(first)
    _check_columns(f"{path}:1", header)
    if "question" not in header:
        raise QuestionFileError(
            f"{path}:1: no column `question`; the first line must name the columns ({', '.join(COLUMNS)})"
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(first), strict=True)
    next(reader)
    return _csv_body(path, header, reader)


def _csv_body(path: Path, header: list[str], reader: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    start = 2
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                surplus = (
                    {"(more cells than columns: is a comma unquoted?)": cells[-1]} if len(cells) > len(header) else {}
                )
                yield start, {**dict(zip(header, cells, strict=False)), **surplus}
            start = reader.line_num + 1
    except csv.Error as error:
        raise QuestionFileError(f"{path}:{start}: {error}") from None


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
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
        checked = Row.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        column = first["loc"][0]
        empty = column == "question" and not str(row.get("question") or "").strip()
        message = f"{column}: {'is empty' if empty else first['msg'].lower()}"
        return BadRow(source, str(row.get("question") or ""), Failure("question", f"{source}: {message}"))
    filed_under = checked.subject or subject
    if not filed_under:
        why = f"{source}: names no subject; add a column `subject`, or give --subject"
        return BadRow(source, checked.question, Failure("question", why))
    return Question(checked.question, filed_under, checked.id, checked.date, checked.context, source)
