"""Tests of the comparison of two texts, word by word."""

import re

from hypothesis import given
from hypothesis import strategies as st

from qtgen._util.diff import DiffPart, compare_words, diff_fields, differing_ranges, inline_diff

TEXTS = st.text(max_size=200) | st.lists(st.sampled_from(["a", "b", "c", "\n"]), max_size=60).map(" ".join)


@given(TEXTS, st.data())
def test_the_parts_joined_are_the_text(first: str, data: st.DataObject) -> None:
    second = data.draw(st.permutations(first.split(" ")).map(" ".join) | st.text(max_size=200))
    diff = compare_words(first, second)
    assert "".join(part.text for part in diff.first) == first
    assert "".join(part.text for part in diff.second) == second
    assert 0 <= diff.similarity <= 1
    assert all(part.text for part in [*diff.first, *diff.second])


@given(TEXTS, TEXTS)
def test_ranges_are_the_places_of_the_parts_that_differ(first: str, second: str) -> None:
    for text, parts in zip((first, second), compare_words(first, second)[:2], strict=True):
        assert [text[start:end] for start, end in differing_ranges(parts)] == [
            part.text for part in parts if part.differs
        ]


@given(TEXTS.filter(bool))
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    diff = compare_words(text, text)
    assert diff == ([DiffPart(text, False)], [DiffPart(text, False)], 1.0)


def test_words_that_match_by_chance_are_not_common() -> None:
    diff = compare_words(
        "Water moves through a membrane.\n\nIt is fast.", "Water drifts through a membrane.\n\nIt is fast."
    )
    assert [part.text for part in diff.first if part.differs] == ["Water moves"]
    assert diff.similarity == 0.75
    assert [part.differs for part in compare_words("to be or not", "what is to come or why").first] == [True]


def test_beside_an_empty_text_nothing_is_marked() -> None:
    assert compare_words("", "a b c") == ([], [("a b c", False)], 0.0)
    assert compare_words("a b c", "") == ([("a b c", False)], [], 0.0)
    assert compare_words("", "") == ([], [], 0.0)


def test_an_inline_diff_marks_what_only_one_text_has() -> None:
    assert inline_diff("a b c d", "a x c d e") == "a [-b-] {+x+} c d {+e+}"
    assert inline_diff("", "a b") == "{+a b+}"
    assert inline_diff("a b", "") == "[-a b-]"
    assert inline_diff("a\nb", "a\nb") == "a\nb"


@given(
    st.lists(st.sampled_from(["a", "b", "c"])).map(" ".join), st.lists(st.sampled_from(["a", "b", "x"])).map(" ".join)
)
def test_both_texts_can_be_read_from_an_inline_diff(before: str, after: str) -> None:
    diff = inline_diff(before, after)
    old = re.sub(r"\{\+.*?\+\}", "", diff).replace("[-", "").replace("-]", "")
    new = re.sub(r"\[-.*?-\]", "", diff).replace("{+", "").replace("+}", "")
    assert (old.split(), new.split()) == (before.split(), after.split())


def test_only_fields_that_differ_are_printed() -> None:
    before = {"id": 1, "answer": "One.\\n\\nTwo.", "score": 0.5}
    after = {"id": 1, "answer": "One.\\n\\nThree.", "subject": "Biology"}
    assert diff_fields("x.md", before, after) == (
        "--- x.md\nanswer:\n    One.\n    \n    [-Two.-]{+Three.+}\nscore:\n    [-0.5-]\nsubject:\n    {+Biology+}\n\n"
    )


def test_a_diff_without_another_value_says_so() -> None:
    assert diff_fields("x.md", {"id": 1}, {"id": 1}) == "--- x.md\nonly line ends or the layout change\n\n"
