"""Read question files. An invalid row is a value beside the valid ones; an unreadable file raises.

Formats: `.csv` (separated by commas, semicolons or tabs), `.xlsx` (the first sheet with a column `question`), `.jsonl`,
`.txt` (one question per line), and `-` for standard input, whose format is recognized by its beginning.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from qtgen._util.text import enumeration, mask_unprintable
from qtgen.errors import Failure, QuestionFileError
from qtgen.generation.question_lines import WORKBOOK, decode_lines
from qtgen.generation.question_rows import QuestionRow, explain_cell
from qtgen.generation.question_tables import (
    TableRow,
    csv_rows,
    is_csv_header,
    is_header,
    read_header,
    rename_keys,
    unknown_column,
)
from qtgen.generation.question_text import without_list_mark
from qtgen.generation.types import Question
from qtgen.generation.workbooks import read_workbook
from qtgen.page.invisible import normalize

STDIN = Path("-")
_SUFFIXES = (".csv", ".xlsx", ".jsonl", ".txt")
_SAVE_AS = {".xls": ".xlsx", ".xlsm": ".xlsx", ".xlsb": ".xlsx", ".ods": ".xlsx", ".numbers": ".xlsx", ".tsv": ".csv"}
_JSON_LINE = 'each line must be a JSON object such as {"question": "…"}'
_FIRST_ROWS = 1_000  # one of them must be readable, or the file is no JSON Lines
_SHOWN = 200  # characters of a row that could not be read


@dataclass(frozen=True, slots=True)
class InvalidRow:
    """A row that is not a question, and why."""

    source: str
    text: str
    error: Failure


def read_questions(
    path: Path,
    stream: BinaryIO,
    subject: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    on_note: Callable[[str], None] = lambda _: None,
) -> Iterator[Question | InvalidRow]:
    """Yield every row of one file, in order, while reading it.

    Args:
        path: The file's name, which decides its format, or `STDIN`.
        stream: Its contents.
        subject: Subject of rows that have none; an empty text if pages need no subject.
        columns: Columns by the names that the file has for them: `{"Frage": "question"}`.
        on_note: Receives what the reader of the file should know: sheets that are not read.

    Raises QuestionFileError if the file as a whole cannot be read.
    """
    place, rows = _table_rows(path, stream, columns or {}, on_note)
    return (_to_question(f"{place}:{row.number}", row, subject) for row in rows)


def _table_rows(
    path: Path, stream: BinaryIO, columns: Mapping[str, str], on_note: Callable[[str], None]
) -> tuple[str, Iterator[TableRow]]:
    """Return the name that precedes a row's number in messages, and the rows."""
    suffix = path.suffix.lower()
    if suffix == ".xlsx" or (path == STDIN and _is_workbook(stream)):
        return _workbook_rows(path, stream, columns, on_note)
    lines = decode_lines(path, stream)
    if path == STDIN:
        suffix, lines = _recognize(lines, columns)
    if suffix == ".csv":
        return str(path), csv_rows(path, lines, columns)
    if suffix == ".jsonl":
        return str(path), _json_rows(path, lines, columns)
    if suffix == ".txt":
        numbered = enumerate(lines, 1)
        return str(path), (_text_row(number, line) for number, line in numbered if line.strip())
    remedy = f"save it as {_SAVE_AS[suffix]}" if suffix in _SAVE_AS else f"use {', '.join(_SUFFIXES)}, or `-` for stdin"
    raise QuestionFileError(f"unknown file type `{path.suffix}`", path=path, remedy=remedy)


def _text_row(number: int, line: str) -> TableRow:
    return TableRow(number, {"question": without_list_mark(line)})


def _is_workbook(stream: BinaryIO) -> bool:
    if not stream.seekable():
        return False
    beginning = stream.read(len(WORKBOOK))
    stream.seek(0)
    return beginning == WORKBOOK


def _recognize(lines: Iterator[str], columns: Mapping[str, str]) -> tuple[str, Iterator[str]]:
    """Return the suffix that fits a stream's first non-empty line, and all of its lines."""
    seen = []
    for line in lines:
        seen.append(line)
        if line.strip():
            break
    first = seen[-1].strip() if seen else ""
    suffix = ".jsonl" if first.startswith("{") else ".csv" if is_csv_header(first, columns) else ".txt"
    return suffix, chain(seen, lines)


