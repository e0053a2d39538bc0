"""Planning: which rows become jobs, and the outcome of the others."""

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from qtgen.errors import Failure
from qtgen.generation.plan import BLOCK, Job, PlanOptions, QuestionIndex, near_duplicate_rows, plan, unknown_subjects
from qtgen.generation.questions import InvalidRow
from qtgen.generation.types import Outcome, Question, Status
from qtgen.llm.ledger import Ledger
from qtgen.page.compile import default_layout
from support import TODAY
from support.default_site import PLACES

Row = Question | InvalidRow


def plan_rows(
    *rows: Row,
    existing: tuple[str, ...] = (),
    is_deleted: Callable[[str, str], bool] = lambda *_: False,
    near: dict[int, str] | None = None,
) -> list[Job | Outcome]:
    index = QuestionIndex(PLACES)
    for row in rows:
        index.add(row)
    options = PlanOptions(
        Path("out"), TODAY, default_layout(), existing.__contains__, is_deleted, index.duplicates(), near or {}
    )
    with closing(Ledger("ledger.sqlite")) as ledger:
        return list(plan(rows, options, lambda urls: ledger.assign_ids(urls, 5, index.ids)))


def ids_of(steps: Iterable[Job | Outcome]) -> list[int | None]:
    return [step.id for step in steps if isinstance(step, Job)]


def outcome_of(*rows: Row, existing: tuple[str, ...] = ()) -> Outcome:
    last = plan_rows(*rows, existing=existing)[-1]
    assert isinstance(last, Outcome)
    return last


def test_a_job_has_everything_but_an_answer() -> None:
    (job,) = plan_rows(Question("What is A?", "My Subject"))
    assert job == Job(
        Question("What is A?", "My Subject"), 5, TODAY, "out/my-subject/what-is-a.md",
        "/learn/my-subject/questions/what-is-a",
    )  # fmt: skip


def test_a_page_keeps_the_id_of_an_earlier_run() -> None:
    plan_rows(Question("A?", "B"), Question("C?", "B"))
    assert ids_of(plan_rows(Question("D?", "B"), Question("C?", "B"), Question("A?", "B"))) == [7, 6, 5]


def test_ids_that_rows_ask_for_are_not_given_to_others() -> None:
    assert ids_of(plan_rows(Question("A?", "B"), Question("C?", "B", id=6), Question("D?", "B"))) == [5, 6, 7]


def test_a_row_for_the_page_of_an_earlier_row_is_a_duplicate() -> None:
    outcome = outcome_of(Question("A?", "B", source="q:1"), Question("a !", "B", source="q:2"))
    assert (outcome.status, outcome.error) == (Status.SKIPPED, Failure("duplicate", "q:2: same page as q:1"))


def test_all_duplicates_refer_to_the_first_row() -> None:
    index = QuestionIndex(PLACES)
    for text in ("A?", "B?", "A!", "A"):
        index.add(Question(text, "S"))
    index.add(InvalidRow("q:5", "", Failure("question", "")))
    index.add(InvalidRow("q:6", "", Failure("question", "")))
    assert index.duplicates() == {2: 0, 3: 0}


def test_a_page_that_exists_is_not_written() -> None:
    outcome = outcome_of(Question("C?", "B"), existing=("out/b/c.md",))
    assert (outcome.status, outcome.path, outcome.error) == (Status.EXISTS, "out/b/c.md", None)


def test_a_deleted_page_is_skipped() -> None:
    deleted = ("out/b/c.md", "/learn/b/questions/c")
    steps = plan_rows(Question("C?", "B", source="q:1"), Question("D?", "B"), is_deleted=lambda *page: page == deleted)
    assert isinstance(steps[0], Outcome)
    assert (steps[0].status, steps[0].error) == (
        Status.SKIPPED,
        Failure("deleted", "q:1: the page was written earlier and has been deleted"),
    )
    assert isinstance(steps[1], Job)


def test_a_near_duplicate_is_skipped_unless_its_page_exists() -> None:
    rows = Question("A?", "B", source="q:1"), Question("C?", "B", source="q:2")
    skipped, existing = plan_rows(*rows, existing=("out/b/c.md",), near={0: "nearly x", 1: "nearly y"})
    assert isinstance(skipped, Outcome)
    assert isinstance(existing, Outcome)
    assert (skipped.status, skipped.error) == (Status.SKIPPED, Failure("near-duplicate", "q:1: nearly x"))
    assert existing.status is Status.EXISTS


def test_a_question_that_the_site_has_is_skipped_unless_its_page_exists() -> None:
    rows = Question("A?", "B", source="q:1"), Question("C?", "B", source="q:2")
    options = PlanOptions(
        Path("out"),
        TODAY,
        default_layout(),
        lambda path: path == "out/b/c.md",
        site_duplicates={0: "has x", 1: "has y"},
    )
    skipped, existing = plan(rows, options, lambda urls: dict.fromkeys(urls, 1))
    assert isinstance(skipped, Outcome)
    assert isinstance(existing, Outcome)
    assert (skipped.status, skipped.error) == (Status.SKIPPED, Failure("duplicate", "q:1: has x"))
    assert existing.status is Status.EXISTS


