"""Is a tag in prose meant as markup, or does the sentence speak of it?"""

import re

# After a tag that the text speaks of: `the <p> element`, `use <br> for a break`, `<b>, <i> and <u>`.
_SPOKEN_OF = re.compile(r"""["'”’)]?(?:\s*$|[,.;:?!)]|\s+(?:(?i:tags?|elements?|and|or)\b|[a-z]))""")
_NOUN = re.compile(r"""["'”’)]?\s+(?:tags?|elements?|pairs?|attributes?|tokens?|markers?)\b""", re.IGNORECASE)
_CONNECTED = re.compile(r"[\s,'\"…./&]*(?:and|or|to|with)?[\s,'\"…./&]*", re.IGNORECASE)
_INTRODUCED = re.compile(
    r"\b(?:an?|the|in|with|by|between|called|named|tags?|elements?|tokens?|markers?|pair)\s+[\"'“‘(]?$", re.IGNORECASE
)
_BEFORE = 20  # characters that tell how a tag is introduced


def is_spoken_of(text: str, start: int, end: int) -> bool:
    """Return whether the tag from `start` to `end` is probably part of a sentence."""
    before = text[max(0, start - 1) : start]
    return (not before or before.isspace() or before in "\"'“‘(`/") and bool(_SPOKEN_OF.match(text, end))


def is_named(text: str, start: int, end: int) -> bool:
    """Return whether the tag from `start` to `end` surely is the subject of a sentence: `the <b>`, `<b> tags`."""
    return bool(_NOUN.match(text, end) or _INTRODUCED.search(text[max(0, start - _BEFORE) : start]))


def encloses(text: str, opening: tuple[int, int], closing: tuple[int, int]) -> bool:
    """Return whether two tags enclose a text, unlike in `the <b> and </b> tags` or `an <a> element … </a>`."""
    between = text[opening[1] : closing[0]]
    return not (_CONNECTED.fullmatch(between) or _NOUN.match(text, opening[1]) or _NOUN.match(text, closing[1]))
