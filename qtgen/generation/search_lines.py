"""Find the lines of a Markdown answer with the texts for search engines: `Description:` and `Keywords:`.

They usually end the answer, and sometimes begin it. Models write them in different ways, such as
`**Meta description**: …`, or `### Keywords` above a list. A label in the middle of an answer belongs to the answer,
unless it is clearly a line of keywords or next to one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from qtgen.generation.markdown_blocks import code_lines

_NAMES = {
    "description": "description|descripci[oó]n|beschreibung|descrizione|descri[cç][aã]o|beschrijving",
    "keywords": r"key[ -]?(?:words?|phrases?)|tags|palabras[ -]clave|schl[uü](?:ss|ß)elw[oö]rter|mots[ -]cl[eé]s"
    r"|parole[ -]chiave|palavras[ -]chave|trefwoorden",
    "title": "title",
}


@cache
def _names(further: tuple[str, ...]) -> Mapping[str, str]:
    """Return the patterns of the words of all labels, by the name of their group in `_label_pattern`."""
    return {**_NAMES, **{f"further{number}": re.escape(label) for number, label in enumerate(further)}}


@cache
def _label_pattern(further: tuple[str, ...]) -> re.Pattern[str]:
    any_name = "|".join(f"(?P<{name}>{words})" for name, words in _names(further).items())
    return re.compile(
        r"^[ ]{0,3}(?P<mark>#{1,6}[ ]+|[-*+•][ ]+|>[ ]+)?[*_]{0,3}(?:(?:meta|page|seo|search|suggested)[ _-]?){0,2}"
        rf"(?:{any_name})(?:[ ]*\([^)\n]{{1,40}}\))?"
        r"(?:[*_]{0,3}[ ]*[:：][*_]{0,3}[ ]*(?P<text>\S.*)?|[*_]{0,3})[ ]*$",
        re.IGNORECASE,
    )


_SECTION = re.compile(
    r"^[ ]{0,3}(?:#{1,6}[ ]+)?[*_]{0,3}(?:(?:for )?(?:seo|search engines?)(?: (?:texts?|information|details|fields))?"
    r"|(?:seo |page )?meta[ -]?data|search (?:texts?|fields|information))[ ]*[:：]?[*_]{0,3}[:：]?[ ]*$",
    re.IGNORECASE,
)
_RULE = re.compile(r"^[ ]{0,3}(?:[-*_][ ]*){3,}$")
_LIST_ITEM = re.compile(r"^[ ]*(?:[-*+•]|\d+[.)])[ ]+(.+)$")
# Conversational phrases after an answer. Any other text after the labels is kept.
_CHAT = re.compile(
    r"^[*_(\[]{0,3}(?:i hope|hope (?:this|that)|let me know|feel free|please (?:let|feel|note)"
    r"|if you (?:have|need|want)|is there anything|would you like|do you (?:want|need)"
    r"|this (?:answer|explanation|response|page|article) "
    r"|thank|you're welcome|i'?d be|i(?:'m| am) happy|happy to|word count|character count|\d+ (?:words|characters)\b)",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[,;、，；|•·]")
_ENDS = ' \t*_`"“”#'
_QUOTES = ('"', "“", "”")
_DESCRIPTION_MAX = 400  # characters; a longer text below the word "Description" is a part of the answer
_CHAT_MAX = 300
_FEWEST_KEYWORDS = 3  # of a line of keywords in the middle of an answer


@dataclass(frozen=True, slots=True)
class SearchLines:
    """An answer and its texts for search engines.

    Args:
        body: The answer without them.
        description: The description, or an empty string.
        keywords: The keywords.
        further: The texts of further labels.
    """

    body: str
    description: str
    keywords: tuple[str, ...]
    further: Mapping[str, str] = field(default_factory=dict)

    def items_of(self, label: str) -> list[str]:
        """Return the items that the text of a further label lists."""
        return [word for part in _SEPARATOR.split(self.further.get(label, "")) if (word := _plain(part).rstrip("."))]


@dataclass(frozen=True, slots=True)
class _Label:
    """A label with its text, on the lines from `start` to before `end`."""

    name: str
    start: int
    end: int
    values: tuple[str, ...]
    has_mark: bool
    is_inline: bool

    @property
    def keywords(self) -> list[str]:
        words = (_plain(word).rstrip(".") for value in self.values for word in _SEPARATOR.split(value))
        return [word for word in words if word]


def split_search_lines(text: str, further: tuple[str, ...] = ()) -> SearchLines:
    """Separate an answer from its texts for search engines. Its lines must be clean, see `clean_lines`.

    Args:
        text: The answer.
        further: Labels besides those of the description and the keywords.
    """
    lines = text.split("\n")
    labels = _labels(lines, code_lines(text), further)
    found = _found(labels, lines)
    if not found:
        return SearchLines(text.strip("\n"), "", ())
    removed = {number for label in found for number in range(label.start, label.end)}
    removed |= _surroundings(found, removed, lines)
    body = "\n".join("" if number in removed else line for number, line in enumerate(lines))
    descriptions = [" ".join(label.values) for label in found if label.name == "description"]
    keywords = [word for label in found if label.name == "keywords" for word in label.keywords]
    others = {
        name: _unquoted(" ".join(label.values))
        for number, name in enumerate(further)
        for label in found
        if label.name == f"further{number}"
    }
    return SearchLines(body.strip("\n"), _unquoted(descriptions[-1]) if descriptions else "", tuple(keywords), others)


def _labels(lines: Sequence[str], excluded: set[int], further: tuple[str, ...]) -> list[_Label]:
    """Return everything that looks like a label, in order."""
    pattern = _label_pattern(further)
    labels: list[_Label] = []
    number = 0
    while number < len(lines):
        match = None if number in excluded or len(lines[number]) > 2_000 else pattern.match(lines[number])
        if match is None:
            number += 1
            continue
        name = next(name for name in _names(further) if match[name])
        end, values = _values(lines, number, name, match["text"] or "", pattern)
        labels.append(_Label(name, number, end, values, bool(match["mark"]), match["text"] is not None))
        number = end
    return labels


def _values(
    lines: Sequence[str], start: int, name: str, text: str, pattern: re.Pattern[str]
) -> tuple[int, tuple[str, ...]]:
    """Return the number of the line after a label's text, and the text: the rest of its line and the lines after it.

    If nothing follows the label on its line, its text is the next paragraph or list.
    """
    end = start + 1
    if not text:
        while end < len(lines) and not lines[end].strip():
            end += 1
    values = [text] if text else []
    while end < len(lines) and lines[end].strip() and not pattern.match(lines[end]) and not _CHAT.match(lines[end]):
        if text and name in ("keywords", "title") and not values[-1].rstrip().endswith(","):
            break
        item = _LIST_ITEM.match(lines[end])
        values.append(item[1] if item else lines[end].strip())
        end += 1
    return end, tuple(values)


def _found(labels: Sequence[_Label], lines: Sequence[str]) -> list[_Label]:
    """Return the labels at the end of the answer, those at its beginning, and keywords within it."""
    usable = [label for label in labels if _is_plausible(label)]
    tail: list[_Label] = []
    next_start = len(lines)
    for label in reversed(usable):
        if not all(_is_between(line, after_all=not tail) for line in lines[label.end : next_start]):
            break
        tail.append(label)
        next_start = label.start
    head: list[_Label] = []
    last_end = 0
    for label in usable[: len(usable) - len(tail)]:
        if not (label.is_inline and all(_is_between(line) for line in lines[last_end : label.start])):
            break
        head.append(label)
        last_end = label.end
    within = [label for label in usable[len(head) : len(usable) - len(tail)] if _is_line_of_keywords(label)]
    beside = {
        line for label in within for line in (_next_text(lines, label.end, 1), _next_text(lines, label.start - 1, -1))
    }
    within += [
        label
        for label in usable[len(head) : len(usable) - len(tail)]
        if label.name == "description" and label.is_inline and beside & {label.start, label.end - 1}
    ]
    return sorted([*head, *within, *tail], key=lambda label: label.start)


def _is_plausible(label: _Label) -> bool:
    if label.name == "title":
        return label.is_inline and len(label.values) == 1
    return label.name == "keywords" or len(" ".join(label.values)) <= _DESCRIPTION_MAX


def _is_line_of_keywords(label: _Label) -> bool:
    is_line = label.is_inline and not label.has_mark
    return label.name == "keywords" and is_line and len(label.keywords) >= _FEWEST_KEYWORDS


def _is_between(line: str, *, after_all: bool = False) -> bool:
    """Return whether a line between labels, or after all of them, does not belong to the answer."""
    if not line.strip() or _RULE.match(line) or _SECTION.match(line):
        return True
    return after_all and len(line) <= _CHAT_MAX and _CHAT.match(line) is not None


def _next_text(lines: Sequence[str], number: int, step: int) -> int:
    """Return the number of the first line that is not blank, from `number` in the direction of `step`."""
    while 0 <= number < len(lines) and not lines[number].strip():
        number += step
    return number


def _surroundings(found: Iterable[_Label], removed: set[int], lines: Sequence[str]) -> set[int]:
    """Return the lines around the labels that do not belong to the answer: headings, rules, conversational phrases."""
    surroundings: set[int] = set()
    last_end = max(label.end for label in found)
    if all(_is_between(line, after_all=True) for line in lines[last_end:]):
        surroundings.update(range(last_end, len(lines)))
    for label in found:
        number = label.start - 1
        while number >= 0 and number not in removed and _is_between(lines[number]):
            surroundings.add(number)
            number -= 1
    return surroundings


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(_ENDS)


def _unquoted(text: str) -> str:
    """Return a description without marks or quotation marks around all of it."""
    stripped = text.strip(" \t*_`")
    is_quoted = stripped[:1] in _QUOTES and stripped[-1:] in _QUOTES and len(stripped) > 1
    return stripped[1:-1] if is_quoted and not any(mark in stripped[1:-1] for mark in _QUOTES) else stripped
