"""Questions that the site already has."""

import pytest

from qtgen.errors import Failure
from qtgen.generation.duplicates import SitePages, question_key, site_duplicates
from qtgen.generation.plan import Row
from qtgen.generation.questions import InvalidRow
from qtgen.generation.types import Question
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_site import PLACES
from support.default_tables import read

PATHS = ["content/biology/what-is-osmosis.md", "content/science/what-is-a-cafe.md", "content/math/what-is-c.md"]


def site() -> SitePages:
    pages = SitePages(PLACES)
    for title, subject, url in (
        ("What is osmosis?", "Biology", "/learn/biology/questions/what-is-osmosis"),
        ("What is a cafe\u0301?", "Science", "/learn/science/questions/what-is-a-cafe"),
        ("What is C++?", "Math", "/learn/math/questions/what-is-c"),
    ):
        text = EXAMPLE_PAGE.replace("What is osmosis?", title).replace("subject: Biology", f"subject: {subject}", 1)
        pages.add(read(text.replace("\nurl: /learn/biology/questions/what-is-osmosis", f"\nurl: {url}").encode()))
    return pages


@pytest.mark.parametrize(
    ("text", "subject", "reason"),
    [
        ("What is osmosis?", "Biology", f"the site already has this page: {PATHS[0]}"),
        ("what IS osmosis", "biology", f"the site already has this page: {PATHS[0]}"),
        ("What is os\u200bmosis ?!", "Biology", f"the site already has this page: {PATHS[0]}"),
        ("What\u00a0is  osmosis\u2026", "Biology", f"the site already has this page: {PATHS[0]}"),
        ("What is a caf\u00e9?", "Science", f"the site already has this page: {PATHS[1]}"),
        ("What is C?", "Math", f"the site already has this page: {PATHS[2]}"),
        ("What is osmosis?", "Chemistry", f"the site already has this question, under another subject: {PATHS[0]}"),
        ("What is C?", "Chemistry", None),
        ("What is osmosis in plants?", "Biology", None),
        ("???", "Biology", None),
    ],
)
def test_a_question_that_the_site_has_is_found(text: str, subject: str, reason: str | None) -> None:
    rows: list[Row] = [InvalidRow("q:1", text, Failure("question", "")), Question(text, subject)]
    assert site_duplicates(site(), PATHS, rows, lambda _: False) == ({1: reason} if reason else {})


def test_a_question_whose_page_is_written_is_no_duplicate() -> None:
    rows = [Question("What is osmosis?", "Biology")]
    assert site_duplicates(site(), PATHS, rows, lambda _: True) == {}


@pytest.mark.parametrize(
    "text", ["What is rain?", "what is RAIN", " What  is rain!", "\u00bfWhat is rain?\u200b", "What is rain\uff1f"]
)
def test_questions_that_read_the_same_have_one_key(text: str) -> None:
    assert question_key(text) == "what is rain"
