"""Question files in Excel's format."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from qtgen.errors import MissingExtra, QuestionFileError
from qtgen.generation.questions import InvalidRow, read_questions
from qtgen.generation.types import Question

DAY = dt.datetime.fromisoformat("2026-01-31")
HEADER = ("Question", "Subject", "id", "date", "context", None)


def save(rows: Sequence[Sequence[Any]], path: Path = Path("q.xlsx")) -> Path:
    workbook = Workbook()
    assert workbook.active is not None
    for row in rows:
        workbook.active.append(list(row))
    workbook.create_sheet("notes").append(["not a question"])
    workbook.save(path)
    return path


def read(path: Path, subject: str | None = None) -> list[Question | InvalidRow]:
    with path.open("rb") as stream:
        return list(read_questions(path, stream, subject))


def test_rows_are_those_of_the_first_sheet_with_their_types() -> None:
    path = save(
        [
            HEADER,
            ("What is osmosis?", "Biology", 7, DAY, "A membrane.", None),
            (None, None, None, None, None, None),
            ("What is 3 × 3?", None, None, "2026-02-01", None, None),
        ]
    )
    assert read(path, "Math") == [
        Question("What is osmosis?", "Biology", 7, dt.date(2026, 1, 31), "A membrane.", "q.xlsx:2"),
        Question("What is 3 × 3?", "Math", None, dt.date(2026, 2, 1), None, "q.xlsx:4"),
    ]


def test_invalid_cells_are_named_with_their_row() -> None:
    rows = [HEADER, ("Why?", "Biology", 1.5), ("", "Biology"), ("Why?", "Biology", None, DAY.replace(hour=8))]
    messages = [row.error.message for row in read(save(rows)) if isinstance(row, InvalidRow)]
    assert messages == [
        "q.xlsx:2: id: must be a whole number such as 19528, not `1.5`",
        "q.xlsx:3: question: is empty",
        "q.xlsx:4: date: must be a day such as 2026-01-31, not `2026-01-31 08:00:00`",
    ]


def test_a_text_beside_the_columns_is_an_invalid_row() -> None:
    (row,) = read(save([("question", "subject"), ("Why?", "Biology", "a note")]))
    assert isinstance(row, InvalidRow)
    assert "more cells than columns" in row.error.message


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (("title",), "q.xlsx:1: no column `question`; the first line must name the columns: question, subject"),
        (("question", "subjct"), "q.xlsx:1: unknown column `subjct`; did you mean `subject`?"),
        (("question", "question"), "q.xlsx:1: duplicate column `question`"),
    ],
)
def test_a_wrong_header_is_one_line(header: Sequence[str], message: str) -> None:
    with pytest.raises(QuestionFileError) as caught:
        read(save([header]))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("content", [b"", b"question,subject\n", b"PK\x03\x04 torn"])
def test_what_is_no_workbook_is_one_line(content: bytes) -> None:
    Path("q.xlsx").write_bytes(content)
    with pytest.raises(QuestionFileError, match=r"q\.xlsx: not an Excel workbook; save it as \.xlsx or \.csv"):
        read(Path("q.xlsx"))


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    path = save([HEADER])
    monkeypatch.setattr("qtgen._util.extras.find_spec", lambda _: None)
    with pytest.raises(MissingExtra) as caught:
        read(path)
    assert caught.value.extra == "excel"
