"""Compare two versions of a Markdown text, and show the changes in one text or side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from qtgen._util.alignment import Pair, align_words
from qtgen.review.comparison.marked_words import MarkedWords, split_words
from qtgen.review.comparison.merging import merge
from qtgen.review.types import Mark

Layout = Literal["merged", "side by side"]

_COMMON_MIN = 0.4  # share of the words; below it, one text with both versions is harder to read than two texts


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A Markdown text and the marks in it."""

    markdown: str
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between two versions of a Markdown text.

    Args:
        old: The old text, with its deleted words marked.
        new: The new text, with its inserted words marked.
        merged: Both in one text, block by block.
        layout: Which of them reads best: one text, unless most words differ.
        common: The share of words that both texts have in common, from 0 to 1.
    """

    old: MarkedText
    new: MarkedText
    merged: MarkedText
    layout: Layout
    common: float


def compare(old: str, new: str) -> Changes:
    """Return the changes between two Markdown texts, which have real line breaks."""
    old_words, new_words = split_words(old), split_words(new)
    pairs = align_words(old_words.words, new_words.words)
    deleted, inserted = _marks_of_both(old_words, new_words, pairs)
    total = len(old_words.words) + len(new_words.words)
    common = 2 * len(pairs) / total if total else 1.0
    return Changes(
        MarkedText(old, deleted),
        MarkedText(new, inserted),
        MarkedText(*merged(old, new)),
        "merged" if common >= _COMMON_MIN else "side by side",
        common,
    )


def compare_texts(old: str, new: str) -> tuple[list[Mark], list[Mark]]:
    """Return the marks of the words that only the old text has, and of those that only the new text has.

    No mark cuts a formula, a code span or a link. Texts of more than 2,000 words are compared by paragraph first.
    """
    old_words, new_words = split_words(old), split_words(new)
    return _marks_of_both(old_words, new_words, align_words(old_words.words, new_words.words))


def merged(old: str, new: str) -> tuple[str, list[Mark]]:
    """Return one Markdown text that shows both, and the marks of the deleted and the inserted words in it.

    Blocks that both have are there once. Changed paragraphs, headings and list items contain the words of both. A
    changed block of another kind, such as a table, is there twice.
    """
    return merge(old, new)


def _marks_of_both(old: MarkedWords, new: MarkedWords, pairs: Sequence[Pair]) -> tuple[list[Mark], list[Mark]]:
    deleted = _marks(old, [index for index, _ in pairs], "del")
    return deleted, _marks(new, [index for _, index in pairs], "ins")


def _marks(words: MarkedWords, common: Sequence[int], kind: Literal["ins", "del"]) -> list[Mark]:
    marks: list[Mark] = []
    for before, after in pairwise([-1, *common, len(words.words)]):
        if after - before > 1:
            mark = Mark(words.starts[before + 1], words.end_of(after - 1), kind)
            marks += [mark] if mark.start < mark.end else []
    return marks
