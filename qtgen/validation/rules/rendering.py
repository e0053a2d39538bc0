r"""Family 5xx: does the site render the answer as it is meant?

`latex.py` has the rules about maths.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from qtgen.markdown import Segment, find_segments, mask_segments
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import ANSWER, answer_finding, answer_of, markdown_of
from qtgen.validation.rules.edits import replace_parts
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

_TAG_SHOWN = 40  # characters of a tag that a message quotes

_OPEN_STRING = re.compile(
    r"""^(?:[^"'\n#]|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")*(?P<quote>["'])(?:(?!(?P=quote))[^\\\n]|\\.)*$"""
)
_STRING_STARTS = re.compile(r"""[(=,+<\[:]\s*[frbu]?["']|\b(?:echo|puts|print|printf|return)\s+["']""")


@rule(
    "QT504",
    "escape-in-code",
    Severity.WARNING,
    bad=Example("Osmosis moves", r"Run `printf(\"done\n\");` first. Osmosis moves".replace('\\"', '"')),
    good=Example(
        "Osmosis moves", r"Run\n```\nprint(\"a\")\nprint(\"b\")\n```\nfirst. Osmosis moves".replace('\\"', '"')
    ),
    fix="unsafe",
    patterns=("`", "~~~"),
    repairable="concern",
)
def escape_in_code(file: PageFile) -> Iterator[Finding]:
    r"""A string in code contains `\n`, as in `printf("done\n")`.

    Why it is bad: the site breaks the line there, and the code on the page does not run.
    Fix: write it differently (`\x0a`), or use another example. `--fix --unsafe` writes `\x0a`. This is unsafe because
    not every programming language knows it.
    Precision: no finding on 9,923 live pages, of which 58 contain code.
    """
    text = markdown_of(file)
    for piece in find_segments(text):
        if piece.kind not in ("code", "fence"):
            continue
        offset = piece.inner[0]
        lines = text[slice(*piece.inner)].split("\n")
        for line, next_line in pairwise(lines):
            offset += len(line) + 1
            string = _OPEN_STRING.match(line[:-1]) if '"""' not in line and "'''" not in line else None
            # An apostrophe in a comment or in prose does not open a string.
            if string and string.group("quote") in next_line and _STRING_STARTS.search(line):
                fix = replace_parts(file.page, ANSWER, r"write `\x0a`", [(offset - 2, offset, r"\x0a")], safe=False)
                message = r"the site breaks the line at this `\n` inside a string; write `\x0a`"
                yield answer_finding(file, offset - 2, offset, message, fix)


@rule(
    "QT505",
    "ignored-no-index",
    Severity.WARNING,
    bad=Example("answer: >-", "no_index: True\nanswer: >-"),
    good=Example("answer: >-", "no_index: False\nanswer: >-"),
    skip_if=lambda file: "no_index" not in file.page.values,
)
def ignored_no_index(file: PageFile) -> Iterator[Finding]:
    """The page has `no_index`, but the site's renderer reads `noIndex`.

    Why it is bad: search engines index the page although it should be hidden from them.
    Fix: change the renderer to read `no_index`. Until then, improve the page or take it down. No automatic fix.
    Precision: exact. The finding follows from the field alone.
    """
    if file.page.values.get("no_index") is True:
        message = "`no_index` has no effect, because the site reads `noIndex`; improve the page or take it down"
        yield Finding(message, file.page.key_span("no_index"), "no_index")


_BOLD = re.compile(r"(?<![*\\])\*\*(?!\*)")
_BLOCK_END = re.compile(r"\n[ ]*\n|\n(?=[ ]*(?:[-*+]|\d{1,9}[.)])[ ])|\n(?=[ ]*#{1,6}[ ])")
_SWALLOWED = re.compile(r"\*\*[^*\n]+\*\*|^[ ]*#{1,6} ", re.MULTILINE)


def _open_at_line_end(char: str) -> str:
    """Return an RE2 pattern for a line on which the last of the double marks `char` `char` is not closed."""
    other = rf"(?:[^{char}\n]|\{char}[^{char}\n])*"
    mark = rf"\{char}\{char}"
    return rf"(?m)^{other}(?:{mark}{other}{mark}{other})*{mark}{other}\{char}?(?:\\n|$)"


@rule(
    "QT506",
    "broken-markdown",
    Severity.WARNING,
    bad=Example("**Membrane**", "**Membrane"),
    good=Example("**Membrane**", "**Membrane** and 2 ** 3"),
    patterns=("`", "~~~", r"\$\$\$", _open_at_line_end("*"), _open_at_line_end("$")),
    repairable="concern",
)
def broken_markdown(file: PageFile) -> Iterator[Finding]:
    """A code fence, `$$` or `**` is opened and never closed.

    Why it is bad: an open fence or `$$` contains the rest of the page. An open `**` is shown as two asterisks.
    Fix: close it. No automatic fix: only an author knows where it should end.
    Precision: all 5 findings on 9,923 live pages are correct. Four of them are a consequence of QT501.
    """
    answer = answer_of(file)
    if "`" not in answer and "~" not in answer and _display_maths_closes(answer) and _bold_closes(answer):
        return
    text = markdown_of(file)
    layout = find_segments(text)
    yield from _open_pieces(file, text, layout)
    if not _bold_closes(answer):
        yield from _open_bold(file, mask_segments(text, layout))


def _bold_closes(answer: str) -> bool:
    """Return whether every `**` obviously has its counterpart on the same line."""
    parts = answer.split("**")  # in a valid answer, every second part is bold
    return len(parts) % 2 == 1 and "\\n" not in "".join(parts[1::2])


def _display_maths_closes(answer: str) -> bool:
    """Return whether every `$$` obviously has its counterpart: on the same line, or each on a line of its own."""
    parts = answer.split("$$")
    return (
        len(parts) % 2 == 1
        and "$$$" not in answer
        and all(
            "\\n" not in part or (part.lstrip(" ").startswith("\\n") and part.rstrip(" ").endswith("\\n"))
            for part in parts[1::2]
        )
    )


def _open_pieces(file: PageFile, text: str, layout: tuple[Segment, ...]) -> Iterator[Finding]:
    for piece in layout:
        if piece.kind == "fence" and not piece.closed:
            yield answer_finding(file, piece.start, piece.inner[0], "this code fence is never closed; close it")
        elif piece.kind == "display":
            if not piece.closed:
                yield answer_finding(file, piece.start, piece.inner[0], "this `$$` is never closed; close it")
            elif _SWALLOWED.search(text, *piece.inner):
                message = "this `$$` makes the following text maths; close it earlier"
                yield answer_finding(file, piece.start, piece.inner[0], message)


def _open_bold(file: PageFile, text: str) -> Iterator[Finding]:
    start = 0
    for end in (*(block_end.start() for block_end in _BLOCK_END.finditer(text)), len(text)):
        marks = [mark.span() for mark in _BOLD.finditer(text, start, end) if not _is_power(text, *mark.span())]
        if len(marks) % 2:
            yield answer_finding(file, *marks[-1], "this `**` is shown as two asterisks; add its counterpart")
        start = end


def _is_power(text: str, start: int, end: int) -> bool:
    """Return whether `**` is between spaces, as in `2 ** 3`. Markdown shows it as it is."""
    return text[max(0, start - 1) : start] in ("", " ", "\n") and text[end : end + 1] in ("", " ", "\n")


_HTML = re.compile(
    r"""<(?:[A-Za-z][A-Za-z0-9-]*(?:\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?)*\s*/?"""
    r"""|/[A-Za-z][A-Za-z0-9-]*\s*|!--[\s\S]{0,900}?--|\?[\s\S]{0,900}?\?|![A-Za-z][^>]{0,900})>"""
)
_DANGEROUS = re.compile(r"</?(?:script|style|iframe)\b|\son[a-z]+\s*=|javascript:", re.IGNORECASE)
_JAVASCRIPT = re.compile(r"\]\(\s*<?\s*javascript:[^)\s]*\)?", re.IGNORECASE)


@rule(
    "QT507",
    "raw-html",
    Severity.WARNING,
    bad=Example("Osmosis moves", "Osmosis<br>moves"),
    good=Example("Osmosis moves", "Where a < b and b > c, `<br>` or <https://example.org>: osmosis moves"),
    patterns=("<[A-Za-z/!?]", "(?i)javascr[iı]pt:"),
    repairable="concern",
)
def raw_html(file: PageFile) -> Iterator[Finding]:
    """The answer has an HTML tag. Script, style, iframe, event handlers and `javascript:` links are errors.

    Why it is bad: the site does not render HTML in answers, so the reader sees the tag. If the renderer ever allowed
    HTML, the dangerous tags would run in every reader's browser.
    Fix: write markdown, or a code span to show the tag itself. No automatic fix.
    Precision: no finding on 9,923 live pages. The site's own markdown parser finds no HTML on them either.
    """
    text = markdown_of(file)
    if not _HTML.search(text) and not _JAVASCRIPT.search(text):
        return
    plain = mask_segments(text, find_segments(text))
    for tag in _HTML.finditer(plain):
        severity = Severity.ERROR if _DANGEROUS.search(tag.group()) else None
        shown = tag.group() if len(tag.group()) <= _TAG_SHOWN else tag.group()[:_TAG_SHOWN] + "…"
        message = f"the site shows the HTML `{shown}` as text; write markdown"
        yield answer_finding(file, *tag.span(), message, severity=severity)
    for link in _JAVASCRIPT.finditer(plain):
        message = "this is a `javascript:` link; remove it"
        yield answer_finding(file, *link.span(), message, severity=Severity.ERROR)
