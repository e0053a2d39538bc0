"""Detect residue of the model in the texts of an answer that rule QT608 does not detect.

QT608 checks the finished page for the model's words about itself, JSON and chat markers. Here, the texts of the answer
are still separate. So a placeholder that is the whole text, a field name of the schema, or HTML markup can be
distinguished from the same words in an answer about them.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from qtgen.page.markdown import find_segments, mask_segments
from qtgen.page.tags import encloses, is_named, is_spoken_of

_TAGS = (
    "pre|code|h[1-6]|p|div|span|br|hr|ul|ol|li|b|i|u|strong|em|small|sub|sup|html|body|table|tr|td|th|a|img"
    "|script|style|iframe"
)
_TAG = re.compile(rf"<(?P<slash>/?)(?P<name>{_TAGS})(?P<attributes>\s[^<>\n]{{0,200}})?/?>", re.IGNORECASE)
_PLACEHOLDER_WORDS = r"insert|json|question|answer|response|example|section|data|text|title|math|your|placeholder"
_PLACEHOLDER = re.compile(
    rf"(?:^|(?<=[.!?])\s)(?:[-*•]\s+)?(?P<name>\[(?:{_PLACEHOLDER_WORDS})\b[^\]\n]{{0,99}}\])(?!\()(?=\s*$|\s+(?-i:[A-Z\d]))"
    r"|^(?P<mark>TODO|TBD|FIXME|\.\.\.|…)(?:\s*$|:)",
    re.IGNORECASE,
)
_CHAT_MARK = re.compile(r"<\|[a-z_]+\|>|\[/?INST\]")
_SIGNS = ("<", "[", "_", "…", "...", "todo", "tbd", "fixme")  # a text without them has no residue
_MAY_HAVE = re.compile("|".join(map(re.escape, _SIGNS)), re.IGNORECASE)


@cache
def _name_pattern(names: frozenset[str]) -> re.Pattern[str]:
    choices = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(rf"\b(?:{choices})\b" if names else r"(?!)")


def residue_faults(data: object, names: frozenset[str]) -> list[str]:
    """Return the residue in an answer's texts, as sentences for the model, without repeats.

    Code and math are not searched.

    Args:
        data: The texts of the answer: decoded JSON, or one text.
        names: The names of the schema's fields that are no words.
    """
    texts = _strings(data)
    if not _may_have_residue("\n".join(texts)):  # nearly every answer
        return []
    suspects = (text for text in texts if _may_have_residue(text))
    return list(dict.fromkeys(fault for text in suspects for fault in _faults(text, texts, names)))


def _may_have_residue(text: str) -> bool:
    if not text.isascii():  # letters such as `ı` match others if the case is ignored
        return _MAY_HAVE.search(text) is not None
    lower = text.lower()
    return any(sign in lower for sign in _SIGNS)


def _faults(text: str, texts: Sequence[str], names: frozenset[str]) -> Iterator[str]:
    plain = mask_segments(text, find_segments(text))
    for tag in html_markup(plain):
        yield f"`{tag}` is HTML; write Markdown, and put a tag in backticks if the answer is about it"
    for placeholder in _PLACEHOLDER.finditer(plain):
        mark = placeholder["name"] or placeholder["mark"]
        if mark != text.strip() or not _is_word_of_a_sentence(mark, texts):
            yield f"`{mark}` is a placeholder; write the text itself"
    for name in _name_pattern(names).findall(plain):
        yield f"write plain text without `{name}`"
    for chat_mark in _CHAT_MARK.finditer(plain):
        if not is_named(plain, *chat_mark.span()):
            yield f"write plain text without `{chat_mark.group()}`"


def _is_word_of_a_sentence(mark: str, texts: Sequence[str]) -> bool:
    """Return whether a text of the answer speaks of a mark, so that it may be a keyword or a heading of its own."""
    in_sentence = re.compile(rf"(?<=\S )[\"'`(]?{re.escape(mark)}(?!\w|:)|^{re.escape(mark)} [a-z]", re.MULTILINE)
    return any(mark in text and in_sentence.search(text) for text in texts if text.strip() != mark)


def html_markup(plain: str) -> Iterator[str]:
    """Yield the tags that are meant as markup, not as the subject of a sentence."""
    tags = [*_TAG.finditer(plain)]
    last_opening: dict[str, re.Match[str]] = {}
    for tag in tags:
        name = tag["name"].lower()
        if not tag["slash"]:
            last_opening[name] = tag
            if not _is_comparison(tag) and not is_spoken_of(plain, *tag.span()):
                yield tag.group()
        elif (opening := last_opening.pop(name, None)) and encloses(plain, opening.span(), tag.span()):
            yield opening.group()


def _is_comparison(tag: re.Match[str]) -> bool:
    """Return whether a tag is two signs of comparison: `a<b and b>c`."""
    return len(tag["name"]) == 1 and bool(tag["attributes"]) and "=" not in tag["attributes"]


def _strings(data: object) -> list[str]:
    """Return every string value of decoded JSON, in order."""
    if isinstance(data, str):
        return [data]
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [text for item in items for text in _strings(item)]
