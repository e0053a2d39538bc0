"""Read an explanation in points that a model wrote as Markdown: a list, headings with paragraphs, or bold words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from qtgen.errors import AnswerError
from qtgen.generation.markdown_blocks import Block, list_items, on_one_line, word_set
from qtgen.generation.point_headings import (
    begins_summary,
    clean_heading,
    item_lead,
    paragraph_lead,
    part_named,
    without_bold_phrase,
)

_LISTS = ("ordered_list_open", "bullet_list_open")
_FLAT_KINDS = frozenset({"paragraph_open", "paragraph_close", "inline", "heading_open", "heading_close"})
_FEWEST_POINTS = 4
_NEXT_PART = re.compile(r"\n(?=(?:\d{1,2}[.)][ ]+)?(?:\*\*|__)\S)")
_CHECK_BOX = re.compile(r"^\[[ xX]\][ ]+")
_BOLD_LEVEL = 7  # the heading level of bold words alone on a line, below all headings
_SHOWN = 40  # characters of a point in a message


class NotFlat(Exception):
    """The answer has a structure that the shape cannot express."""


class NoPoints(AnswerError):
    """The answer is prose without points."""


class _Piece(NamedTuple):
    """A part of an answer: a heading (`rest` is empty), a list item, or a paragraph (`heading` is None)."""

    heading: str | None
    text: str
    is_item: bool = False
    level: int = 0  # of a heading in Markdown

    @property
    def opens_point(self) -> bool:
        return self.heading is not None and (self.is_item or part_named(self.heading) == "point")


@dataclass(slots=True)
class _Point:
    heading: str
    texts: list[str]
    is_item: bool
    level: int


@dataclass(slots=True)
class _Parts:
    """The parts of an answer that were found so far. `target` is the part that the next paragraph belongs to.

    `has_sections` is true if a point is not a list item.
    """

    introduction: list[str] = field(default_factory=list)
    points: list[_Point] = field(default_factory=list)
    example: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    target: list[str] = field(default_factory=list)
    has_sections: bool = False

    def open(self, piece: _Piece) -> None:
        """Begin the part that a heading introduces."""
        part = "point" if piece.is_item else part_named(piece.heading or "")
        if part == "summary":
            self.target = self.summary
        elif part == "example":
            self.target = self.example
        elif part == "introduction" and not (self.points or self.introduction):
            self.target = self.introduction
        else:
            self.points.append(_Point(piece.heading or "", [], piece.is_item, piece.level))
            self.target = self.points[-1].texts
            self.has_sections |= not piece.is_item

    @property
    def is_after_list(self) -> bool:
        """Whether a list item with a text is the last part."""
        last = self.points[-1] if self.points else None
        return last is not None and last.is_item and self.target is last.texts and bool(last.texts)


def read_points(blocks: Sequence[Block], question: str) -> dict[str, Any]:
    """Return the fields of an answer in points.

    Raises NotFlat for code, tables, nested lists and paragraphs that belong to no part, and AnswerError.
    """
    parts = _assemble([*_pieces(blocks)])
    if not parts.points:
        raise NoPoints(["the answer has no points; write numbered points, each with a heading in bold"])
    if not parts.introduction:
        _use_first_point(parts, question)
    _check_points(parts.points)
    return {
        "introduction": on_one_line("\n".join(parts.introduction)),
        "points": [
            {"heading": point.heading, "explanation": on_one_line("\n".join(point.texts))} for point in parts.points
        ],
        "worked_example": on_one_line("\n".join(parts.example)) or None,
        "summary": without_bold_phrase(on_one_line("\n".join(parts.summary))) or None,
    }


def _assemble(pieces: Sequence[_Piece]) -> _Parts:
    parts = _Parts()
    parts.target = parts.introduction
    announcements = _announcements(pieces)
    last_point = max((number for number, piece in enumerate(pieces) if piece.opens_point), default=-1)
    for number, piece in enumerate(pieces):
        if number in announcements:
            continue
        if piece.heading is not None:
            if piece.is_item and parts.has_sections:
                raise NotFlat  # a list within a section
            parts.open(piece)
        elif number > last_point >= 0 and (begins_summary(piece.text) or _ends(parts, number, pieces)):
            parts.target = parts.summary
        elif number > last_point and parts.is_after_list:
            raise NotFlat
        if piece.text:
            parts.target.append(piece.text)
    return parts


def _announcements(pieces: Sequence[_Piece]) -> set[int]:
    """Return the numbers of headings that only introduce the points: `Key points`, or the only one above a list."""
    sections = [number for number, piece in enumerate(pieces) if piece.opens_point and not piece.is_item]
    found = set()
    for number, (piece, following) in enumerate(pairwise(pieces)):
        is_named = piece.heading is not None and part_named(piece.heading) == "list"
        is_only = sections == [number] and following.is_item
        if not piece.text and (is_only or (is_named and following.heading is not None)):
            found.add(number)
    return found


def _ends(parts: _Parts, number: int, pieces: Sequence[_Piece]) -> bool:
    """Return whether a paragraph is the last one, after a complete list."""
    return parts.is_after_list and number == len(pieces) - 1


def _use_first_point(parts: _Parts, question: str) -> None:
    """Use the first point as the introduction, if its heading is the question's topic.

    Raises AnswerError if there is no such point, or too few others.
    """
    first, *others = parts.points
    is_asked = bool(word_set(first.heading) & word_set(question))
    if not is_asked or first.is_item or not first.texts or len(others) < _FEWEST_POINTS:
        raise AnswerError(["the answer has no introduction; begin with one or two sentences that answer the question"])
    heading = [] if first.level else [f"{first.heading}:"]
    parts.introduction, parts.points = [*heading, *first.texts], others


def _check_points(points: Sequence[_Point]) -> None:
    """Raise AnswerError for a point without a heading or a text, and NotFlat for a heading above others."""
    for number, point in enumerate(points, 1):
        if not point.heading:
            shown = on_one_line("\n".join(point.texts))[:_SHOWN]
            fault = f"the point `{shown}` has no heading; begin each point with a heading in bold"
            raise AnswerError([fault if shown else f"point {number} is empty"])
        if not point.texts:
            following = points[number].level if number < len(points) else 0
            if point.level and following > point.level:
                raise NotFlat
            raise AnswerError([f"the point `{point.heading[:_SHOWN]}` has no explanation"])


def _pieces(blocks: Sequence[Block]) -> Iterator[_Piece]:
    """Yield the parts of an answer in order. Raises NotFlat."""
    lists = [list_items(block) for block in blocks if block.kind in _LISTS]
    has_headings = [any(item_lead(item.lines) for item in items) for items in lists]
    has_other_points = any(has_headings) or any(block.kind == "heading_open" for block in blocks)
    if has_other_points and not all(has_headings):
        raise NotFlat  # the list is not the points, but another part of the answer
    last_list = max((number for number, block in enumerate(blocks) if block.kind in _LISTS), default=-1)
    for number, block in enumerate(blocks):
        if block.kind == "heading_open":
            yield _Piece(clean_heading(block.text), "", level=block.level)
        elif block.kind in _LISTS:
            yield from _items(block, is_last=number == last_list)
        elif block.kind == "paragraph_open":
            yield from _paragraph(block.lines)
        elif block.kind != "hr":
            raise NotFlat


def _items(block: Block, *, is_last: bool) -> Iterator[_Piece]:
    """Yield the items of a list, and a summary that follows the last one without a blank line."""
    items = list_items(block)
    for number, item in enumerate(items, 1):
        if not item.kinds <= _FLAT_KINDS:
            raise NotFlat
        lines = item.lines.split("\n")
        end = len(lines)
        if is_last and number == len(items):
            end = next((n for n, line in enumerate(lines) if n and begins_summary(line)), end)
        text = _CHECK_BOX.sub("", "\n".join(lines[:end]))
        lead = item_lead(text)
        yield _Piece(lead.heading if lead else "", on_one_line(lead.rest if lead else text), is_item=True)
        if lines[end:]:
            yield _Piece(None, on_one_line("\n".join(lines[end:])))


def _paragraph(lines: str) -> Iterator[_Piece]:
    """Yield the bold headings and the texts of a paragraph. A heading may begin any line."""
    kept: list[str] = []
    for part in _NEXT_PART.split(lines):
        lead = paragraph_lead(part)
        if lead is None:
            kept.append(part)
            continue
        if kept:
            yield _Piece(None, on_one_line("\n".join(kept)))
            kept = []
        yield _Piece(lead.heading, on_one_line(lead.rest), level=0 if lead.rest else _BOLD_LEVEL)
    if kept:
        yield _Piece(None, on_one_line("\n".join(kept)))
