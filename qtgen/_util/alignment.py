"""Find which words of two texts correspond, in bounded time.

difflib takes quadratic time. So long texts are aligned by paragraph first, and words are compared only in the
paragraphs that differ.
"""

from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby

Pair = tuple[int, int]

_WORDS_MAX = 2_000  # longer texts are aligned by paragraph first
_CELLS_MAX = 20_000_000  # words by words, of all comparisons together; they take about 2 s at worst


def align_words(old: Sequence[str], new: Sequence[str]) -> list[Pair]:
    """Return pairs of indexes of equal words, in order.

    A few equal words between two longer changes do not count, because a reader sees one change there.

    Args:
        old: Words with the white space that follows them. It does not count.
        new: The same of the other text.
    """
    old_words, new_words = [word.strip() for word in old], [word.strip() for word in new]
    if max(len(old), len(new)) <= _WORDS_MAX:
        pairs = _align(old_words, new_words)
    else:
        pairs = list(_align_by_paragraph(_Paragraphs(old, old_words), _Paragraphs(new, new_words)))
    return _without_islands(pairs, old_words, new_words)


class _Paragraphs:
    def __init__(self, words: Sequence[str], stripped: Sequence[str]) -> None:
        self.words = stripped
        self.bounds = [0, *(index for index, word in enumerate(words, 1) if "\n" in word)]
        if self.bounds[-1] != len(words):
            self.bounds.append(len(words))
        self.keys = [tuple(stripped[start:end]) for start, end in zip(self.bounds, self.bounds[1:], strict=False)]


def _align_by_paragraph(old: _Paragraphs, new: _Paragraphs) -> Iterator[Pair]:
    cells_left = _CELLS_MAX
    start = (0, 0)
    for first, second in [*_align(old.keys, new.keys), (len(old.keys), len(new.keys))]:
        end = (old.bounds[first], new.bounds[second])
        old_words, new_words = old.words[start[0] : end[0]], new.words[start[1] : end[1]]
        cells = len(old_words) * len(new_words)
        pairs = _align(old_words, new_words, is_thorough=cells <= cells_left)
        cells_left -= cells if cells <= cells_left else 0
        yield from ((start[0] + one, start[1] + other) for one, other in pairs)
        if first < len(old.keys):
            yield from ((end[0] + index, end[1] + index) for index in range(len(old.keys[first])))
            start = (old.bounds[first + 1], new.bounds[second + 1])


def _align(old: Sequence[Hashable], new: Sequence[Hashable], *, is_thorough: bool = True) -> list[Pair]:
    """Return pairs of indexes of equal items: those at both ends, and between them those that difflib matches."""
    shortest = min(len(old), len(new))
    start = next((index for index in range(shortest) if old[index] != new[index]), shortest)
    left = shortest - start
    tail = next((index for index in range(left) if old[-1 - index] != new[-1 - index]), left)
    pairs = [(index, index) for index in range(start)]
    old_rest, new_rest = old[start : len(old) - tail], new[start : len(new) - tail]
    if is_thorough and len(old_rest) * len(new_rest) <= _CELLS_MAX:
        for block in SequenceMatcher(None, old_rest, new_rest, autojunk=False).get_matching_blocks():
            pairs += ((start + block.a + index, start + block.b + index) for index in range(block.size))
    pairs += ((len(old) - index, len(new) - index) for index in range(tail, 0, -1))
    return pairs


def _without_islands(pairs: Sequence[Pair], old: Sequence[str], new: Sequence[str]) -> list[Pair]:
    """Leave out equal words between two changes that are both longer, as Fraser's semantic cleanup does."""
    kept: list[Pair] = []
    blocks = [list(block) for block in _blocks(pairs)]
    if not blocks:
        return []
    ends = [(block[0][0], block[0][1]) for block in blocks[1:]] + [(len(old), len(new))]
    done = (0, 0)  # where the change before the block begins
    for block, following in zip(blocks, ends, strict=True):
        first, last = block[0], (block[-1][0] + 1, block[-1][1] + 1)
        length = _length(old, first[0], last[0])
        before = max(_length(old, done[0], first[0]), _length(new, done[1], first[1]))
        after = max(_length(old, last[0], following[0]), _length(new, last[1], following[1]))
        if length > min(before, after):
            kept += block
            done = last
    return kept


def _length(words: Sequence[str], start: int, end: int) -> int:
    return sum(map(len, words[start:end]))


def _blocks(pairs: Sequence[Pair]) -> Iterator[Iterator[Pair]]:
    """Yield runs of pairs that follow each other in both texts."""
    numbered = enumerate(pairs)
    for _, block in groupby(numbered, key=lambda item: (item[1][0] - item[0], item[1][1] - item[0])):
        yield (pair for _, pair in block)
