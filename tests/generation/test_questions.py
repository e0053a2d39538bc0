"""Question files: what is read, and the line that a person gets for what cannot be."""

import datetime as dt
import io
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.errors import QuestionFileError
from qtgen.generation.plan import NEARLY, Job, QuestionSurvey, plan, twins, unknown_subjects
from qtgen.generation.questions import STDIN, BadRow, QuestionFiles, read_questions
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.ledger import Ledger
from qtgen.site import similarity as similar
from qtgen.site.similarity import earlier_near_duplicates, near_duplicate_pairs, question_words

TODAY = dt.date(2026, 1, 31)


def rows(text: str | bytes, name: str = "q.csv", subject: str | None = None) -> list[Question | BadRow]:
    return list(read_questions(Path(name), io.BytesIO(text.encode() if isinstance(text, str) else text), subject))


def test_csv_with_every_column() -> None:
    text = 'question,subject,id,date,context\n"What, is\nosmosis?",Biology,9,2025-05-06,A text\n'
    assert rows(text) == [Question("What, is osmosis?", "Biology", 9, dt.date(2025, 5, 6), "A text", "q.csv:2")]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_separators_and_a_byte_order_mark(mark: str) -> None:
    assert rows(f"\ufeffQuestion{mark}Subject\nWhy?{mark}Physics\n") == [Question("Why?", "Physics", source="q.csv:2")]


def test_line_ends_of_an_old_spreadsheet() -> None:
    assert rows("question,subject\rWhy?,Physics\r") == [Question("Why?", "Physics", source="q.csv:2")]


def test_jsonl_and_txt_and_stdin() -> None:
    line = '{"question": "Why?", "subject": "Physics"}\n'
    assert rows(line, "q.jsonl") == [Question("Why?", "Physics", source="q.jsonl:1")]
    assert rows("Why?\n\nHow?\n", "q.txt", "Physics")[1] == Question("How?", "Physics", source="q.txt:3")
    for text in (line, "question,subject\nWhy?,Physics\n", "Why?\n"):
        read = list(read_questions(STDIN, io.BytesIO(text.encode()), "Physics"))
        assert [q.text for q in read if isinstance(q, Question)] == ["Why?"]


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("subject\nPhysics\n", "q.csv", "q.csv:1: no column `question`"),
        ("", "q.csv", "q.csv:1: no column `question`"),
        ("question,answer\nWhy?,x\n", "q.csv", "q.csv:1: unknown column `answer`"),
        ('{"question": "Why?", "topic": 1}', "q.jsonl", "q.jsonl:1: unknown column `topic`"),
        ("{", "q.jsonl", "q.jsonl:1: not JSON"),
        ("[1]", "q.jsonl", "q.jsonl:1: a line must be a JSON object"),
        ('question,subject\n"Why?,Physics\n', "q.csv", "q.csv:2: a quote is opened and never closed"),
        ("question\nCaf\u00e9?\n".encode("latin-1"), "q.csv", "q.csv:2: not UTF-8 (byte 0xe9)"),
        ("question\nWhy?\n".encode("utf-16"), "q.csv", "q.csv: is UTF-16"),
        ("frage,subject\n", "q.csv", "q.csv:1: no column `question`"),
        ("question,subject,question\n", "q.csv", "q.csv:1: the column `question` stands there twice"),
        ('"question,subject\nWhy?,Physics\n', "q.csv", "q.csv:1: "),
        ("[" * 100_000, "q.jsonl", "q.jsonl:1: not JSON"),
        ("Why?", "q.docx", "q.docx: a question file ends in .csv, .jsonl, .txt"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_names_place_and_remedy(text: str | bytes, name: str, message: str) -> None:
    with pytest.raises(QuestionFileError) as caught:
        rows(text, name, "Physics")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (",Physics,,,", "q.csv:2: question: is empty"),
        ("Why?,,,,", "q.csv:2: names no subject"),
        ("Why?,Physics,seven,,", "q.csv:2: id: must be a whole number such as 19528, not `seven`"),
        ("Why?,Physics,,31.1.2026,", "q.csv:2: date: must be a day such as 2026-01-31, not `31.1.2026`"),
        ("Why\u0001?,Physics,,,", "q.csv:2: question: must be text without control characters"),
        ("Why?,Physics,,86400,", "q.csv:2: date: must be a day"),
        ("Why?,Physics,,,a,b", "q.csv:2: more cells than columns"),
    ],
)
def test_a_row_that_is_no_question_is_a_value_beside_the_others(line: str, message: str) -> None:
    bad, good = rows(f"question,subject,id,date,context\n{line}\nHow?,Physics,,,\n")
    assert isinstance(bad, BadRow)
    assert bad.error.message.startswith(message)
    assert isinstance(good, Question)


