r"""Family 5xx: does the site render the answer as it is meant?

The site replaces each `\n` of two characters by a line break, then runs react-markdown with remark-math, remark-gfm and
rehype-katex. tests/test_oracle.py renders with those very libraries.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from qtgen.page.answer_text import LATEX_COLLISION, LATEX_COLLISION_RE2, unicode_for
from qtgen.page.markdown import Segment, expand_line_breaks, find_segments, mask_segments, segment_at
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.base import Example, Finding, FixFactory, PageFile, replacing, rule, within

_FINE = Example()
_ANSWER = "answer"


def _text_of(file: PageFile) -> str:
    return expand_line_breaks(file.page.text_of(_ANSWER) or "")


def _finding(
    file: PageFile,
    start: int,
    end: int,
    message: str,
    repair: FixFactory | None = None,
    severity: Severity | None = None,
) -> Finding:
    return Finding(message, within(file.page, _ANSWER, start, end), _ANSWER, repair, severity)


# A line that begins with `abla` or `eq` is no line of text; `\nu`, `\ni` and others could be, outside maths.
_NEVER_A_LINE = re.compile(r"\\n(?:abla|eq|otin|exists|ewline|onumber|olimits|otag|leq|geq|subseteq|supseteq)$")
_MATHS_IN_PARENTHESES = re.compile(r"\\\(.{1,500}?\\\)|\\\[.{1,900}?\\\]", re.DOTALL)


@rule(
    "QT501",
    "newline-escape-collision",
    Severity.ERROR,
    bad=Example("Osmosis moves", r"Where $a \neq b$, osmosis moves"),
    good=Example(r"holds the solute back.\n\n", r"holds the solute back, $a > b$.\n\nu is the speed.\n\n"),
    fix="safe",
    signs=(LATEX_COLLISION_RE2,),
)
def newline_escape_collision(file: PageFile) -> Iterator[Finding]:
    r"""A LaTeX command that begins with `\n`: `\nabla`, `\neq`, `\nu`, `\not` …

    Why it is bad: the site turns every `\n` into a line break, so `$a \neq b$` is shown as `a`, a new line and `eq b`.
    In a list the torn line ends the maths, and the closing `$$` opens another that swallows the rest of the page.
    Fix: the Unicode character (`≠`, `∇`, `ν`), which KaTeX renders the same. `--fix` puts it; safe.
    Precision: 50 of 50 findings, at random out of 278 on live pages, are torn commands.
    """
    answer = file.page.text_of(_ANSWER) or ""
    found = list(LATEX_COLLISION.finditer(answer))
    if not found:
        return
    # As its author meant it: the commands in question are no line breaks.
    meant = LATEX_COLLISION.sub(lambda command: "_" * len(command.group()), answer)
    layout = find_segments(expand_line_breaks(meant))
    in_parentheses = [
        Segment("math", *pair.span(), pair.span())
        for pair in _MATHS_IN_PARENTHESES.finditer(meant)
        if r"\n\n" not in pair.group()
    ]
    for command in found:
        piece = segment_at(layout, command.start())
        if piece and piece.kind in ("code", "fence"):
            continue
        if piece or segment_at(in_parentheses, command.start()) or _NEVER_A_LINE.match(command.group()):
            message = f"the site reads `{command.group()}` as a line break and `{command.group()[2:]}`"
            yield _finding(file, *command.span(), message, _as_character(file, command))


def _as_character(file: PageFile, command: re.Match[str]) -> FixFactory | None:
    sign = unicode_for(command.group())
    return None if sign is None else replacing(file.page, _ANSWER, f"write `{sign}`", [(*command.span(), sign)])


# Bounded, or a page of nothing but openings would take minutes.
_PARENTHESES = re.compile(r"\\(?<!\\\\)(?:\((?P<inline>.{1,500}?)\\\)|\[(?P<display>.{1,900}?)\\\])", re.DOTALL)
_NEW_PARAGRAPH = re.compile(r"\n[ ]*\n")


@rule(
    "QT502",
    "unrendered-math",
    Severity.ERROR,
    bad=Example("Osmosis moves", r"Where \( a = b \), osmosis moves"),
    good=Example("Osmosis moves", r"Where $a = b$ (and `\(`), osmosis moves"),
    fix="safe",
    signs=(r"\\[(\[]",),
)
def unrendered_math(file: PageFile) -> Iterator[Finding]:
    r"""Maths between `\(` and `\)`, or `\[` and `\]`.

    Why it is bad: markdown takes the backslash for an escape: the reader sees `( \frac{1}{2} )`. One finding a page, at
    the first place.
    Fix: `$…$` and `$$…$$`. `--fix` writes them; safe where a pair is maths (it leaves a pair that holds `$` alone).
    Precision: 50 of 50 findings, at random out of 1,006 on live pages, are maths shown as text.
    """
    text = _text_of(file)
    shown = _shown_as_text(text)
    found = [pair for pair in _PARENTHESES.finditer(text) if shown(pair)]
    if found:
        plain = [pair for pair in found if "$" not in pair.group()]
        parts = (part for pair in plain for part in _in_dollars(pair))
        repair = replacing(file.page, _ANSWER, "write `$…$`", parts) if plain else None
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        opening = found[0].group()[:2]
        yield _finding(file, *found[0].span(), f"maths after `{opening}` is not rendered{more}", repair)


def _shown_as_text(text: str) -> Callable[[re.Match[str]], bool]:
    """Whether markdown takes a pair for text: it lies in no code, no display maths and no two paragraphs."""
    other = [piece for piece in find_segments(text) if piece.kind != "math"] if "`" in text or "$$" in text else []

    def shown(pair: re.Match[str]) -> bool:
        two_paragraphs = pair.group("inline") and _NEW_PARAGRAPH.search(pair.group())
        return not two_paragraphs and segment_at(other, pair.start()) is None

    return shown


def _in_dollars(pair: re.Match[str]) -> list[tuple[int, int, str]]:
    """The marks of a pair, without the spaces inside them, become dollars."""
    inline = pair.group("inline") is not None
    content, mark = pair.group("inline" if inline else "display"), "$" if inline else "$$"
    left, right = len(content) - len(content.lstrip(" ")), len(content) - len(content.rstrip(" "))
    if not inline or not content.strip():
        left = right = 0
    start, end = pair.span()
    return [(start, start + 2 + left, mark), (end - 2 - right, end, mark)]


_AMOUNT = re.compile(
    r"\d[\d,.]*(?:\s?(?:%|k|K|M|million|billion|trillion))?(?:[,.;:)]|\s*[-–/])*\s*[A-Za-z(*\"“][^\\^_={}]*$", re.DOTALL
)
_MAY_BE_MONEY = re.compile(r"\$\d[^$=^_{}]*\$")
_WORD = re.compile(r"(?<![A-Za-z])[A-Za-z]{2,}")


@rule(
    "QT503",
    "currency-as-math",
    Severity.WARNING,
    bad=Example("Osmosis moves", "It costs $5 a litre, or $8 with salt. Osmosis moves"),
    good=Example("Osmosis moves", r"It costs \$5 a litre, or \$8 with salt, $5x$ in all. Osmosis moves"),
    fix="unsafe",
    signs=(r"\$\pN[^$=^_{}]*\$",),
)
def currency_as_math(file: PageFile) -> Iterator[Finding]:
    r"""Two amounts of money in one paragraph, whose dollar signs are taken for the marks of maths.

    Why it is bad: `$5 a litre, or $8` is shown as italic letters without spaces, and the signs are gone.
    Fix: write `\$5`. `--fix --unsafe` does; unsafe, for what is money and what is maths is a guess from the words
    between.
    Precision: all 23 findings on 9,923 live pages are money.
    """
    answer = file.page.text_of(_ANSWER) or ""
    if not _MAY_BE_MONEY.search(answer):
        return
    text = expand_line_breaks(answer)
    for piece in find_segments(text):
        if piece.kind != "math" or piece.inner[0] - piece.start != 1:
            continue
        inner = text[slice(*piece.inner)]
        if _AMOUNT.match(inner) and len(_WORD.findall(inner)) > 1:
            ends = [(piece.start, piece.start, "\\"), (piece.end - 1, piece.end - 1, "\\")]
            repair = replacing(file.page, _ANSWER, "write `\\$`", ends, safe=False)
            yield _finding(file, piece.start, piece.end, "money is taken for maths, from one `$` to the next", repair)


_OPEN_STRING = re.compile(
    r"""^(?:[^"'\n#]|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")*(?P<quote>["'])(?:(?!(?P=quote))[^\\\n]|\\.)*$"""
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
    signs=("`", "~~~"),
)
def escape_in_code(file: PageFile) -> Iterator[Finding]:
    r"""A `\n` inside a string of a program, as in `printf("done\n")`.

    Why it is bad: the site breaks the line there, and the program shown does not run.
    Fix: another spelling, `\x0a`, or another example. `--fix --unsafe` writes `\x0a`; unsafe, for not every language
    knows it.
    Precision: nothing on 9,923 live pages, 58 of which hold code.
    """
    text = _text_of(file)
    for piece in find_segments(text):
        if piece.kind not in ("code", "fence"):
            continue
        at = piece.inner[0]
        lines = text[slice(*piece.inner)].split("\n")
        for line, following in pairwise(lines):
            at += len(line) + 1
            opened = _OPEN_STRING.match(line[:-1]) if '"""' not in line and "'''" not in line else None
            if opened and opened.group("quote") in following and _is_call(line):
                repair = replacing(file.page, _ANSWER, r"write `\x0a`", [(at - 2, at, r"\x0a")], safe=False)
                yield _finding(file, at - 2, at, r"the site breaks the line at this `\n` inside a string", repair)


def _is_call(line: str) -> bool:
    """True if a string may begin on this line of code: an apostrophe in a comment or a text is none."""
    return bool(re.search(r"""[(=,+<\[:]\s*[frbu]?["']|\b(?:echo|puts|print|printf|return)\s+["']""", line))


@rule(
    "QT505",
    "ignored-no-index",
    Severity.WARNING,
    bad=Example("answer: >-", "no_index: True\nanswer: >-"),
    good=Example("answer: >-", "no_index: False\nanswer: >-"),
    unless=lambda file: "no_index" not in file.page.values,
)
def ignored_no_index(file: PageFile) -> Iterator[Finding]:
    """The page says `no_index`, and the site's renderer reads `noIndex`.

    Why it is bad: the page that was to be hidden from search engines is indexed all the same.
    Fix: the site's engineers make the renderer read `no_index`; until then mend the page or take it down. No automatic
    fix.
    Precision: exact; it follows from the field alone.
    """
    if file.page.values.get("no_index") is True:
        yield Finding(
            "the site reads `noIndex`: this page is indexed all the same", file.page.key_span("no_index"), "no_index"
        )


_BOLD = re.compile(r"(?<![*\\])\*\*(?!\*)")
_BLOCK_END = re.compile(r"\n[ ]*\n|\n(?=[ ]*(?:[-*+]|\d{1,9}[.)])[ ])|\n(?=[ ]*#{1,6}[ ])")


def _open_at_a_line_end(char: str) -> str:
    """A sign (RE2) that a double mark opens and a line break, or the end, comes before it closes: pairs go before."""
    other = rf"(?:[^{char}\n]|\{char}[^{char}\n])*"
    mark = rf"\{char}\{char}"
    return rf"(?m)^{other}(?:{mark}{other}{mark}{other})*{mark}{other}\{char}?(?:\\n|$)"


_SWALLOWED = re.compile(r"\*\*[^*\n]+\*\*|^[ ]*#{1,6} ", re.MULTILINE)


@rule(
    "QT506",
    "broken-markdown",
    Severity.WARNING,
    bad=Example("**Membrane**", "**Membrane"),
    good=Example("**Membrane**", "**Membrane** and 2 ** 3"),
    signs=("`", "~~~", r"\$\$\$", _open_at_a_line_end("*"), _open_at_a_line_end("$")),
)
def broken_markdown(file: PageFile) -> Iterator[Finding]:
    """A mark that opens and never closes: a fence of code, `$$`, or `**`.

    Why it is bad: an open fence or `$$` swallows the rest of the page; an open `**` is shown as two asterisks.
    Fix: close it. No automatic fix: where it was to end is not known.
    Precision: all 5 findings on 9,923 live pages are broken; four of them were torn open by QT501.
    """
    answer = file.page.text_of(_ANSWER) or ""
    if "`" not in answer and "~" not in answer and _display_closes(answer) and _bold_closes(answer):
        return
    text = expand_line_breaks(answer)
    found = find_segments(text)
    yield from _open_pieces(file, text, found)
    if not _bold_closes(answer):
        yield from _open_bold(file, mask_segments(text, found))


def _bold_closes(answer: str) -> bool:
    """True if it is plain that every `**` has its pair on its own line."""
    parts = answer.split("**")  # those of odd number are bold, where all is well
    return len(parts) % 2 == 1 and "\\n" not in "".join(parts[1::2])


def _display_closes(answer: str) -> bool:
    """True if it is plain that every `$$` has its pair: on one line, or both alone on theirs."""
    parts = answer.split("$$")
    return (
        len(parts) % 2 == 1
        and "$$$" not in answer
        and all(
            "\\n" not in part or (part.lstrip(" ").startswith("\\n") and part.rstrip(" ").endswith("\\n"))
            for part in parts[1::2]
        )
    )


def _open_pieces(file: PageFile, text: str, found: tuple[Segment, ...]) -> Iterator[Finding]:
    for piece in found:
        if piece.kind == "fence" and not piece.closed:
            yield _finding(file, piece.start, piece.inner[0], "this fence of code is never closed")
        elif piece.kind == "display":
            if not piece.closed:
                yield _finding(file, piece.start, piece.inner[0], "this `$$` is never closed")
            elif _SWALLOWED.search(text, *piece.inner):
                yield _finding(file, piece.start, piece.inner[0], "this `$$` takes the text behind it for maths")


def _open_bold(file: PageFile, text: str) -> Iterator[Finding]:
    start = 0
    for end in (*(found.start() for found in _BLOCK_END.finditer(text)), len(text)):
        marks = [mark.span() for mark in _BOLD.finditer(text, start, end) if not _is_power(text, *mark.span())]
        if len(marks) % 2:
            yield _finding(file, *marks[-1], "this `**` is shown as two asterisks: its pair is missing")
        start = end


def _is_power(text: str, start: int, end: int) -> bool:
    """True if `**` stands between spaces, as in `2 ** 3`: no mark of markdown, and shown as it is meant."""
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
    signs=("<[A-Za-z/!?]", "(?i)javascr[iı]pt:"),
)
def raw_html(file: PageFile) -> Iterator[Finding]:
    """An HTML tag in the answer. An error for script, style, iframe, event handlers and `javascript:` links.

    Why it is bad: the site does not render HTML in answers: the reader sees the tag. Were the renderer ever to let HTML
    through, the dangerous ones would run in every reader's browser.
    Fix: markdown instead; or a code span, if the tag itself is meant. No automatic fix.
    Precision: nothing on 9,923 live pages, and the site's own markdown parser finds no HTML on them either.
    """
    text = _text_of(file)
    if not _HTML.search(text) and not _JAVASCRIPT.search(text):
        return
    plain = mask_segments(text, find_segments(text))
    for tag in _HTML.finditer(plain):
        severity = Severity.ERROR if _DANGEROUS.search(tag.group()) else None
        shown = tag.group() if len(tag.group()) <= 40 else tag.group()[:40] + "…"
        yield _finding(file, *tag.span(), f"raw HTML `{shown}` is shown as text", severity=severity)
    for link in _JAVASCRIPT.finditer(plain):
        yield _finding(file, *link.span(), "a `javascript:` link", severity=Severity.ERROR)
