r"""Family 5xx, math: does the site render the answer's math as math, and nothing else?

The site renders math between `$` and `$`, or between lines of `$$`. `formulas.py` has the rule about math that KaTeX
cannot render.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial

from qtgen.page.answer_text import LATEX_COLLISION
from qtgen.page.markdown import Segment, segment_at
from qtgen.page.markdown.bracket_math import find_bracket_math, with_dollars
from qtgen.page.markdown.plain_math import plain_math
from qtgen.page.markdown.types import BracketPair
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import (
    answer_finding,
    answer_line,
    answer_of,
    document_of,
    markdown_of,
    renders_math,
    replace_in_answer,
)
from qtgen.validation.rules.edits import Replacement
from qtgen.validation.rules.line_breaks import intended_document
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile, RuleFix


@rule(
    "QT502",
    "unrendered-math",
    Severity.ERROR,
    bad=Example("Osmosis moves", r"Where \( a = b \), osmosis moves"),
    good=Example("Osmosis moves", r"Where $a = b$ (and `\(`) \(see below\), as in \[1\], osmosis moves"),
    fix="safe",
    patterns=(r"\\[(\[]",),
    applies=renders_math,
)
def unrendered_math(file: PageFile) -> Iterator[Finding]:
    r"""The answer has math between `\(` and `\)`, or between `\[` and `\]`.

    Escaped brackets around prose, such as `\(see below\)` and `\[1\]`, are not math.

    Why it is bad: Markdown reads the backslash as an escape, so the reader sees `( \frac{1}{2} )`. A page gets one
    finding, at the first position.
    Fix: write `$…$`, or `$$` on lines of their own. `--fix` does so. This is safe because it leaves pairs that contain
    `$` alone, and escapes dollar signs that would pair with the new ones.
    Precision and recall: 1.00, over the 1,004 such pages among 9,923 live pages (`benchmarks/rendering.py`).
    Limits: the rule does not report a page whose brackets contain only numbers, two letters, or one letter at the
    beginning of a line, because exporters also escape `(a)` and `[1]`.
    """
    text = markdown_of(file)
    pairs = find_bracket_math(text)
    fix = partial(_use_dollars, file, pairs) if any("$" not in text[pair.start : pair.end] for pair in pairs) else None
    if not pairs and file.page.layout.codec.escapes and LATEX_COLLISION.search(text := answer_of(file)):
        # A command that is torn may leave no sign of math between the brackets.
        intended = intended_document(text, [*LATEX_COLLISION.finditer(text)]).text
        segments = document_of(file).segments
        pairs = [pair for pair in find_bracket_math(intended) if not segment_at(segments, pair.start)]
    if not pairs:
        return
    first = pairs[0]
    mark, dollars = (r"\[…\]", "$$…$$") if first.display else (r"\(…\)", "$…$")
    more = f" ({len(pairs) - 1} more on this page)" if len(pairs) > 1 else ""
    message = f"the site does not render math in `{mark}`; write `{dollars}`{more}"
    yield answer_finding(file, first.start, first.end, message, fix)


def _use_dollars(file: PageFile, pairs: list[BracketPair]) -> RuleFix | None:
    replacements = with_dollars(document_of(file), pairs, line_break=file.page.layout.codec.line_break)
    return replace_in_answer(file, "write `$…$`", replacements)() if replacements else None


_SEPARATE_WORD = re.compile(r"[ /,-][A-Za-z]{2}|[A-Za-z]{4}")
_AMOUNT = re.compile(r"\s?\d[\d,.]*")
_TEXT_IN_MATH = re.compile(r"\\(?:text|mathrm|mbox|operatorname)\w*\s*\{[^{}]*\}|\\[A-Za-z]+")
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,}")
_MATH_SIGN = re.compile(r"[\\^_={}<>]|[A-Za-z0-9)][ ]*[+*][ ]*[A-Za-z0-9(]")
_BETWEEN_AMOUNTS = re.compile(
    r"\s?\d[\d,.]*[ ]?(?:%|[kKMB]|bn|million|billion|trillion)?[ ]?(?:[-–—/,;]|to|and|or|vs\.?)?[ ]?"
    r"(?:US|AU|CA|HK|NZ|MX|NT|[ACRS])?"
)
_FUNCTION_WORD = re.compile(
    r"\b(?:then|than|for|if|while|but|which|when|is|are|was|were|with|from|on|at|the|you|it|they|would|and|to)\b"
)
_BEHIND_AMOUNTS = re.compile(r"[,;]? (?:[^$=\\^_{}+*<>]*[ (–—/-])?\d[\d,.]* ?")  # the second amount of `5$ and 6$`
_DOLLARS = re.compile(r"\$(?:([^$]+)\$|\$[^$]*\$\$)")  # what dollar signs enclose in a plain answer
_FUNCTION_WORDS_MIN = 2  # `$5 per person, then it is 10$`


@rule(
    "QT503",
    "currency-as-math",
    Severity.WARNING,
    bad=Example("Osmosis moves", "It costs $5 a litre, or $8 with salt. Osmosis moves"),
    good=Example(
        "Osmosis moves",
        r"It costs \$5, or \$8 with salt, $5x$ in all.\n\n- It costs $5 a litre\n- or $8 with salt. Osmosis moves",
    ),
    fix="unsafe",
    patterns=(r"\$ ?[0-9]", r"[0-9] ?\$[,;]? [^$=\\]*[0-9] ?\$"),
    repairable="concern",
    applies=renders_math,
)
def currency_as_math(file: PageFile) -> Iterator[Finding]:
    r"""The site reads the text between two amounts of money as math, because of their dollar signs.

    Why it is bad: `$5 a litre, or $8` is shown as italic letters without spaces and without the dollar signs.
    Fix: write `\$5`. `--fix --unsafe` does so. This is unsafe because the rule guesses from the words in between what
    is money and what is math.
    Precision and recall: 1.00, over the 15 such pages among 9,923 live pages (`benchmarks/rendering.py`).
    Limits: the rule does not report an amount before a formula if there is no word or comma in between: `$5 $x$`.
    """
    if not _may_be_money(answer_line(file)):
        return
    text = markdown_of(file)
    if file.page.layout.codec.escapes and plain_math(answer_of(file)) and not any(_money(text, _pairs(text))):
        return
    for part, is_behind_amounts in _money(text, document_of(file).segments):
        begins, ends = _AMOUNT.match(text, part.inner[0]), _AMOUNT.match(text, part.end)
        escapes: list[Replacement] = []
        escapes += [(part.start, part.start, "\\")] if begins or is_behind_amounts else []
        escapes += [(part.end - 1, part.end - 1, "\\")] if ends or is_behind_amounts else []
        fix = replace_in_answer(file, "write `\\$`", escapes, safe=False)
        message = "the site reads the text between two amounts of money as math; write `\\$`"
        yield answer_finding(file, part.start, part.end, message, fix)


def _money(text: str, segments: Iterable[Segment]) -> Iterator[tuple[Segment, bool]]:
    """Yield each formula that is the text between two amounts, and whether its dollar signs are behind them."""
    for part in segments:
        if part.kind == "math" and part.inner[0] - part.start == 1:
            is_behind_amounts = _is_behind_amounts(text, part)
            if is_behind_amounts or _is_money(text, part):
                yield part, is_behind_amounts


def _pairs(text: str) -> Iterator[Segment]:
    """Yield what pairs of dollar signs enclose in a plain answer, of which some may be code."""
    return (Segment("math", *pair.span(), pair.span(1)) for pair in _DOLLARS.finditer(text) if pair[1])


def _may_be_money(answer: str) -> bool:
    r"""Return whether dollar signs of a line do not pair, or a word and a number are with one of its formulas.

    The answer has the two characters `\n` for each line break.
    """
    for line in answer.split("\\n"):
        if "$" not in line:
            continue
        parts = line.split("$")
        if len(parts) % 2 == 0:
            return True
        for before, formula, following in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
            ends = following.lstrip(" ")[:1].isdigit()
            if ends or (formula.lstrip(" ")[:1].isdigit() and _SEPARATE_WORD.search(formula)):
                return True
            if _BEHIND_AMOUNTS.fullmatch(formula) and before.rstrip(" ")[-1:].isdigit():
                return True
    return False


def _is_behind_amounts(text: str, part: Segment) -> bool:
    """Return whether inline math is the text between two dollar signs behind amounts: `5$ and 6$`."""
    before = text[max(0, part.start - 2) : part.start].rstrip(" ")
    return before[-1:].isdigit() and _BEHIND_AMOUNTS.fullmatch(text, *part.inner) is not None


def _is_money(text: str, part: Segment) -> bool:
    """Return whether inline math is the text between two dollar signs of which the first belongs to an amount."""
    inner = text[slice(*part.inner)]
    following = text[part.end : part.end + 1]
    begins, ends = _AMOUNT.match(inner), following.isdigit()
    if following == " " and inner[:1] == inner[-1:] == " ":  # dollar signs with a space behind each: $ 5 and $ 6
        ends = _AMOUNT.match(text, part.end) is not None
    if not begins and not ends:
        return False
    words = _WORD.findall(_TEXT_IN_MATH.sub(" ", inner))
    is_math = _MATH_SIGN.search(inner) is not None
    # A formula has a space at both ends or at neither one.
    is_between = inner[-1:].isspace() and not inner[:1].isspace()
    if ends:
        is_amounts = _BETWEEN_AMOUNTS.fullmatch(inner) is not None and (following != " " or not inner[1:-1].isdecimal())
        return is_amounts or bool(begins and (words or is_between)) or (len(words) > 1 and not is_math)
    if not is_math and len(_FUNCTION_WORD.findall(inner)) >= _FUNCTION_WORDS_MIN:
        return True
    # What ends with the mark of another formula has that formula behind it.
    opens_formula = following.isalpha() or following == "\\" or is_between
    is_listed = inner.rstrip()[-1:] in (",", ";", ":")
    return opens_formula and (len(words) > 1 or bool((words or is_listed) and is_between and begins))
