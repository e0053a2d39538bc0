r"""Recognize answers whose formulas obviously render, each answer by one search.

They are the words of a regular language, which RE2 reads many times as fast as Python reads the formulas one by one.
Everything that is not certain is left to `plain_math` and the parsers.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple

import re2

from qtgen.page.markdown.katex.plain import regular_formula

# What can hide a dollar sign (code, escapes, HTML, links, addresses), and runs of three.
_HIDING = r"`|\\\$|\]\(|://|www\.|~~~|\$\$\$|<[A-Za-z/!?]"
_BACKSLASHES_MAX = 250  # KaTeX limits the macros that it expands in one formula to 1,000; plain commands need four each
_INDENTS = ("", "  ", "   ")  # of blocks of math

_IS_PLAIN, _RENDERS, _HAS_NO_LATEX, _HIDES = range(4)


class RegularMath(NamedTuple):
    """What is certain about an answer.

    Args:
        renders: Its math is plain, and KaTeX renders all of it.
        has_no_latex: It has no LaTeX besides its math and what is between escaped brackets.
    """

    renders: bool
    has_no_latex: bool


@lru_cache(maxsize=2)  # several rules ask about the same answer in turn
def regular_math(answer: str) -> RegularMath:
    r"""Tell what is certain about an answer with `\n` of two characters for line breaks."""
    found = _matches()(f"{answer}\n".encode(errors="surrogatepass"))
    if not found or _HIDES in found:
        return RegularMath(False, False)
    renders = _IS_PLAIN in found and _RENDERS in found and answer.count("\\") <= _BACKSLASHES_MAX
    return RegularMath(renders, _HAS_NO_LATEX in found)


@cache
def _matches() -> Callable[[bytes], list[int]]:
    brackets = "|".join(rf"\\\{mark[0]}(?:[^\\$]|\\+[^\\{mark[1:]}$])*\\+{mark[1:]}" for mark in (r"(\)", r"[\]"))
    formula = regular_formula(r"(?:[ \n]|\\n)")
    patterns = re2.Set.FullMatchSet()
    patterns.Add(_answer(r"(?:[^$\\\n]|\\+[^$\\n])"))
    patterns.Add(rf"(?:[^$]|\$\$?{formula}\$\$?[^$])*")
    patterns.Add(_answer(rf"(?:[^$\\^_\n]|{brackets})"))
    patterns.Add(rf"(?s:.*)(?:{_HIDING})(?s:.*)")
    patterns.Compile()
    match: Callable[[bytes], list[int]] = patterns.Match
    return match


def _answer(prose: str) -> str:
    r"""Return the pattern of an answer. Formulas are in one line, or between two lines of `$$` with the same indent."""
    formula = r"(?:[^$\\\n]|\\+[^$\\n])+"
    blocks = [rf"{indent}\$\$ *(?:\\n{indent}{formula})+\\n{indent}\$\$ *" for indent in _INDENTS]
    inline, display = rf"{prose}*(?:\${formula}\${prose}+)*(?:\${formula}\$)?", rf" *\$\${formula}\$\${prose}*"
    line = "|".join([inline, display, *blocks])
    return rf"(?:{line})(?:\\n(?:{line}))*\n"
