"""Two texts word by word: what stands in both in the same order, and what only in one."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import groupby, pairwise
from typing import NamedTuple

_WORD = re.compile(r"\S+\s*|\s+")
_RUN = 3  # words in a row that are worth showing as common: fewer, in two ways to say a thing, are chance


class DiffPart(NamedTuple):
    """differs: whether the other text does not have it. The parts of a text, put together, are the text."""

    text: str
    differs: bool


class WordDiff(NamedTuple):
    """common: the share of the words of both that stand in both, 0 to 1."""

    first: list[DiffPart]
    second: list[DiffPart]
    similarity: float


def compare_words(one: str, other: str) -> WordDiff:
    """Compared by difflib's matching blocks (Ratcliff and Metzener 1988), of which very short ones are left out.

    Beside an empty text nothing is marked: there is nothing to tell apart.
    """
    if not one or not other:
        return WordDiff([DiffPart(one, False)] if one else [], [DiffPart(other, False)] if other else [], 0.0)
    ours, theirs = _WORD.findall(one), _WORD.findall(other)
    matcher = SequenceMatcher(None, [word.strip() for word in ours], [word.strip() for word in theirs])
    least = min(_RUN, len(ours), len(theirs))
    blocks = [block for block in matcher.get_matching_blocks() if block.size >= least]
    common = 2 * sum(block.size for block in blocks) / (len(ours) + len(theirs))
    our_blocks = [(block.a, block.a + block.size) for block in blocks]
    their_blocks = [(block.b, block.b + block.size) for block in blocks]
    return WordDiff(_parts(ours, our_blocks), _parts(theirs, their_blocks), common)


def _parts(words: Sequence[str], blocks: Sequence[tuple[int, int]]) -> list[DiffPart]:
    """White space at the end of what differs is no difference, and joins what follows."""
    bounds = [0, *(bound for block in blocks for bound in block), len(words)]
    texts = ("".join(words[start:end]) for start, end in pairwise(bounds))
    split = (part for number, text in enumerate(texts) for part in _split(text, number % 2 == 0))
    joined = groupby((part for part in split if part.text), key=lambda part: part.differs)
    return [DiffPart("".join(part.text for part in parts), differs) for differs, parts in joined]


def _split(text: str, differs: bool) -> Iterator[DiffPart]:
    kept = text.rstrip() if differs else ""
    yield DiffPart(kept, True)
    yield DiffPart(text[len(kept) :], False)


def diff_fields(path: str, old: Mapping[str, object], new: Mapping[str, object]) -> str:
    """What changes in a page, field by field and word by word. old, new: its values by the names of its fields."""
    lines = [f"--- {path}"]
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            before, after = (str(values.get(name, "")).replace("\\n", "\n") for values in (old, new))
            lines.append(f"{name}:")
            lines += (f"    {line}" for line in inline_diff(before, after).splitlines())
    return "\n".join(lines) + "\n\n"


def inline_diff(one: str, other: str) -> str:
    """Both texts in one: `[-what only the first has-]`, `{+what only the second has+}`."""
    ours, theirs = _WORD.findall(one), _WORD.findall(other)
    matcher = SequenceMatcher(None, [word.strip() for word in ours], [word.strip() for word in theirs], autojunk=False)
    parts = []
    for kind, start, end, first, last in matcher.get_opcodes():
        old, new = "".join(ours[start:end]), "".join(theirs[first:last])
        parts.append(new if kind == "equal" else _marked(old, "[-", "-]") + _marked(new, "{+", "+}"))
    return "".join(parts)


def _marked(text: str, opening: str, closing: str) -> str:
    kept = text.rstrip()
    return f"{opening}{kept}{closing}{text[len(kept) :]}" if kept else text
