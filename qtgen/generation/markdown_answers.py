"""Read answers that a model wrote as Markdown, and return the fields of their shape.

Models do not always follow the requested layout. They write headings instead of bold words, bullets instead of numbers,
a title, or no summary. Variations that do not change the meaning are accepted. An answer with code, tables or nested
lists among its points does not fit the shape `points`, so it is kept as it is, with the shape `freeform`.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from qtgen.errors import AnswerError
from qtgen.generation import search_texts
from qtgen.generation.cut_sentences import repair_cut_sentences
from qtgen.generation.markdown_blocks import Block, clean_lines, has_math_comment, split_blocks, word_set
from qtgen.generation.markdown_points import NoPoints, NotFlat, read_points
from qtgen.generation.markdown_tables import read_table
from qtgen.generation.point_headings import clean_heading, paragraph_lead, part_named
from qtgen.generation.renderable import make_renderable
from qtgen.generation.search_lines import SearchLines, split_search_lines

_Fields = dict[str, Any]
_QUESTION_NAME = re.compile(r"^(?:question|q|title)[ ]*[:：]", re.IGNORECASE)
_ANSWER_NAME = re.compile(r"^[*_]{0,3}(?:answer|a)[ ]*[:：][*_]{0,3}[ ]*(?=\S)", re.IGNORECASE)
_MARKS = " \t*_#>\"“”'"


def read_markdown(
    shape: str, text: str, question: str, *, is_short: bool = False, is_limited: bool = False
) -> tuple[str, _Fields]:
    """Return the shape of an answer and the fields of that shape.

    Args:
        shape: The requested shape.
        text: The model's text.
        question: The question, for keywords that the model left out.
        is_short: Whether a small model wrote it. Keywords that the page does not contain are then replaced.
        is_limited: Whether a grammar limited the length of each sentence, so that some may be cut off.

    Raises AnswerError with sentences that the model can act on.
    """
    lines = split_search_lines(clean_lines(text))
    if shape == "seo":
        return shape, _search_fields(lines, question)
    body = make_renderable(_without_question(lines.body, question))
    blocks = _without_title(split_blocks(body), question)
    if not blocks:
        repeats = body != lines.body
        raise AnswerError(["the answer only repeats the question; answer it" if repeats else "the answer is empty"])
    found, fields = _read(shape, blocks, question, is_flat=not has_math_comment(body))
    fields = _map_prose(fields, lambda prose: repair_cut_sentences(prose, is_limited=is_limited))
    headings = _headings(fields, blocks)
    described = search_texts.describe_by(lines.description, _texts(fields, blocks), question) or lines.description
    chosen = search_texts.keywords(lines.keywords, question, headings, body, only_found=is_short)
    return found, {**fields, "page_description": described, "page_keywords": chosen}


def _search_fields(lines: SearchLines, question: str) -> _Fields:
    """Return the texts for search engines alone. A description may lack its label."""
    description = lines.description or " ".join(lines.body.split())
    if not lines.keywords:
        raise AnswerError(["the answer has no line `Keywords:` with search terms, separated by commas"])
    if not description:
        raise AnswerError(["the answer has no line `Description:` with one sentence"])
    return {
        "page_description": search_texts.finish(search_texts.describe_by(description, [], question) or description),
        "page_keywords": search_texts.usable_keywords(lines.keywords),
    }


def _read(shape: str, blocks: Sequence[Block], question: str, *, is_flat: bool) -> tuple[str, _Fields]:
    """Return the fields of the shape, or of `freeform` for an answer that the shape cannot express."""
    try:
        if shape == "table" and (fields := read_table(blocks)):
            return "table", fields
        if shape != "freeform" and is_flat:
            return "points", read_points(blocks, question)
    except NotFlat:
        pass
    except NoPoints:
        if shape == "table":
            fault = "the answer has no table; write a table with one column for each thing that is compared"
            raise AnswerError([fault]) from None
        raise
    return "freeform", {"answer": "\n\n".join(block.source for block in blocks)}


def _headings(fields: _Fields, blocks: Sequence[Block]) -> list[str]:
    """Return the headings of an answer, from which keywords are taken."""
    if "answer" in fields:
        return [clean_heading(block.text) for block in blocks if block.kind == "heading_open"]
    if "table" in fields:
        rows = fields["table"]["rows"]
        return [clean_heading(text) for text in (*fields["table"]["columns"], *(row["aspect"] for row in rows))]
    return [point["heading"] for point in fields["points"]]


def _texts(fields: _Fields, blocks: Sequence[Block]) -> list[str]:
    """Return the prose of an answer, sorted by how well it suits a description."""
    if "answer" in fields:
        return [block.text for block in blocks if block.kind == "paragraph_open"]
    texts = [fields["introduction"], fields["summary"] or ""]
    return texts + [point["explanation"] for point in fields.get("points", [])]


def _map_prose(fields: _Fields, change: Callable[[str], str]) -> _Fields:
    """Return the fields with their prose changed."""
    changed: _Fields = {
        name: change(fields[name])
        for name in ("introduction", "worked_example", "summary")
        if isinstance(fields.get(name), str)
    }
    if "points" in fields:
        changed["points"] = [{**point, "explanation": change(point["explanation"])} for point in fields["points"]]
    return {**fields, **changed}


def _without_question(body: str, question: str) -> str:
    """Return an answer without the question at its beginning, even if it is repeated several times."""
    asked = re.escape(" ".join(question.split()).rstrip("?. "))
    whole_line = re.compile(rf"(?:{asked}[?.!:*_]*\s*)+", re.IGNORECASE)
    prefix = re.compile(rf"(?i:{asked}[*_]*[?.!:][?.!*_]*\s+)+(?=[^\W_a-z])")  # not if the sentence continues
    lines = body.split("\n")
    position = 0
    while asked and position < len(lines):
        line = _QUESTION_NAME.sub("", lines[position].strip(_MARKS)).strip(_MARKS)
        if line and not whole_line.fullmatch(line):
            if match := prefix.match(line):
                lines[position] = line[match.end() :]
            break
        position += 1
    remaining = "\n".join(lines[position:]).strip("\n")
    return _ANSWER_NAME.sub("", remaining)


def _without_title(blocks: list[Block], question: str) -> list[Block]:
    """Return the blocks without a title."""
    return blocks[1:] if len(blocks) > 1 and _is_title(blocks, question) else blocks


def _is_title(blocks: Sequence[Block], question: str) -> bool:
    """Return whether the first heading is above all others, or repeats the question's topic and is no point."""
    first, second, *_ = blocks
    lead = paragraph_lead(first.lines) if first.kind == "paragraph_open" else None
    is_bold = lead is not None and not lead.rest
    is_named = bool(word_set(first.text) & word_set(question))
    if part_named(first.text) != "point" or re.match(r"\W*\d", first.text):
        return False
    if is_bold:
        return is_named and second.kind == "paragraph_open"
    if first.kind != "heading_open":
        return False
    levels = [block.level for block in blocks[1:] if block.kind == "heading_open"]
    if not levels or min(levels) > first.level:
        return second.kind in ("paragraph_open", "heading_open")
    return is_named and second.kind == "heading_open" and part_named(second.text) == "introduction"
