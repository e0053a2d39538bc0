"""Reading question files: what is accepted, and the message for what is not."""

import csv
import datetime as dt
import io
from collections.abc import Mapping
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
        ("Why?,,,,", "q.csv:2: no subject; fill the cell, or set a subject for all questions"),
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
            assert [row.text for row in source.rows_beyond_limit()] == ["How?"]
    with QuestionFiles([tmp_path / "q.txt"], "B", None, stdin=io.BytesIO()) as source:
        assert not [*source.rows_beyond_limit()]


def test_a_missing_question_file_raises_with_its_path(tmp_path: Path) -> None:
    source = QuestionFiles([tmp_path / "x.csv"], "B", None, io.BytesIO())
    with source, pytest.raises(QuestionFileError, match=r"x\.csv: No such file"):
        list(source.rows())


# --- as spreadsheets write them ---------------------------------------------------------------------------------------


def shown(text: str | bytes, name: str = "q.csv", columns: Mapping[str, str] | None = None) -> list[str]:
    """Return the text and subject of each question, and the message of each invalid row."""
    raw = io.BytesIO(text.encode() if isinstance(text, str) else text)
    rows = read_questions(Path(name), raw, "S", columns=columns)
    return [f"{row.text} [{row.subject}]" if isinstance(row, Question) else row.error.message for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        "question,subject\nWhy?,B,\n\nHow?,S,,,\n",
        "question,subject,,,\nWhy?,B,,,\nHow?,,,,\n,,,,\n",
        "question,,subject\nWhy?,,B\nHow?,,\n",
        "sep=;\nquestion;subject\nWhy?;B\nHow?;\n",
        '\ufeff"sep=\t"\r\nquestion\tsubject\r\nWhy?\tB\r\nHow?\t\r\n',
        "sep=;;\nquestion;subject;\nWhy?;B;\nHow?;;\n",
        "sep=\t\r\nquestion\tsubject\r\nWhy?\tB\r\nHow?\t\r\n",
        "\n;;\nquestion;subject\nWhy?;B\nHow?;;;\n",
        'question, subject\n"Why?", "B"\nHow?, "S"\n',
        "question,subject\n1. Why?,B\n- How?,S\n",
        "Question ,SUBJECT\nWhy\u200b?,\u00a0B\nHow\u2060?,S\n",
    ],
)
def test_two_questions_as_spreadsheets_save_them(text: str) -> None:
    assert shown(text) == ["Why? [B]", "How? [S]"]


def test_semicolons_separate_where_commas_are_decimal() -> None:
    assert shown("question;subject\nIs 3,5 more than 3,4?;Math\n") == ["Is 3,5 more than 3,4? [Math]"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ('"What is "rain" here?",B\nHow?,B\n', ['q.csv:2: a quote inside a quoted text; double it ("")', "How? [B]"]),
        ('"Why?,B\nHow?,B\n', ['q.csv:2: unclosed quote; close it, and double each quote inside a quoted text ("")', "How? [B]"]),
        ('"Why?,B\nWho?,B\n"What, how?",B\n', ["q.csv:2: unclosed quote", "Who? [B]", "What, how? [B]"]),
        ('Why?,B,"He said "hi" and\nmore text\nend"\nHow?,B,\n', ['q.csv:2: a quote inside a quoted text; double it ("") (lines 2 to 4)', "How? [B]"]),
        ('"Two\nlines?",B\n"A ""quoted"" word?",B\n', ["Two lines? [B]", 'A "quoted" word? [B]']),
        ("“What is, in short, rain?”,B\nHow?,B\n", ['q.csv:2: “ and ” are not quotes of CSV; write " before and after a text that contains a comma', "How? [B]"]),
        ("‘What is, in short, rain?’,B\n", ["q.csv:2: “ and ” are not quotes of CSV"]),
        ("“What is rain?”,B\nHow?,B\n", ["q.csv:2: question: “ and ” are not quotes of CSV", "How? [B]"]),
        ("„Was, ist Regen?“,B\nHow?,B\n", ["q.csv:2: question: “ and ” are not quotes of CSV", "How? [B]"]),
        ('Why?,B,"He said "hi" and\nmore, text\n"ok" to all\nWhat?,B,"open\nend"\n', ["q.csv:2: a quote", "more [text]", "q.csv:4: a quote", "What? [B]"]),
        ("“To be or not to be”: who wrote it?,B\n", ["“To be or not to be”: who wrote it? [B]"]),
        ("#REF!,B\nHow?,B\n", ["q.csv:2: question: `#REF!` is an error value of a spreadsheet", "How? [B]"]),
        ("Why?,#N/A\nHow?,B\n", ["q.csv:2: subject: `#N/A` is an error value", "How? [B]"]),
        ("Why?,B,nan\nHow?,B\n", ["q.csv:2: context: `nan` stands for an empty cell", "How? [B]"]),
        ("Why?,B,,x\nHow?,B\n", ["q.csv:2: more cells than columns; quote a text that contains a comma", "How? [B]"]),
    ],
)  # fmt: skip
def test_an_invalid_row_fails_and_the_others_are_read(rows: str, expected: list[str]) -> None:
    found = shown(f"question,subject,context\n{rows}")
    assert len(found) == len(expected)
    assert all(message.startswith(beginning) for message, beginning in zip(found, expected, strict=True)), found


