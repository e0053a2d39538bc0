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
from qtgen.generation.own_shapes import PARAGRAPH_MAX
from qtgen.page.profile import Part, Shape

_ITEM = re.compile(r"^[ ]{0,3}(?:[-*+•]|\d{1,3}[.)])[ ]+(?=\S)")
_MARKS = re.compile(r"[\W_]+")
_PLACEHOLDER = re.compile(r"\{(text|n)\}")
_PATTERNS = {"text": r"(?P<text>[\s\S]+)", "n": r"\d{1,3}"}


def read_own(shape: Shape, body: str) -> dict[str, Any]:
    """Return the parts of an answer by their keys. A part that is not there is left out.

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
    template = part.markdown.split("\n\n")
    _take_literals(template, chunks)
    is_marked = any(_literal(chunk) for chunk in template)
    if not chunks or (not part.required and not is_marked and len(chunks) <= sum(p.required for p in following)):
        return None
    found = _match(template, chunks[0])
    if found is None and not part.required and is_marked:
        return None
    chunk = chunks.popleft()
    text = chunk if found is None else found
    if part.max > PARAGRAPH_MAX:  # a text with paragraphs of its own, up to what the other parts need
        while len(chunks) > sum(p.items[0] if p.items else 1 for p in following if p.required):
            text += f"\n\n{chunks.popleft()}"
    return text


def _items(part: Part, chunks: deque[str], following: Sequence[Part]) -> list[str]:
    """Take the chunks of a part that is a list, and return the items."""
    template = part.markdown.split("\n\n")
    least = sum(p.items[0] if p.items else 1 for p in following if p.required)
    is_list = bool(chunks) and any(_ITEM.match(chunk) for chunk in chunks)
    items: list[str] = []
    _take_literals(template, chunks)
    while len(chunks) > least and (_ITEM.match(chunks[0]) or not is_list or (not items and part.required)):
        chunk = chunks.popleft()
        found = _match(template, chunk)
        items.append(_ITEM.sub("", chunk) if found is None else found)
        _take_literals(template, chunks)
    return items


def _take_literals(template: Sequence[str], chunks: deque[str]) -> None:
    """Drop the headings of a part, which are chunks of their own."""
    for literal in template:
        if "{text}" in literal:
            return
        if chunks and _words(chunks[0]) == _words(_PLACEHOLDER.sub("", literal)):
            chunks.popleft()


def _words(text: str) -> str:
    return _MARKS.sub(" ", text).strip().casefold()


def _literal(chunk: str) -> str:
    return _words(_PLACEHOLDER.sub("", chunk))


def _match(template: Sequence[str], chunk: str) -> str | None:
    """Return the text in a chunk if it has the form of the template, with any list mark and spaces."""
    line = next(line for line in template if "{text}" in line)
    pattern = ""
    for number, piece in enumerate(_PLACEHOLDER.split(line)):
        pattern += _PATTERNS[piece] if number % 2 else re.escape(piece).replace(r"\ ", r"[ ]+")
    match = re.fullmatch(pattern, chunk, re.IGNORECASE)
    return match["text"] if match else None
