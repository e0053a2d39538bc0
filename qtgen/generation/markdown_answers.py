"""Read answers that a model wrote as Markdown, and return the fields of their shape.

Models vary the layout that they are asked for: headings instead of bold words, bullets instead of numbers, a title
first, no summary. What does not change the meaning is accepted. An answer with code, tables or lists inside its points
cannot be expressed as points, so it is kept as it is, with the shape `freeform`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from qtgen.errors import AnswerError
from qtgen.generation import search_texts

_LABEL = re.compile(
    r"^[ ]{0,3}(?:#{1,6}[ ]+|[-*+][ ]+)?[*_]{0,2}(?:(?:meta|page|seo|search)[ _-]?)?(?P<name>description|keywords?)"
    r"(?:[*_]{0,2}[ ]*[:：][*_]{0,2}[ ]*(?P<text>\S.*)?|[*_]{0,2})[ ]*$",
    re.IGNORECASE | re.MULTILINE,
)
_LIST_ITEM = re.compile(r"^[ ]*(?:[-*+•]|\d+[.)])[ ]+(.+)$")
_NUMBER = re.compile(r"^(?:(?:point|step)[ ]+)?\d{1,2}[.):][ ]+", re.IGNORECASE)
_BOLD_LEAD = re.compile(r"^(?:\*\*|__)(?P<heading>[^*_\n]+?)(?:\*\*|__)(?P<rest>.*)$", re.DOTALL)
_PLAIN_LEAD = re.compile(r"^(?P<heading>[^:.!?\n]{3,80}):[ ]+(?P<rest>\S.*)$", re.DOTALL)
_SUMMARY = re.compile(
    r"(?:in (?:summary|conclusion|short)|to (?:sum up|summari[sz]e|conclude)|overall)\b", re.IGNORECASE
)
_SUMMARY_NAMES = frozenset({"summary", "in summary", "conclusion", "in conclusion", "key takeaway", "key takeaways"})
_EXAMPLE_NAMES = frozenset({"worked example", "example", "an example", "example calculation"})
_INTRODUCTION_NAMES = frozenset({"introduction", "overview", "answer", "short answer"})
_MARKS = " *_#:.–—-"


class _NotFlat(Exception):
    """The answer has a structure that the shape cannot express."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of the answer at its top level.

    Args:
        kind: The type of its first token, such as `paragraph_open`.
        source: Its Markdown.
        tokens: Its tokens, without those of inline content.
    """

    kind: str
    source: str
    tokens: Sequence[Token]

    @property
    def text(self) -> str:
        """Its inline content, on one line."""
        return " ".join(" ".join(token.content.split()) for token in self.tokens if token.type == "inline")


@dataclass(slots=True)
class _Points:
    """The parts of an answer in points, as they are found."""

    introduction: list[str] = field(default_factory=list)
    points: list[tuple[str, list[str]]] = field(default_factory=list)
    example: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    target: list[str] | None = None
    """Where the next paragraph goes; None after a list, whose points are complete."""

    def open(self, heading: str) -> None:
        """Begin the part that a heading names."""
        name = heading.strip(_MARKS).lower()
        if name in _SUMMARY_NAMES:
            self.target = self.summary
        elif name in _EXAMPLE_NAMES:
            self.target = self.example
        elif name in _INTRODUCTION_NAMES and not self.points:
            self.target = self.introduction
        else:
            self.points.append((heading.strip(_MARKS), []))
            self.target = self.points[-1][1]


def read_markdown(shape: str, text: str, question: str) -> tuple[str, dict[str, Any]]:
    """Return the shape of an answer and its fields, as the JSON of the shape has them.

    Args:
        shape: The shape that was asked for.
        text: The model's text.
        question: The question, for keywords that the model left out.

    Raises AnswerError with sentences that the model can act on.
    """
    body, description, written_keywords = _split_search_lines(text)
    if shape == "seo":
        return shape, {"page_description": description, "page_keywords": written_keywords}
    blocks = _without_title(_blocks(body))
    if not blocks:
        raise AnswerError(["the answer is empty; write the introduction, the points and the summary"])
    shape, fields = _read(shape, blocks)
    headings = [point["heading"] for point in fields.get("points", [])]
    texts = [fields.get(name) or "" for name in ("introduction", "summary", "answer")]
    texts += [point["explanation"] for point in fields.get("points", [])]
    described = search_texts.describe([description, *texts]) or description
    chosen = search_texts.keywords(written_keywords, question, headings, body)
    return shape, {**fields, "page_description": described, "page_keywords": chosen}


def _read(shape: str, blocks: Sequence[_Block]) -> tuple[str, dict[str, Any]]:
    has_table = any(block.kind == "table_open" for block in blocks)
    try:
        if shape == "table" and has_table:
            return "table", _read_table(blocks)
        if shape != "freeform":
            return "points", _read_points(blocks)
    except _NotFlat:
        pass
    return "freeform", {"answer": "\n\n".join(block.source for block in blocks)}


def _read_points(blocks: Sequence[_Block]) -> dict[str, Any]:
    parts = _Points()
    parts.target = parts.introduction
    for number, block in enumerate(blocks):
        _add_block(parts, block, is_last=number == len(blocks) - 1)
    if not parts.points:
        raise AnswerError(["the answer has no points; write numbered points, each with a heading in bold"])
    if not parts.introduction:
        raise AnswerError(["the answer has no introduction; begin with one or two sentences that answer the question"])
    return {
        "introduction": " ".join(parts.introduction),
        "points": [{"heading": heading, "explanation": " ".join(texts)} for heading, texts in parts.points],
        "worked_example": " ".join(parts.example) or None,
        "summary": " ".join(parts.summary) or None,
    }


def _add_block(parts: _Points, block: _Block, *, is_last: bool) -> None:
    if block.kind == "heading_open":
        parts.open(_NUMBER.sub("", block.text))
    elif block.kind in ("ordered_list_open", "bullet_list_open"):
        if parts.target is not parts.introduction and parts.target is not None:
            raise _NotFlat
        parts.points += map(_point, _items(block))
        parts.target = None
    elif block.kind == "paragraph_open" and not block.source.lstrip().startswith("$$"):
        _add_paragraph(parts, block.text, is_last=is_last)
    elif block.kind != "hr":
        raise _NotFlat


def _add_paragraph(parts: _Points, text: str, *, is_last: bool) -> None:
    if lead := _BOLD_LEAD.match(text):
        parts.open(_NUMBER.sub("", lead["heading"]))
        text = lead["rest"].lstrip(_MARKS)
    elif _SUMMARY.match(text) or (is_last and parts.target is None):
        parts.target = parts.summary
    if text and parts.target is None:
        raise _NotFlat
    if text and parts.target is not None:
        parts.target.append(text)


def _point(item: _Block) -> tuple[str, list[str]]:
    """Return the heading and the text of a list item."""
    if any(token.type in ("ordered_list_open", "bullet_list_open", "fence", "table_open") for token in item.tokens):
        raise _NotFlat
    lead = _BOLD_LEAD.match(item.text) or _PLAIN_LEAD.match(item.text)
    if lead is None:
        raise AnswerError([f"the point `{item.text[:40]}` has no heading; begin each point with a heading in bold"])
    return lead["heading"].strip(_MARKS), [lead["rest"].lstrip(_MARKS)]


def _read_table(blocks: Sequence[_Block]) -> dict[str, Any]:
    (position, *others) = [number for number, block in enumerate(blocks) if block.kind == "table_open"]
    before, after = blocks[:position], blocks[position + 1 :]
    if others or any(block.kind not in ("paragraph_open", "heading_open", "hr") for block in (*before, *after)):
        raise _NotFlat
    header, *rows = _rows(blocks[position])
    return {
        "introduction": _paragraphs(before),
        "table": {
            "columns": header[1:],
            "rows": [{"aspect": row[0].strip(_MARKS), "cells": row[1:]} for row in rows],
        },
        "summary": _paragraphs(after) or None,
    }


def _paragraphs(blocks: Iterable[_Block]) -> str:
    texts = (block.text for block in blocks if block.kind == "paragraph_open")
    return " ".join(_without_label(text) for text in texts)


def _without_label(text: str) -> str:
    """Return a paragraph without a bold label such as `**Summary**:`."""
    lead = _BOLD_LEAD.match(text)
    name = lead["heading"].strip(_MARKS).lower() if lead else ""
    return lead["rest"].lstrip(_MARKS) if lead and name in _SUMMARY_NAMES | _INTRODUCTION_NAMES else text


def _rows(table: _Block) -> list[list[str]]:
    rows: list[list[str]] = []
    for token in table.tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(" ".join(token.content.split()))
    return rows


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _blocks(markdown: str) -> list[_Block]:
    return [*_split(_parser().parse(markdown), 0, markdown.splitlines())]


def _items(block: _Block) -> list[_Block]:
    return [*_split(block.tokens, 1, [])]


def _split(tokens: Sequence[Token], level: int, lines: Sequence[str]) -> Iterator[_Block]:
    """Yield the blocks at a level of nesting. Without `lines`, their source is empty."""
    start = 0
    for position, token in enumerate(tokens):
        if token.level > level or (token.level == level and token.nesting == 1):
            continue
        first = tokens[start]
        if token.level == level and first.map:
            source = "\n".join(lines[first.map[0] : first.map[1]]).strip("\n")
            yield _Block(first.type, source.rstrip(), tokens[start : position + 1])
        start = position + 1


def _without_title(blocks: list[_Block]) -> list[_Block]:
    """Return the blocks without a heading in front of the introduction."""
    is_title = len(blocks) > 1 and blocks[0].kind == "heading_open" and blocks[1].kind == "paragraph_open"
    return blocks[1:] if is_title else blocks


def _split_search_lines(text: str) -> tuple[str, str, list[str]]:
    """Return a text without its description and keywords, the description, and the keywords.

    Only the last line of each name counts. What follows the last of them is no part of the answer, unless they come
    first.
    """
    lines = text.splitlines()
    found: dict[str, tuple[int, int, list[str]]] = {}
    is_code = False
    for number, line in enumerate(lines):
        is_code ^= line.lstrip().startswith("```")
        label = None if is_code else _LABEL.match(line)
        if label:
            end, values = _label_values(lines, number, label["text"] or "")
            found[label["name"].lower().rstrip("s")] = number, end, values
    if not found:
        return text, "", []
    first, last = min(start for start, _, _ in found.values()), max(end for _, end, _ in found.values())
    removed = {number for start, end, _ in found.values() for number in range(start, end)}
    if any(line.strip() for line in lines[:first]):
        removed.update(range(last, len(lines)))
    body = "\n".join(line for number, line in enumerate(lines) if number not in removed)
    description = " ".join(found["description"][2]) if "description" in found else ""
    words = found["keyword"][2] if "keyword" in found else []
    return body.strip(), _plain(description), [_plain(word) for value in words for word in re.split(r"[,;]", value)]


def _label_values(lines: Sequence[str], start: int, text: str) -> tuple[int, list[str]]:
    """Return the line after a label's values, and the values: its own line, or the lines or list items below it."""
    if text:
        return start + 1, [text]
    end = start + 1
    while end < len(lines) and not lines[end].strip():
        end += 1
    values = []
    while end < len(lines) and lines[end].strip() and not _LABEL.match(lines[end]):
        item = _LIST_ITEM.match(lines[end])
        values.append(item[1] if item else lines[end].strip())
        end += 1
    return end, values


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(' *_`"“”')
