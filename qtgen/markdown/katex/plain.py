"""Recognize formulas that obviously render, many times faster than by parsing them.

Groups in braces are replaced by one character, from the inside out, while their content is a row of plain atoms. Most
formulas become such a row in a few steps.
"""

import re
from typing import Final

from qtgen.markdown.katex.tables import load_tables

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

_TEXT = re.compile(
    r"(?<!\\)\\(?:text|textrm|textbf|textit|mbox)\{[ !\"'()*+,\-./0-9:;<=>?A-Z\[\]`a-z|À-ÖØ-öø-ÿ’–—一-鿿぀-ヿ가-힣]*+\}"
)
_PLAIN_GROUP = re.compile(rf"(?<!\\)(?<!\\begin)(?<!\\end)(?<!\\begin\{{array\}})\{{{_ROW}\}}")
_LEFT_RIGHT = re.compile(rf"(?<!\\)\\left[ \n]*+{_DELIMITER}{_ROW}\\right[ \n]*+{_DELIMITER}")
_INLINE_ENVIRONMENTS = r"[pbBvV]?matrix|[dr]?cases|aligned|gathered"
_PLAIN = re.compile(_ROW)
_LINES = re.compile(r"[ -~\n\u00a0-\U0010ffff]*+")
_COMMAND = re.compile(r"([_^]?)(\\(?:[A-Za-z]+|[^A-Za-z]))")
_ARGUMENTS: Final = re.compile(rf"\\(?:{_ONE_ARGUMENT}|{_TWO_ARGUMENTS}|left|right|begin|end)\Z")
_ENVIRONMENTS: Final = {
    display: re.compile(
        rf"(?<!\\)\\begin\{{(?:(?P<name>{names})\}}|array\}}\{{[lcr|]++\}}){_ROW}(?:&{_ROW})*+\\end\{{(?(name)(?P=name)|array)\}}"
    )
    for display, names in ((False, _INLINE_ENVIRONMENTS), (True, rf"{_INLINE_ENVIRONMENTS}|align\*?|gather\*?"))
}
_CHARACTERS: Final = frozenset(("\\\\", "\\%", "\\$", "\\#", "\\&", "\\_"))


def is_plain(tex: str, *, display: bool) -> bool:
    """Return whether a formula obviously renders. False says nothing. See `check_formula`."""
    if len(tex) > _LONGEST or not (tex.isprintable() or _LINES.fullmatch(tex)):
        return False
    if "\\" in tex and not _has_plain_commands(tex := _TEXT.sub(_WORDS, tex)):
        return False
    for _ in range(_DEEPEST):
        if _PLAIN.fullmatch(tex):
            return True
        reduced = _PLAIN_GROUP.sub(_GROUP, tex)
        if "\\left" in reduced:
            reduced = _LEFT_RIGHT.sub(_FENCED, reduced)
        if "\\begin" in reduced:
            reduced = _ENVIRONMENTS[display].sub(_FENCED, reduced)
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
