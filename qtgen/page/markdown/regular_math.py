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
_COMMANDS_MAX = 100  # KaTeX limits the macros that it expands in one formula, and a command needs up to eight
_FORMULA = r"(?:[^$\\\n]|\\+[^$\\n])+"  # in one line
_INDENTS = ("", "  ", "   ")  # of blocks of math
_ITEM_INDENT = "     "  # of those behind an item `   - `

_IS_PLAIN, _RENDERS, _HAS_NO_LATEX, _HIDES = range(4)


class RegularMath(NamedTuple):
    """What is certain about an answer.

    Args:
        is_plain: Every parser agrees about its math, which is in one line or between lines of `$$` with one indent.
        renders: It is plain, and KaTeX renders all of it.
        has_no_latex: It has no LaTeX besides its math and what is between escaped brackets.
    """

    is_plain: bool
    renders: bool
    has_no_latex: bool


@lru_cache(maxsize=2)  # several rules ask about the same answer in turn
def regular_math(answer: str) -> RegularMath:
    r"""Tell what is certain about an answer with `\n` of two characters for line breaks."""
    found = _matches()(f"{answer}\n".encode(errors="surrogatepass"))
    if not found or _HIDES in found:
        return RegularMath(False, False, False)
    is_plain = _IS_PLAIN in found
    renders = is_plain and _RENDERS in found and answer.count("\\") - answer.count("\\n") <= _COMMANDS_MAX
    return RegularMath(is_plain, renders, _HAS_NO_LATEX in found)


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
    blocks = [_block(indent) for indent in _INDENTS]
    in_item = rf"   - (?:\*\*)?[A-Za-z]{prose}*(?:\\n{_block(_ITEM_INDENT)})+"
    inline, display = rf"{prose}*(?:\${_FORMULA}\${prose}+)*(?:\${_FORMULA}\$)?", rf" *\$\${_FORMULA}\$\${prose}*"
    line = "|".join([inline, display, *blocks, in_item])
    return rf"(?:{line})(?:\\n(?:{line}))*\n"


def _block(indent: str) -> str:
    return rf"{indent}\$\$ *(?:\\n{indent}{_FORMULA})+\\n{indent}\$\$ *"
