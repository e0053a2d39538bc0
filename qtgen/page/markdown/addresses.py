"""Find addresses that the renderer makes links of: `https://…` and `www.…`. A mark inside one is a part of it."""

import re
import unicodedata

_START = re.compile(r"(?<![A-Za-z])https?://(?=[^\W_])|(?<![^\s*_~(\[\]])www\.", re.IGNORECASE)
_PUNCTUATION = r"""[!"')*,.:;?_~]|&[A-Za-z]+;|\](?![(\[\s]|\Z)"""
_TRAIL = re.compile(rf"(?:{_PUNCTUATION})*+(?:[\s<]|\Z|\])")
_PUNCTUATIONS = re.compile(rf"(?:{_PUNCTUATION})++|.")
_PLAIN = re.compile(r"""[^\s<!"&'()*,.:;?_~\]]+""")


def find_address(text: str, start: int, end: int) -> tuple[int, int]:
    """Return start and end of the first address between two offsets, or twice `end`."""
    for match in _START.finditer(text, start, end):
        domain_end = _domain_end(text, match.end(), end)
        if domain_end > match.end():
            return match.start(), _path_end(text, domain_end, end)
    return end, end


def _domain_end(text: str, start: int, end: int) -> int:
    position = start
    while position < end:
        char = text[position]
        if char in "._":
            if _TRAIL.match(text, position, end):
                break
        elif char != "-" and (char.isspace() or unicodedata.category(char)[0] in "PS"):
            break
        position += 1
    labels = text[start:position].split(".")
    return start if "_" in "".join(labels[-2:]) else position


def _path_end(text: str, start: int, end: int) -> int:
    position, unclosed = start, 0
    while position < end:
        char = text[position]
        if char == "(":
            unclosed += 1
            position += 1
        elif char == ")" and unclosed:
            unclosed -= 1
            position += 1
        elif plain := _PLAIN.match(text, position, end):
            position = plain.end()
        elif char.isspace() or _TRAIL.match(text, position, end):
            break
        else:
            # No address ends within punctuation that an address does not end before.
            punctuation = _PUNCTUATIONS.match(text, position, end)
            position = punctuation.end() if punctuation and not unclosed else position + 1
    return position
