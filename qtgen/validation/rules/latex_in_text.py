"""Family 5xx, LaTeX in text: does a reader see the source of a formula?"""

import re
from collections.abc import Iterator

from qtgen._util.lazy_pattern import lazy_pattern
from qtgen.page.markdown import Segment, expand_line_breaks, mask_segments
from qtgen.page.markdown.bracket_math import find_bracket_math
from qtgen.page.markdown.plain_math import plain_math
from qtgen.page.markdown.regular_math import regular_math
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import answer_finding, answer_of, document_of, renders_math
from qtgen.validation.rules.line_breaks import intended_document, torn_commands
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile

_GREEK = (
    "alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|iota|kappa|lambda|mu|xi|pi|rho|sigma|tau|phi|varphi|chi"
    "|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega"
)
_SIGNS = (
    "sum|int|iint|oint|lim|prod|cdot|pm|leq?|geq?|approx|infty|partial|rightarrow|leftarrow|Rightarrow|Leftrightarrow"
    "|implies|iff|subset|subseteq|emptyset|forall|exists|land|lor|equiv|propto|mapsto|quad|ldots|cdots|dots|degree|circ"
    "|angle|perp|parallel|hbar|ell"
)
_WITH_BRACES = (
    "d?frac|sqrt|text(?:bf|it|rm)?|emph|math[a-z]+|vec|hat|bar|tilde|dot|overline|underline|boxed|operatorname|begin|end"
    "|ce|tag|label|ref|binom|overrightarrow|widehat|boldsymbol"
)
_WORDS_TOO = "to|in|cup|cap|times|div|sin|cos|tan|log|ln|exp|max|min|left|right"  # that may be a word in a path
# The pattern begins with one set of characters, for which `re` searches four times as fast as for alternatives.
_LATEX = lazy_pattern(
    rf"[\\^_](?:(?<=\\)(?:(?:{_GREEK}|{_SIGNS})(?![A-Za-z])|(?:{_WITH_BRACES})[*]?(?:\[[^\]\n]{{0,40}}\])?(?=\{{)"
    rf"|(?:{_WORDS_TOO})(?![A-Za-z])(?=[ ]?(?:\\|[({{\[.|]|[A-Za-z0-9](?![A-Za-z]))))"
    r"|(?<=[A-Za-z0-9)\]}]\^)(?:\{[^{}\n]{1,40}\}|\\(?:circ|prime|dagger))"
    r"|(?:(?<=[A-Za-z)\]]_)(?<![A-Za-z0-9_][A-Za-z]_)|(?<=log_)|(?<=lim_)|(?<=max_)|(?<=min_)|(?<=[A-Z]_)(?=\{\d{1,2}\}))\{[^{}\n]{1,40}\}(?![.\w/])"
    r"|(?<=[A-Z]_)\{\d{1,2}\}(?=[A-Z(]\w*(?![\w./])))"
)
# What is obviously math, because it is in one line. A line break may be the end of a block, which ends the math.
_MATH = re.compile(
    r"[$\\](?:(?<=(?<!\\)\$)(?:(?:[^$\\]|\\(?!n))++\$|\$(?:[^$\\]|\\(?!n))++\$\$|\$\\n[^$]*+(?<=n)\$\$)"
    r"|(?<=\\)(?:\([^\\]*+(?:\\(?!\))[^\\]*+)*+\\\)|\[[^\\]*+(?:\\(?!\])[^\\]*+)*+\\\]))"
)
_BRACKETS = re.compile(r"\\(?:\([^\\$]*+(?:\\(?!\))[^\\]*+)*+\\\)|\[[^\\]*+(?:\\(?!\])[^\\]*+)*+\\\])")
_IN_PATH = re.compile(r"(?:[A-Za-z]:|\\\\|://|/|\\[A-Za-z]\w*\\[A-Za-z]\w*\\)\S*\Z")  # up to the command
_ABOUT_LATEX = re.compile(r"\bLaTeX\b|\bcommands?\b|\bmacros?\b", re.IGNORECASE)


@rule(
    "QT514",
    "latex-without-dollars",
    Severity.WARNING,
    bad=Example("Osmosis moves", r"Where \frac{a}{b} > 1, osmosis moves"),
    good=Example("Osmosis moves", r"Where $\frac{a}{b} > 1$ and `x^{2}`, osmosis moves"),
    patterns=(r"\\[a-mo-zA-Z][A-Za-z]+", r"[A-Za-z0-9)\]}][\^_]\{|\^\\(?:circ|prime|dagger)"),
    repairable="concern",
    applies=renders_math,
)
def latex_without_dollars(file: PageFile) -> Iterator[Finding]:
    r"""The text contains LaTeX without dollar signs: `\frac{1}{2}`, `x^{2}`. A page gets one finding.

    QT502 reports LaTeX between `\(` and `\)`. QT501 reports torn commands.

    Why it is bad: the reader sees the source of the formula.
    Fix: write `$\frac{1}{2}$`. No automatic fix: only an author knows where the formula begins and ends.
    Precision and recall: 1.00, over the 4 such pages among 9,923 live pages (`benchmarks/rendering.py`).
    Limits: the rule does not report unknown commands, or commands in paths, addresses, and sentences about LaTeX or
    commands.
    """
    answer = answer_of(file)
    if file.page.layout.codec.escapes and _has_no_latex(answer):
        return
    commands = torn_commands(file)
    document = intended_document(answer, commands) if commands else document_of(file)
    brackets = [Segment("math", *pair[:3]) for pair in find_bracket_math(document.text)]
    text = mask_segments(mask_segments(document.content, document.segments), brackets)
    found = [match for match in _LATEX.finditer(text) if _is_latex(text, match.start())]
    if found:
        more = f" ({len(found) - 1} more on this page)" if len(found) > 1 else ""
        message = f"the site shows this LaTeX as text; write `$…$` around the formula{more}"
        yield answer_finding(file, *found[0].span(), message)


def _has_no_latex(answer: str) -> bool:
    """Return whether an answer on one line certainly has no LaTeX besides its math. This is a quick test."""
    if regular_math(answer).has_no_latex:
        return True
    plain = plain_math(answer)
    prose = plain.prose if plain else answer
    if plain:
        rest = _BRACKETS.sub("", prose) if "\\" in prose else prose
        if not any(map(rest.__contains__, ("\\", "^{", "_{", "]^", ")^", "}^"))):
            return True
    if not _LATEX.search(expand_line_breaks(prose)):
        return True
    return not _LATEX.search(expand_line_breaks(_MATH.sub(" ", prose)))


_WORD_MAX = 100  # characters of a path or an address before a command
_AROUND = 300  # characters before and behind a command that tell whether it is quoted


def _is_latex(text: str, start: int) -> bool:
    """Return whether a command is LaTeX: not escaped, not in a path or an address, and not quoted in an explanation."""
    if text.endswith("\\", 0, start) or _IN_PATH.search(text, max(0, start - _WORD_MAX), start):
        return False
    before = text[max(0, start - _AROUND) : start].rpartition("\n")[2]
    behind = text[start : start + _AROUND].partition("\n")[0]
    return not _ABOUT_LATEX.search(before + behind)
