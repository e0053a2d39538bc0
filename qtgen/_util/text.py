"""Format counts and prices, and make text safe for terminals and files."""

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

# C0 controls except the line feed, DEL, C1 controls, bidirectional controls, line and paragraph separators, the
# byte-order mark, noncharacters, and lone surrogates. Joiners and soft hyphens stay, because ordinary text has them.
_CONTROL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def _ascii_table(is_kept: Callable[[str], bool]) -> dict[int, str]:
    return {ord(char): char if is_kept(char) else " " for char in map(chr, range(128))}


ASCII_LETTERS = _ascii_table(str.isalpha)
"""For `str.translate`: replaces every ASCII character that is no letter by a space."""

ASCII_LETTERS_AND_DIGITS = _ascii_table(str.isalnum)
"""For `str.translate`: replaces every ASCII character that is no letter and no digit by a space."""


def pluralize(count: int, noun: str) -> str:
    """Return the count with its noun: `1 page`, `2,000 pages`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def file_size(size: int) -> str:
    """Return a size in bytes in a readable unit: `98 MB`, `1.1 GB`."""
    if size >= 999_500_000:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB"


def mask_unprintable(text: str) -> str:
    """Return the text with `·` for each character that could control a terminal. Its length stays the same."""
    return "".join(char if char.isprintable() else "·" for char in text)


def escape_controls(text: str) -> str:
    """Return the text with an escape, such as `\\x1b`, for each character that could control a terminal.

    Line feeds stay.
    """
    if text.replace("\n", " ").isprintable():  # nearly every text, and faster than the search
        return text
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return the text as `escape_controls` does, with its line feeds escaped too: a file name may contain them."""
    return escape_controls(text).replace("\n", "\\n")


def json_text(value: Any, indent: int | None = None, *, allow_nan: bool = True) -> str:
    """Return a value as JSON. Characters that could control a terminal are escaped; other ones stay readable."""
    return escape_json(json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=allow_nan))


def escape_json(text: str) -> str:
    """Return JSON with the characters escaped that could control a terminal."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def display_width(text: str) -> int:
    """Return how many columns a terminal needs for the text."""
    if text.isascii():
        return len(text)
    return sum(_character_width(char) for char in text)


def _character_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def replace_surrogates(text: str) -> str:
    """Return the text with `?` for each lone surrogate, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


def money(usd: float | None) -> str:
    """Return a price in US dollars. Neither an unknown nor a tiny price is shown as zero."""
    if usd is None:
        return "cost unknown"
    if 0 < usd < 0.0001:
        return f"${usd:.8f}".rstrip("0")
    return f"${usd:,.4f}" if usd < 1 else f"${usd:,.2f}"


def enumeration(parts: Sequence[str]) -> str:
    """Return `a`, `a and b`, or `a, b and c`."""
    return " and ".join([*([", ".join(parts[:-1])] if parts[1:] else []), parts[-1]])
