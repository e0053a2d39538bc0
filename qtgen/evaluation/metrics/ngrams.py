"""chrF and BLEU of one text, as sacrebleu computes them, with n-grams counted as arrays of integers.

All values equal those of sacrebleu 2.6 to the last digit: the counts are whole numbers, and the formulas do the same
operations in the same order. sacrebleu counts in Python, which takes ten times as long.
"""

from __future__ import annotations

from collections import Counter
from functools import reduce
from itertools import chain
from math import exp, log
from operator import or_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    """Numbers that stand for the characters or words of a text."""

_KEY_BITS = 63  # of a non-negative int64
_LONGEST_CHARACTERS = 6
_LONGEST_WORDS = 4
_RECALL_WEIGHT = 4  # the square of chrF's beta, which is 2


def chrf_score(candidate: str, reference: str) -> float:
    """Return chrF2 from 0 to 1: the F2-measure of sequences of one to six characters, without white space."""
    texts = ["".join(text.split()) for text in (candidate, reference)]
    shared = shared_ngrams(_character_ids(texts), _LONGEST_CHARACTERS)
    precision, recall, orders = 0.0, 0.0, 0
    for length, matches in enumerate(shared, 1):
        given, wanted = (len(text) - length + 1 for text in texts)
        if given > 0 and wanted > 0:
            precision += matches / given
            recall += matches / wanted
            orders += 1
    if not precision + recall:
        return 0.0
    precision, recall = precision / orders, recall / orders
    score = (1 + _RECALL_WEIGHT) * precision * recall
    score /= _RECALL_WEIGHT * precision + recall
    return 100 * score / 100


def bleu_score(candidate: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return BLEU from 0 to 1 of a text's words, with sacrebleu's exponential smoothing and effective order."""
    shared = shared_ngrams(_word_ids([candidate, *references]), _LONGEST_WORDS)
    if not any(shared):
        return 0.0
    logarithms: list[float] = []
    smoothing = 1.0
    for length, matches in enumerate(shared, 1):
        if (given := len(candidate) - length + 1) <= 0:
            break
        if not matches:
            smoothing *= 2
        logarithms.append(log(100.0 * matches / given if matches else 100.0 / (smoothing * given)))
    wanted = min((len(words) for words in references), key=lambda size: (abs(len(candidate) - size), size))
    brevity = exp(1 - wanted / len(candidate)) if len(candidate) < wanted else 1.0
    return min(1.0, brevity * exp(sum(logarithms) / len(logarithms)) / 100)


def shared_ngrams(texts: Sequence[Ids], longest: int) -> list[int]:
    """Return the number of the first text's n-grams that another text has too, for each length from 1 to `longest`.

    An n-gram counts at most as often as it occurs in one of the other texts. The ids must be small: from 0 to about a
    thousand for 6-grams. Texts with larger ids take longer.
    """
    import numpy as np

    largest = max((int(ids.max()) for ids in texts if len(ids)), default=0)
    width, owner_width = (largest + len(texts)).bit_length(), (len(texts) - 1).bit_length()
    if longest * width + owner_width > _KEY_BITS:
        return _count_in_python(texts, longest)
    # An n-gram that reaches beyond the end of its text is filled up with an id that only this text has, so that it
    # equals no n-gram of another text.
    ends = [np.full(longest - 1, number) for number in range(len(texts))]
    parts = [part for ids, end in zip(texts, ends, strict=True) for part in (ids + len(texts), end)]
    padded = np.concatenate((*parts, ends[0]))
    size = len(padded) - longest + 1
    keys = padded[:size]
    for start in range(1, longest):
        keys = keys << width | padded[start : start + size]
    owners = np.repeat(np.arange(len(texts)), [len(ids) + longest - 1 for ids in texts])
    # In sorted order, equal n-grams of every length are neighbours. Those that begin beyond the end of a text come
    # first. Two neighbours differ in a character exactly if a bit of it, or of a character before it, differs.
    keys = np.sort(keys << owner_width | owners)[len(texts) * (longest - 1) :]
    steps = keys[1:] ^ keys[:-1]
    owners = keys & ((1 << owner_width) - 1)
    before = [np.concatenate(([0], np.cumsum(owners == number))) for number in range(len(texts))]
    shared = []
    for length in range(1, longest + 1):
        starts = np.flatnonzero(steps >= 1 << (longest - length) * width + owner_width) + 1
        bounds = np.concatenate(([0], starts, [len(keys)]))
        given, *wanted = (counts[1:] - counts[:-1] for counts in [numbers[bounds] for numbers in before])
        shared.append(int(np.minimum(given, reduce(np.maximum, wanted)).sum()))
    return shared


def _count_in_python(texts: Sequence[Ids], longest: int) -> list[int]:
    """Count n-grams of more different characters or words than fit into one integer."""
    shared = []
    for length in range(1, longest + 1):
        given, *wanted = (
            Counter(zip(*(ids[start:].tolist() for start in range(length)), strict=False)) for ids in texts
        )
        most = reduce(or_, wanted)  # the highest count of each n-gram
        shared.append((given & most).total())
    return shared


def _character_ids(texts: Sequence[str]) -> list[Ids]:
    """Return the characters of each text as numbers from 0 without gaps."""
    import numpy as np

    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    is_used = np.zeros(int(codes.max()) + 1 if len(codes) else 0, np.bool_)
    is_used[codes] = True
    numbers = np.zeros(len(is_used), np.int64)
    used = np.flatnonzero(is_used)
    numbers[used] = np.arange(len(used))
    return np.split(numbers[codes], np.cumsum([len(text) for text in texts])[:-1])


def _word_ids(texts: Sequence[Sequence[str]]) -> list[Ids]:
    """Return the words of each text as numbers from 0 without gaps."""
    import numpy as np

    numbers = {word: number for number, word in enumerate(dict.fromkeys(chain.from_iterable(texts)))}
    return [np.fromiter(map(numbers.__getitem__, words), np.int64, len(words)) for words in texts]
