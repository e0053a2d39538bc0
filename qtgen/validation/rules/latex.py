r"""Family 5xx, math: does the site render the answer's math as math, and nothing else?

The site replaces each two-character `\n` by a line break, then runs react-markdown with remark-math, remark-gfm and
rehype-katex. tests/validation/test_oracle.py renders with these libraries.
"""

import re
from collections.abc import Callable, Iterator

from qtgen.markdown import Segment, expand_line_breaks, find_segments, segment_at
from qtgen.page.answer_text import LATEX_COLLISION, LATEX_COLLISION_RE2, unicode_for
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import ANSWER, answer_finding, answer_of, markdown_of
from qtgen.validation.rules.edits import Replacement, replace_parts
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, FixFactory, PageFile

# No line of text begins with `abla` or `eq`, so these are commands everywhere. `\nu`, `\ni` and others may be a line
# break and a word outside maths.
_ALWAYS_A_COMMAND = re.compile(r"\\n(?:abla|eq|otin|exists|ewline|onumber|olimits|otag|leq|geq|subseteq|supseteq)$")
_PARENTHESIZED_MATHS = re.compile(r"\\\(.{1,500}?\\\)|\\\[.{1,900}?\\\]", re.DOTALL)


@rule(
    "QT501",
    "newline-escape-collision",
    Severity.ERROR,
    bad=Example("Osmosis moves", r"Where $a \neq b$, osmosis moves"),
    good=Example(r"holds the solute back.\n\n", r"holds the solute back, $a > b$.\n\nu is the speed.\n\n"),
    fix="safe",
    patterns=(LATEX_COLLISION_RE2,),
)
def newline_escape_collision(file: PageFile) -> Iterator[Finding]:
    r"""The answer has a LaTeX command that begins with `\n`: `\nabla`, `\neq`, `\nu`, `\not` …

    Why it is bad: the site turns every `\n` into a line break, so `$a \neq b$` is shown as `a`, a new line and `eq b`.
    In a list, the new line ends the math, and the closing `$$` opens another formula that contains the rest of the
    page.
    Fix: use the Unicode character (`≠`, `∇`, `ν`). `--fix` does so. This is safe because KaTeX renders it the same.
    Precision: in a random sample of 50 out of 278 findings on live pages, all 50 are broken commands.
    """
    answer = answer_of(file)
    commands = list(LATEX_COLLISION.finditer(answer))
    if not commands:
        return
    # To find out where the maths is, read the answer as its author meant it: the commands are not line breaks.
    intended = LATEX_COLLISION.sub(lambda command: "_" * len(command.group()), answer)
    layout = find_segments(expand_line_breaks(intended))
    parenthesized = [
        Segment("math", *pair.span(), pair.span())
        for pair in _PARENTHESIZED_MATHS.finditer(intended)
        if r"\n\n" not in pair.group()
    ]
    for command in commands:
        piece = segment_at(layout, command.start())
        if piece and piece.kind in ("code", "fence"):
            continue
        if piece or segment_at(parenthesized, command.start()) or _ALWAYS_A_COMMAND.match(command.group()):
            character = unicode_for(command.group())
            remedy = f"write `{character}`" if character else "write it without a command that begins with `\\n`"
            message = f"the site reads `{command.group()}` as a line break and `{command.group()[2:]}`; {remedy}"
            yield answer_finding(file, *command.span(), message, _use_character(file, command, character))


def _use_character(file: PageFile, command: re.Match[str], character: str | None) -> FixFactory | None:
    if character is None:
        return None
    return replace_parts(file.page, ANSWER, f"write `{character}`", [(*command.span(), character)])


# The lengths are limited. Otherwise a page of opening marks only would take minutes.
_PAIR = re.compile(r"\\(?<!\\\\)(?:\((?P<inline>.{1,500}?)\\\)|\[(?P<display>.{1,900}?)\\\])", re.DOTALL)
_PARAGRAPH_BREAK = re.compile(r"\n[ ]*\n")


@rule(
    "QT502",
    "unrendered-math",
    Severity.ERROR,
    bad=Example("Osmosis moves", r"Where \( a = b \), osmosis moves"),
    good=Example("Osmosis moves", r"Where $a = b$ (and `\(`), osmosis moves"),
    fix="safe",
    patterns=(r"\\[(\[]",),
)
def unrendered_math(file: PageFile) -> Iterator[Finding]:
    r"""The answer has math between `\(` and `\)`, or between `\[` and `\]`.

    Why it is bad: markdown reads the backslash as an escape, so the reader sees `( \frac{1}{2} )`. A page gets one
    finding, at the first position.
    Fix: write `$…$` and `$$…$$`. `--fix` does so. This is safe because it leaves pairs that contain `$` alone.
    Precision: in a random sample of 50 out of 1,006 findings on live pages, all 50 are math shown as text.
    """
    text = markdown_of(file)
    is_text = _text_test(text)
    pairs = [pair for pair in _PAIR.finditer(text) if is_text(pair)]
    if not pairs:
        return
    fixable = [pair for pair in pairs if "$" not in pair.group()]
    replacements = (replacement for pair in fixable for replacement in _dollars(pair))
    fix = replace_parts(file.page, ANSWER, "write `$…$`", replacements) if fixable else None
    first = pairs[0]
    mark, dollars = (r"\(…\)", "$…$") if first.group("inline") is not None else (r"\[…\]", "$$…$$")
    more = f" ({len(pairs) - 1} more on this page)" if len(pairs) > 1 else ""
    message = f"the site does not render maths in `{mark}`; write `{dollars}`{more}"
    yield answer_finding(file, *first.span(), message, fix)


def _text_test(text: str) -> Callable[[re.Match[str]], bool]:
    """Return a test that is true if markdown shows a pair as text.

    It does not if the pair is in code, in display maths, or in two paragraphs.
    """
    not_text = [piece for piece in find_segments(text) if piece.kind != "math"] if "`" in text or "$$" in text else []

    def is_text(pair: re.Match[str]) -> bool:
        two_paragraphs = pair.group("inline") and _PARAGRAPH_BREAK.search(pair.group())
        return not two_paragraphs and segment_at(not_text, pair.start()) is None

    return is_text


def _dollars(pair: re.Match[str]) -> list[Replacement]:
    """Return the replacements of a pair's marks by dollar signs. Inline maths loses the spaces inside the marks."""
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
    patterns=(r"\$\pN[^$=^_{}]*\$",),
    repairable="concern",
)
def currency_as_math(file: PageFile) -> Iterator[Finding]:
    r"""The site reads two amounts of money in one paragraph as math, because of their dollar signs.

    Why it is bad: `$5 a litre, or $8` is shown as italic letters without spaces and without the dollar signs.
    Fix: write `\$5`. `--fix --unsafe` does so. This is unsafe because the rule guesses from the words in between what
    is money and what is math.
    Precision: all 23 findings on 9,923 live pages are money.
    """
    if not _MAY_BE_MONEY.search(answer_of(file)):
        return
    text = markdown_of(file)
    for piece in find_segments(text):
        if piece.kind != "math" or piece.inner[0] - piece.start != 1:
            continue
        inner = text[slice(*piece.inner)]
        if _AMOUNT.match(inner) and len(_WORD.findall(inner)) > 1:
            escapes = [(piece.start, piece.start, "\\"), (piece.end - 1, piece.end - 1, "\\")]
            fix = replace_parts(file.page, ANSWER, "write `\\$`", escapes, safe=False)
            message = "the site reads the text between two amounts of money as maths; write `\\$`"
            yield answer_finding(file, piece.start, piece.end, message, fix)
