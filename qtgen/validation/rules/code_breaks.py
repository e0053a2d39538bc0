r"""Family 5xx, line breaks in code: does the site break a line within a string or a code span?

The site replaces each `\n` of two characters by a line break, whatever it belongs to.
"""

import re
from collections.abc import Iterator

from qtgen.page.markdown import Document, Segment, segment_at
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import answer_finding, document_of, escapes_line_breaks, replace_in_answer
from qtgen.validation.rules.edits import Replacement
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

_OPEN_STRING = re.compile(
    r"""^(?:[^"'\n#]|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")*(?P<quote>["'])(?:(?!(?P=quote))[^\\\n]|\\.)*\\?$"""
)
_STRING_STARTS = re.compile(
    r"""(?:[(=,+<\[:{]\s*|^\s*|\b(?:echo|puts|print|printf|return|in|case|throw|raise)\s+|\s-{1,2}\w+[ ])"""
    r"""[frbu]{0,2}["']"""
)
_EMPTY_STRING = re.compile(r"""(?:^|[\s(=,+<\[:{])[frbu]{0,2}(?P<quote>["'`/])$""")  # up to the line break in it
_STRING_ENDS = re.compile(r"""[ ]*(?:[)\]},;:.+%*<]|[gimsuy]+[),.;]|$)""")
_OPENS_NEXT = re.compile(r"[(=<\[{]\s*\Z")  # what is before a quote that opens a string
_STRING_LINES_MAX = 12
_ESCAPES = r"(?:\\[rt])*(?: \n)(?:\\[rt]| \n)*"
_QUOTED = re.compile(rf"""(?<![^\s(\[=,])(?:"{_ESCAPES}"|'{_ESCAPES}'|“{_ESCAPES}”|‘{_ESCAPES}’)(?![^\s)\],.;:?!])""")
# A code span that blank lines cut, so that its marks are shown.
_CUT_SPAN = re.compile(
    r"""(?<![^\s(\[=,"'])`(?![^\S\n](?!\n))((?:[^`\n]{0,80}(?: \n){2,}){1,3}[^`\n]{0,80})(?<!\S )`(?![`A-Za-z0-9])"""
)


@rule(
    "QT504",
    "escape-in-code",
    Severity.WARNING,
    bad=Example("Osmosis moves", r"Run `printf(\"done\n\");` first. Osmosis moves".replace('\\"', '"')),
    good=Example(
        "Osmosis moves", r"Run\n```\nprint(\"a\")\nprint(\"b\")\n```\nfirst. Osmosis moves".replace('\\"', '"')
    ),
    fix="unsafe",
    patterns=("`", "~~~", r"""["'“‘](?:\\[nrt])*\\n(?:\\[nrt])*["'”’]""", r"""\\n    [^\\]*["'][^"'\\]*\\n"""),
    repairable="concern",
    applies=escapes_line_breaks,
)
def escape_in_code(file: PageFile) -> Iterator[Finding]:
    r"""A code span, a string in a block of code, or a quotation contains `\n`, as in `printf("done\n")`.

    Why it is bad: the site breaks the line there. A code span loses it: `\n` alone is shown as an empty span, and
    `C:\new` as `C: ew`. A code span that blank lines cut, such as `\n\n`, is shown as two backticks. The code of a
    block does not run. `"\n"` in a sentence is shown as two quotes.
    Fix: write `\x0a`, or `&#92;n` outside code, or use another example. `--fix --unsafe` writes these. This is unsafe
    because not every programming language knows `\x0a`.
    Precision and recall: 1.00, over the only such page among 9,923 live pages (`benchmarks/rendering.py`).
    Limits: the rule does not report a string in other quotes than `"` and `'`, a string of more than twelve lines, or
    a break between triple quotes, which is code. It may report a quotation that spans two lines in a block of code.
    """
    document = document_of(file)
    for part in document.segments:
        if part.kind == "code":
            breaks = _breaks_in_span(document.text, part)
        elif part.kind in ("fence", "indented"):
            breaks = _breaks_in_strings(document.text, part)
        else:
            continue
        for offset, message, is_string in breaks:
            replacement = [(offset, offset + 2, r"\x0a")]
            fix = replace_in_answer(file, r"write `\x0a`", replacement, safe=False) if is_string else None
            yield answer_finding(file, offset, offset + 2, message, fix)
    yield from _quoted_breaks(file, document)
    yield from _cut_spans(file, document)


