"""Read a comparison that a model wrote as a Markdown table."""

import re
from collections.abc import Sequence
from typing import Any

from qtgen.errors import AnswerError
from qtgen.generation.markdown_blocks import Block, has_surplus_cells, split_blocks, table_rows, with_ruler
from qtgen.generation.markdown_points import NotFlat
from qtgen.generation.point_headings import clean_heading, paragraph_lead, part_named, without_bold_phrase

_WIDTHS = range(2, 5)  # columns beside the first one
_MOST_ROWS = 8
_WORD = re.compile(r"\w")
# Names of the first column of a comparison. Any other name has a meaning that the page would lose.
_ASPECT_NAMES = re.compile(
    r"(?:(?:(?:basis|points?) (?:of|for) )?"
    r"(?:aspect|feature|propert(?:y|ie)|characteristic|criteri(?:on|a)|categor(?:y|ie)"
    r"|attribute|point|basis|factor|parameter|difference|dimension|comparison|topic|item|merkmal|aspekt|aspecto"
    r"|caracter[ií]stica|crit[eè]re|caract[ée]ristique)s?)?"
)


def read_table(blocks: Sequence[Block]) -> dict[str, Any] | None:
    """Return the fields of an answer with one table, or None if it has none.

    Raises NotFlat for an answer that has more than an introduction, the table and a summary, and AnswerError.
    """
    blocks = [_as_table(block) for block in blocks]
    positions = [number for number, block in enumerate(blocks) if block.kind == "table_open"]
    if not positions:
        return None
    if len(positions) > 1 or has_surplus_cells(blocks[positions[0]]):
        raise NotFlat
    before, after = blocks[: positions[0]], blocks[positions[0] + 1 :]
    (first, *columns), *rows = table_rows(blocks[positions[0]])
    if (
        len(columns) not in _WIDTHS
        or len(rows) > _MOST_ROWS
        or not _ASPECT_NAMES.fullmatch(clean_heading(first).lower())
    ):
        raise NotFlat
    if not all(_WORD.search(cell) for row in rows for cell in row if cell.strip()):  # `✓`, `–`
        raise NotFlat
    caption = before[-1:] if before and before[-1].kind == "heading_open" else []
    introduction, summary = _prose(before[: len(before) - len(caption)]), _prose(after)
    if not introduction:
        raise AnswerError(["the answer has no introduction; write one or two sentences above the table"])
    for number, row in enumerate(rows, 1):
        if not all(cell.strip() for cell in row):
            raise AnswerError([f"row {number} of the table has an empty cell; write a short phrase in each cell"])
    return {
        "introduction": introduction,
        "table": {"columns": columns, "rows": [{"aspect": clean_heading(row[0]), "cells": row[1:]} for row in rows]},
        "summary": without_bold_phrase(summary) or None,
    }


def _as_table(block: Block) -> Block:
    """Return a paragraph as a table, if it is a table without the line below its head."""
    source = with_ruler(block) if block.kind == "paragraph_open" else None
    return split_blocks(source)[0] if source else block


def _prose(blocks: Sequence[Block]) -> str:
    """Return the paragraphs as one, without labels such as `**Summary**:`. Raises NotFlat for anything else."""
    texts = []
    for block in blocks:
        if block.kind == "heading_open" and part_named(block.text) != "point":
            continue
        if block.kind not in ("paragraph_open", "hr"):
            raise NotFlat
        lead = paragraph_lead(block.lines)
        is_label = lead is not None and part_named(lead.heading) in ("summary", "introduction")
        texts.append(lead.rest.replace("\n", " ") if lead and is_label else block.text)
    return " ".join(text for text in texts if text)
