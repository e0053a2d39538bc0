"""Tests of the comparison of two versions of a Markdown text."""

from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen._util.preview import render_markdown
from qtgen.page import decode_answer
from qtgen.page.markdown import find_segments
from qtgen.review.comparison.changes import compare, compare_texts, merged
from qtgen.review.types import Mark
from support.changed_texts import change, shown
from support.default_tables import read


def parts(text: str, marks: Sequence[Mark]) -> list[str]:
    return [text[mark.start : mark.end] for mark in marks]


def without(text: str, marks: Sequence[Mark]) -> str:
    """Return a text without its marked parts, with single spaces."""
    kept, done = [], 0
    for mark in marks:
        kept.append(text[done : mark.start])
        done = mark.end
    return " ".join("".join([*kept, text[done:]]).split())


MARKED = [
    ("a cat sat here", "a dog sat here", ["cat"], ["dog"]),
    ("so $a + b$, here", "so $a + c$, here", ["$a + b$,"], ["$a + c$,"]),
    ("see [the page](/a) now", "see [the page](/b) now", ["[the page](/a)"], ["[the page](/b)"]),
    ("run `a b` now", "run `a c` now", ["`a b`"], ["`a c`"]),
    ("one two", "one  two\n", [], []),
    ("", "new words", [], ["new words"]),
    ("😀 old", "😀 new", ["old"], ["new"]),
]


@pytest.mark.parametrize(("old", "new", "deleted", "inserted"), MARKED)
def test_words_are_marked(old: str, new: str, deleted: list[str], inserted: list[str]) -> None:
    old_marks, new_marks = compare_texts(old, new)
    assert parts(old, old_marks) == deleted
    assert parts(new, new_marks) == inserted
    assert {mark.kind for mark in old_marks} <= {"del"}
    assert {mark.kind for mark in new_marks} <= {"ins"}


_PIECES = st.lists(
    st.sampled_from(["a ", "b ", "$x y$ ", "[l m](u) ", "**", "\n\n", "- ", "`c d` ", "$$", "|", "\n"]), max_size=40
)


@given(_PIECES.map("".join), _PIECES.map("".join))
def test_what_is_not_marked_is_common(old: str, new: str) -> None:
    old_marks, new_marks = compare_texts(old, new)
    assert without(old, old_marks) == without(new, new_marks)
    for text, marks in ((old, old_marks), (new, new_marks)):
        formulas = [part for part in find_segments(text) if part.closed and part.kind in ("math", "display")]
        for mark in marks:
            cut = [part for part in formulas if part.start < mark.start < part.end or part.start < mark.end < part.end]
            assert not cut


MERGED = [
    ("A cat **sat** here.", "A dog **sat** there.", "A {-cat-} {+dog+} **sat** {-here.-} {+there.+}"),
    ("# One two", "# One three", "# One {-two-} {+three+}"),
    ("so **all of this** is", "so **all of that** is", "so {-**all of this**-} {+**all of that**+} is"),
    (
        "1. First item here\n2. Last",
        "1. New\n2. First item there\n3. Last",
        "1. {+New+}\n2. First item {-here-} {+there+}\n3. Last",
    ),
    ("a b\n\nold text", "a b", "a b\n\n{-old text-}"),
    ("$$\nx\n$$", "$$\ny\n$$", "{-$$\nx\n$$-}\n\n{+$$\ny\n$$+}"),
    ("|a|b|\n|-|-|\n|1|2|", "|a|b|\n|-|-|\n|1|3|", "| a | b |\n| - | - |\n| 1 | {-2-} {+3+} |"),
    ("|a|\n|-|\n|1|", "|a|\n|-|\n|1|\n|2|", "| a |\n| - |\n| 1 |\n| {+2+} |"),
    ("costs $5 now", "costs $6 now", "{-costs $5 now-}\n\n{+costs $6 now+}"),
    ("a line  \nof words here", "a line  \nof words there", "a line \\\nof words {-here-} {+there+}"),
]


def with_marks(text: str, marks: Sequence[Mark]) -> str:
    """Return a text with signs around its marked parts."""
    for mark in reversed(marks):
        opening, closing = ("{+", "+}") if mark.kind == "ins" else ("{-", "-}")
        text = text[: mark.start] + opening + text[mark.start : mark.end] + closing + text[mark.end :]
    return text


@pytest.mark.parametrize(("old", "new", "both"), MERGED)
def test_two_versions_are_merged(old: str, new: str, both: str) -> None:
    assert with_marks(*merged(old, new)).strip() == both


def test_the_layout_follows_from_what_is_common() -> None:
    text = "Water moves through a membrane to the side with more solute."
    few = compare(text, text.replace("moves", "drifts"))
    assert few.layout == "merged"
    assert few.common > 0.8
    assert compare(text, "Something entirely different is written in this answer.").layout == "side by side"
    same = compare(text, text)
    assert not same.old.marks
    assert not same.new.marks
    assert same.merged.markdown.strip() == text


def test_a_merged_text_without_one_version_reads_as_the_other(real_pages: Mapping[str, bytes]) -> None:
    random = Random(3)
    answers = [decode_answer(read(raw).text_of("answer") or "") for _, raw in sorted(real_pages.items())[::50]]
    answers = [answer for answer in answers if answer]
    for _ in range(200):
        old = random.choice(answers)
        new = change(old, random, answers)
        html = render_markdown(*merged(old, new), math=True)
        assert shown(html, "ins") == shown(render_markdown(old, math=True))
        assert shown(html, "del") == shown(render_markdown(new, math=True))


def test_texts_of_a_mebibyte_are_compared() -> None:
    old = "\n\n".join(f"Paragraph {number} has a few words, {number % 7} of them digits." for number in range(20_000))
    new = old.replace("Paragraph 700 has", "Paragraph 700 had")
    assert parts(new, compare_texts(old, new)[1]) == ["had"]
    assert [mark.kind for mark in merged(old, new)[1]] == ["del", "ins"]
