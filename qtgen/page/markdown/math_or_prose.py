r"""Tell math between escaped brackets, such as `\(x^2\)`, from prose, such as `\(see below\)`."""

import re
from functools import lru_cache

from qtgen.page.markdown.types import BracketPair

_COMMAND = re.compile(r"\\[A-Za-z]")
_SIGN = re.compile("[\\\\^_={}<>|\u0370-\u03ff\u2190-\u22ff\u2a00-\u2aff\u00d7\u00f7\u00b1\u2032\u00b2\u00b3\u00b9]")
_FUNCTION = re.compile(
    r"\b(?:sin|cos|tan|log|exp|max|min|lim|gcd|det|mod)\b(?=[ ]*\S)|(?<![A-Za-z])(?:[A-Za-z]|[A-Z]{2,4})\("
    r"|[A-Za-z0-9)][ ]?[+*][ ]?[A-Za-z0-9(]|^[(\[].*[)\]]$"
)
_PROBABILITY = re.compile(r"[A-Z]\([^()]*\|")
_NAMES = re.compile(r"\d[\d.,]*%?|[A-Z]{2,4}|[A-Za-z]{2}")  # a number, or two variables: nothing that is only math
_VARIABLE = re.compile(r"(?<![A-Za-z.])[A-Za-z](?![A-Za-z0-9.])")
_ABBREVIATION = re.compile(r"[A-Za-z]{2}\.")
_ELEMENTS = re.compile(r"(?:[A-Z][a-z]?\d*){2,}")
_ESCAPE = re.compile(r"\\[!-/:-@\[-`{-~]")
_PROSE = re.compile(
    r"(?:e\.g|i\.e|cf|see|pp?\.|vs|ca\.|fig|eq|approx|about|or|and|the)\b|\^\d+\Z|[→←⇒] *[A-Za-z]{3}"
    r"|[\u0370-\u03ff]-[a-z]{3}|[A-Z]:\\",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z]{3,}")
_LABEL = re.compile(r"[a-h]|i{1,3}|iv|vi{1,3}|ix")
_ROMAN = re.compile(r"\\\([ ]?(?:ii|iii|iv|vi|vii|viii|ix)[ ]?\\\)")
_BEFORE_LABEL = re.compile(r"(?:^[ *+-]*|[,;:] |\b(?:and|or) )\Z")
_OWN_LINE = re.compile(r"[ ]*\n[\s\S]*\n[ ]*")  # between marks that are each alone on their line
_PROSE_WORDS = 2
_AROUND = 80  # characters before and behind a pair that tell what it is


def is_math(text: str, pair: BracketPair) -> bool | None:
    """Return whether a pair contains math, or None if it may be prose too."""
    content = text[slice(*pair.inner)].strip()
    if not content or (pair.display and text.startswith(("(", "\\("), pair.end)):
        return False
    if "://" in content or "www." in content or _PROSE.match(content):
        return False
    if _COMMAND.search(content):
        return True
    words = _WORD.findall(content)
    if pair.display and not words and _OWN_LINE.fullmatch(text[slice(*pair.inner)]):
        return True
    if len(words) >= _PROSE_WORDS:
        return _PROBABILITY.match(content) is not None
    if _SIGN.search(_ESCAPE.sub(" ", content)) or _FUNCTION.search(content):
        return True
    return _is_plain_math(text, pair, content) if not words else False


def _is_plain_math(text: str, pair: BracketPair, content: str) -> bool | None:
    """Return whether a pair without words and signs of math contains math: letters and numbers only."""
    before = text[max(0, pair.start - _AROUND) : pair.start].rpartition("\n")[2]
    after = text[pair.end : pair.end + _AROUND].partition("\n")[0].strip(" .,;")
    if pair.display and _NAMES.fullmatch(content):
        return False
    if pair.display and (before.strip() or after):
        return None if _VARIABLE.search(content) else False
    is_label = (_LABEL.fullmatch(content) and _BEFORE_LABEL.search(before)) or (
        content in ("i", "v", "x") and _has_roman_labels(text)
    )
    is_prefix = content in ("R", "S", "E", "Z", "D", "L") and text.startswith("-", pair.end)  # of a molecule
    is_call = before[-1:].isalnum() or before.endswith(("_", "\\]"))
    if is_label or is_call or is_prefix or _ABBREVIATION.search(content):
        return None
    if _NAMES.fullmatch(content) or _ELEMENTS.fullmatch(content):
        return None
    if not any(char.isalnum() for char in content):
        return False
    return True if _VARIABLE.search(content) else None


@lru_cache(maxsize=2)
def _has_roman_labels(text: str) -> bool:
    """Return whether a Roman number is between brackets, so that `i` is one too."""
    return _ROMAN.search(text) is not None
