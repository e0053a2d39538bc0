r"""Find math between `\(` and `\)` or between `\[` and `\]`, which the site does not render, and write it with dollars.

Markdown also escapes brackets so: `\(see below\)` and `\[1\]` are prose.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter

from qtgen.page.markdown.document import Document, find_segments, segment_at
from qtgen.page.markdown.math_or_prose import is_math
from qtgen.page.markdown.plain_math import plain_math
from qtgen.page.markdown.regular_math import regular_math
from qtgen.page.markdown.types import Block, BracketPair

Replacement = tuple[int, int, str]
"""Start and end in a text, and what replaces that part."""

_MARK = re.compile(r"\\[\\()\[\]]")
_PARAGRAPH_BREAK = re.compile(r"\n[ ]*\n")
_NUMBER_OF_PERCENT = re.compile(r"\d ?(?=%)")
_INDENTED = re.compile(r"\n[ >]*\n[ >]*    [^\n\\]*\\[(\[]")
_ITEM = re.compile(r"^[ >]*(?:[-*+]|\d{1,9}[.)]) ", re.MULTILINE)
_LINE_MAX = 1_000  # characters before or behind a formula
_UNESCAPED_DOLLAR = re.compile(r"(?<!\\)\$")
OWN_LINES = re.compile(r"\\tag\b|\\begin\{(?:align|gather|equation|multline|alignat|CD|flalign)\*?\}")
"""What KaTeX renders only in math that is a block."""


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
        verdict = is_math(text, pair)
        if verdict is not False:
            (certain if verdict else possible).append(pair)
    return sorted([*certain, *possible]) if certain else []


def _may_hide(text: str) -> bool:
    """Return whether code or a block of math may contain a pair."""
    if "`" in text or "~~~" in text or ("$$" in text and not _is_plain(text.replace(" \n", "\\n"))):
        return True
    # What is indented below a list item is hardly ever code.
    return _INDENTED.search(text) is not None and _ITEM.search(text) is None


def _is_plain(answer: str) -> bool:
    return regular_math(answer).is_plain or plain_math(answer) is not None


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


def with_dollars(document: Document, pairs: Sequence[BracketPair], *, line_break: str = "\n") -> list[Replacement]:
    r"""Return the replacements that write math between brackets with dollar signs.

    Math on lines of its own becomes a block, with each `$$` on a line of its own at the indent of its list
    item. Dollar signs that are shown as such in the same text are escaped, because they would form pairs with the new
    ones. There are no replacements for a pair that contains a dollar sign or is in a quotation.

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
            is_adjacent = (bool(changes) and changes[-1][1] == pair.start) or text.endswith("$", 0, pair.start)
            marks = _as_inline(text, pair, " " if is_adjacent else "") if is_whole else []
        else:
            marks = [] if is_quoted(document, pair) else as_display(document, pair, block, line_break=line_break)
        changes += [*_escaped_percents(text, pair), *marks] if marks else []
    return sorted([*changes, *_escaped_dollars(document, changes)]) if changes else []


def _escaped_percents(text: str, pair: BracketPair) -> list[Replacement]:
    """Return replacements for percent signs behind numbers. In math, `%` begins a comment, which is not shown."""
    return [(match.end(), match.end(), "\\") for match in _NUMBER_OF_PERCENT.finditer(text, *pair.inner)]


def _as_inline(text: str, pair: BracketPair, space: str) -> list[Replacement]:
    mark = "$$" if pair.display else "$"
    content = text[slice(*pair.inner)]
    left, right = len(content) - len(content.lstrip()), len(content) - len(content.rstrip())
    after = " " if text.startswith("$", pair.end) else ""  # `$a$$b$` would not be two formulas
    return [(pair.start, pair.inner[0] + left, space + mark), (pair.inner[1] - right, pair.end, mark + after)]


def _needs_lines(text: str, pair: BracketPair) -> bool:
    """Return whether math is a block: it is on lines of its own, or is valid only in a block."""
    if not pair.display:
        return False
    before, after = _rest_of_lines(text, pair)
    content = text[slice(*pair.inner)]
    is_alone = not before.strip() and not after.strip(" .,;")
    return is_alone or "\n" in content or OWN_LINES.search(content) is not None


def _rest_of_lines(text: str, pair: BracketPair) -> tuple[str, str]:
    """Return what is before a formula on its line, and behind it: of a long line, what is nearest."""
    before = text[max(0, pair.start - _LINE_MAX) : pair.start].rpartition("\n")[2]
    return before, text[pair.end : pair.end + _LINE_MAX].partition("\n")[0]


def write_dollars(markdown: str) -> str:
    """Return the text with its math between brackets written with dollar signs."""
    pairs = find_bracket_math(markdown)
    return apply_replacements(markdown, with_dollars(Document(markdown), pairs)) if pairs else markdown


def is_quoted(document: Document, pair: BracketPair) -> bool:
    """Return whether a mark of a quotation is in the lines of a formula."""
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
    before, after = _rest_of_lines(text, pair)
    opening_start, opening = pair.start, f"$$\n{indent}"
    if _begins_item(document, pair.start):
        pass
    elif before.strip():
        opening_start -= len(before) - len(before.rstrip())
        opening = f"\n{indent}{opening}"
    else:
        opening_start, opening = pair.start - len(before), indent + opening
    stripped = after.lstrip(" ")
    has_text_behind = bool(stripped)
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
    number = bisect_left(document.items, offset, key=attrgetter("content"))
    return number < len(document.items) and document.items[number].content == offset


def _escaped_dollars(document: Document, changes: Sequence[Replacement]) -> list[Replacement]:
    """Return replacements for dollar signs that are shown as such, in the texts that get new ones."""
    text, segments = document.text, document.segments
    found: list[Replacement] = []
    starts = sorted(change[0] for change in changes)
    for start, end in document.inline_ranges():
        if "$" in text[start:end] and bisect_left(starts, start) < bisect_left(starts, end):
            marks = _UNESCAPED_DOLLAR.finditer(text, start, end)
            found += [(*(mark.start(),) * 2, "\\") for mark in marks if not segment_at(segments, mark.start())]
    return found


def apply_replacements(text: str, replacements: Sequence[Replacement]) -> str:
    """Return the text with its parts replaced. The replacements must be in order."""
    parts = [text[: replacements[0][0]]] if replacements else [text]
    for (_, end, new), (following, _, _) in pairwise([*replacements, (len(text), len(text), "")]):
        parts += [new, text[end:following]]
    return "".join(parts)
