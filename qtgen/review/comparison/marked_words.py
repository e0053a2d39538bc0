"""Split Markdown into words that no mark of a comparison cuts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qtgen.page.markdown import Document, Emphasis

_WORD = re.compile(r"\S+\s*|\s+")
_SPACE = re.compile(r"\s")
_LINK = re.compile(r"!?\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"\n]*\")?\)")
_WHOLE = ("math", "display", "code")  # the words of a block of code are compared one by one
_FILLER = "\ue000"


@dataclass(frozen=True, slots=True)
class MarkedWords:
    """The words of a Markdown text. A formula, a code span or a link is one word, with what adjoins it.

    Args:
        words: The words, with the white space that follows each. Joined, they are the text.
        starts: The offset of each word, and the length of the text.
        emphasis: The parts of the text between marks of emphasis.
    """

    words: Sequence[str]
    starts: Sequence[int]
    emphasis: Sequence[Emphasis]

    def end_of(self, index: int) -> int:
        """Return the end of a word without the white space that follows it."""
        return self.starts[index] + len(self.words[index].rstrip())


def split_words(text: str, document: Document | None = None) -> MarkedWords:
    """Return the words of a Markdown text."""
    document = document or Document(text)
    whole = [(part.start, part.end) for part in document.segments if part.kind in _WHOLE]
    whole += [match.span() for match in _LINK.finditer(text)]
    starts, words = [], []
    for match in _WORD.finditer(_filled(text, sorted(whole))):
        starts.append(match.start())
        words.append(text[match.start() : match.end()])
    return MarkedWords(words, [*starts, len(text)], document.emphasis[0])


def _filled(text: str, ranges: Sequence[tuple[int, int]]) -> str:
    """Return the text with a letter for each white space in the ranges."""
    parts, done = [], 0
    for start, end in ranges:
        if end > done:
            start = max(start, done)
            parts += [text[done:start], _SPACE.sub(_FILLER, text[start:end])]
            done = end
    return "".join([*parts, text[done:]])
