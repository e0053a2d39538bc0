"""Tests of where a page's keys and values are."""

import pytest

from qtgen.page import Page, Position
from qtgen.page.compile import default_layout
from qtgen.page.reader import read_exactly
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import read_text

SMALL = "---\nid: 1\ntitle: >-\n    A title\nseo:\n  title: x\nsubject: Biology\n---\n\n&nbsp;"


@pytest.fixture
def small() -> Page:
    return read_text(SMALL)


def marked(page: Page, path: str, *, key: bool = False) -> str:
    span = page.key_span(path) if key else page.span(path)
    return page.text[span.start : span.end]


def test_values_and_keys_are_found(small: Page) -> None:
    assert marked(small, "title") == "A title"
    assert marked(small, "title", key=True) == marked(small, "seo.title", key=True) == "title"
    assert marked(small, "seo.title") == "x"
    assert marked(small, "seo") == "seo", "a section is shown at its key"


@pytest.mark.parametrize(
    ("path", "next_key"),
    [("_schema", "id"), ("date", "title"), ("question", "subject"), ("seo.page_description", "seo"), ("score", "---")],
)
@pytest.mark.parametrize("read", [read_text, lambda text: read_exactly(text, default_layout())])
def test_a_missing_key_belongs_before_the_next_one(read: object, path: str, next_key: str) -> None:
    assert callable(read)
    page = read(SMALL)
    assert page.span(path) == page.key_span(path) == page.expected_span(path)
    assert page.text.startswith(next_key, page.span(path).start)


def test_a_missing_key_of_a_canonical_page_belongs_before_the_next_one() -> None:
    page = read_text(EXAMPLE_PAGE)
    assert page.canonical
    assert "no_index" not in page.values
    assert page.text.startswith("answer:", page.span("no_index").start)
    assert page.text.startswith("seo:", page.key_span("seo").start)
    assert page.text.startswith("seo:", page.span("seo.unknown").start)
    assert page.text.startswith("---", page.span("nothing").start)


def test_positions_count_lines_and_code_points_from_one() -> None:
    page = read_text("---\ntitle: é𝔘x\n---\n")
    assert page.position(0) == Position(1, 1)
    assert page.position(page.text.index("x")) == Position(2, 10)
    assert page.line_starts() == [0, 4, 15, 19]


def test_values_are_nested_by_section() -> None:
    page = read_text("---\nseo: {}\nid: 1\n---\n")
    assert page.data() == {"seo": {}, "id": 1}
    assert page.sections() == {"seo"}
    nested = read_text("---\nseo:\n  title: x\n---\n")
    assert nested.data() == {"seo": {"title": "x"}}
    assert nested.sections() == {"seo"}


def test_only_strings_are_texts(small: Page) -> None:
    assert (small.text_of("title"), small.text_of("id"), small.text_of("gone")) == ("A title", None, None)


def test_a_page_is_complete_if_its_front_matter_was_read_to_the_end() -> None:
    assert read_text(SMALL).complete
    assert read_text(SMALL.replace("id: 1", "id: 1\nid: 2")).complete, "a duplicate key does not end the reading"
    assert not read_text(SMALL.replace("id: 1", "id: [1")).complete
