r"""Verify that a change of an answer takes nothing from its readers.

A reader sees each character of an answer as text, as code, as part of a formula, or not at all. A change may replace
characters freely. All other characters must be seen as before:

- Text stays text. It becomes a formula or code only if the change wrote both marks around it (`\(x\)` to `$x$`).
- A formula stays a formula, and code stays code. They become text only if the change replaced one of their marks
  (`$5 … $8` to `\$5 …`), or if their end was missing, so that they had swallowed the text.

A dollar sign without its counterpart shifts what follows it: text becomes formulas, and formulas become text. A change
that leaves fewer of them may shift it back.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from qtgen.page.codec import AnswerCodec
from qtgen.page.edits import Part
from qtgen.page.markdown import Segment

_SHOWN_MAX = 40  # characters that a reason quotes
_WORD = re.compile(r"[^\W_]+")
_DOLLARS = re.compile(r"\\.|\$+", re.DOTALL)
_MARKS = "$`~ \n"
_FORMULAS = ("math", "display")


class _Piece(NamedTuple):
    """A part of an answer that a reader sees in one way.

    Args:
        segment: The code or formula that it belongs to, or None for text.
        is_shown: False for marks, and for the rest of the line that opens a block.
    """

    start: int
    segment: Segment | None
    is_shown: bool


class _Rendering(NamedTuple):
    """An answer with real line breaks, at the same offsets, and its pieces in order.

    Args:
        math: Whether the site renders formulas between dollar signs.
    """

    text: str
    pieces: list[_Piece]
    math: bool

    def piece_number(self, offset: int) -> int:
        """Return the number of the piece at an offset."""
        return max(0, bisect_right(self.pieces, offset, key=lambda piece: piece.start) - 1)

    def shown(self) -> Iterator[tuple[Segment | None, str]]:
        """Yield what a reader sees of each piece."""
        for piece, following in pairwise(self.pieces):
            if piece.is_shown:
                yield piece.segment, self.text[piece.start : following.start]

    def stray_marks(self) -> int:
        """Return the number of dollar marks and blocks without a counterpart."""
        strays = sum(not segment.closed for segment in {piece.segment for piece in self.pieces} if segment)
        for segment, text in self.shown():
            if segment is None and self.math and "$" in text:
                strays += sum(mark.group()[0] == "$" for mark in _DOLLARS.finditer(text))
        return strays


def _render(answer: str, codec: AnswerCodec) -> _Rendering:
    """Return what a reader sees. Only this function knows the model of the site's renderer."""
    document = codec.document(answer)
    pieces = [_Piece(0, None, True)]
    for segment in document.segments:
        opened, closing = segment.inner
        pieces += (
            _Piece(segment.start, segment, False),
            _Piece(opened, segment, True),
            _Piece(max(opened, closing), segment, False),
            _Piece(segment.end, None, True),
        )
    pieces.append(_Piece(len(document.text), None, True))
    return _Rendering(document.text, pieces, codec.math)


def removes_content(before: str, after: str, parts: Sequence[Part] | None = None, *, codec: AnswerCodec) -> str | None:
    r"""Return what a reader would lose if an answer changed, as a clause, or None if nothing is lost.

    Args:
        before: The answer as it is in the page.
        after: The changed answer.
        parts: The parts that the change replaces, in order and without overlaps. If they are not known, the words and
            formulas of both answers are compared, wherever they are.
        codec: How the site writes and shows answers.
    """
    if before == after:
        return None
    old, new = _render(before, codec), _render(after, codec)
    repairs = new.stray_marks() < old.stray_marks()
    if parts is None or not _fits(before, after, parts):
        return _missing_word(old, new) or (None if repairs else _missing_formula(old, new))
    change = _Change(old.text, new.text, parts, repairs=repairs)
    for old_piece, new_piece, text in _unchanged_parts(old, new, parts):
        if text.strip(_MARKS) and (reason := change.loss(old_piece, new_piece)):
            return f"{_quoted(text)} {reason}"
    return None


def _fits(before: str, after: str, parts: Sequence[Part]) -> bool:
    """Return whether both answers are the same around the replaced parts.

    They are not if YAML reads more differently than the part that was replaced, such as spaces at the beginning.
    """
    old = new = 0
    for part in (*parts, Part(len(before), len(before), 0)):
        length = part.start - old
        if length < 0 or before[old : part.start] != after[new : new + length]:
            return False
        old, new = part.end, new + length + part.length
    return new == len(after)


