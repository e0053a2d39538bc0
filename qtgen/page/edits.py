"""Edits of a text: ranges and what is put there."""

from collections.abc import Iterable
from typing import NamedTuple

from qtgen.errors import SpliceError
from qtgen.page.document import Span


class TextEdit(NamedTuple):
    """Put `text` where `span` stands. Spans are half-open ranges of code points."""

    span: Span
    text: str


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """`text` with all of `edits` made. Raises SpliceError if two of them touch the same characters."""
    parts, done = [], 0
    for span, new in sorted(edits):
        if span.start < done:
            raise SpliceError("two edits touch the same characters")
        parts += [text[done : span.start], new]
        done = span.end
    return "".join([*parts, text[done:]])
