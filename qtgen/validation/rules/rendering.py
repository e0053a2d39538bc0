r"""Family 5xx: does the site render the answer as it is meant?

`line_breaks.py`, `code_breaks.py`, `math.py`, `formulas.py` and `latex_in_text.py` have the rules about line breaks and
math, `tables.py` the one about tables, and `accidents.py` those about Markdown that means something else than its
author thought.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

import re2

from qtgen.page.compile import layouts_of
from qtgen.page.markdown import Block, Document, mask_segments
from qtgen.page.markdown.regular_math import regular_math
from qtgen.page.profile import Profile
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import (
    answer_finding,
    answer_line,
    document_of,
    has_answer,
    markdown_of,
    segments_of,
)
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.shown_marks import shown_bold, shown_dollars
from qtgen.validation.rules.types import Example, Finding, PageFile

if TYPE_CHECKING:
    from qtgen.validation.rules.example import ExampleSite
    from qtgen.validation.rules.file_columns import FileColumns

_TAG_SHOWN = 40  # characters of a tag that a message quotes


def _renames_hidden(profile: Profile) -> bool:
    """Return whether the renderer reads another key than the field that hides a page."""
    key = profile.file.renderer.reads.get("hidden")
    return bool(key) and any(layout.roles.hidden not in (None, key) for layout in layouts_of(profile))


def _rejects_html(profile: Profile) -> bool:
    return has_answer(profile) and profile.file.renderer.html != "off"


def _example_hidden(value: bool) -> "Callable[[ExampleSite], Example]":
    """Return the example in which the field that hides a page has a value."""

    def change(site: "ExampleSite") -> Example:
        return site.change({site.layout.roles.hidden or "": value})

    return change


def _rows_with_hidden(files: "FileColumns") -> Iterable[int]:
    path = files.layout.roles.hidden
    return files.rows_where(files.columns.present(path)) if path and path in files.layout.fields else ()


@rule(
    "QT505",
    "ignored-no-index",
    Severity.WARNING,
    bad=_example_hidden(True),
    good=_example_hidden(False),
    skip_if=lambda file: file.page.layout.roles.hidden not in file.page.values,
    may_break=_rows_with_hidden,
    applies=_renames_hidden,
)
def ignored_no_index(file: PageFile) -> Iterator[Finding]:
    """The page has `{hidden}`, but the site's renderer reads `{hidden_as_read}`.

    Why it is bad: search engines index the page although it should be hidden from them.
    Fix: change the renderer to read `{hidden}`. Until then, improve the page or take it down. No automatic fix.
    Precision: exact. The finding follows from the field alone.
    """
    path = file.page.layout.roles.hidden
    key = file.page.layout.profile.file.renderer.reads.get("hidden")
    if path and key and file.page.values.get(path) is True:
        message = f"`{path}` has no effect, because the site reads `{key}`; improve the page or take it down"
        yield Finding(message, file.page.key_span(path), path)


_HEADING_OR_BOLD = re.compile(r"^[ ]*#{1,6} |\*\*[^*\n]+\*\*", re.MULTILINE)


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
    patterns=(
        *("```", "~~~", r"\$\$"),
        _open_at_line_end("*"),
        r"(?:^|\\n| )\*\*(?: |\\n)",  # a space at both sides
        r"(?:^|\\n|[ (])\*\*[^* ][^*]* \*\*[^ *\\]",  # a space before what should close
        r"[^A-Za-z0-9 *\\]\*\*[A-Za-z0-9]",  # punctuation before a letter: it cannot close
        r"[A-Za-z0-9]\*\*[^A-Za-z0-9 *\\,.:;!?)-]",  # a letter before punctuation: it cannot open
        r"[^\x00-\x7f]\*\*[^ *]",
        r"[^ n*]\*\*[^\x00-\x7f]",
        r"\*\*[^*\\]*\|[^*\\]*\*\*",  # a cell of a table between them
    ),
    repairable="concern",
    applies=has_answer,
)
def broken_markdown(file: PageFile) -> Iterator[Finding]:
    """A code fence{or_display} or `**` is opened and never closed{display_alone}.

    {display_errors}

    Why it is bad: an open fence{or_dollars} contains the rest of the page.{rest_of_display}
    {display_before_words}`**` is shown as two asterisks if it has no counterpart, if there is
    a space inside, or if it is between a letter and a punctuation mark: `**"bold"**word`.
    Fix: close it{display_fix}. No automatic fix: only an
    author knows where it should end.
    Precision and recall: 1.00, over the 25 such pages among 9,923 live pages (`benchmarks/rendering.py`).
    Limits: the rule does not report a fence that the end of a list item closes, because readers see it as it was meant.
    It does not report `2**3`, `src/**` and `**kwargs`.
    """
    answer, math = answer_line(file), file.page.layout.codec.math
    if "```" in answer or "~~~" in answer or (math and not _display_closes(answer)):
        document = document_of(file)
        yield from _open_blocks(file, document)
        if math and "$$" in answer:
            yield from shown_dollars(file, document)
    if not _bold_closes(answer):
        yield from shown_bold(file, document_of(file))


@cache
def _bold() -> Callable[[bytes], list[int]]:
    """Return a search for the commonest case of `_bold_closes`. A newline is behind the answer."""
    inside = r"(?:[^*|\\]|\*[^*|\\]|\\[^n*|\\])*"
    closing = r"(?:[A-Za-z0-9]\*\*[^*]|[^*|\\ A-Za-z0-9]\*\*[^*A-Za-z0-9\x{80}-\x{10ffff}])"
    patterns = re2.Set.FullMatchSet()
    patterns.Add(rf"(?:[^*]|\*[^*]|\*\*(?:[A-Za-z0-9]{inside})?{closing})*")
    patterns.Compile()
    match: Callable[[bytes], list[int]] = patterns.Match
    return match


def _bold_closes(answer: str) -> bool:
    """Return whether every `**` obviously opens or closes bold text: in pairs, each on one line, with words inside."""
    if _bold()(f"{answer}\n".encode(errors="surrogatepass")):
        return True
    parts = answer.split("**")  # in a valid answer, every second part is bold
    if len(parts) % 2 == 0 or "***" in answer:
        return False
    last = len(parts) - 1
    for number in range(1, last, 2):
        bold = parts[number]
        if not bold or "\\n" in bold or "|" in bold or bold[0] == " " or bold[-1] == " ":
            return False
        if not bold[0].isalnum() and parts[number - 1][-1:].isalnum() and not parts[number - 1].endswith("\\n"):
            return False
        if not bold[-1].isalnum() and parts[number + 1][:1].isalnum():
            return False
    return True


def _display_closes(answer: str) -> bool:
    """Return whether every `$$` obviously has its counterpart: on the same line, or alike on a line of its own."""
    parts = answer.split("$$")
    if len(parts) == 1 or regular_math(answer).is_plain:
        return True
    if len(parts) % 2 == 0 or "$$$" in answer:
        return False
    return all(
        "\\n" not in parts[number] or _is_block(parts[number - 1], parts[number], parts[number + 1])
        for number in range(1, len(parts), 2)
    )


def _is_block(before: str, formula: str, after: str) -> bool:
    """Return whether the `$$` before and after a formula stand alone on their lines, indented like the formula."""
    line_before, line_after = before.rstrip(" "), after.lstrip(" ")
    indent = before[len(line_before) :]
    lines = formula.split("\\n")
    return (
        (not line_before or line_before.endswith("\\n"))
        and (not line_after or line_after.startswith("\\n"))
        and not lines[0].strip(" ")
        and lines[-1] == indent
        and all(line.startswith(indent) or not line for line in lines[1:])
    )


def _open_blocks(file: PageFile, document: Document) -> Iterator[Finding]:
    seconds = _second_blocks(document)
    for number, block in enumerate(document.blocks):
        if block.kind not in ("fence", "display"):
            continue
        # The end of a list item ends what is open in it. That does no harm, except if these marks were to close it.
        is_second = number in seconds
        is_stray = is_second or not any(document.text[slice(*line)].strip() for line in block.lines)
        is_cut = not block.closed and (block.depth == 0 or number == len(document.blocks) - 1 or is_stray)
        opening = (block.start, block.start + block.width)
        if block.kind == "display":
            message = _display_fault(document, block, is_cut=is_cut, is_second=is_second)
            if message:
                yield answer_finding(file, *opening, message, severity=Severity.ERROR)
        elif is_second:
            message = "this fence opens another block of code; indent it and the lines above it like its list item"
            yield answer_finding(file, *opening, message)
        elif is_cut:
            yield answer_finding(file, *opening, "this code fence is never closed; close it")


def _second_blocks(document: Document) -> set[int]:
    """Return the numbers of the blocks whose marks were to close a block before them."""
    open_before: dict[str, int] = {}  # the number of the last block of a kind that is not closed
    found: set[int] = set()
    for number, block in enumerate(document.blocks):
        if block.kind not in ("fence", "display"):
            continue
        previous = open_before.get(block.kind, -1)
        if previous >= 0 and not block.info and (previous == number - 1 or not block.closed):
            del open_before[block.kind]
            found.add(number)
        elif not block.closed:
            open_before[block.kind] = number
    return found


def _display_fault(document: Document, block: Block, *, is_cut: bool, is_second: bool) -> str:
    """Return what is wrong with the marks of a block of math, or an empty string."""
    content = document.text[block.start + block.width : block.end]
    if block.info:
        return "the text behind this `$$` is not shown; write `$$` on a line of its own"
    if is_cut and is_second:
        return "this `$$` opens another formula; indent it and the lines above it like the list item of the first `$$`"
    if is_cut:
        return "this `$$` is never closed; write another `$$` on a line of its own"
    if any("$$" in document.text[slice(*line)] for line in block.lines):
        return "a `$$` with text beside it does not close this formula; write it on a line of its own"
    if block.closed and _HEADING_OR_BOLD.search(content):
        return "this `$$` makes the following text math; close it earlier"
    return ""


_HTML = re.compile(
    r"""<(?:[A-Za-z][A-Za-z0-9-]*(?:\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?)*\s*/?"""
    r"""|/[A-Za-z][A-Za-z0-9-]*\s*|!--[\s\S]{0,900}?--|\?[\s\S]{0,900}?\?|![A-Za-z][^>]{0,900})>"""
)
_COMPARISON = re.compile(r"<[A-Za-z](?:\s+[A-Za-z]\w*)+\s*>")  # `a<b and b>c`
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
    applies=_rejects_html,
)
def raw_html(file: PageFile) -> Iterator[Finding]:
    """The answer has an HTML tag. Script, style, iframe, event handlers and `javascript:` links are errors.

    Why it is bad: the site does not render HTML in answers, so the reader sees the tag. If the renderer ever allowed
    HTML, the dangerous tags would run in every reader's browser.
    Fix: write markdown, or a code span to show the tag itself. No automatic fix.
    Precision: no finding on 9,923 live pages. The site's own markdown parser finds no HTML on them either.
    Limits: the rule does not report comparisons (`a<b and b>c`), because readers see what the author meant. It reports
    a tag that the sentence is about (`the <p> element`), which belongs in a code span.
    """
    text = markdown_of(file)
    if not _HTML.search(text) and not _JAVASCRIPT.search(text):
        return
    plain = mask_segments(text, segments_of(file, text))
    is_error = file.page.layout.profile.file.renderer.html == "error"
    for tag in _HTML.finditer(plain):
        is_dangerous = _DANGEROUS.search(tag.group()) is not None
        if not is_dangerous and _COMPARISON.fullmatch(tag.group()):
            continue
        shown = tag.group() if len(tag.group()) <= _TAG_SHOWN else tag.group()[:_TAG_SHOWN] + "…"
        message = f"the site shows the HTML `{shown}` as text; write markdown"
        severity = Severity.ERROR if is_error or is_dangerous else None
        yield answer_finding(file, *tag.span(), message, severity=severity)
    for link in _JAVASCRIPT.finditer(plain):
        message = "this is a `javascript:` link; remove it"
        yield answer_finding(file, *link.span(), message, severity=Severity.ERROR)
