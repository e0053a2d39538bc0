"""Fixes that edit values, also of values whose YAML spelling differs from their text."""

from qtgen.page import read
from qtgen.page.edits import apply_edits
from qtgen.validation.rules.edits import change_fields, replace_parts, span_within
from support.validation import example_with

_ESCAPED = read(example_with("author: QuickTakes", r'author: "Quick\x54akes"'))


def test_a_part_of_an_escaped_value_is_the_whole_value() -> None:
    assert span_within(_ESCAPED, "author", 0, 5) == _ESCAPED.span("author")
    plain = read(example_with("author: QuickTakes", "author: QuickTakers"))
    assert plain.text[slice(*span_within(plain, "author", 0, 5))] == "Quick"


def test_replacing_a_part_of_an_escaped_value_writes_the_whole_field() -> None:
    fix = replace_parts(_ESCAPED, "author", "shorten", [(0, 5, "Slow")])()
    assert fix is not None
    assert read(apply_edits(_ESCAPED.text, fix.edits).encode()).values["author"] == "SlowTakes"


def test_a_value_that_no_page_can_hold_has_no_fix() -> None:
    assert change_fields(_ESCAPED, "break", {"author": "a\nb"})() is None
