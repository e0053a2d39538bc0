"""Question files in Excel's format."""

import datetime as dt
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from openpyxl import Workbook

from qtgen.errors import MissingExtra, QuestionFileError
from qtgen.generation.questions import STDIN, InvalidRow, QuestionFiles, read_questions
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


# --- several sheets, formulas and other programs ----------------------------------------------------------------------


def save_sheets(sheets: Mapping[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()) -> Path:
    workbook = Workbook()
    workbook.remove(workbook["Sheet"])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name in hidden:
            sheet.sheet_state = "hidden"
    workbook.save("q.xlsx")
    return Path("q.xlsx")


def questions(path: Path, **options: Any) -> list[str]:
    with path.open("rb") as stream:
        rows = list(read_questions(path, stream, "S", **options))
    return [f"{row.source} {row.text}" if isinstance(row, Question) else row.error.message for row in rows]


def test_the_first_visible_sheet_with_a_column_question_is_read() -> None:
    notes: list[str] = []
    path = save_sheets(
        {
            "Notes": [["not a question"]],
            "Old": [["question"], ["hidden?"]],
            "Neu": [["Liste für März"], [], ["Question", "subject"], ["Why?", "B"]],
            "More": [["question"], ["How?"]],
        },
        hidden=["Old"],
    )
    assert questions(path, on_note=notes.append) == ["q.xlsx:Neu:4 Why?"]
    assert notes == ["q.xlsx:Neu: other sheets with a column `question` are not read (`More`); save each as a file"]


def test_a_question_only_in_a_hidden_sheet_gives_one_line() -> None:
    path = save_sheets({"Notes": [["x"]], "Old": [["question"], ["Why?"]]}, hidden=["Old"])
    with pytest.raises(
        QuestionFileError, match=r"only a hidden sheet has a column `question` \(`Old`\); show the sheet"
    ):
        questions(path)


def test_columns_of_a_sheet_may_have_other_names() -> None:
    path = save_sheets({"Notes": [["x"]], "Fragen": [["Frage", "Fach"], ["Why?", "B"]]})
    assert questions(path, columns={"Frage": "question", "Fach": "subject"}) == ["q.xlsx:Fragen:2 Why?"]
    with pytest.raises(QuestionFileError, match=r"q\.xlsx:1: no column `Frage`, which `columns` maps to `question`"):
        questions(save_sheets({"Notes": [["x"]]}), columns={"Frage": "question"})


def test_values_that_are_no_text() -> None:
    path = save(
        [
            ("question", "id"),
            ("#REF!", 1),
            ("=A1", 2),
            ('="Why"&"?"', 3),
            (1984, 4),
            (DAY, 5),
            (True, 6),
            ("1. Why?", 7.0),
        ]
    )
    assert questions(path) == [
        "q.xlsx:2: question: `#REF!` is an error value of a spreadsheet; correct the formula, and save the file again",
        "q.xlsx:3: question: `=A1` is a formula, not its value; save the file again in the spreadsheet",
        'q.xlsx:4: question: `="Why"&"?"` is a formula, not its value; save the file again in the spreadsheet',
        "q.xlsx:5 1984",
        "q.xlsx:6: question: `2026-01-31` is a value of a spreadsheet, not a text; check that each cell is in its column",
        "q.xlsx:7: question: `True` is a value of a spreadsheet, not a text; check that each cell is in its column",
        "q.xlsx:8 Why?",
    ]  # fmt: skip


def test_the_saved_value_of_a_formula_counts() -> None:
    path = save([("question",), ('="Why"&"?"',)])
    edit(path, "xl/worksheets/sheet1.xml", lambda xml: re.sub(r"<v ?/>|<v></v>", "<v>Why?</v>", xml).replace('r="A2"', 'r="A2" t="str"'))  # fmt: skip
    assert questions(path) == ["q.xlsx:2 Why?"]


def test_a_wrong_dimension_of_the_sheet_hides_nothing() -> None:
    path = save([("question", "subject"), ("Why?", "B"), ("How?", "B")])
    edit(path, "xl/worksheets/sheet1.xml", lambda xml: re.sub(r'<dimension ref="[^"]*"', '<dimension ref="A1"', xml))
    assert questions(path) == ["q.xlsx:2 Why?", "q.xlsx:3 How?"]


def test_a_damaged_sheet_gives_one_line() -> None:
    path = save([("question",), *[(f"Why {number}?",) for number in range(50)]])
    edit(path, "xl/worksheets/sheet1.xml", lambda xml: xml[: len(xml) // 2])
    with pytest.raises(QuestionFileError, match="not an Excel workbook"):
        questions(path)


def test_an_old_workbook_with_the_new_name_gives_one_line() -> None:
    Path("q.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500))
    with pytest.raises(
        QuestionFileError, match=r"is an old Excel workbook .*password; save it as \.xlsx without a password"
    ):
        questions(Path("q.xlsx"))


def test_a_workbook_is_recognized_on_standard_input() -> None:
    stream = io.BytesIO(save([("question",), ("Why?",)]).read_bytes())
    with QuestionFiles([STDIN], "S", None, stream) as source:
        for _ in range(2):
            assert [row.text for row in source.rows() if isinstance(row, Question)] == ["Why?"]


def test_notes_are_given_once() -> None:
    path = save_sheets({"A": [["question"], ["Why?"]], "B": [["question"], ["How?"]]})
    with QuestionFiles([path], "S", None, io.BytesIO()) as source:
        for _ in range(2):
            assert len(list(source.rows())) == 1
        assert source.notes == ["q.xlsx: other sheets with a column `question` are not read (`B`); save each as a file"]


def edit(path: Path, member: str, change: Callable[[str], str]) -> None:
    """Change one member of a workbook."""
    with ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    changed = change(members[member].decode())
    assert changed != members[member].decode()
    with ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, changed if name == member else content)


def test_escapes_of_characters_are_read() -> None:
    path = save([HEADER, ("What_x000D_\nis osmosis?", "Biology"), ("What is _x005F_x000D_?", "Biology")])
    assert questions(path) == ["q.xlsx:2 What is osmosis?", "q.xlsx:3 What is _x000D_?"]


def test_a_merged_cell_belongs_to_its_first_row() -> None:
    workbook = Workbook()
    assert workbook.active is not None
    for row in (("question", "subject"), ("Why?", "B"), ("How?", None)):
        workbook.active.append(row)
    workbook.active.merge_cells("B2:B3")
    workbook.save("q.xlsx")
    first, second = read(Path("q.xlsx"))
    assert isinstance(first, Question)
    assert isinstance(second, InvalidRow)
    assert second.error.message == "q.xlsx:3: no subject; fill the cell, or set a subject for all questions"
