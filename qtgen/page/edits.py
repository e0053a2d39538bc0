"""Edits of a text: ranges, and what replaces them."""

from collections.abc import Iterable
from typing import NamedTuple

from qtgen.errors import SpliceError
from qtgen.page.document import Span


class TextEdit(NamedTuple):
    """Replace the characters of `span`, a half-open range of code points, with `text`."""

    span: Span
    text: str


class Part(NamedTuple):
    """The characters of a value from `start` to `end`, which `length` other characters replace."""

    start: int
    end: int
    length: int


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """Return the text with all edits made. Raises SpliceError if two of them overlap."""
    parts, done = [], 0
    for span, replacement in sorted(edits):
        if span.start < done:
            raise SpliceError("two edits change the same characters")
        parts += [text[done : span.start], replacement]
        done = span.end
    return "".join([*parts, text[done:]])
