"""Read answers that a model wrote as Markdown, and return the fields of their shape.

Models do not always follow the requested layout. They write headings instead of bold words, bullets instead of numbers,
a title, or no summary. Variations that do not change the meaning are accepted. An answer with code, tables or nested
lists among its points does not fit the shape `points`, so it is kept as it is, with the shape `freeform`.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from qtgen.errors import AnswerError
from qtgen.generation import search_texts
from qtgen.generation.answers import SEARCH, shapes_of
from qtgen.generation.cut_sentences import repair_cut_sentences
from qtgen.generation.markdown_blocks import Block, clean_lines, has_math_comment, split_blocks, word_set
from qtgen.generation.markdown_points import NoPoints, NotFlat, read_points
from qtgen.generation.markdown_tables import read_table
from qtgen.generation.own_markdown import read_own
from qtgen.generation.page_texts import PageTexts, page_texts
from qtgen.generation.point_headings import clean_heading, paragraph_lead, part_named
from qtgen.generation.renderable import make_renderable
from qtgen.generation.search_lines import SearchLines, split_search_lines
from qtgen.page.layout import Layout

_Fields = dict[str, Any]
_QUESTION_NAME = re.compile(r"^(?:question|q|title)[ ]*[:：]", re.IGNORECASE)
_ANSWER_NAME = re.compile(r"^[*_]{0,3}(?:answer|a)[ ]*[:：][*_]{0,3}[ ]*(?=\S)", re.IGNORECASE)
_MARKS = " \t*_#>\"“”'"


def read_markdown(
    shape: str, text: str, question: str, layout: Layout, *, is_short: bool = False, is_limited: bool = False
) -> tuple[str, _Fields]:
    """Return the shape of an answer and the fields of that shape.

    Args:
        shape: The requested shape.
        text: The model's text.
        question: The question, for keywords that the model left out.
        layout: The layout of the page.
        is_short: Whether a small model wrote it. Keywords that the page does not contain are then replaced.
        is_limited: Whether a grammar limited the length of each sentence, so that some may be cut off.

    Raises AnswerError with sentences that the model can act on.
    """
    texts = page_texts(layout)
    lines = split_search_lines(clean_lines(text), tuple(text.label for text in texts.further))
    if shape == SEARCH:
        return shape, _search_fields(lines, question, texts.alone)
    unquestioned = _without_question(lines.body, question)
    body = make_renderable(unquestioned) if layout.codec.math else unquestioned
    blocks = _without_title(split_blocks(body), question)
    if not blocks:
        repeats = body != lines.body
        raise AnswerError(["the answer only repeats the question; answer it" if repeats else "the answer is empty"])
    if own := next((own for own in layout.profile.file.shape if own.name == shape), None):
        read = read_own(own, "\n\n".join(block.source for block in blocks))
        fields = {key: _map_text(value, is_limited=is_limited) for key, value in read.items()}
        written = _Written(lines, [], _own_texts(fields), question, body)
        return own.name, {**fields, **_texts_of_page(written, texts, only_found=is_short)}
    found, fields = _read(shape, blocks, question, is_flat=not has_math_comment(body))
    if found not in shapes_of(layout.profile):
        raise AnswerError(["the answer does not have the layout that was asked for"])
    fields = _map_prose(fields, lambda prose: repair_cut_sentences(prose, is_limited=is_limited))
    written = _Written(lines, _headings(fields, blocks), _texts(fields, blocks), question, body)
    return found, {**fields, **_texts_of_page(written, texts, only_found=is_short)}


class _Written(NamedTuple):
    """What a model wrote, from which missing texts are taken."""

    lines: SearchLines
    headings: Sequence[str]
    prose: Sequence[str]
    question: str
    body: str


def _map_text(value: Any, *, is_limited: bool) -> Any:
    if isinstance(value, list):
        return [_map_text(item, is_limited=is_limited) for item in value]
    return repair_cut_sentences(value, is_limited=is_limited)


def _own_texts(fields: _Fields) -> list[str]:
    """Return the texts of an answer in one of the profile's own shapes."""
    return [text for value in fields.values() for text in (value if isinstance(value, list) else [value])]


def _texts_of_page(written: _Written, texts: PageTexts, *, only_found: bool) -> _Fields:
    """Return the fields besides the answer. A missing description and missing keywords are taken from the answer.

    Args:
        only_found: Whether keywords that the page does not contain are used only as a last resort.
    """
    lines, question = written.lines, written.question
    fields: _Fields = {}
    if limits := texts.description:
        described = search_texts.describe_by(lines.description, written.prose, question, limits)
        fields[limits.name] = described or lines.description
    if limits := texts.keywords:
        fields[limits.name] = search_texts.keywords(
            lines.keywords, question, written.headings, written.body, limits, only_found=only_found
        )
    return {**fields, **_further_fields(lines, texts)}


def _further_fields(lines: SearchLines, texts: PageTexts) -> _Fields:
    """Return the written fields that have their own label."""
    fields: _Fields = {}
    for text in texts.further:
        if value := lines.further.get(text.label):
            fields[text.name] = lines.items_of(text.label) if text.is_list else value
    return fields


def _search_fields(lines: SearchLines, question: str, texts: PageTexts) -> _Fields:
    """Return the texts besides the answer alone. A description may lack its label."""
    fields = _further_fields(lines, texts)
    description = lines.description or " ".join(lines.body.split())
    if texts.keywords and not lines.keywords:
        raise AnswerError(["the answer has no line `Keywords:` with search terms, separated by commas"])
    if texts.description and not description:
        raise AnswerError(["the answer has no line `Description:` with one sentence"])
    if limits := texts.description:
        described = search_texts.describe_by(description, [], question, limits) or description
        fields[limits.name] = search_texts.finish(described, limits)
    if limits := texts.keywords:
        fields[limits.name] = search_texts.usable_keywords(lines.keywords, limits)
    return fields


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
