"""Merge two versions of a Markdown text into one text that contains the words of both and is valid Markdown."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from qtgen._util.alignment import Pair
from qtgen.page.markdown import Document
from qtgen.page.markdown.types import Block
from qtgen.review.comparison.merged_tables import merge_tables
from qtgen.review.comparison.merged_words import Kind, merge_words
from qtgen.review.types import Mark

_BLOCKS_MAX = 1_000  # more changed blocks in a row are not compared with each other
_PAIRS_MAX = 40_000  # blocks by blocks
_SIMILAR_MIN = 0.5  # share of common words from which a block is a changed one and no other one
_NUMBER = re.compile(r"\d+")
_ITEM = re.compile(r"[-*+]|\d+[.)]")
_HARD_BREAK = re.compile(r"(?: {2,}|\\)$")


@dataclass(frozen=True, slots=True)
class _Part:
    """A block with the marks of its containers.

    Args:
        lead: What is on the first line before the block: indents and marks of containers.
        body: The text of the block.
        tail: What follows until the next block.
        text: The text of a paragraph or heading on one line, except for hard line breaks.
    """

    kind: str
    lead: str
    body: str
    tail: str
    text: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What two blocks that are shown alike have in common."""
        return self.kind, _NUMBER.sub("0", self.lead), self.body


def merge(old: str, new: str) -> tuple[str, list[Mark]]:
    """Return the merged text and the marks of what only one of the two versions has."""
    writer = _Writer()
    for old_part, new_part in _aligned(_parts(old), _parts(new)):
        if new_part and old_part and old_part.key == new_part.key:
            writer.write(new_part)
        elif new_part and old_part:
            _write_changed(writer, old_part, new_part)
        elif old_part:
            writer.write(old_part, _all_of(old_part, "del"))
        elif new_part:
            writer.write(new_part, _all_of(new_part, "ins"))
    return "".join(writer.texts), writer.marks


