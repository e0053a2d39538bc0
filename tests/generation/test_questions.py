"""Reading question files: what is accepted, and the message for what is not."""

import datetime as dt
import io
from pathlib import Path

import pytest

from qtgen.errors import QuestionFileError
from qtgen.generation.questions import STDIN, InvalidRow, QuestionFiles, read_questions
from qtgen.generation.types import Question


def read(text: str | bytes, name: str = "q.csv", subject: str | None = None) -> list[Question | InvalidRow]:
    return list(read_questions(Path(name), io.BytesIO(text.encode() if isinstance(text, str) else text), subject))


def test_a_csv_file_with_every_column() -> None:
    text = 'question,subject,id,date,context\n"What, is\nosmosis?",Biology,9,2025-05-06,A text\n'
    assert read(text) == [Question("What, is osmosis?", "Biology", 9, dt.date(2025, 5, 6), "A text", "q.csv:2")]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_and_a_byte_order_mark(separator: str) -> None:
    text = f"\ufeffQuestion{separator}Subject\nWhy?{separator}Physics\n"
    assert read(text) == [Question("Why?", "Physics", source="q.csv:2")]


def test_line_ends_of_old_spreadsheets() -> None:
    assert read("question,subject\rWhy?,Physics\r") == [Question("Why?", "Physics", source="q.csv:2")]


def test_a_jsonl_file() -> None:
    line = '{"question": "Why?", "subject": "Physics"}\n'
    assert read(f"\n{line}", "q.jsonl") == [Question("Why?", "Physics", source="q.jsonl:2")]


def test_a_text_file_with_a_default_subject() -> None:
    assert read("Why?\n\nHow?\n", "q.txt", "Physics") == [
        Question("Why?", "Physics", source="q.txt:1"),
        Question("How?", "Physics", source="q.txt:3"),
    ]


@pytest.mark.parametrize(
    "text",
    ['{"question": "Why?", "subject": "Physics"}\n', "question,subject\nWhy?,Physics\n", "Why?\n", "\n\nWhy?\n"],
)
def test_the_format_of_standard_input_is_recognized(text: str) -> None:
    rows = list(read_questions(STDIN, io.BytesIO(text.encode()), "Physics"))
    assert [row.text for row in rows if isinstance(row, Question)] == ["Why?"]


def test_empty_standard_input_has_no_questions() -> None:
    assert list(read_questions(STDIN, io.BytesIO(b""), "Physics")) == []


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("subject\nPhysics\n", "q.csv", "q.csv:1: no column `question`; the first line must name the columns"),
        ("", "q.csv", "q.csv:1: no column `question`"),
        ("frage,subject\n", "q.csv", "q.csv:1: no column `question`"),
        ("question,answer\nWhy?,x\n", "q.csv", "q.csv:1: unknown column `answer`; the columns are question, subject"),
        ("question,subjekt\nWhy?,x\n", "q.csv", "q.csv:1: unknown column `subjekt`; did you mean `subject`?"),
        ("question,\x1b[2J\nWhy?,x\n", "q.csv", "q.csv:1: unknown column `·[2j`"),
        ('{"question": "Why?", "topic": 1}', "q.jsonl", "q.jsonl:1: unknown column `topic`"),
        ("{", "q.jsonl", "q.jsonl:1: not JSON: "),
        ("[" * 100_000, "q.jsonl", "q.jsonl:1: not JSON: "),
        ("[1]", "q.jsonl", "q.jsonl:1: not a JSON object; each line must be a JSON object such as"),
        ("question\nCaf\u00e9?\n".encode("latin-1"), "q.csv", "q.csv:2: not UTF-8 (byte 0xe9); save it as UTF-8"),
        ("question\nWhy?\n".encode("utf-16"), "q.csv", "q.csv: is UTF-16; save it as UTF-8"),
        ("question,subject,question\n", "q.csv", "q.csv:1: duplicate column `question`"),
        ('"question,subject\nWhy?,Physics\n', "q.csv", "q.csv:1: "),
        ("Why?", "q.docx", "q.docx: unknown file type `.docx`; use .csv, .xlsx, .jsonl, .txt, or `-` for stdin"),
    ],
)  # fmt: skip
def test_an_unreadable_file_raises_with_the_line_and_the_remedy(text: str | bytes, name: str, message: str) -> None:
    with pytest.raises(QuestionFileError) as caught:
        read(text, name, "Physics")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (",Physics,,,", "q.csv:2: question: is empty"),
        ("Why?,,,,", "q.csv:2: no subject; add a column `subject`, or set a subject for all questions"),
        ("Why?,Physics,seven,,", "q.csv:2: id: must be a whole number such as 19528, not `seven`"),
        ("Why?,Physics,,31.1.2026,", "q.csv:2: date: must be a day such as 2026-01-31, not `31.1.2026`"),
        ("Why?,Physics,,86400,", "q.csv:2: date: must be a day"),
        ("Why\u0001?,Physics,,,", "q.csv:2: question: must be text without control characters, not `Why·?`"),
        ("Why?,Physics,,,a,b", "q.csv:2: more cells than columns; quote a text that contains a comma"),
    ],
)
def test_an_invalid_row_is_a_value_beside_the_valid_ones(line: str, message: str) -> None:
    invalid, valid = read(f"question,subject,id,date,context\n{line}\nHow?,Physics,,,\n")
    assert isinstance(invalid, InvalidRow)
    assert (invalid.error.kind, invalid.error.message) == ("question", invalid.error.message)
    assert invalid.error.message.startswith(message)
    assert isinstance(valid, Question)


@pytest.mark.parametrize("value", ["true", "7.5"])
def test_a_json_id_must_be_a_whole_number(value: str) -> None:
    (row,) = read(f'{{"question": "Why?", "id": {value}}}', "q.jsonl", "Physics")
    assert isinstance(row, InvalidRow)
    assert "id: must be a whole number" in row.error.message


def test_question_files_can_be_read_several_times(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("Why?\nHow?\n")
    stdin = io.BytesIO(b"question\nWhat?\nWho?\n")
    with QuestionFiles([STDIN, tmp_path / "q.txt"], "B", limit=3, stdin=stdin) as source:
        for _ in range(2):
            assert [row.text for row in source.rows()] == ["What?", "Who?", "Why?"]


def test_a_missing_question_file_raises_with_its_path(tmp_path: Path) -> None:
    source = QuestionFiles([tmp_path / "x.csv"], "B", None, io.BytesIO())
    with source, pytest.raises(QuestionFileError, match=r"x\.csv: No such file"):
        list(source.rows())
