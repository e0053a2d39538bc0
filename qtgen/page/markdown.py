r"""Find code and math in an answer, as the site's Markdown parser does.

This follows micromark's code and math constructs as far as the rules need them. A test compares the math with what
remark-math itself finds.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

# The pattern begins with one set of characters, for which `re` searches four times as fast as for the alternatives.
_MARK = re.compile(r"[\\`$~](?:(?<=\\)[!-/:-@\[-`{-~]|(?<=`)`*|(?<=\$)\$*|(?<=~)~{2,})")
_CONTAINER = re.compile(r"(?:[ ]*(?:[-*+]|\d{1,9}[.)])[ ]+)*[ ]*")
_BLANK_LINE = re.compile(r"\n[ ]*\n")
_RUN = {"`": re.compile("`+"), "$": re.compile(r"\$+")}
_BLOCK_KINDS = {"`": ("fence", 3), "~": ("fence", 3), "$": ("display", 2)}  # with the fewest marks that open one
_INLINE_KINDS = {"`": "code", "$": "math"}


class Segment(NamedTuple):
    """A part of an answer that is not prose, as offsets in the answer.

    Args:
        kind: `fence`, `code`, `display` or `math`.
        inner: The offsets without the marks around it.
        closed: False if the mark that ends it is missing.
    """

    kind: str
    start: int
    end: int
    inner: tuple[int, int]
    closed: bool = True


_start_of = attrgetter("start")


def expand_line_breaks(answer: str) -> str:
    r"""Return the answer with a space and a newline for each `\n` of two characters, so that offsets stay the same."""
    return answer.replace("\\n", " \n")


@lru_cache(maxsize=4)  # several rules ask about the same answer in turn
def find_segments(text: str) -> tuple[Segment, ...]:
    """Return the code and math of `text`, which comes from `expand_line_breaks`, in order."""
    segments: list[Segment] = []
    done = paragraph_end = 0
    for mark in _MARK.finditer(text):
        start = mark.start()
        if start < done or text[start] == "\\":
            continue
        if start >= paragraph_end:  # searched once per paragraph; once per mark would take minutes on a page of marks
            blank = _BLANK_LINE.search(text, start)
            paragraph_end = blank.start() if blank else len(text)
        segment = _block(text, mark) or _inline(text, mark, paragraph_end)
        if segment:
            segments.append(segment)
            done = segment.end
    return tuple(segments)


def _block(text: str, mark: re.Match[str]) -> Segment | None:
    """Return the fence or display math that begins at a mark, which must begin its line."""
    char, width, start = mark.group()[0], len(mark.group()), mark.start()
    kind, fewest = _BLOCK_KINDS[char]
    if width < fewest or not _CONTAINER.fullmatch(text, text.rfind("\n", 0, start) + 1, start):
        return None
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    if char != "~" and char in text[start + width : line_end]:
        return None
    closing = _closing_line(char, width).search(text, line_end)
    inner_end, end = closing.span() if closing else (len(text), len(text))
    return Segment(kind, start, end, (start + width, inner_end), closing is not None)


@lru_cache
def _closing_line(char: str, width: int) -> re.Pattern[str]:
    return re.compile(rf"\n[ ]*{re.escape(char)}{{{width},}}[ ]*$", re.MULTILINE)


def _inline(text: str, mark: re.Match[str], paragraph_end: int) -> Segment | None:
    """Return the code span or inline math that ends at the next run of as many marks in the same paragraph."""
    char, start, inner_start = mark.group()[0], mark.start(), mark.end()
    if char == "~":
        return None
    for run in _RUN[char].finditer(text, inner_start, paragraph_end):
        if run.end() - run.start() == inner_start - start:
            return Segment(_INLINE_KINDS[char], start, run.end(), (inner_start, run.start()))
    return None


def segment_at(segments: Sequence[Segment], offset: int) -> Segment | None:
    """Return the segment that covers `offset`, or None. The segments must be in order."""
    index = bisect_right(segments, offset, key=_start_of) - 1
    return segments[index] if index >= 0 and offset < segments[index].end else None


def mask_segments(text: str, segments: Sequence[Segment]) -> str:
    """Return `text` with spaces for the segments' characters, so that offsets and lines stay the same."""
    parts, done = [], 0
    for segment in segments:
        parts += [text[done : segment.start], re.sub(r"[^\n]", " ", text[segment.start : segment.end])]
        done = segment.end
    return "".join([*parts, text[done:]])
