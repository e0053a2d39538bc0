"""Clean up the texts of a model's answer without losing anything.

`prose`, `sentence` and `label` make the field types that the answer shapes in `answers.py` consist of.
"""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from qtgen.page.invisible import without_invisible
from qtgen.page.text import to_single_line

T = TypeVar("T")

_BULLET = re.compile(r"^(?:\[\W*\]|[-*•>#]+)\s+")
_SELF_REFERENCE = re.compile(r"(?:this|the)\s+(?:answer|page|content|article|text|response)\b|this is\b", re.IGNORECASE)
_UNFINISHED = re.compile(r"\b(?:the|an?|and|or|of|to|in|for|with|by|that|which|as|from)\W*$", re.IGNORECASE)
_MARKUP = re.compile(r"`+|\*\*|__|\]\(|\[\W*\]|^#+ ")
_WORD_CHARS = re.compile(r"\w")
_SENTENCE_END = re.compile(r"[.!?][\"')\]$]*(?=\s|$)")

# LaTeX that was not escaped in JSON arrives with its first letters decoded as a control character: `\\beta` becomes a
# backspace and `eta`. Backspace and form feed have no other meaning in an answer; tab and carriage return do, except
# in front of the rest of these commands.
_SWALLOWED = re.compile(
    r"\x08(?=[a-z])|\x0c(?=[a-z])|\t(?=(?:heta|imes|ext|au|frac|o|an|ilde|riangle)\b)|\r(?=(?:ho|ight|m|angle|ceil)\b)"
)
_ESCAPES = {"\x08": r"\b", "\x0c": r"\f", "\t": r"\t", "\r": r"\r"}
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


def restore_latex(text: object) -> object:
    """Return a text with the LaTeX commands restored whose backslash JSON swallowed.

    Control characters and invisible characters are removed. Values of other types are returned as they are; pydantic
    rejects them.
    """
    if not isinstance(text, str) or text.isprintable():  # the common case, and quick to check
        return text
    text = _SWALLOWED.sub(lambda match: _ESCAPES[match.group()], text)
    return without_invisible(_CONTROLS.sub("", text))


def clean_line(text: object) -> object:
    """Return a text on one line; a line break that the model escaped twice counts as a break."""
    if isinstance(text, str) and text.isprintable() and "\\" not in text:  # nearly every text
        return text.strip()
    restored = restore_latex(text)
    if not isinstance(restored, str):
        return restored
    return to_single_line(re.sub(r"\\n(?![a-z])", " ", restored) if "\\" in restored else restored)


def unique_by(items: Iterable[T], name: Callable[[T], str]) -> list[T]:
    """Return the items without those that have the name of an earlier one, ignoring case."""
    first: dict[str, T] = {}
    for item in items:
        first.setdefault(name(item).casefold(), item)
    return list(first.values())


def _require_word(text: str) -> str:
    if not _WORD_CHARS.search(text):
        raise ValueError("holds no word")
    return text


def prose(low: int, high: int) -> Any:
    """Return the type of a text of `low` to `high` characters; one that hit the limit is cut to whole sentences."""

    def trim(text: str) -> str:
        return trim_to_sentence(_require_word(text), low, high)

    return Annotated[str, BeforeValidator(clean_line), Field(min_length=low, max_length=high), AfterValidator(trim)]


def sentence(low: int, high: int) -> Any:
    """Return the type of a text like `prose` that is shown without context, and so must be a proper sentence.

    It rejects sentences that were cut off, markup, and texts about the answer itself.
    """

    def strip_bullet(text: object) -> object:
        line = clean_line(text)
        return _BULLET.sub("", line) if isinstance(line, str) else line

    def check(text: str) -> str:
        kept = trim_to_sentence(_require_word(text), low, high)
        if kept != text and not text.startswith(kept):
            raise ValueError(f"was cut off at {high} characters; write one shorter sentence")
        if unfinished := _UNFINISHED.search(kept):
            raise ValueError(f"ends in `{unfinished.group()}`; write one whole sentence")
        if kept[-1] in ",;:":
            raise ValueError(f"ends in `{kept[-1]}`; write one whole sentence")
        if _SELF_REFERENCE.match(kept):
            raise ValueError("speaks of the answer; name the matter itself")
        if marks := _MARKUP.search(kept):
            raise ValueError(f"has the markup `{marks.group()}`; write plain text")
        if not kept[0].isalnum() and kept[0] not in "\"'“‘$":
            raise ValueError(f"begins with `{kept[0]}`; begin with a word")
        return kept

    return Annotated[str, BeforeValidator(strip_bullet), Field(min_length=low, max_length=high), AfterValidator(check)]


def label(low: int, high: int) -> Any:
    """Return the type of a heading, a table cell or a keyword: one line without markup at its ends."""

    def strip_markup(text: object) -> object:
        line = clean_line(text)
        return line.strip("*_#:;., ") if isinstance(line, str) else line

    return Annotated[
        str, BeforeValidator(strip_markup), Field(min_length=low, max_length=high), AfterValidator(_require_word)
    ]


def trim_to_sentence(text: str, low: int, high: int) -> str:
    """Return `text`, cut back to its last whole sentence if it reaches its maximum length without ending one.

    Args:
        text: A text of at most `high` characters.
        low: The minimum length; a cut leaves at least that much.
        high: The maximum length.
    """
    if len(text) < high - 2 or _SENTENCE_END.search(text[-3:]):
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text) if match.end() >= low]
    if ends:
        return text[: ends[-1]]
    return text[: text.rfind(" ")].rstrip(" ,;:") + "." if " " in text[low:] else text
