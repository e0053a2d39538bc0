"""Recognize formulas that obviously render, many times faster than by parsing them.

Groups in braces are replaced by one character, from the inside out, while their content is a row of plain atoms. Most
formulas become such a row in a few steps.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

import re2

from qtgen._util.lazy_pattern import lazy_pattern
from qtgen.page.markdown.katex.tables import load_tables

_LONGEST = 500
"""KaTeX limits macro expansions. A plain command needs at most as many as two more than it has letters."""
_DEEPEST = 8

_GROUP = "\x01"  # a group in braces
_WORDS = "\x02"  # `\text{…}`, which can be a script, but not an argument
_FENCED = "\x03"  # `\left( … \right)`, which can be neither

_END_OF_NAME = "(?![A-Za-z@])"
_ONE_ARGUMENT = (
    "(?:sqrt|math(?:rm|bf|bb|cal|it|sf|frak)|boldsymbol|hat|bar|vec|d?dot|tilde|overline|widehat|widetilde|operatorname"
    "|underline|xrightarrow|pmod)"
)
_TWO_ARGUMENTS = "(?:[dt]?frac|binom)"
_NAME = rf"(?!(?:{_ONE_ARGUMENT}|{_TWO_ARGUMENTS}|left|right|begin|end){_END_OF_NAME})[A-Za-z]++{_END_OF_NAME}[ \n]*+"
_ATOM = (
    r"(?:[A-Za-z0-9+\-=*/<>,.:;!?()\[\]|\"`×÷±·≤≥≈→←∞°∈π¬−∠∂∇∫∑√αβγδθλμσφωΔΩ~\x01\x02\x03]"
    rf"|\\(?:{_NAME}|[,;:! |{{}}%$#&_]|\\(?!\[)|{_TWO_ARGUMENTS}[ \n]*+\x01[ \n]*+\x01|{_ONE_ARGUMENT}\x01"
    r"|sqrt\[[A-Za-z0-9]\]\x01))"
)
_SCRIPT = rf"(?:[A-Za-z0-9+\-=*∞→\x01\x02]|\\{_NAME})"
_SCRIPTS = rf"(?:_{_SCRIPT}(?:'*+\^{_SCRIPT}|'++)?+|'*+(?:\^{_SCRIPT})?+(?:_{_SCRIPT})?+)"
_ROW = rf"(?:\^{_SCRIPT}(?![_']))?+(?:{_ATOM}{_SCRIPTS}|[ \n]++(?![\^_']))*+"
_DELIMITER = (
    rf"(?:[()\[\]|./]|\\(?:[{{}}|]|[lr]angle{_END_OF_NAME}[ \n]*+|[lr](?:floor|ceil|vert|Vert){_END_OF_NAME}[ \n]*+))"
)

_INLINE_ENVIRONMENTS = r"[pbBvV]?matrix|[dr]?cases|aligned|gathered"
_DISPLAY_ENVIRONMENTS = rf"{_INLINE_ENVIRONMENTS}|align\*?|gather\*?"

_LINES = lazy_pattern(r"[ -~\n\u00a0-\U0010ffff]*+")
_COMMAND = re.compile(r"([_^]?)(\\(?:[A-Za-z]+|[^A-Za-z]))")
_ARGUMENTS = re.compile(rf"\\(?:{_ONE_ARGUMENT}|{_TWO_ARGUMENTS}|left|right|begin|end)\Z")
_CHARACTERS: Final = frozenset(("\\\\", "\\%", "\\$", "\\#", "\\&", "\\_"))


# The commonest formulas are one word of a regular language, which RE2 reads six times as fast as the patterns below. A
# letter directly behind a command would belong to its name, and a script has no second one.
_COMMANDS = (
    "alpha|beta|gamma|delta|epsilon|theta|lambda|mu|pi|rho|sigma|tau|phi|psi|omega|Delta|Sigma|Omega|Gamma|Phi|Psi"
    "|cdot|times|div|pm|leq|geq|le|ge|neq|ne|approx|equiv|sim|in|subset|cup|cap|forall|exists|land|lor|to|rightarrow"
    "|Rightarrow|leftarrow|infty|partial|sum|int|prod|lim|log|ln|sin|cos|tan|exp|max|min|dots|ldots|cdots|quad|circ"
    "|prime|hbar|ell|angle|perp|parallel|mid|emptyset|propto|star|eta|xi|kappa|zeta|chi|Lambda|Theta|Pi|oplus|setminus"
    "|implies|iff|cot|csc|sec|arctan|arcsin|arccos|rightleftharpoons|subseteq|supset|vdots|ddots|langle|rangle|det|gcd"
)
_REGULAR_COMMAND = rf"\\(?:{_COMMANDS})"
_REGULAR_SIGN = r"(?:[0-9+\-=*/<>,.:;!?()\[\]|]|\\[,;:! |{}%])"
_DEGREES = r"[0-9)]\^\\circ"


def _regular_row(space: str, groups: str = "", scripts: str = "") -> str:
    """Return the pattern of a row with at least one atom.

    Args:
        space: What can be between atoms.
        groups: What can be an atom, besides letters, signs and commands, as further alternatives.
        scripts: What can be a script, besides a letter, a number or a sign.
    """
    commands, script = f"(?:{_REGULAR_COMMAND})*", rf"(?:[A-Za-z0-9+*-]{scripts})"
    sign = f"(?:{_REGULAR_SIGN}{groups})"
    with_scripts = rf"(?:{commands}(?:{sign}|{_REGULAR_COMMAND})|[A-Za-z])(?:_{script}(?:\^{script})?|\^{script})"
    atom = rf"{with_scripts}|[A-Za-z]'*|{commands}(?:{sign}|{space})|{_DEGREES}(?:{space}|{_REGULAR_SIGN})"
    return rf"(?:(?:{atom})+(?:{commands}|{_DEGREES})|{_DEGREES}|(?:{_REGULAR_COMMAND})+)"


def regular_formula(space: str = r"[ \n]") -> str:
    """Return an RE2 pattern of formulas that obviously render. They have at least one character.

    Args:
        space: A pattern of what can be between atoms.
    """
    words = r"\\text\{[A-Za-z0-9 ,.()+/:;=-]*\}"
    inner = rf"\{{(?:{_regular_row(space)}|{words})?\}}"
    accented = rf"\\(?:mathrm|mathbf|mathbb|mathcal|vec|d?dot|hat|bar|sqrt){inner}|{words}"
    return _regular_row(space, rf"|{accented}|\\frac{inner}{inner}", f"|{inner}")


@cache
def _regular() -> Callable[[bytes], list[int]]:
    patterns = re2.Set.FullMatchSet()
    patterns.Add(regular_formula())
    patterns.Compile()
    match: Callable[[bytes], list[int]] = patterns.Match
    return match


# The larger patterns take milliseconds to compile, and many runs do not need them.
@cache
def _text() -> re.Pattern[str]:
    characters = r"[ !\"'()*+,\-./0-9:;<=>?A-Z\[\]`a-z|À-ÖØ-öø-ÿ’–—一-鿿぀-ヿ가-힣]*+"
    return re.compile(rf"(?<!\\)\\text(?:rm|bf|it)?\{{{characters}\}}")


@cache
def _plain() -> re.Pattern[str]:
    return re.compile(_ROW)


@cache
def _plain_group() -> re.Pattern[str]:
    return re.compile(rf"(?<!\\)(?<!\\begin)(?<!\\end)(?<!\\begin\{{array\}})\{{{_ROW}\}}")


@cache
def _left_right() -> re.Pattern[str]:
    return re.compile(rf"(?<!\\)\\left[ \n]*+{_DELIMITER}{_ROW}\\right[ \n]*+{_DELIMITER}")


@cache
def _environment(*, display: bool) -> re.Pattern[str]:
    names = _DISPLAY_ENVIRONMENTS if display else _INLINE_ENVIRONMENTS
    begin = rf"(?<!\\)\\begin\{{(?:(?P<name>{names})\}}|array\}}\{{[lcr|]++\}})"
    return re.compile(rf"{begin}{_ROW}(?:&{_ROW})*+\\end\{{(?(name)(?P=name)|array)\}}")


def is_plain(tex: str, *, display: bool) -> bool:
    """Return whether a formula obviously renders. False says nothing. See `check_formula`."""
    if len(tex) > _LONGEST or not (tex.isprintable() or _LINES.fullmatch(tex)):
        return False
    if tex.isascii() and _regular()(tex.encode()):
        return True
    if "\\" in tex and not _has_plain_commands(tex := _text().sub(_WORDS, tex)):
        return False
    for _ in range(_DEEPEST):
        if _plain().fullmatch(tex):
            return True
        reduced = _plain_group().sub(_GROUP, tex)
        if "\\left" in reduced:
            reduced = _left_right().sub(_FENCED, reduced)
        if "\\begin" in reduced:
            reduced = _environment(display=display).sub(_FENCED, reduced)
        if reduced == tex:
            return False
        tex = reduced
    return False


def _has_plain_commands(tex: str) -> bool:
    tables = load_tables()
    return all(
        command in (tables.scripts_without_braces if script else tables.plain)
        or (not script and (command in _CHARACTERS or _ARGUMENTS.match(command) is not None))
        for script, command in _COMMAND.findall(tex)
    )
