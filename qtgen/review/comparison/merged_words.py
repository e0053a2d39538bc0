"""Merge two versions of one paragraph, heading or cell of a table, word by word."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from qtgen._util.alignment import Pair, align_words
from qtgen.page.markdown import Document, Emphasis
from qtgen.review.comparison.marked_words import MarkedWords, split_words
from qtgen.review.types import Mark

Kind = Literal["ins", "del"]

_BLOCK_MARK = re.compile(r"(?:[-+*>|=#]|\d+[.)]|`{3}|~{3}|\$\$|<)")
_ROUNDS_MAX = 50


def merge_words(old: str, new: str) -> tuple[str, list[Mark]] | None:
    """Return a text with the words of both, or None if the marks in it would not be those of both texts."""
    old_words, new_words = split_words(old), split_words(new)
    pairs = _without_cut_emphasis(align_words(old_words.words, new_words.words), old_words, new_words)
    text, marks = "", []
    for content, kind in _pieces(old_words, new_words, pairs):
        if text and not text[-1].isspace():
            text += " "
        start = len(text)
        text += content if kind is None else content.rstrip(" ")
        if kind is not None:
            marks.append(Mark(start, start + len(content.rstrip(" \\\n")), kind))
    is_valid = _is_valid(text, marks) and _reads_as(text, marks, "ins", old) and _reads_as(text, marks, "del", new)
    return (text, marks) if is_valid else None


def _pieces(old: MarkedWords, new: MarkedWords, pairs: Sequence[Pair]) -> Iterator[tuple[str, Kind | None]]:
    """Yield what is common, deleted and inserted, in order."""
    done = (0, 0)
    common: list[str] = []
    for first, second in [*pairs, (len(old.words), len(new.words))]:
        deleted, inserted = "".join(old.words[done[0] : first]), "".join(new.words[done[1] : second])
        if deleted or inserted:
            yield from ((part, kind) for part, kind in _both("".join(common), deleted, inserted) if part)
            common = []
        if second < len(new.words):
            common.append(new.words[second])
        done = (first + 1, second + 1)
    if common:
        yield "".join(common), None


def _both(common: str, deleted: str, inserted: str) -> Iterator[tuple[str, Kind | None]]:
    yield common, None
    yield deleted, "del"
    yield inserted, "ins"


def _without_cut_emphasis(pairs: Sequence[Pair], old: MarkedWords, new: MarkedWords) -> list[Pair]:
    """Leave out pairs until no change contains only one of the two marks of some emphasis."""
    kept = list(pairs)
    for _ in range(_ROUNDS_MAX):
        cut_old = _cut_words(old, [index for index, _ in kept])
        cut_new = _cut_words(new, [index for _, index in kept])
        remaining = [(one, other) for one, other in kept if one not in cut_old and other not in cut_new]
        if len(remaining) == len(kept):
            break
        kept = remaining
    return kept


def _cut_words(words: MarkedWords, common: Sequence[int]) -> set[int]:
    """Return the indexes of the words of the emphasis that a change cuts."""
    if not words.emphasis:
        return set()
    cut: set[int] = set()
    for before, after in pairwise([-1, *common, len(words.words)]):
        if after - before > 1:
            start, end = words.starts[before + 1], words.end_of(after - 1)
            for emphasis in words.emphasis:
                if _cuts(start, end, emphasis):
                    cut |= {
                        index
                        for index in range(len(words.words))
                        if words.starts[index] < emphasis.end and emphasis.start < words.end_of(index)
                    }
    return cut


def _cuts(start: int, end: int, emphasis: Emphasis) -> bool:
    """Return whether a range contains a part of the marks of some emphasis, but not all of it."""
    if end <= emphasis.start or emphasis.end <= start:
        return False
    contains_it = start <= emphasis.start and emphasis.end <= end
    width = len(emphasis.mark)  # of a formula or of code: all of it, so that nothing is inside
    is_inside = emphasis.start + width <= start and end <= emphasis.end - width
    return not (contains_it or is_inside)


def _is_valid(text: str, marks: Sequence[Mark]) -> bool:
    """Return whether a merged text is one block, in which no mark cuts a formula, code or emphasis."""
    document = Document(text)
    if len(document.blocks) > 1 or any(_BLOCK_MARK.match(line) for line in text.split("\n")[1:]):
        return False
    whole = [Emphasis(text[part.start : part.end], part.start, part.end) for part in document.segments]
    return not any(_cuts(mark.start, mark.end, part) for mark in marks for part in [*whole, *document.emphasis[0]])


def _reads_as(text: str, marks: Sequence[Mark], other: Kind, own: str) -> bool:
    """Return whether the renderer reads the formulas, code and emphasis of a version in the merged text, too.

    Args:
        other: The kind of the marks that are not of this version.
    """
    others = [mark for mark in marks if mark.kind == other]
    return _read(text, others) == _read(own, [])


def _read(text: str, left_out: Sequence[Mark]) -> tuple[list[str], list[str]]:
    """Return the formulas and code of a text, and the marks of its emphasis, without those in some marks."""
    document = Document(text)
    segments = [part for part in document.segments if not _is_in(part.start, part.end, left_out)]
    emphasis = [part for part in document.emphasis[0] if not _is_in(part.start, part.end, left_out)]
    return [text[part.start : part.end] for part in segments], sorted(part.mark for part in emphasis)


def _is_in(start: int, end: int, marks: Sequence[Mark]) -> bool:
    return any(mark.start <= start and end <= mark.end for mark in marks)