class _Writer:
    """Collects blocks, with the empty lines that they need between them."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.marks: list[Mark] = []
        self._length = 0
        self._previous: _Part | None = None

    def write(self, part: _Part, marks: Sequence[Mark] = (), body: str | None = None) -> None:
        """Add a block.

        Args:
            marks: Marks in its body.
            body: What is written instead of its body.
        """
        if self._previous is not None:
            self._add(_separator(self._previous, part))
        self._add(part.lead)
        start = self._length
        self.marks += (Mark(start + mark.start, start + mark.end, mark.kind) for mark in marks)
        self._add(part.body if body is None else body)
        self._previous = part

    def _add(self, text: str) -> None:
        self.texts.append(text)
        self._length += len(text)


def _separator(before: _Part, after: _Part) -> str:
    if "\n" in before.tail.strip(" \t>").removeprefix("\n"):
        return before.tail if before.tail.endswith("\n") else "\n\n"
    is_tight = _ITEM.search(after.lead) and _ITEM.search(before.lead) and before.tail
    return "\n" if is_tight else "\n\n"


def _parts(text: str) -> list[_Part]:
    document = Document(text)
    starts = [text.rfind("\n", 0, block.start) + 1 for block in document.blocks]
    return [
        _part(text, block, start, end)
        for block, (start, end) in zip(document.blocks, pairwise([*starts, len(text)]), strict=True)
    ]


def _part(text: str, block: Block, start: int, end: int) -> _Part:
    lead, body = text[start : block.start], text[block.start : block.end]
    if not block.closed:  # what follows it in the merged text would belong to it
        indent = "".join(char if char in "> \t" else " " for char in lead)
        body = f"{body.rstrip()}\n{indent}{body[: block.width]}"
    return _Part(block.kind, lead, body, text[block.end : end], _one_line(text, block))


def _one_line(text: str, block: Block) -> str:
    lines = [text[start:end] for start, end in block.lines]
    joined = "".join(
        line.rstrip(" \\") + " \\\n" if _HARD_BREAK.search(line) else line.rstrip() + " " for line in lines[:-1]
    )
    return joined + lines[-1].rstrip() if lines else ""


def _aligned(old: Sequence[_Part], new: Sequence[_Part]) -> Iterator[tuple[_Part | None, _Part | None]]:
    """Yield the blocks in the order in which they are shown: an old one, a new one, or both if they correspond."""
    matcher = SequenceMatcher(None, [part.key for part in old], [part.key for part in new], autojunk=False)
    if max(len(old), len(new)) > _BLOCKS_MAX:
        matcher = SequenceMatcher(None, [part.key for part in old], [part.key for part in new])
    for kind, first, last, new_first, new_last in matcher.get_opcodes():
        if kind == "equal":
            yield from zip(old[first:last], new[new_first:new_last], strict=True)
        else:
            yield from _changed(old[first:last], new[new_first:new_last])


def _changed(old: Sequence[_Part], new: Sequence[_Part]) -> Iterator[tuple[_Part | None, _Part | None]]:
    done = (0, 0)
    for first, second in [*_similar_pairs(old, new), (len(old), len(new))]:
        yield from ((part, None) for part in old[done[0] : first])
        yield from ((None, part) for part in new[done[1] : second])
        if first < len(old):
            yield old[first], new[second]
        done = (first + 1, second + 1)


def _similar_pairs(old: Sequence[_Part], new: Sequence[_Part]) -> list[Pair]:
    """Return the blocks that correspond: the pairs, in order, with the greatest sum of similarities."""
    if len(old) * len(new) > _PAIRS_MAX:
        return []
    words, new_words = ([Counter(part.body.split()) for part in parts] for parts in (old, new))
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    weights: dict[Pair, float] = {}
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            weight = _similarity(words[i], new_words[j]) if old[i].kind == new[j].kind else 0.0
            weights[i, j] = weight = weight if weight >= _SIMILAR_MIN else -1.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], weight + best[i + 1][j + 1])
    return list(_traced(best, weights, len(old), len(new)))


def _traced(best: Sequence[Sequence[float]], weights: dict[Pair, float], height: int, width: int) -> Iterator[Pair]:
    i = j = 0
    while i < height and j < width:
        if weights[i, j] >= 0 and best[i][j] == weights[i, j] + best[i + 1][j + 1]:
            yield i, j
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1


def _similarity(words: Counter[str], other: Counter[str]) -> float:
    total = words.total() + other.total()
    return 2 * (words & other).total() / total if total else 1.0


def _write_changed(writer: _Writer, old: _Part, new: _Part) -> None:
    """Write a changed block: the words of both in one block, or both blocks if that would not be valid."""
    merged = _merged_block(old, new) if _marks_of_lead(old) == _marks_of_lead(new) else None
    if merged is not None:
        writer.write(new, merged[1], merged[0])
    else:
        writer.write(old, _all_of(old, "del"))
        writer.write(new, _all_of(new, "ins"))


def _marks_of_lead(part: _Part) -> list[str]:
    """Return the marks of the containers of a block. Another number of an item is the same mark."""
    return _NUMBER.sub("0", part.lead).split()


def _merged_block(old: _Part, new: _Part) -> tuple[str, list[Mark]] | None:
    """Return the body of a block with the words of both versions, if it would be valid."""
    if new.kind == "table":
        return merge_tables(old.body, new.body) if not old.lead.strip(" >") else None
    merged = merge_words(old.text, new.text) if new.kind in ("paragraph", "heading") else None
    if merged is None or new.kind == "paragraph":
        return merged
    opening = new.body[: len(new.body) - len(new.body.lstrip("#"))] + " "
    return opening + merged[0], [
        Mark(mark.start + len(opening), mark.end + len(opening), mark.kind) for mark in merged[1]
    ]


def _all_of(part: _Part, kind: Kind) -> list[Mark]:
    return [Mark(0, len(part.body), kind)] if part.body else []
