r"""An answer as the site's markdown parser sees it: where code and maths stand.

Follows micromark's code and math constructs as far as the rules need them; tests/test_oracle.py compares the maths with
what remark-math itself finds.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

# Begins with one set of characters, for which `re` looks four times as fast as for the alternatives behind it.
_MARK = re.compile(r"[\\`$~](?:(?<=\\)[!-/:-@\[-`{-~]|(?<=`)`*|(?<=\$)\$*|(?<=~)~{2,})")
_CONTAINER = re.compile(r"(?:[ ]*(?:[-*+]|\d{1,9}[.)])[ ]+)*[ ]*")
_BLANK_LINE = re.compile(r"\n[ ]*\n")
_RUN = {"`": re.compile("`+"), "$": re.compile(r"\$+")}
_BLOCK = {"`": ("fence", 3), "~": ("fence", 3), "$": ("display", 2)}  # kind, and how many marks open one
_INLINE = {"`": "code", "$": "math"}


class Segment(NamedTuple):
    """A part of an answer that is not prose. kind: fence, code, display or math; start and end: offsets in the answer;
    inner: the offsets without the marks around it; closed: False if the mark that ends it is missing."""

    kind: str
    start: int
    end: int
    inner: tuple[int, int]
    closed: bool = True


_start_of = attrgetter("start")


def expand_line_breaks(answer: str) -> str:
    r"""The answer with its line breaks, each `\n` of two characters a space and a newline: offsets stay as they are."""
    return answer.replace("\\n", " \n")


@lru_cache(maxsize=4)  # several rules ask about the same answer in turn
def find_segments(text: str) -> tuple[Segment, ...]:
    """Code and maths of `text`, as `lay_out` gives it, in order."""
    found: list[Segment] = []
    at = paragraph_end = 0
    for mark in _MARK.finditer(text):
        start = mark.start()
        if start < at or text[start] == "\\":
            continue
        if start >= paragraph_end:  # looked for once a paragraph, or a page of marks would take minutes
            blank = _BLANK_LINE.search(text, start)
            paragraph_end = blank.start() if blank else len(text)
        piece = _block(text, mark) or _inline(text, mark, paragraph_end)
        if piece:
            found.append(piece)
            at = piece.end
    return tuple(found)


def _block(text: str, mark: re.Match[str]) -> Segment | None:
    """A fence or display maths, from a mark that begins a line to one on a line of its own."""
    char, width, start = mark.group()[0], len(mark.group()), mark.start()
    kind, least = _BLOCK[char]
    if width < least or not _CONTAINER.fullmatch(text, text.rfind("\n", 0, start) + 1, start):
        return None
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    if char != "~" and char in text[start + width : line_end]:
        return None
    closing = _closing(char, width).search(text, line_end)
    inner_end, end = closing.span() if closing else (len(text), len(text))
    return Segment(kind, start, end, (start + width, inner_end), closing is not None)


@lru_cache
def _closing(char: str, width: int) -> re.Pattern[str]:
    return re.compile(rf"\n[ ]*{re.escape(char)}{{{width},}}[ ]*$", re.MULTILINE)


def _inline(text: str, mark: re.Match[str], paragraph_end: int) -> Segment | None:
    """A code span or inline maths: up to the next run of as many marks in the same paragraph."""
    char, start, inside = mark.group()[0], mark.start(), mark.end()
    if char == "~":
        return None
    for run in _RUN[char].finditer(text, inside, paragraph_end):
        if run.end() - run.start() == inside - start:
            return Segment(_INLINE[char], start, run.end(), (inside, run.start()))
    return None


def segment_at(pieces_in_order: Sequence[Segment], offset: int) -> Segment | None:
    """The piece that covers `offset`, if one does."""
    place = bisect_right(pieces_in_order, offset, key=_start_of) - 1
    return pieces_in_order[place] if place >= 0 and offset < pieces_in_order[place].end else None


def mask_segments(text: str, pieces_of_it: tuple[Segment, ...]) -> str:
    """`text` with code and maths blanked out, every offset and line as it was."""
    parts, done = [], 0
    for piece in pieces_of_it:
        parts += [text[done : piece.start], re.sub(r"[^\n]", " ", text[piece.start : piece.end])]
        done = piece.end
    return "".join([*parts, text[done:]])
