"""Tests of reading pages that are not canonical, or no pages at all."""

import datetime as dt
from typing import Any

import pytest
import yaml

from qtgen.page import MAX_BYTES, Page
from qtgen.page.compile import default_layout
from qtgen.page.parse import MAX_DEPTH
from qtgen.page.reader import read_exactly
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import oversized_page, read, read_text, unreadable_page


def front_matter(lines: str) -> Page:
    return read_text(f"---\n{lines}\n---\n\n&nbsp;")


def problems(page: Page) -> list[tuple[str, str]]:
    """Return the kind of each problem with the text that it is about."""
    return [(problem.kind, page.text[problem.span.start : problem.span.end]) for problem in page.problems]


# --- what is no page --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "kind", "message"),
    [
        (b"", "unreadable-file", "the file is empty"),
        (bytes(MAX_BYTES + 1), "too-large", "1,048,577 bytes; the maximum is 1,048,576"),
        (b"---\ntitle: \xff\n---\n", "invalid-text", "not UTF-8: byte 0xff at offset 11"),
        (b"title: x\n", "missing-front-matter", "no line `---` opens the front matter"),
        (b"---\ntitle: x\n", "missing-front-matter", "no line `---` closes the front matter"),
    ],
)
def test_what_is_no_page_has_one_problem(raw: bytes, kind: str, message: str) -> None:
    page = read(raw)
    assert [(problem.kind, problem.message) for problem in page.problems] == [(kind, message)]
    assert not page.complete
    assert not page.canonical
    assert page.values == {}


def test_a_byte_that_is_not_utf8_is_located_after_wide_characters() -> None:
    page = read("---\nx: é日".encode() + b"\xff")
    assert page.position(page.problems[0].span.start) == (2, 6)


def test_pages_that_are_not_read_carry_their_reason() -> None:
    assert unreadable_page("no permission").problems[0].message == "no permission"
    assert oversized_page(MAX_BYTES * 2).problems[0].kind == "too-large"


def test_each_forbidden_character_is_reported_once_and_the_page_is_read() -> None:
    page = read_text("\ufeff" + EXAMPLE_PAGE.replace("\n", "\r\n").replace("Osmosis", "Os\tmosis\tx", 1))
    messages = [problem.message for problem in page.problems]
    assert messages[:2] == ["byte-order mark U+FEFF", "carriage return U+000D"]
    assert page.values["id"] == read_text(EXAMPLE_PAGE).values["id"]


def test_a_character_that_yaml_rejects_is_reported_once() -> None:
    page = front_matter("title: a\x00b")
    assert [problem.message for problem in page.problems] == ["control or non-character U+0000"]
    assert page.values == {}


# --- YAML -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("title: *x", [("unsafe-yaml", "*x")]),
        ("title: &x y", [("unsafe-yaml", "&x y")]),
        ("title: !!str y", [("unsafe-yaml", "!!str y")]),
        ("<<: {a: 1}", [("unsafe-yaml", "<<")]),
        ("- a", [("invalid-yaml", "")]),
        ("? [a]\n: b", [("invalid-yaml", "[")]),
        ("id: 1\nid: 2", [("duplicate-key", "id")]),
        ("seo:\n  title: a\n  title: b", [("duplicate-key", "title")]),
        (f"id: {'9' * 65}", [("invalid-yaml", "9" * 65)]),
        ("id: 0b", []),
    ],
)
def test_what_is_unsafe_or_invalid_is_located(lines: str, expected: list[tuple[str, str]]) -> None:
    assert problems(front_matter(lines)) == expected


@pytest.mark.parametrize(
    ("lines", "message", "line"),
    [
        ('title: "a', "while scanning a quoted scalar", 2),
        ("a: b: c", "mapping values are not allowed", 2),
        ("id: 1\n...\nid: 2", "did not find expected <document start>", 4),
        ("id: 1\n--- x", "a second YAML document begins inside the front matter", 3),
    ],
)
def test_a_syntax_error_is_reported_where_it_has_to_be_corrected(lines: str, message: str, line: int) -> None:
    page = read_exactly(f"---\n{lines}\n---\n", default_layout())
    (problem,) = page.problems
    assert problem.kind == "invalid-yaml"
    assert message in problem.message
    assert page.position(problem.span.start).line == line


def test_deep_nesting_is_rejected_before_it_is_constructed() -> None:
    deepest = "[" * (MAX_DEPTH - 1)
    assert front_matter(f"x: {deepest}{deepest.replace('[', ']')}").problems == ()
    page = front_matter("x: " + "[" * 5_000 + "]" * 5_000)
    assert page.problems[0].message == f"nested deeper than {MAX_DEPTH} levels"


@pytest.mark.parametrize(
    "lines",
    [
        "a: [1, two, {b: 3.5, 4: ~}]",
        "a: {}\nb: []\nc:",
        "a: 2024-02-30",
        "a: 2024-02-29",
        "a: 2024-02-29 10:00:00",
        "a: 0x1F\nb: 0o7\nc: 1_000\nd: 12:30\ne: .inf\nf: yes",
        "a: |\n  one\n  two\nb: >\n  folded\n  text\n",
        "a: 'it''s'\nb: \"\\u00e9\"",
        "seo: {}\nsubject: x",
        "seo:\n  title: x\n  unknown: y",
        "",
    ],
)
def test_values_are_those_of_pyyaml(lines: str) -> None:
    def comparable(value: Any) -> Any:
        """Make keys of inner mappings strings, and days that no calendar has."""
        if isinstance(value, dict):
            return {key if isinstance(key, str) else repr(key): comparable(inner) for key, inner in value.items()}
        return [comparable(item) for item in value] if isinstance(value, list) else value

    page = read_exactly(f"---\n{lines}\n---\n", default_layout())
    assert page.problems == ()
    try:
        expected = comparable(yaml.load(lines, yaml.CSafeLoader)) or {}
    except ValueError:
        expected = {"a": "2024-02-30"}
    assert page.data() == expected


def test_an_equals_sign_is_text() -> None:
    assert front_matter("a: =").values == {"a": "="}, "PyYAML has no constructor for it"


def test_a_number_that_cannot_be_converted_is_a_problem() -> None:
    page = front_matter("date: 2024-02-29T25:00:00Z")
    assert problems(page) == [("invalid-yaml", "2024-02-29T25:00:00Z")]
    assert page.values["date"] == "2024-02-29T25:00:00Z"


def test_a_dotted_key_is_not_taken_for_a_field() -> None:
    page = front_matter("seo.title: x")
    assert "seo.title" not in page.values
    assert page.text_of("seo․title") == "x"


def test_the_style_of_unusual_values_is_kept() -> None:
    text = EXAMPLE_PAGE.replace("score: -1.0", "score: -1.00\nno_index: true", 1)
    page = read_exactly(text, default_layout())
    assert page.style.spelling == {"score": "-1.00", "no_index": "true"}
    assert page.values["no_index"] is True


def test_the_span_of_a_block_is_its_text() -> None:
    page = read_exactly("---\nanswer: >-\n\n    text\nquestion: |\n---\n", default_layout())
    span = page.span("answer")
    assert page.text[span.start : span.end].strip() == "text"
    assert page.values["question"] == ""


def test_a_day_is_a_date_in_either_reader() -> None:
    for page in (read_text(EXAMPLE_PAGE), read_exactly(EXAMPLE_PAGE, default_layout())):
        assert type(page.values["date"]) is dt.date
