r"""Find math between `\(` and `\)` or between `\[` and `\]`, which the site does not render, and write it with dollars.

Markdown also escapes brackets so: `\(see below\)` and `\[1\]` are prose.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from qtgen.markdown.document import Document, find_segments, segment_at
from qtgen.markdown.plain_math import plain_math
from qtgen.markdown.types import Block

Replacement = tuple[int, int, str]
"""Start and end in a text, and what replaces that part."""

_MARK = re.compile(r"\\[\\()\[\]]")
_PARAGRAPH_BREAK = re.compile(r"\n[ ]*\n")
_COMMAND = re.compile(r"\\[A-Za-z]")
_SIGN = re.compile("[\\\\^_={}<>|\u0370-\u03ff\u2190-\u22ff\u2a00-\u2aff\u00d7\u00f7\u00b1\u2032\u00b2\u00b3\u00b9]")
_FUNCTION = re.compile(
    r"\b(?:sin|cos|tan|log|exp|max|min|lim|gcd|det|mod)\b(?=[ ]*\S)|(?<![A-Za-z])(?:[A-Za-z]|[A-Z]{2,4})\("
    r"|[A-Za-z0-9)][ ]?[+*][ ]?[A-Za-z0-9(]|^[(\[].*[)\]]$"
)
_PROBABILITY = re.compile(r"[A-Z]\([^()]*\|")
_NAMES = re.compile(r"\d[\d.,]*%?|[A-Z]{2,4}|[A-Za-z]{2}")  # a number, or two variables: nothing that is only math
_VARIABLE = re.compile(r"(?<![A-Za-z.])[A-Za-z](?![A-Za-z0-9.])")
_ABBREVIATION = re.compile(r"[A-Za-z]{2}\.")
_ELEMENTS = re.compile(r"(?:[A-Z][a-z]?\d*){2,}")
_ESCAPE = re.compile(r"\\[!-/:-@\[-`{-~]")
_PROSE = re.compile(
    r"(?:e\.g|i\.e|cf|see|pp?\.|vs|ca\.|fig|eq|approx|about|or|and|the)\b|\^\d+\Z|[→←⇒] *[A-Za-z]{3}"
    r"|[\u0370-\u03ff]-[a-z]{3}|[A-Z]:\\",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z]{3,}")
_LABEL = re.compile(r"[a-h]|i{1,3}|iv|vi{1,3}|ix")
_BEFORE_LABEL = re.compile(r"(?:^[ *+-]*|[,;:] |\b(?:and|or) )\Z")
_CODE = re.compile(r"[`~](?:(?<=`)|(?<=~)~~)")
_INDENTED = re.compile(r"\n[ >]*\n[ >]*    [^\n\\]*\\[(\[]")
_ITEM = re.compile(r"^[ >]*(?:[-*+]|\d{1,9}[.)]) ", re.MULTILINE)
_OWN_LINE = re.compile(r"[ ]*\n[\s\S]*\n[ ]*")  # between marks that are each alone on their line
_PROSE_WORDS = 2
_AROUND = 80  # characters before and behind a pair that tell what it is
_UNESCAPED_DOLLAR = re.compile(r"(?<!\\)\$")
OWN_LINES = re.compile(r"\\tag\b|\\begin\{(?:align|gather|equation|multline|alignat|CD|flalign)\*?\}")
"""What KaTeX renders only in math that is a block."""


class BracketPair(NamedTuple):
    r"""A pair of `\(` and `\)` (or of `\[` and `\]`, then `display`) in prose, which contains math.

    Args:
        inner: Start and end of what is between the marks.
    """

    start: int
    end: int
    inner: tuple[int, int]
    display: bool


def find_bracket_math(text: str) -> list[BracketPair]:
    """Return the math between brackets, in order.

    A pair that may be math or prose, such as a number, is math if there is certain math between brackets in the text.
    """
    if "\\(" not in text and "\\[" not in text:
        return []
    pairs = [*_pairs(text)]
    hidden = (
        [part for part in find_segments(text) if part.kind != "math"]
        if _may_hide(text) or _is_in_block(text, pairs)
        else []
    )
    certain: list[BracketPair] = []
    possible: list[BracketPair] = []
    for pair in pairs:
        if hidden and (segment_at(hidden, pair.start) or segment_at(hidden, pair.end - 1)):
            continue
        verdict = _is_math(text, pair)
        if verdict is not False:
            (certain if verdict else possible).append(pair)
    return sorted([*certain, *possible]) if certain else []


def _may_hide(text: str) -> bool:
    """Return whether code or a block of math may contain a pair."""
    if _CODE.search(text) or ("$$" in text and plain_math(text.replace(" \n", "\\n")) is None):
        return True
    # What is indented below a list item is hardly ever code.
    return _INDENTED.search(text) is not None and _ITEM.search(text) is None


def _is_in_block(text: str, pairs: Sequence[BracketPair]) -> bool:
    """Return whether a pair is behind an odd number of `$$`."""
    marks = done = 0
    for pair in pairs:
        marks += text.count("$$", done, pair.start)
        done = pair.start
        if marks % 2:
            return True
    return False


def _pairs(text: str) -> Iterator[BracketPair]:
    """Yield each pair of marks with no other mark in between. Inline math does not contain a blank line."""
    opening, start = "", 0
    for match in _MARK.finditer(text):
        mark = match.group()
        if mark in ("\\(", "\\["):
            opening, start = mark, match.start()
        elif (opening, mark) in (("\\(", "\\)"), ("\\[", "\\]")):
            is_display = mark == "\\]"
            if is_display or not _PARAGRAPH_BREAK.search(text, start, match.start()):
                yield BracketPair(start, match.end(), (start + 2, match.start()), is_display)
            opening = ""


def _is_math(text: str, pair: BracketPair) -> bool | None:
    """Return whether a pair contains math, or None if it may be prose too."""
    content = text[slice(*pair.inner)].strip()
    if not content or (pair.display and text.startswith(("(", "\\("), pair.end)):
        return False
    if "://" in content or "www." in content or _PROSE.match(content):
        return False
    if _COMMAND.search(content):
        return True
    words = _WORD.findall(content)
    if pair.display and not words and _OWN_LINE.fullmatch(text[slice(*pair.inner)]):
        return True
    if len(words) >= _PROSE_WORDS:
        return _PROBABILITY.match(content) is not None
    if _SIGN.search(_ESCAPE.sub(" ", content)) or _FUNCTION.search(content):
        return True
    return _is_plain_math(text, pair, content) if not words else False


def _is_plain_math(text: str, pair: BracketPair, content: str) -> bool | None:
    """Return whether a pair without words and signs of math contains math: letters and numbers only."""
    before = text[max(0, pair.start - _AROUND) : pair.start].rpartition("\n")[2]
    after = text[pair.end : pair.end + _AROUND].partition("\n")[0].strip(" .,;")
    if pair.display and _NAMES.fullmatch(content):
        return False
    if pair.display and (before.strip() or after):
        return None if _VARIABLE.search(content) else False
    is_label = _LABEL.fullmatch(content) and _BEFORE_LABEL.search(before)
    is_prefix = content in ("R", "S", "E", "Z", "D", "L") and text.startswith("-", pair.end)  # of a molecule
    is_call = before[-1:].isalnum() or before.endswith(("_", "\\]"))
    if is_label or is_call or is_prefix or _ABBREVIATION.search(content):
        return None
    if _NAMES.fullmatch(content) or _ELEMENTS.fullmatch(content):
        return None
    if not any(char.isalnum() for char in content):
        return False
    return True if _VARIABLE.search(content) else None


def with_dollars(document: Document, pairs: Sequence[BracketPair], *, line_break: str = "\n") -> list[Replacement]:
    r"""Return the replacements that write math between brackets with dollar signs.

    Math that stands on lines of its own becomes a block, with each `$$` on a line of its own at the indent of its list
    item. Dollar signs that are shown as such in the same text are escaped, because they would form pairs with the new
    ones. There are no replacements for a pair that contains a dollar sign or stands in a quotation.

    Args:
        line_break: How a line break is written in the text, ` \n` of an answer or a newline.
    """
    text = document.text
    changes: list[Replacement] = []
    for pair in pairs:
        if "$" in text[pair.start : pair.end]:
            continue
        block = block_at(document, pair.start)
        if block is None or block.kind in ("heading", "table") or not _needs_lines(text, pair):
            is_whole = document.content[pair.start : pair.end] == text[pair.start : pair.end]
            is_adjacent = bool(changes) and changes[-1][1] == pair.start  # `$a$$b$` would not be two formulas
            changes += _as_inline(text, pair, " " if is_adjacent else "") if is_whole else []
        elif not is_quoted(document, pair):
            changes += as_display(document, pair, block, line_break=line_break)
    return sorted([*changes, *_escaped_dollars(document, changes)]) if changes else []


def _as_inline(text: str, pair: BracketPair, space: str) -> list[Replacement]:
    mark = "$$" if pair.display else "$"
    content = text[slice(*pair.inner)]
    left, right = len(content) - len(content.lstrip()), len(content) - len(content.rstrip())
    return [(pair.start, pair.inner[0] + left, space + mark), (pair.inner[1] - right, pair.end, mark)]


def _needs_lines(text: str, pair: BracketPair) -> bool:
    """Return whether math is a block: it stands on lines of its own, or is valid only in a block."""
    if not pair.display:
        return False
    before = text[: pair.start].rpartition("\n")[2]
    after = text[pair.end :].partition("\n")[0]
    content = text[slice(*pair.inner)]
    is_alone = not before.strip() and not after.strip(" .,;")
    return is_alone or "\n" in content or OWN_LINES.search(content) is not None


def write_dollars(markdown: str) -> str:
    """Return the text with its math between brackets written with dollar signs."""
    pairs = find_bracket_math(markdown)
    return apply_replacements(markdown, with_dollars(Document(markdown), pairs)) if pairs else markdown


def is_quoted(document: Document, pair: BracketPair) -> bool:
    """Return whether a mark of a quotation stands in the lines of a formula."""
    start = document.text.rfind("\n", 0, pair.start) + 1
    return document.content[start : pair.end] != document.text[start : pair.end]


def block_at(document: Document, offset: int) -> Block | None:
    """Return the block that an offset is in."""
    index = bisect_right(document.blocks, offset, key=attrgetter("start")) - 1
    return document.blocks[index] if index >= 0 and offset < document.blocks[index].end else None


def as_display(document: Document, pair: BracketPair, block: Block, *, line_break: str = "\n") -> list[Replacement]:
    """Return the replacements that write a formula between lines of `$$`.

    Args:
        document: The text.
        pair: The formula, between marks of any kind.
        block: The block that it begins in. The lines are indented like the list item around it.
        line_break: How a line break is written in the text.
    """
    text = document.text
    indent = " " * _indent(document, block)
    content = text[slice(*pair.inner)]
    left, right = len(content) - len(content.lstrip()), len(content) - len(content.rstrip())
    before = text[: pair.start]
    line_start = before.rfind("\n") + 1
    opening_start, opening = pair.start, f"$$\n{indent}"
    if _begins_item(document, pair.start):
        pass
    elif before[line_start:].strip():
        opening_start -= len(before) - len(before.rstrip())
        opening = f"\n{indent}{opening}"
    else:
        opening_start, opening = line_start, indent + opening
    after = text[pair.end :]
    stripped = after.lstrip(" ")
    has_text_behind = bool(stripped) and not stripped.startswith("\n")
    closing_end = pair.end + (len(after) - len(stripped) if has_text_behind else 0)
    closing = f"\n{indent}$$" + (f"\n{indent}" if has_text_behind else "")
    body = _indented(text, pair.inner[0] + left, pair.inner[1] - right, indent)
    return [
        (opening_start, pair.inner[0] + left, opening.replace("\n", line_break)),
        *body,
        (pair.inner[1] - right, closing_end, closing.replace("\n", line_break)),
    ]


def _indented(text: str, start: int, end: int, indent: str) -> Iterable[Replacement]:
    """Yield replacements that indent the lines after the first at least as far as the list item."""
    for match in re.finditer(r"\n[ ]*", text[start:end]):
        offset = start + match.end()
        missing = len(indent) - (len(match.group()) - 1)
        if missing > 0:
            yield (offset, offset, " " * missing)


def _indent(document: Document, block: Block) -> int:
    """Return how far the lines of the innermost list item around a block are indented."""
    if block.item < 0:
        return 0
    item = document.items[block.item]
    return item.content - (document.text.rfind("\n", 0, item.start) + 1)


def _begins_item(document: Document, offset: int) -> bool:
    return any(item.content == offset for item in document.items)


def _escaped_dollars(document: Document, changes: Sequence[Replacement]) -> list[Replacement]:
    """Return replacements for dollar signs that are shown as such, in the texts that get new ones."""
    text, segments = document.text, document.segments
    found: list[Replacement] = []
    for start, end in document.inline_ranges():
        if "$" in text[start:end] and any(start <= change[0] < end for change in changes):
            marks = _UNESCAPED_DOLLAR.finditer(text, start, end)
            found += [(*(mark.start(),) * 2, "\\") for mark in marks if not segment_at(segments, mark.start())]
    return found


def apply_replacements(text: str, replacements: Sequence[Replacement]) -> str:
    """Return the text with its parts replaced. The replacements must be in order."""
    parts = [text[: replacements[0][0]]] if replacements else [text]
    for (_, end, new), (following, _, _) in pairwise([*replacements, (len(text), len(text), "")]):
        parts += [new, text[end:following]]
    return "".join(parts)