def _quoted_breaks(file: PageFile, document: Document) -> Iterator[Finding]:
    r"""Yield findings about sentences such as: write "\n" to begin a line."""
    for match in _QUOTED.finditer(document.text):
        if segment_at(document.segments, match.start()):
            continue
        start, end = match.start() + 1, match.end() - 1
        message = r"the site breaks the line at this `\n` between quotes; write `&#92;n`"
        fix = replace_in_answer(file, "write `&#92;n`", _written(document, start, end, "&#92;n"), safe=False)
        yield answer_finding(file, start, end, message, fix)


def _cut_spans(file: PageFile, document: Document) -> Iterator[Finding]:
    r"""Yield findings about code spans such as `\n\n`, of which the site makes two paragraphs with a backtick each."""
    for match in _CUT_SPAN.finditer(document.text):
        start, end = match.span(1)
        if segment_at(document.segments, match.start()) or segment_at(document.segments, end):
            continue
        message = r"the site begins a new paragraph within this code span; write `\x0a` instead of `\n`"
        breaks = _written(document, start, end, r"\x0a")
        only_breaks = not document.text[start:end].strip()
        fix = replace_in_answer(file, r"write `\x0a`", breaks, safe=False) if only_breaks else None
        yield answer_finding(file, breaks[0][0], breaks[-1][1], message, fix)


def _written(document: Document, start: int, end: int, written: str) -> list[Replacement]:
    """Return replacements of the line breaks between two offsets."""
    return [(*match.span(), written) for match in re.compile(" \n").finditer(document.text, start, end)]


def _breaks_in_span(text: str, part: Segment) -> Iterator[tuple[int, str, bool]]:
    """Yield the line breaks in a code span: the offset, the message, and whether it can be written as an escape."""
    for match in re.finditer(" \n", text[slice(*part.inner)]):
        offset = part.inner[0] + match.start()
        is_path = re.search(r"[A-Za-z]:\S*\Z", text[part.inner[0] : offset]) is not None
        remedy = "write `/` instead of each backslash" if is_path else r"write `\x0a`"
        yield offset, rf"the site breaks the line at this `\n` in a code span; {remedy}", not is_path


def _breaks_in_strings(text: str, part: Segment) -> Iterator[tuple[int, str, bool]]:
    """Yield the line breaks in the strings of a block of code."""
    message = r"the site breaks the line at this `\n` inside a string; write `\x0a`"
    lines = text[slice(*part.inner)].split("\n")
    if part.inner[1] < len(text) and (part.kind == "indented" or not part.closed):
        # A string that is broken in an indented line or in a list continues behind the block.
        lines.append(text[part.inner[1] :].lstrip("\n").partition("\n")[0])
    offset, quote, is_empty = part.inner[0], "", False
    breaks: list[int] = []
    for line in lines:
        code = line
        if quote and (quote in line or len(breaks) == _STRING_LINES_MAX):
            before, closing, code = line.partition(quote)
            if closing and _closes_string(before, quote, code, is_empty=is_empty and len(breaks) == 1):
                yield from ((at, message, True) for at in breaks)
            else:
                code = line
            quote, breaks = "", []
        offset += len(line) + 1
        quote = quote or _open_quote(code.removesuffix(" "))
        if quote:
            is_empty = is_empty if breaks else code.removesuffix(" ").endswith(quote)
            breaks.append(offset - 2)


def _closes_string(before: str, quote: str, after: str, *, is_empty: bool) -> bool:
    """Return whether a quote on a later line closes a string, and does not open the next one."""
    if is_empty and not before:
        return _STRING_ENDS.match(after) is not None
    return quote in "\"'" and not _OPENS_NEXT.search(before)


def _open_quote(code: str) -> str:
    """Return the quote of a string that is open at the end of a line of code, or an empty string."""
    if '"""' in code or "'''" in code:
        return ""
    string = _OPEN_STRING.match(code)
    # An apostrophe in a comment or in prose does not open a string.
    if string and _STRING_STARTS.search(code[: string.start("quote") + 1]):
        return string.group("quote")
    empty = None if string else _EMPTY_STRING.search(code)
    return empty.group("quote") if empty else ""
