"""Fixes that edit values, also of values whose YAML spelling differs from their text."""

import pytest

from qtgen.page.edits import apply_edits
from qtgen.validation.rules.edits import change_fields, replace_parts, span_within
from support.default_tables import read
from support.validation import example_with

_ESCAPED = read(example_with("author: QuickTakes", r'author: "Quick\x54akes"'))

_PLAIN = read(example_with("author: QuickTakes", "author: QuickTakes\n  of us"))


def test_a_part_of_an_escaped_value_is_at_its_escapes() -> None:
    assert _ESCAPED.text[slice(*span_within(_ESCAPED, "author", 0, 5))] == "Quick"
    assert _ESCAPED.text[slice(*span_within(_ESCAPED, "author", 4, 7))] == r"k\x54a"
    plain = read(example_with("author: QuickTakes", "author: QuickTakers"))
    assert plain.text[slice(*span_within(plain, "author", 0, 5))] == "Quick"


def test_a_part_of_an_escaped_value_is_replaced_in_place() -> None:
    fix = replace_parts(_ESCAPED, "author", "shorten", [(0, 5, "Slow")])()
    assert fix is not None
    assert apply_edits(_ESCAPED.text, fix.edits) == _ESCAPED.text.replace('"Quick', '"Slow')


def test_a_part_that_the_spelling_cannot_hold_writes_the_whole_field() -> None:
    fix = replace_parts(_PLAIN, "author", "rename", [(0, 5, "Slow: "), (6, 6, "-")])()
    assert fix is not None
    assert read(apply_edits(_PLAIN.text, fix.edits).encode()).values["author"] == "Slow: T-akes of us"
    assert fix.parts == [(0, 5, 6), (6, 6, 1)]


@pytest.mark.parametrize("header", [">", ">+", "|"])
def test_a_part_across_lines_of_a_value_with_a_line_break_at_its_end_is_replaced(header: str) -> None:
    page = read(example_with("author: QuickTakes", f"author: {header}\n    Quick\n    takes"))
    value = page.text_of("author") or ""
    assert value.endswith("takes\n")
    fix = replace_parts(page, "author", "shorten", [(0, 6, "Slow ")])()
    assert fix is not None
    assert read(apply_edits(page.text, fix.edits).encode()).values["author"] == "Slow takes"


def test_a_value_that_no_page_can_hold_has_no_fix() -> None:
    assert change_fields(_ESCAPED, "break", {"author": "a\nb"})() is None
