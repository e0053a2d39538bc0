"""Write text into HTML so that every character is seen."""

import re
import unicodedata

from markupsafe import Markup, escape

# What could hide or reorder text: controls except tab and line feed, marks of direction, separators of lines and
# paragraphs, zero-width spaces, invisible operators, byte-order marks, noncharacters, tags and lone surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def has_unseen(text: str) -> bool:
    """Return whether a text has characters that are written as escapes."""
    return not (text.isascii() and text.isprintable()) and _UNSEEN.search(text) is not None


def visible_html(text: str) -> Markup:
    """Return a text as HTML, with a marked escape, such as `U+202E`, for each control and direction character."""
    if not has_unseen(text):
        return escape(text)
    parts: list[str] = []
    done = 0
    for match in _UNSEEN.finditer(text):
        parts += [escape(text[done : match.start()]), _escape_of(match[0])]
        done = match.end()
    return Markup("").join([*parts, escape(text[done:])])


def visible_text(text: str) -> str:
    """Return a text, for an attribute, with an escape for each control and direction character."""
    return _UNSEEN.sub(lambda match: f"U+{ord(match[0]):04X}", text) if has_unseen(text) else text


def _escape_of(char: str) -> Markup:
    name = unicodedata.name(char, "control character").lower()
    return Markup('<span class="unseen" title="{}">U+{:04X}</span>').format(name, ord(char))