def _missing_word(old: _Rendering, new: _Rendering) -> str | None:
    words, remaining = (Counter(_words(rendering)) for rendering in (old, new))
    missing = next((word for word in words if words[word] > remaining[word]), None)
    return missing and f"{_quoted(missing)} would not be shown"


def _words(rendering: _Rendering) -> Iterator[str]:
    for _, text in rendering.shown():
        yield from _WORD.findall(text)


def _missing_formula(old: _Rendering, new: _Rendering) -> str | None:
    formulas, remaining = (Counter(_formulas(rendering)) for rendering in (old, new))
    missing = next((formula for formula in formulas if formulas[formula] > remaining[formula]), None)
    return missing and f"{_quoted(missing)} would not be a formula"


def _formulas(rendering: _Rendering) -> Iterator[str]:
    for segment, text in rendering.shown():
        if segment and segment.closed and segment.kind in _FORMULAS:
            yield " ".join(text.split())


def _unchanged_parts(
    old: _Rendering, new: _Rendering, replaced: Sequence[Part]
) -> Iterator[tuple[_Piece, _Piece, str]]:
    """Yield the parts that a change leaves alone, cut at the borders of the pieces of both answers."""
    shift = start = 0
    for part in (*replaced, Part(len(old.text), len(old.text), 0)):
        old_number, new_number = old.piece_number(start), new.piece_number(start + shift)
        while start < part.start:
            old_end = old.pieces[old_number + 1].start
            new_end = new.pieces[new_number + 1].start - shift
            end = min(part.start, old_end, new_end)
            if end > start:
                yield old.pieces[old_number], new.pieces[new_number], old.text[start:end]
            start = max(start, end)
            old_number += old_end <= start
            new_number += new_end <= start
        start = max(start, part.end)
        shift += part.length - (part.end - part.start)


class _Change:
    """A change between two answers whose replaced parts are known."""

    def __init__(self, old_text: str, new_text: str, parts: Sequence[Part], *, repairs: bool) -> None:
        self._old_text, self._new_text = old_text, new_text
        self._replaced = [(part.start, part.end) for part in parts]
        self._written: list[tuple[int, int]] = []
        self._repairs = repairs
        shift = 0
        for part in parts:
            self._written.append((part.start + shift, part.start + shift + part.length))
            shift += part.length - (part.end - part.start)

    def loss(self, old: _Piece, new: _Piece) -> str | None:
        """Return what happens to characters that the change leaves alone, if a reader loses something by it."""
        if not old.is_shown:
            return None
        was_meant = old.segment is None or old.segment.closed
        if not new.is_shown:
            return "would not be shown" if was_meant or (new.segment and new.segment.closed) else None
        old_kind, new_kind = _kind(old.segment), _kind(new.segment)
        if old_kind == new_kind or self._repairs or not was_meant:
            return None
        if new.segment and not self._writes_marks(new.segment):
            return f"would become {new_kind}"
        if old.segment and not self._replaces_mark(old.segment):
            return f"would no longer be {old_kind}"
        return None

    def _writes_marks(self, segment: Segment) -> bool:
        """Return whether the change writes both marks around a segment of the new answer."""
        return all(
            any(first <= start and end <= last for first, last in _near(self._written, start))
            for start, end in _marks(self._new_text, segment)
        )

    def _replaces_mark(self, segment: Segment) -> bool:
        """Return whether the change replaces or escapes one of the marks around a segment of the old answer."""
        return any(
            first < end and (last > start or first == last == start)
            for start, end in _marks(self._old_text, segment)
            for first, last in _near(self._replaced, start)
        )


def _marks(text: str, segment: Segment) -> Iterator[tuple[int, int]]:
    """Yield where both marks around a segment are, without the white space around the second one."""
    opening = text[segment.start : segment.inner[0]]
    yield segment.start, segment.start + len(opening) - len(opening.lstrip(opening[:1]))
    closing = text[segment.inner[1] : segment.end]
    yield segment.end - len(closing.lstrip()), segment.end - len(closing) + len(closing.rstrip())


def _near(ranges: Sequence[tuple[int, int]], offset: int) -> Sequence[tuple[int, int]]:
    """Return the ranges around an offset: the last ones that begin before it, and the first one after it."""
    number = bisect_right(ranges, (offset, offset))
    return ranges[max(0, number - 2) : number + 2]


def _kind(segment: Segment | None) -> str:
    if segment is None:
        return "text"
    return "a formula" if segment.kind in _FORMULAS else "code"


def _quoted(text: str) -> str:
    shown = " ".join(text.split())
    return f"`{shown[:_SHOWN_MAX]}{'…' * (len(shown) > _SHOWN_MAX)}`"
