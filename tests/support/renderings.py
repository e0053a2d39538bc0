"""What readers lose between two renderings of an answer (`oracle.py`)."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

from qtgen.page.answer_text import LATEX_COLLISION, unicode_for

Rendering: TypeAlias = dict[str, Any]

_WORD = re.compile(r"[^\W_]+")
_QUOTED_TEXT = re.compile(r"\\text\{[^}]*\}")
_LIST_NUMBER = re.compile(r"^[ ]*\d+[.)][ ]", re.MULTILINE)  # a formula that had swallowed a list contains its numbers
_BETWEEN_FORMULAS = re.compile(r"[ ,.;:()]*(?:[A-Za-z]{2,}[ ,.;:()]+)+")
_PROSE = re.compile(r"(?:\b[A-Za-z]{2,}[,.]? ){2}[A-Za-z]{2,}")


def lost_content(answers: tuple[str, str], renderings: tuple[Rendering, Rendering]) -> list[str]:
    r"""Return the words and formulas that readers see of the first answer but not of the second one.

    These are not counted, because the fix is about them: what is left of a torn command (`eq` of `\neq`), a formula that
    was cut off at a torn command, a formula that had swallowed a sentence, and an amount of money or words between formulas that were a formula.
    """
    commands = [command.group() for command in LATEX_COLLISION.finditer(answers[0])]
    before, after = renderings
    tails = Counter(_WORD.findall(" ".join(command[2:] for command in commands)))
    written = dict.fromkeys(map(ord, "".join(unicode_for(command) or "" for command in commands)), " ")
    lost = [*(_words(before, {}) - tails - _words(after, written))]
    formulas = [_normalized(formula.translate(written)) for formula in _formulas(after)]
    torn = (
        re.compile("(?:^|\n)[ ]*(?:" + "|".join(re.escape(command[2:]) for command in commands) + ")")
        if commands
        else None
    )
    for formula in _formulas(before):
        rest = _normalized(torn.sub("", formula) if torn else formula)
        is_known = any(other.startswith(rest) or rest in _pieces(formula, torn, other) for other in formulas)
        was_money = "\\$" + formula[:8] in answers[1]
        # An amount of money before it had shifted the dollar signs, so that the words between formulas were one.
        was_between = _BETWEEN_FORMULAS.fullmatch(formula) and answers[1].count("\\$") > answers[0].count("\\$")
        swallowed_text = "$" in formula or _PROSE.search(_QUOTED_TEXT.sub("", formula))
        if not (is_known or was_money or was_between or swallowed_text):
            lost.append(formula)
    return lost


def _pieces(formula: str, torn: re.Pattern[str] | None, other: str) -> Iterator[str]:
    """Yield the formula if each of its pieces between torn commands is in the other one."""
    pieces = [_normalized(piece) for piece in (torn.split(formula) if torn else [formula])]
    if len(pieces) > 1 and all(piece in other for piece in pieces):
        yield "".join(pieces)


def _words(rendering: Rendering, translation: dict[int, str]) -> Counter[str]:
    code = (str(code).replace("\\x0a", " ") for code in rendering["code"])
    formulas = (_LIST_NUMBER.sub(" ", formula) for formula in _formulas(rendering))
    text = " ".join([rendering["text"], *code, *formulas])
    return Counter(_WORD.findall(text.translate(translation)))


def _formulas(rendering: Rendering) -> list[str]:
    return [node["tex"] for node in rendering["math"]]


def _normalized(formula: str) -> str:
    return "".join(formula.split())
