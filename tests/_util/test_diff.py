"""Differences between two texts, word by word."""

from qtgen._util.diff import changes, inline
from qtgen.page import encode


def test_inline_marks_removed_and_added_words() -> None:
    assert inline("a b c d", "a x c d e") == "a [-b-] {+x+} c d {+e+}"


def test_changes_are_listed_by_field() -> None:
    old, new = {"answer": encode("One.\n\nTwo words.")}, {"answer": encode("One.\n\nThree words.")}
    assert changes("p.md", old, new) == "--- p.md\nanswer:\n    One.\n    \n    [-Two-] {+Three+} words.\n\n"