def test_a_repeated_question_that_the_site_has_is_named_as_such() -> None:
    rows = Question("A?", "B", source="q:1"), Question("a", "B", source="q:2")
    options = PlanOptions(
        Path("out"), TODAY, default_layout(), lambda _: False, duplicates={1: 0}, site_duplicates={0: "has", 1: "has"}
    )
    outcomes = [*plan(rows, options, lambda urls: dict.fromkeys(urls, 1))]
    assert [outcome.error for outcome in outcomes if isinstance(outcome, Outcome)] == [
        Failure("duplicate", "q:1: has"),
        Failure("duplicate", "q:2: has"),
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (Question("日本?", "B", source="q:4"), "q:4: question: no letter a-z and no digit to make a file name from"),
        (Question("A?", "?", source="q:4"), "q:4: subject: no letter a-z"),
        (Question("Con?", "B", source="q:4"), "q:4: question: `con` is a device on Windows"),
        (Question("A?", "LPT1", source="q:4"), "q:4: subject: `lpt1` is a device on Windows"),
        (Question("x" * 300, "B", source="q:5"), "q:5: question: its file name has 300 characters; the maximum is 240"),
        (InvalidRow("q:6", "A?", Failure("question", "q:6: no subject")), "q:6: no subject"),
    ],
)
def test_a_row_without_a_file_name_fails(row: Row, message: str) -> None:
    outcome = outcome_of(row)
    assert outcome.status is Status.FAILED
    assert outcome.error
    assert outcome.error.message.startswith(message)


def test_rows_that_ask_for_the_id_of_another_page_are_reported() -> None:
    index = QuestionIndex(PLACES)
    for row in (Question("A?", "B", 7, source="q:1"), Question("a", "B", 7), Question("C?", "B", 7, source="q:3")):
        index.add(row)
    assert index.shared_ids == ["q:3: id 7 is already used by an earlier row"]


def test_an_unknown_subject_gets_a_warning_with_the_most_similar_one() -> None:
    subjects = {"Biolgy": "q:1", "biology": "q:2"}
    assert list(unknown_subjects(subjects, ["Biology"])) == ["q:1: unknown subject `Biolgy`; did you mean `Biology`?"]
    assert "add it to `subjects`" in next(unknown_subjects({"Zzz": "q:1"}, ["Biology"]))
    assert len(next(unknown_subjects({"z" * 100_000: "q:1"}, ["Biology"]))) < 200


# --- near-duplicates --------------------------------------------------------------------------------------------------


def test_near_duplicates_of_rows_and_of_pages_of_the_site() -> None:
    rows = [
        Question("What is the osmosis of water?", "B", source="q:1"),
        Question("What's water osmosis?", "B", source="q:2"),
        Question("What is diffusion?", "B", source="q:3"),
        Question("What is the osmosis of water?", "B", source="q:4"),
    ]
    site = [("content/b/x.md", "What are diffusions?"), ("content/b/whats-water-osmosis.md", "What's water osmosis?")]
    assert list(near_duplicate_rows(site, rows, places=PLACES)) == [(0, -2), (1, 0), (2, -1), (3, -2)], (
        "the same page is no pair"
    )


# --- a list that several processes share ------------------------------------------------------------------------------


def test_rows_of_other_blocks_are_elsewhere_and_are_not_looked_at() -> None:
    rows = [Question(f"What is thing {number}?", "B", source=f"q.txt:{number}") for number in range(2 * BLOCK + 3)]
    rows[BLOCK] = rows[1]  # a duplicate of a row in the first block
    index = QuestionIndex(PLACES)
    for row in rows:
        index.add(row)
    looked_at: list[str] = []

    def exists(path: str) -> bool:
        looked_at.append(path)
        return False

    options = PlanOptions(Path("out"), TODAY, default_layout(), exists, duplicates=index.duplicates())
    steps = [*plan(rows, options, lambda urls: dict.fromkeys(urls, 1), lambda block: block == 1)]
    elsewhere = [
        number for number, step in enumerate(steps) if isinstance(step, Outcome) and step.status is Status.ELSEWHERE
    ]
    assert elsewhere == [*range(BLOCK), *range(2 * BLOCK, 2 * BLOCK + 3)]
    assert len(looked_at) == BLOCK - 1
    duplicate = steps[BLOCK]
    assert isinstance(duplicate, Outcome)
    assert duplicate.error
    assert duplicate.error.message == "q.txt:1: same page as q.txt:1"


def test_the_contents_of_a_list_do_not_depend_on_names_of_files() -> None:
    def contents(*rows: Row) -> str:
        index = QuestionIndex(PLACES)
        for row in rows:
            index.add(row)
        return str(index.contents.hexdigest())

    row = Question("What is A?", "B", source="q.txt:1")
    assert contents(row) == contents(Question("What is A?", "B", source="other.csv:7"))
    invalid = InvalidRow("q.txt:2", "x", Failure("question", "bad"))
    others = [Question("What is A?", "C"), Question("What is A?", "B", id=1), Question("What is A?", "B", context="x")]
    assert len({contents(row), contents(row, row), contents(row, invalid), *map(contents, others)}) == 6
