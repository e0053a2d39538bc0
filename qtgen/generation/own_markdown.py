"""Read an answer in one of the profile's own shapes that a model wrote as Markdown.

Each part is looked for where it belongs, in the form that its template gives it. What differs from that form without a
change of meaning is accepted: another list mark, no list mark, a missing heading.
"""

import re
from collections import deque
from collections.abc import Sequence
from typing import Any

from qtgen.errors import AnswerError
from qtgen.generation.markdown_blocks import code_lines
from qtgen.generation.own_shapes import PARAGRAPH_MAX, is_list
from qtgen.page.profile import Part, Shape

_ITEM = re.compile(r"^[ ]{0,3}(?:[-*+•]|\d{1,3}[.)])[ ]+(?=\S)")
_WORD = re.compile(r"[^\W_]+|\0")
_PLACEHOLDER = re.compile(r"\{(text|n)\}")
_ITEMS_MAX = 1_000
_PATTERNS = {"text": r"(?P<text>[\s\S]+)", "n": r"\d{1,3}"}


def read_own(shape: Shape, body: str) -> dict[str, Any]:
    """Return the parts of an answer by their keys, without missing parts.

    Args:
        shape: The shape.
        body: The answer as Markdown.

    Raises AnswerError if something follows the last part.
    """
    chunks = deque(_chunks(body))
    fields: dict[str, Any] = {}
    for number, part in enumerate(shape.parts):
        following = shape.parts[number + 1 :]
        value = _items(part, chunks, following) if part.items else _text(part, chunks, following)
        if value:
            fields[part.key] = value
    if chunks:
        beginning = " ".join(chunks[0].split())[:60]
        raise AnswerError([f"`{beginning}` belongs to none of the parts {', '.join(part.key for part in shape.parts)}"])
    return fields


def _chunks(body: str) -> list[str]:
    """Return the paragraphs, the code blocks and the items of lists. An item takes the lines up to the next one."""
    in_code = code_lines(body)
    chunks: list[str] = []
    is_new = True
    for number, line in enumerate(body.split("\n")):
        if number not in in_code and not line.strip():
            is_new = True
        elif is_new or (number not in in_code and _ITEM.match(line)):
            chunks.append(line.strip())
            is_new = False
        else:
            chunks[-1] += f"\n{line.rstrip()}"
    return chunks


def _text(part: Part, chunks: deque[str], following: Sequence[Part]) -> str | None:
    """Take the chunks of a part that is one text, and return the text."""
    is_headed = _take_heading(part, chunks)
    if not chunks or (not part.required and not is_headed and not _is_optional_there(part, chunks, following)):
        return None
    chunk = chunks.popleft()
    found = _match(part, chunk)
    text = chunk if found is None else found
    if part.max > PARAGRAPH_MAX:  # a text with paragraphs of its own, up to what the other parts need
        while len(chunks) > _least(following) and not _is_claimed(chunks[0], following):
            text += f"\n\n{chunks.popleft()}"
    return text


def _is_optional_there(part: Part, chunks: deque[str], following: Sequence[Part]) -> bool:
    """Return whether the next chunk is the text of a part that can be left out."""
    if _has_words(part):
        return _match(part, chunks[0]) is not None
    return len(chunks) > _least(following) and not _is_claimed(chunks[0], following)


def _items(part: Part, chunks: deque[str], following: Sequence[Part]) -> list[str]:
    """Take the chunks of a part that is a list, and return the items."""
    items: list[str] = []
    is_headed = has_marks = False
    while chunks and len(items) < _ITEMS_MAX:
        has_heading = _take_heading(part, chunks)
        if not chunks:
            break
        has_mark = is_list(part) and _ITEM.match(chunks[0]) is not None
        if not items:
            is_headed, has_marks = has_heading, has_mark
            if not (part.required or has_heading or has_mark or _match_words(part, chunks[0])):
                break
        elif (is_headed and not has_heading) or (has_marks and not has_mark) or _is_full(part, items, following):
            break
        if items and not (has_heading or has_mark) and (len(chunks) <= _least(following)):
            break
        if not (has_heading or has_mark) and _is_claimed(chunks[0], following):
            break
        chunk = chunks.popleft()
        found = _match(part, chunk)
        items.append(_ITEM.sub("", chunk) if found is None else found)
    return items


def _is_full(part: Part, items: Sequence[str], following: Sequence[Part]) -> bool:
    """Return whether further items belong to another list that follows."""
    return part.items is not None and len(items) >= part.items[1] and any(other.items for other in following)


def _least(parts: Sequence[Part]) -> int:
    """Return how many chunks the parts need at least."""
    return sum(part.items[0] if part.items else 1 for part in parts if part.required)


def _is_claimed(chunk: str, parts: Sequence[Part]) -> bool:
    """Return whether a chunk has the heading, the words or the list mark of one of the parts."""
    return any(
        _is_heading(part, chunk)
        or _match_words(part, chunk)
        or (part.items is not None and is_list(part) and _ITEM.match(chunk) is not None)
        for part in parts
    )


def _take_heading(part: Part, chunks: deque[str]) -> bool:
    """Drop the headings of a part, which are chunks of their own, and return whether there was one."""
    has_heading = False
    while len(chunks) > 1 and _is_heading(part, chunks[0]):
        chunks.popleft()
        has_heading = True
    return has_heading


def _is_heading(part: Part, chunk: str) -> bool:
    headings = (literal for literal in part.markdown.split("\n\n") if "{text}" not in literal)
    return any(re.fullmatch(_words(literal).replace("\0", r"\d+"), _words(chunk)) for literal in headings)


def _words(text: str) -> str:
    """Return the words of a text, with a NUL for the number of an item."""
    return " ".join(_WORD.findall(text.replace("{n}", "\0").casefold()))


def _has_words(part: Part) -> bool:
    """Return whether the line contains words besides the text, such as `**Warning**: {text}`."""
    return bool(_WORD.search(_PLACEHOLDER.sub("", _line(part))))


def _match_words(part: Part, chunk: str) -> bool:
    return _has_words(part) and _match(part, chunk) is not None


def _line(part: Part) -> str:
    return next(line for line in part.markdown.split("\n\n") if "{text}" in line)


def _match(part: Part, chunk: str) -> str | None:
    """Return the text in a chunk if it has the form of the template, with any spaces."""
    pattern = ""
    for number, piece in enumerate(_PLACEHOLDER.split(_line(part))):
        pattern += _PATTERNS[piece] if number % 2 else re.escape(piece).replace(r"\ ", r"[ ]+")
    match = re.fullmatch(pattern, chunk, re.IGNORECASE)
    return match["text"] if match else None