def test_a_row_that_cannot_be_read_shows_its_beginning() -> None:
    (row,) = read('question,subject\n"What is "rain" here?",B\n')
    assert isinstance(row, InvalidRow)
    assert row.text == 'What is "rain" here?",B'


def test_a_text_below_a_column_without_a_name_is_an_invalid_row() -> None:
    assert shown("question,,subject\nWhy?,note,B\nHow?,,B\n") == [
        "q.csv:2: column 2 has a text but no name; name the column, or empty the cell",
        "How? [B]",
    ]


def test_a_long_cell_is_read_and_the_limit_of_the_csv_module_stays() -> None:
    before = csv.field_size_limit()
    text = "word " * 60_000
    quoted, plain = read(f'question,subject,context\nWhy?,B,"{text}, end"\nHow?,B,{text}\n')
    assert isinstance(quoted, Question)
    assert isinstance(plain, Question)
    assert len(quoted.context or "") > len(plain.context or "") == 300_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    "rows", ['"open' + ",x\n" * 50_000, '"a\n' * 50_000, '"a"b,c\n' * 50_000, '""""a\n' * 50_000, '"a"",\n' * 50_000]
)
def test_many_wrong_quotes_take_linear_time(rows: str) -> None:
    assert len(shown(f"question,subject\n{rows}")) > 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Frage;Fach\nWhy?;B\n", "q.csv"),
        ("sep=;\n frage ;FACH\nWhy?;B\n", "q.csv"),
        ('{"Frage": "Why?", "Fach": "B"}\n', "q.jsonl"),
        ("Frage,Fach\nWhy?,B\n", "-"),
        ("question,subject\nWhy?,B\n", "q.csv"),
    ],
)
def test_columns_may_have_other_names(text: str, name: str) -> None:
    assert shown(text, name, {"Frage": "question", "Fach": "subject"}) == ["Why? [B]"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Frage,Fach\nWhy?,B\n", "q.csv:1: no column `Thema`, which `columns` maps to `subject`; the columns of the file are Frage, Fach"),
        ("Frage,Thema,question\n", "q.csv:1: duplicate column `question`"),
        ("Frage,Thema,Notiz\n", "q.csv:1: unknown column `notiz`; the columns are question, subject"),
    ],
)  # fmt: skip
def test_a_wrong_column_name_gives_one_line(text: str, message: str) -> None:
    with pytest.raises(QuestionFileError) as caught:
        shown(text, columns={"Frage": "question", "Thema": "subject"})
    assert str(caught.value).startswith(message)


def test_list_marks_of_lines_of_text_are_removed() -> None:
    text = "1. What is rain?\n2) What is snow?\n- What is ice?\n# What is hail?\n- [ ] What is fog?\n3.\n"
    assert shown(text, "q.txt")[:5] == [f"What is {word}? [S]" for word in ("rain", "snow", "ice", "hail", "fog")]
    assert shown(text, "q.txt")[5:] == ["q.txt:6: question: is empty"]


def test_a_bad_line_of_jsonl_fails_if_another_one_can_be_read() -> None:
    text = 'nope\n{"question": "Why?"}\n[1]\n{"topic": 1}\n{"question": "#REF!"}\n{"question": "1. How?"}\n'
    messages = shown(text, "q.jsonl")
    assert messages[1::4] == ["Why? [S]", "1. How? [S]"], "JSON is no list"
    assert messages[0].startswith("q.jsonl:1: not JSON: ")
    assert messages[2].startswith("q.jsonl:3: not a JSON object; each line must be")
    assert messages[3].startswith("q.jsonl:4: unknown column `topic`; the columns are")
    assert messages[4].startswith("q.jsonl:5: question: `#REF!` is an error value")


def test_questions_are_normalized() -> None:
    twins = shown("question\nWhat is a caf\u00e9?\nWhat is a cafe\u0301?\nWhat is  a\u00a0caf\u200b\u00e9?\n")
    assert twins == ["What is a caf\u00e9? [S]"] * 3


@pytest.mark.parametrize(
    ("name", "remedy"), [("q.xls", "save it as .xlsx"), ("q.ods", "save it as .xlsx"), ("q.tsv", "save it as .csv")]
)
def test_other_files_of_spreadsheets_are_refused_with_the_remedy(name: str, remedy: str) -> None:
    with pytest.raises(QuestionFileError, match=f"unknown file type `{name[1:]}`; {remedy}"):
        shown("x", name)
