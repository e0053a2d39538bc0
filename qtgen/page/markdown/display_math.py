r"""Write formulas that the site renders only as blocks between lines of `$$`.

An opening or closing `$$` must be alone on its line, at the indent of its list item. Otherwise the site swallows a part
of the page. `align` and other environments are errors in inline math, and text without any dollars.
"""

import re
from collections.abc import Iterator, Sequence

from qtgen.page.markdown.bracket_math import (
    OWN_LINES,
    Replacement,
    apply_replacements,
    as_display,
    block_at,
    find_bracket_math,
    is_quoted,
)
from qtgen.page.markdown.document import Document, segment_at
from qtgen.page.markdown.types import Block, BracketPair, Segment

_ROUNDS_MAX = 30  # each resolves one misplaced `$$`
_LENGTH_MAX = 2_000  # characters of a formula
_DOLLARS = re.compile(r"(?<![\\$])\$\$(?!\$)")
_ENVIRONMENT = re.compile(r"\\begin\{(?P<name>(?:align|gather|equation|multline|alignat|flalign|CD)\*?)\}")
_WORDS_IN_MATH = re.compile(r"\\(?:text|mathrm|mbox|operatorname|textbf|textit)\w*\s*\{[^{}]*\}|\\[A-Za-z]+")
_PROSE = re.compile(r"[A-Za-z]{2,}(?:[ ,\n]+[A-Za-z]{2,}){3}|\*\*|^[ ]*(?:#{1,6}|\d+\.)[ ]", re.MULTILINE)
_MARKS = (("$$", "$$"), ("\\[", "\\]"))


def write_display(markdown: str) -> str:
    """Return the text with its misplaced formulas between lines of `$$`.

    A `$$` whose counterpart is not certain stays as it is.
    """
    if "$$" not in markdown and "\\begin{" not in markdown and "\\tag" not in markdown and "    \\[" not in markdown:
        return markdown
    document = Document(markdown)
    for _ in range(_ROUNDS_MAX):
        changed = Document(_write(document, [*_certain_pairs(document)]))
        if changed.text == document.text or count_unreadable(changed) > count_unreadable(document):
            break
        document = changed
    return document.text


def count_unreadable(document: Document) -> int:
    """Return how many characters follow the first block of math or code that is not closed or closed in vain."""
    blocks = (block for block in document.blocks if not block.closed or _is_misplaced(document, block))
    first = next(blocks, None)
    return len(document.text) - first.start if first else 0


def has_prose(formula: str) -> bool:
    r"""Return whether a formula contains sentences or Markdown, apart from `\text{…}`."""
    return _PROSE.search(_WORDS_IN_MATH.sub("", formula)) is not None


def _write(document: Document, pairs: Sequence[BracketPair]) -> str:
    changes: list[Replacement] = []
    done = 0
    for pair in pairs:
        block = block_at(document, pair.start)
        if pair.start < done or block is None or is_quoted(document, pair):
            continue
        changes += as_display(document, pair, block)
        done = pair.end
    return apply_replacements(document.text, changes)


def _certain_pairs(document: Document) -> Iterator[BracketPair]:
    """Yield the formulas to write, up to the first misplaced `$$`. What follows it cannot be read yet."""
    pairs = sorted([*_indented_pairs(document), *_inline_pairs(document), *_bare_environments(document)])
    misplaced = next((block for block in document.blocks if _is_misplaced(document, block)), None)
    end = misplaced.start if misplaced else len(document.text)
    intended = _intended_pair(document, misplaced) if misplaced else None
    yield from (pair for pair in pairs if pair.end <= (intended.start if intended else end))
    if intended:
        yield intended


def _is_misplaced(document: Document, block: Block) -> bool:
    """Return whether the `$$` of a block of math has text beside it or no counterpart at its indent."""
    if block.kind != "display":
        return False
    return bool(block.info) or not block.closed or any("$$" in document.text[slice(*line)] for line in block.lines)


def _intended_pair(document: Document, block: Block) -> BracketPair | None:
    """Return the formula that a misplaced `$$` opens or closes, or None if that is not certain."""
    text = document.text
    index = document.blocks.index(block)
    before = _open_dollars(document, document.blocks[index - 1]) if index else None
    opening = before or (block.start, block.start + block.width)
    closing = _DOLLARS.search(text, opening[1], opening[1] + _LENGTH_MAX)
    if closing is None or (before and closing.start() != block.start) or opening[1] - opening[0] != len("$$"):
        return None
    content = text[opening[1] : closing.start()]
    if not content.strip() or has_prose(content):
        return None
    return BracketPair(opening[0], closing.end(), (opening[1], closing.start()), display=True)


def _open_dollars(document: Document, block: Block) -> tuple[int, int] | None:
    """Return the last `$$` of a paragraph if the site shows it as text."""
    if block.kind != "paragraph":
        return None
    marks = [*_DOLLARS.finditer(document.text, block.start, block.end)]
    if not marks or segment_at(document.segments, marks[-1].start()):
        return None
    return marks[-1].span()


def _indented_pairs(document: Document) -> Iterator[BracketPair]:
    """Yield the blocks of code that are math between its marks, only indented too far."""
    for block in document.blocks:
        if block.kind != "indented":
            continue
        content = document.text[block.start : block.end]
        start = block.start + len(content) - len(content.lstrip())
        end = block.start + len(content.rstrip())
        for opening, closing in _MARKS:
            inner = (start + len(opening), end - len(closing))
            is_math = content.lstrip().startswith(opening) and content.rstrip().endswith(closing)
            if is_math and inner[0] < inner[1] and "$$" not in document.text[slice(*inner)]:
                yield BracketPair(start, end, inner, display=True)


def _inline_pairs(document: Document) -> Iterator[BracketPair]:
    """Yield the inline math that is valid only as a block."""
    for part in document.segments:
        if part.kind == "math" and OWN_LINES.search(document.text, *part.inner) and _is_in_paragraph(document, part):
            yield BracketPair(part.start, part.end, part.inner, display=True)


def _is_in_paragraph(document: Document, part: Segment) -> bool:
    block = block_at(document, part.start)
    return block is not None and block.kind in ("paragraph", "setext")


def _bare_environments(document: Document) -> Iterator[BracketPair]:
    """Yield the first environment without any dollars, which the site shows as text.

    Its lines may look like those of a list, so that what follows it is not certain yet.
    """
    text = document.text
    brackets = find_bracket_math(document.text)
    for opening in _ENVIRONMENT.finditer(text):
        start = opening.start()
        if segment_at(document.segments, start) or any(pair.start < start < pair.end for pair in brackets):
            continue
        closing = f"\\end{{{opening['name']}}}"
        end = text.find(closing, opening.end(), opening.end() + _LENGTH_MAX) + len(closing)
        block = block_at(document, start)
        is_text = block is not None and block.kind in ("paragraph", "setext")
        if end > opening.end() and is_text and "$" not in text[start:end] and "\n\n" not in text[start:end]:
            yield BracketPair(start, end, (start, end), display=True)
            return