def planned(*questions: Question | BadRow, existing: tuple[str, ...] = ()) -> list[Job | Outcome]:
    survey = QuestionSurvey()
    for question in questions:
        survey.add(question)
    with closing(Ledger("ledger.sqlite")) as book:
        return list(
            plan(
                questions,
                out=Path("out"),
                exists=existing.__contains__,
                ids=lambda urls: book.ids_for(urls, 5, survey.ids),
                today=TODAY,
                repeats=survey.repeats(),
            )
        )


def test_a_page_has_the_id_that_an_earlier_run_gave_it() -> None:
    planned(Question("A?", "B"), Question("C?", "B"))
    steps = planned(Question("D?", "B"), Question("C?", "B"), Question("A?", "B"))
    assert [step.id for step in steps if isinstance(step, Job)] == [7, 6, 5]


def test_ids_go_on_around_those_that_rows_bring_along() -> None:
    steps = planned(Question("A?", "B"), Question("C?", "B", id=6), Question("D?", "B"))
    assert [(step.id, step.path, step.date) for step in steps if isinstance(step, Job)] == [
        (5, "out/b/a.md", TODAY),
        (6, "out/b/c.md", TODAY),
        (7, "out/b/d.md", TODAY),
    ]


def test_what_needs_no_answer_is_decided_before_anything_is_asked() -> None:
    steps = planned(
        Question("A?", "B", source="q:1"),
        Question("a !", "B", source="q:2"),
        Question("C?", "B", source="q:3"),
        Question("日本?", "B", source="q:4"),
        Question("x" * 300, "B", source="q:5"),
        existing=("out/b/c.md",),
    )
    outcomes = [step for step in steps if isinstance(step, Outcome)]
    assert [o.status for o in outcomes] == [Status.SKIPPED, Status.EXISTS, Status.FAILED, Status.FAILED]
    messages = [o.error.message if o.error else "" for o in outcomes]
    assert messages[0] == "q:2: the same page as q:1"
    assert messages[2].startswith("q:4: question: has no letter a-z")
    assert messages[3].startswith("q:5: question: makes a name of 300 characters")


def test_an_unknown_subject_is_a_warning_with_the_nearest() -> None:
    asked = {"Biolgy": "q:1", "biology": "q:2"}
    assert list(unknown_subjects(asked, ["Biology"])) == ["q:1: subject `Biolgy` is not known; did you mean `Biology`?"]
    assert "add it to `subjects`" in next(unknown_subjects({"Zzz": "q:1"}, ["Biology"]))


def test_questions_that_are_nearly_the_same() -> None:
    asked = [
        Question("What is the osmosis of water?", "B", source="q:1"),
        Question("What's water osmosis?", "B", source="q:2"),
        Question("What is diffusion?", "B", source="q:3"),
        Question("What is the osmosis of water?", "B", source="q:4"),
    ]
    site = [("content/b/x.md", "What are diffusions?"), ("content/b/whats-water-osmosis.md", "What's water osmosis?")]
    assert list(twins(site, asked)) == [(0, -2), (1, 0), (2, -1), (3, -2)], "the same page twice is said elsewhere"


def sets_of(questions: Iterable[str]) -> list[frozenset[str]]:
    return [question_words(question) for question in questions]


@given(st.lists(st.frozensets(st.sampled_from("abcdefghij"), max_size=8), max_size=40))
def test_no_near_duplicate_is_passed_over(sets: list[frozenset[str]]) -> None:
    all_of_them = {
        (first, second)
        for second, mine in enumerate(sets)
        for first, other in enumerate(sets[:second])
        if mine and len(mine & other) >= NEARLY * len(mine | other)
    }
    assert set(near_duplicate_pairs(sets, NEARLY)) == all_of_them


@pytest.mark.parametrize(
    ("template", "alike"),
    [
        ("Explain main causes symptoms treatment of disease x{}?", 0),
        ("Explain main causes symptoms treatment prevention history outlook cost risk test of disease x{}?", 1_999),
        ("Compare capital climate coast of land{0} and folk{1} of town{0}{1}?", 0),
    ],
)
def test_questions_of_one_template_are_not_all_compared_with_all(
    template: str, alike: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    inner = similar.merge
    monkeypatch.setattr(similar, "merge", lambda *lists: (looked.append(one) or one for one in inner(*lists)))
    sets = sets_of(template.format(n // 40, n % 40) if "{1}" in template else template.format(n) for n in range(2_000))
    found = [next(earlier, None) for _, earlier in earlier_near_duplicates(sets, NEARLY)]
    assert sum(one is not None for one in found) == alike
    assert len(looked) <= 2_000


def test_question_files_are_read_as_often_as_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("Why?\nHow?\n")
    with QuestionFiles([STDIN, tmp_path / "q.txt"], "B", 3, io.BytesIO(b"question\nWhat?\nWho?\n")) as source:
        for _ in range(2):
            assert [row.text for row in source.rows()] == ["What?", "Who?", "Why?"]
    with QuestionFiles([tmp_path / "x.csv"], "B", None, io.BytesIO()) as source, pytest.raises(QuestionFileError):
        list(source.rows())