def _workbook_rows(
    path: Path, stream: BinaryIO, columns: Mapping[str, str], on_note: Callable[[str], None]
) -> tuple[str, Iterator[TableRow]]:
    sheet = read_workbook(path, stream, lambda cells: is_header(cells, columns))
    place = f"{path}:{mask_unprintable(sheet.name)}" if sheet.name else str(path)
    if sheet.ignored:
        names = enumeration([f"`{mask_unprintable(name)}`" for name in sheet.ignored])
        on_note(f"{place}: other sheets with a column `question` are not read ({names}); save each as a file")
    number, first = next(sheet.rows, (1, []))
    header = read_header(f"{place}:{number}", first, columns)
    return place, (header.row(line, cells) for line, cells in sheet.rows)


def _json_rows(path: Path, lines: Iterator[str], columns: Mapping[str, str]) -> Iterator[TableRow]:
    """Yield the rows of a JSON Lines file. Raises QuestionFileError if none of its first rows can be read."""
    rows = (_json_row(number, line, columns) for number, line in enumerate(lines, 1) if line.strip())
    first_rows = []
    for row in rows:
        first_rows.append(row)
        if not row.fault or len(first_rows) == _FIRST_ROWS:
            break
    if first_rows and first_rows[-1].fault:
        message, _, remedy = first_rows[0].fault.partition("; ")
        raise QuestionFileError(message, path=f"{path}:{first_rows[0].number}", remedy=remedy or _JSON_LINE)
    return chain(first_rows, rows)


def _json_row(number: int, line: str, columns: Mapping[str, str]) -> TableRow:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        return TableRow(number, fault=f"not JSON: {error}")
    if not isinstance(data, dict):
        return TableRow(number, fault=f"not a JSON object; {_JSON_LINE}")
    row = rename_keys(data, columns)
    unknown = unknown_column(row)
    return TableRow(number, row, "; ".join(unknown or ()))


def _to_question(source: str, row: TableRow, subject: str | None) -> Question | InvalidRow:
    question = row.values.get("question")
    if row.fault:
        text = question if isinstance(question, str) else ""
        return InvalidRow(source, normalize(text)[:_SHOWN], Failure("question", f"{source}: {row.fault}"))
    try:
        valid = QuestionRow.model_validate(row.values)
    except ValidationError as error:
        text = str(question or "")
        return InvalidRow(source, text, Failure("question", f"{source}: {explain_cell(error, row.values)}"))
    row_subject = valid.subject or subject
    if row_subject is None:
        remedy = "fill the cell" if "subject" in row.values else "add a column `subject`"
        message = f"{source}: no subject; {remedy}, or set a subject for all questions"
        return InvalidRow(source, valid.question, Failure("question", message))
    return Question(valid.question, normalize(row_subject), valid.id, valid.date, valid.context, source)


class QuestionFiles:
    """Question files that can be read several times, row by row. Close it, or use it as a context manager.

    Args:
        files: Paths; `STDIN` stands for standard input, which is copied to a temporary file.
        subject: Subject of rows that have none; an empty text if pages need no subject.
        limit: Maximum number of rows, over all files.
        stdin: The stream that `STDIN` stands for.
        columns: Columns by the names that the files have for them.
    """

    def __init__(
        self,
        files: Sequence[Path],
        subject: str | None,
        limit: int | None,
        stdin: BinaryIO,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        self._files, self._subject, self._limit, self._columns = files, subject, limit, columns
        self._notes: dict[str, None] = {}
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

    @property
    def notes(self) -> Sequence[str]:
        """What the reader of the files should know, as far as they were read."""
        return [*self._notes]

    def rows(self) -> Iterator[Question | InvalidRow]:
        """Yield every row of every file. Raises QuestionFileError."""
        return islice(self._every_row(), self._limit)

    def rows_beyond_limit(self) -> Iterator[Question | InvalidRow]:
        """Yield the rows of every file that the limit leaves out. Raises QuestionFileError."""
        return iter(()) if self._limit is None else islice(self._every_row(), self._limit, None)

    def _every_row(self) -> Iterator[Question | InvalidRow]:
        return chain.from_iterable(map(self._rows_of, self._files))

    def _rows_of(self, file: Path) -> Iterator[Question | InvalidRow]:
        try:
            if file == STDIN:
                self._stdin.seek(0)
                yield from self._read(file, self._stdin)
            else:
                with file.open("rb") as stream:
                    yield from self._read(file, stream)
        except OSError as error:
            raise QuestionFileError(error.strerror or str(error), path=file) from None

    def _read(self, file: Path, stream: Any) -> Iterator[Question | InvalidRow]:
        return read_questions(
            file, stream, self._subject, columns=self._columns, on_note=lambda note: self._notes.update({note: None})
        )
