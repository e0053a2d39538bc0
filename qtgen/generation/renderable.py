r"""Write what a model means as Markdown that the site renders.

Models write math between brackets, `$$` beside text, `align` without dollars, `|` within formulas in tables, and money
with bare dollar signs.
"""

import re

from qtgen.page.markdown import Block, Document, Segment, mask_segments, segment_at
from qtgen.page.markdown.bracket_math import Replacement, apply_replacements, find_bracket_math, write_dollars
from qtgen.page.markdown.display_math import count_unreadable, has_prose, write_display
from qtgen.page.markdown.pipes import write_pipes

_DOUBLED = re.compile(
    r"(?<!\\)\\\\(?:\((?P<inline>(?:(?!\\\\\(|\n[ ]*\n)[\s\S]){1,500}?)(?<!\\)\\\\\)"
    r"|\[(?P<display>(?:(?!\\\\\[)[\s\S]){1,2000}?)(?<!\\)\\\\\])"
)
_LENGTH_MAX = 20_000  # characters; a longer answer is rejected for its length
_ROUNDS_MAX = 3
_AMOUNTS_MAX = 50
_AMOUNT = re.compile(r"\$\d")
_LATEX = re.compile(r"[\\^_={}<>]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_BLANK_LINE = re.compile(r"\n[ ]*\n")
_LEADING_MARK = re.compile(r"(?P<indent>\n[ ]*)(?P<mark>[.,;:])(?:[ ]*(?=\n|\Z)|[ ]+(?P<text>))")
_DOLLARS = re.compile(r"(?<![\\$])\$\$(?!\$)")
_BRACKET_ALONE = re.compile(r"^[ >]*(\\[\[\]])[ ]*$", re.MULTILINE)
_BACKSLASHES = re.compile(r"\\+")


def make_renderable(markdown: str) -> str:
    """Return Markdown whose formulas and tables the site shows, as far as their meaning is certain."""
    if len(markdown) > _LENGTH_MAX or not any(mark in markdown for mark in "\\$|"):
        return markdown
    markdown = _escape_money(markdown)
    for _ in range(_ROUNDS_MAX):  # a `$$` that is never closed hides what follows it from the first round
        before = markdown
        for step in (_halve_backslashes, write_dollars, write_display, _take_in_punctuation, write_pipes):
            changed = step(markdown)
            if changed != markdown and not _shows_less(Document(markdown), Document(changed)):
                markdown = changed
        if markdown == before:
            break
    return markdown


def find_open_mark(markdown: str) -> str:
    r"""Return the name of a code fence, `$$` or `\[` that is not closed where it should be, or an empty string."""
    document = Document(markdown)
    for number, block in enumerate(document.blocks):
        is_cut = not block.closed and (block.depth == 0 or number == len(document.blocks) - 1)
        if is_cut and block.kind == "fence":
            return "code fence"
        if block.kind == "display" and (is_cut or _swallows_text(markdown, block)):
            return "`$$`"
    plain = mask_segments(document.content, document.segments)
    if len(_DOLLARS.findall(plain)) % 2:
        return "`$$`"
    return r"`\[`" if len(_BRACKET_ALONE.findall(plain)) % 2 else ""


def _swallows_text(markdown: str, block: Block) -> bool:
    """Return whether math contains a blank line and sentences, so that its `$$` closes it too late."""
    content = markdown[block.start : block.end]
    return _BLANK_LINE.search(content) is not None and has_prose(content)


def _take_in_punctuation(markdown: str) -> str:
    """Return the text with the punctuation mark that begins the line below a block of math at the formula's end."""
    changes: list[Replacement] = []
    for block in Document(markdown).blocks:
        mark = _LEADING_MARK.match(markdown, block.end)
        if block.kind == "display" and block.closed and block.lines and mark:
            end = block.lines[-1][1]
            following = mark["indent"] if mark["text"] is not None else ""
            changes += [(end, end, mark["mark"]), (*mark.span(), following)]
    return apply_replacements(markdown, changes)


def _escape_money(markdown: str) -> str:
    r"""Return the text with `\$` for two amounts of money that the site would read as the marks of a formula."""
    if not _AMOUNT.search(markdown):
        return markdown
    for _ in range(_AMOUNTS_MAX):
        money = next((part for part in Document(markdown).segments if _is_money(markdown, part)), None)
        if money is None:
            break
        ends_with_amount = markdown[money.end : money.end + 1].isdigit()
        escapes = [(money.start, money.start, "\\"), (money.end - 1, money.end - 1, "\\")]
        markdown = apply_replacements(markdown, escapes if ends_with_amount else escapes[:1])
    return markdown


def _is_money(markdown: str, part: Segment) -> bool:
    """Return whether a formula is certainly the text between an amount of money and the next dollar sign.

    No formula ends directly before a digit, or has a space only at its end and a word in it.
    """
    if part.kind != "math" or part.inner[0] - part.start != 1:
        return False
    inner, following = markdown[slice(*part.inner)], markdown[part.end : part.end + 1]
    if not inner[:1].isdigit() or _LATEX.search(inner):
        return False
    if following.isdigit():
        return True
    return inner[-1].isspace() and following.isalpha() and _WORD.search(inner) is not None


def _shows_less(before: Document, after: Document) -> bool:
    """Return whether a change opens a block that is never closed, or loses code or a formula.

    A block that is never closed contains what is no formula, so that closing it can leave fewer.
    """
    unreadable = count_unreadable(after) - count_unreadable(before)
    if unreadable:
        return unreadable > 0
    return any(_count(before, kinds) > _count(after, kinds) for kinds in (("code", "fence"), ("math", "display")))


def _count(document: Document, kinds: tuple[str, ...]) -> int:
    return sum(part.kind in kinds for part in document.segments)


def _halve_backslashes(markdown: str) -> str:
    r"""Return the text with `\(…\)` and `\[…\]` whose backslashes a model doubled."""
    if "\\\\(" not in markdown and "\\\\[" not in markdown:
        return markdown
    segments = Document(markdown).segments
    return _DOUBLED.sub(lambda match: _halved(match, segments), markdown)


def _halved(match: re.Match[str], segments: tuple[Segment, ...]) -> str:
    if segment_at(segments, match.start()) or segment_at(segments, match.end() - 1):
        return match.group()
    content = match["inline"] or match["display"]
    runs = _BACKSLASHES.findall(content)
    if all(len(run) % 2 == 0 for run in runs):
        content = _BACKSLASHES.sub(lambda run: run.group()[::2], content)
    formula = f"\\({content}\\)" if match["inline"] else f"\\[{content}\\]"
    return formula if find_bracket_math(formula) else match.group()
