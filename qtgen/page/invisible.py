"""Find characters that readers do not see, and bring a text into the form in which equal texts are equal strings."""

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from qtgen._util.lazy_pattern import lazy_pattern

_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_JOINERS = "\u200c\u200d"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TAGS = "\U000e0000-\U000e007f"
_HIDDEN = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
_LOST = "\ufffc\ufffd"

CLASS = f"[{_HIDDEN}{_JOINERS}{_SELECTORS}{_TAGS}{_DIRECTIONS}{_LOST}]"
"""A class of characters, for regular expressions, with all that `find_invisible` may report."""

INVISIBLE = re.compile(CLASS)
_OVERRIDES = frozenset("\u202d\u202e")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")
_SPACES = re.compile(r"[^\S\x1c-\x1f]+")

# Letters that need joiners (Arabic and what is written like it, the scripts of India, Mongolian), and emoji.
_JOINED = lazy_pattern(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1a20-\u1cff\ua840-\ua95f\ua980-\uaaff\uabc0-\uabff"
    "\ufb50-\ufdff\ufe0f\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f"
    "\u2190-\u21ff\u2300-\u2bff\U0001f000-\U0001faff]"
)
_WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua9e0-\uaa7f]")
_SHOWN = 8  # characters of a difference
_LONG_WORD = 20  # letters of a word in which soft hyphens let a line break


class Visibility(Enum):
    """What a character that is no part of the text does."""

    HIDDEN = "never shows"
    DIRECTION = "changes the direction of the text"
    LOST = "stands for a lost character"


class Invisible(NamedTuple):
    """A character that readers do not see, or that shows that one was lost."""

    offset: int
    char: str
    kind: Visibility


def find_invisible(text: str) -> Iterator[Invisible]:
    """Yield the invisible and direction characters that do not belong where they are, and each U+FFFC and U+FFFD.

    These belong where they are: joiners in emoji and between letters of scripts that need them, variation selectors
    after the character that they vary, marks of direction in text with right-to-left letters, zero-width spaces in
    scripts without spaces, and soft hyphens in words of at least 20 letters.
    """
    if text.isascii():
        return
    has_right_to_left: bool | None = None
    for match in INVISIBLE.finditer(text):
        offset, char = match.start(), match.group()
        if char in _LOST:
            yield Invisible(offset, char, Visibility.LOST)
        elif unicodedata.bidirectional(char) in _BIDI_CLASSES or char in "\u200e\u200f\u061c":
            if has_right_to_left is None:
                has_right_to_left = bool(_RIGHT_TO_LEFT.search(text))
            if char in _OVERRIDES or not has_right_to_left:
                yield Invisible(offset, char, Visibility.DIRECTION)
        elif not _belongs(text, offset, char):
            yield Invisible(offset, char, Visibility.HIDDEN)


_BIDI_CLASSES = frozenset({"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"})


def _belongs(text: str, offset: int, char: str) -> bool:
    before, after = text[max(0, offset - 1) : offset], text[offset + 1 : offset + 2]
    if char in _JOINERS:
        return bool(_JOINED.match(before) or _JOINED.match(after))
    if char == "\u200b":
        return bool(_WITHOUT_SPACES.match(before) or _WITHOUT_SPACES.match(after))
    if char == "\u00ad":
        return before.isalpha() and after.isalpha() and _letters_around(text, offset) >= _LONG_WORD
    if char in "\u2061\u2062\u2063\u2064\u3164\u115f\u1160":  # operators of MathML, and fillers of Korean syllables
        return "\u1100" <= before <= "\ud7ff" or "\u1100" <= after <= "\ud7ff"
    if "\U000e0000" <= char <= "\U000e007f":
        return "\U0001f3f4" in text[max(0, offset - 8) : offset]  # the flags of regions are written with tags
    if _SELECTOR.match(char):
        return bool(before) and not (before.isspace() or (before.isascii() and before.isalpha()))
    return False


_SELECTOR = re.compile(f"[{_SELECTORS}]")


def _letters_around(text: str, offset: int) -> int:
    """Return how many letters the word around an offset has, at most as many as a long word needs on each side."""
    count = 0
    for step in (-1, 1):
        place, seen = offset + step, 0
        while 0 <= place < len(text) and seen < 2 * _LONG_WORD and (text[place].isalpha() or text[place] == "\u00ad"):
            seen += 1
            count += text[place] != "\u00ad"
            place += step
    return count


def without_invisible(text: str) -> str:
    """Return the text without the characters that `find_invisible` reports. U+FFFC and U+FFFD stay."""
    if text.isascii():
        return text
    parts, start = [], 0
    for found in find_invisible(text):
        if found.kind is not Visibility.LOST:
            parts.append(text[start : found.offset])
            start = found.offset + 1
    return "".join([*parts, text[start:]]) if start else text


def normalize(text: str) -> str:
    """Return a text on one line in its usual form: NFC, without invisible characters, with single spaces."""
    if text.isascii():
        if text.isprintable() and "  " not in text:  # nearly every text
            return text.strip()
    else:
        text = unicodedata.normalize("NFC", without_invisible(text))
    return _SPACES.sub(" ", text).strip()


def code_point(char: str) -> str:
    """Return the code point and the name of a character: `U+200B zero width space`."""
    name = unicodedata.name(char, "").lower()
    return f"U+{ord(char):04X} {name}".rstrip()


def differing_characters(first: str, second: str) -> tuple[str, str]:
    """Return the characters between the common beginning and the common end of two texts, by their code points."""
    start = _common_length(first, second)
    end = _common_length(first[start:][::-1], second[start:][::-1])
    middles = (text[start : len(text) - end] for text in (first, second))
    one, other = (" ".join(f"U+{ord(char):04X}" for char in middle[:_SHOWN]) or "nothing" for middle in middles)
    return one, other


def _common_length(first: str, second: str) -> int:
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(first), len(second)))
