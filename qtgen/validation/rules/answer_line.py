r"""Family 2xx, the answer's line: is the answer on one line, with each line break written as `\n`?"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from qtgen.page import Page, Span, read_text
from qtgen.page.edits import TextEdit, apply_edits
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import answer_path, escapes_line_breaks
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile, RuleFix

_LITERAL = re.compile(r":[ ]*\|")  # between the key and the value
_FOLDED = re.compile(r":[ ]*>")
_ESCAPED_BREAK = re.compile(r"(?<!\\)(?:\\\\)*\\n")  # in a double-quoted value: a real line break
_BLOCK_START = re.compile(r"[ ]*(?:[-*+][ ]|\d{1,9}[.)][ ]|#{1,6}[ ]|>|\||```|~~~|\$\$)")
_BLOCKS_MIN = 2  # one line may begin with a list marker by chance, where a text was wrapped


class _OneLine(NamedTuple):
    """An answer on one line, and whether its current spelling loses paragraphs, lists or other blocks of it."""

    text: str
    loses_blocks: bool


@rule(
    "QT207",
    "multiline-answer",
    Severity.ERROR,
    bad=lambda site: Example(text=site.text.replace(r"\n\n", "\n\n    ")),
    noncanonical_only=True,
    fix="safe",
    applies=escapes_line_breaks,
)
def multiline_answer(file: PageFile) -> Iterator[Finding]:
    r"""`{answer}` is not on one line, with each line break written as the two characters `\n`.

    It is a warning if the lines are only wrapped, or if the value has real line breaks.

    Why it is bad: YAML joins the lines of a folded value (`>-`, plain or quoted) with spaces, and turns a blank line
    into a single line break. Paragraphs run together, and lists and tables become running text.
    Fix: write the answer on one line. `--fix` does so, with `\n` for each line break of the markdown. This is safe
    because the site then shows the paragraphs as written. qtgen verifies the fix by reading the page again.
    Precision: no finding on 9,923 live pages.
    """
    page = file.page
    path = answer_path(file)
    value = page.text_of(path)
    if not value or not page.layout.codec.escapes:
        return
    span = page.span(path)
    source = page.text[span.start : span.end]
    if "\n" not in source and "\n" not in value.strip("\n"):
        return
    one_line = _on_one_line(page, path, value, source)
    second_line = source.find("\n") + 1
    start = span.start + second_line
    start += len(page.text[start : span.end]) - len(page.text[start : span.end].lstrip()) if second_line else 0
    yield Finding(
        rf"`{path}` must be on one line; write each line break as `\n`"
        + (", or its paragraphs and lists run together" if one_line.loses_blocks else ""),
        Span(start, span.end),
        path,
        partial(_write, page, path, one_line.text),
        None if one_line.loses_blocks else Severity.WARNING,
    )


def _on_one_line(page: Page, path: str, value: str, source: str) -> _OneLine:
    """Return the answer on one line, as its author meant it."""
    header = page.text[page.key_span(path).end : page.span(path).start]
    is_quoted = source.startswith('"')
    if _LITERAL.match(header) or (is_quoted and _ESCAPED_BREAK.search(source)):
        return _OneLine(_encode(value), False)  # the value's line breaks are those of the markdown
    lines = _source_lines(page, path, source, is_block=bool(_FOLDED.match(header)))
    has_blocks = "" in lines or sum(bool(_BLOCK_START.match(line)) for line in lines) >= _BLOCKS_MIN
    if has_blocks and "\\n" not in value and not is_quoted:
        return _OneLine(_encode("\n".join(lines)), True)
    # The lines were wrapped, so YAML's reading is right, except that it drops one line break of each paragraph break.
    return _OneLine(_encode(re.sub(r"\n+", r"\g<0>\n", value.strip("\n"))), "" in lines)


def _source_lines(page: Page, path: str, source: str, *, is_block: bool) -> Sequence[str]:
    """Return the lines of a value as they are in the file, without the indent of the value."""
    if not is_block:
        if source.startswith("'"):
            source = source[1:].removesuffix("'").replace("''", "'")
        return [line.strip() for line in source.split("\n")]
    start = page.span(path).start
    indent = start - (page.text.rfind("\n", 0, start) + 1)
    first, *rest = source.split("\n")
    return [first, *(line[indent:] if line.strip() else "" for line in rest)]


def _encode(markdown: str) -> str:
    return markdown.strip().replace("\n", "\\n")


def _write(page: Page, path: str, answer: str) -> RuleFix | None:
    """Return a fix that writes the answer on one line, if reading the page again proves that nothing else changes."""
    start, end = page.key_span(path).end, page.span(path).end
    indent = page.layout.folded_indent(page.layout.fields[path])
    blank_lines = len(page.text[end:]) - len(page.text[end:].lstrip("\n"))
    edit = TextEdit(Span(start, end + max(0, blank_lines - 1)), f": >-\n{' ' * indent}{answer}")
    fixed = read_text(apply_edits(page.text, [edit]), page.layout)
    if fixed.problems or dict(fixed.values) != {**page.values, path: answer}:
        return None
    return RuleFix("write the answer on one line", [edit])
