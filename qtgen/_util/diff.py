"""Compare two texts word by word."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from qtgen._util.text import one_line

_WORD = re.compile(r"\S+\s*|\s+")
_MIN_COMMON_WORDS = 3  # shorter matches between two phrasings are chance


class DiffPart(NamedTuple):
    """A part of one of two texts. The parts of a text, joined, are the text."""

    text: str
    differs: bool  # whether the other text lacks it


class WordDiff(NamedTuple):
    """Two texts in parts, and the share of their words that is common to both, from 0 to 1."""

    first: list[DiffPart]
    second: list[DiffPart]
    similarity: float


def compare_words(first: str, second: str) -> WordDiff:
    """Mark what each of two texts has that the other lacks.

    The common parts are difflib's matching blocks (Ratcliff and Metzener 1988) of at least three words. If one of the
    texts is empty, nothing is marked in the other, because there is nothing to compare it with.
    """
    if not first or not second:
        return WordDiff([DiffPart(first, False)] if first else [], [DiffPart(second, False)] if second else [], 0.0)
    words, other_words = _WORD.findall(first), _WORD.findall(second)
    matcher = SequenceMatcher(None, _stripped(words), _stripped(other_words))
    shortest = min(_MIN_COMMON_WORDS, len(words), len(other_words))
    blocks = [block for block in matcher.get_matching_blocks() if block.size >= shortest]
    similarity = 2 * sum(block.size for block in blocks) / (len(words) + len(other_words))
    ranges = [(block.a, block.a + block.size) for block in blocks]
    other_ranges = [(block.b, block.b + block.size) for block in blocks]
    return WordDiff(_parts(words, ranges), _parts(other_words, other_ranges), similarity)


def differing_ranges(parts: Sequence[DiffPart]) -> list[tuple[int, int]]:
    """Return start and end of each part that differs, as offsets in the whole text."""
    ends = list(accumulate(len(part.text) for part in parts))
    return [(end - len(part.text), end) for part, end in zip(parts, ends, strict=True) if part.differs]


def _stripped(words: Sequence[str]) -> list[str]:
    return [word.strip() for word in words]


def _parts(words: Sequence[str], common: Sequence[tuple[int, int]]) -> list[DiffPart]:
    """Divide a text into parts that differ and, at the ranges `common`, parts that do not."""
    bounds = [0, *(bound for start_and_end in common for bound in start_and_end), len(words)]
    texts = ("".join(words[start:end]) for start, end in pairwise(bounds))
    parts = (part for number, text in enumerate(texts) for part in _split_white_space(text, number % 2 == 0))
    groups = groupby((part for part in parts if part.text), key=lambda part: part.differs)
    return [DiffPart("".join(part.text for part in group), differs) for differs, group in groups]


def _split_white_space(text: str, differs: bool) -> Iterator[DiffPart]:
    """Yield the text and the white space at its end, which is no difference."""
    marked = text.rstrip() if differs else ""
    yield DiffPart(marked, True)
    yield DiffPart(text[len(marked) :], False)


def diff_fields(path: str, before: Mapping[str, object], after: Mapping[str, object]) -> str:
    r"""Return the changes to a page, field by field and word by word.

    Args:
        path: The page's path, printed above the changes.
        before: The old values by field. Each `\n` of two characters is printed as a line break.
        after: The new values by field.
    """
    lines = [f"--- {one_line(path)}"]
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            old, new = (str(values.get(name, "")).replace("\\n", "\n") for values in (before, after))
            lines.append(f"{name}:")
            lines += (f"    {line}" for line in inline_diff(old, new).splitlines())
    if len(lines) == 1:
        lines.append("only line ends or the layout change")
    return "\n".join(lines) + "\n\n"


def inline_diff(before: str, after: str) -> str:
    """Return both texts in one: `[-only in the first-]` and `{+only in the second+}`."""
    old_words, new_words = _WORD.findall(before), _WORD.findall(after)
    matcher = SequenceMatcher(None, _stripped(old_words), _stripped(new_words), autojunk=False)
    parts = []
    for kind, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        old, new = "".join(old_words[old_start:old_end]), "".join(new_words[new_start:new_end])
        if kind == "equal":
            parts.append(max(old, new, key=len))  # they differ in white space at most
        else:
            parts.append(_marked(old, "[-", "-]") + _marked(new, "{+", "+}"))
    return "".join(parts)


def _marked(text: str, opening: str, closing: str) -> str:
    content = text.rstrip()
    return f"{opening}{content}{closing}{text[len(content) :]}" if content else text
