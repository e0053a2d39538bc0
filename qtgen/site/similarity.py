"""Find questions that are nearly the same without comparing every pair."""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from math import ceil

from xxhash import xxh3_64_intdigest

from qtgen.page.invisible import normalize

_MAX_COMPARED = 200  # earlier sets that one set is compared with; reached only by questions made of few words
_POSSESSIVE = re.compile("['’]s?")
_WORD = re.compile(r"[^\W_]+(?:\+\+|#)?")  # in any alphabet; C, C++ and C# are three words
_STOP_WORDS = frozenset(
    _WORD.findall(
        "a an and are as at be by can could define describe did do does explain for from has have how in into is it "
        "its of on or our should that the their there these they this to was were what when where which who why will "
        "with would you your"
    )
)


def question_words(question: str) -> frozenset[str]:
    """Return the words that say what a question is about: without stop words, and without the `s` of plurals."""
    words = _WORD.findall(_POSSESSIVE.sub("", normalize(question).lower()))
    return frozenset(
        word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words if word not in _STOP_WORDS
    )


class WordSets:
    """The word sets of many questions, any two of which can be compared.

    It takes 4 bytes per word, 8 per set, and about 150 per different word, of which it keeps a hash.
    """

    def __init__(self, sets: Iterable[frozenset[str]] = ()) -> None:
        self._words, self._starts = array("I"), array("Q", [0])
        self._number_of: dict[int, int] = {}  # of a word, by its hash
        self.add(sets)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getstate__(self) -> "tuple[array[int], array[int]]":
        return self._words, self._starts  # a copy only compares the sets that it has

    def __setstate__(self, state: "tuple[array[int], array[int]]") -> None:
        self._words, self._starts = state
        self._number_of = {}

    def add(self, sets: Iterable[frozenset[str]]) -> None:
        """Add sets, which are numbered from 0 in this order."""
        number_of = self._number_of
        for words in sets:
            hashes = (xxh3_64_intdigest(word.encode("utf-8", "surrogatepass")) for word in words)
            self._words.extend([number_of.setdefault(word, len(number_of)) for word in hashes])
            self._starts.append(len(self._words))

    def columns(self) -> "tuple[array[int], array[int]]":
        """Return all words as numbers, one set after the other, and where each set begins (and the last one ends)."""
        return self._words, self._starts

    def __getitem__(self, number: int) -> "array[int]":
        return self._words[self._starts[number] : self._starts[number + 1]]

    def are_similar(self, first: int, second: int, threshold: float) -> bool:
        """Return True if the Jaccard similarity of two sets, given by their numbers, is at least `threshold`."""
        return self.is_similar_to_any(first, (second,), threshold)

    def is_similar_to_any(self, number: int, others: Iterable[int], threshold: float) -> bool:
        """Return True if the Jaccard similarity of a set and any of the others is at least `threshold`."""
        words, starts = self._words, self._starts
        size = starts[number + 1] - starts[number]
        own = set(words[starts[number] : starts[number + 1]])
        for other in others:
            start, end = starts[other], starts[other + 1]
            other_size = end - start
            if size < threshold * other_size or other_size < threshold * size:
                continue
            shared = len(own.intersection(words[start:end]))
            if shared >= threshold * (size + other_size - shared):
                return True
        return False


def near_duplicate_pairs(sets: Iterable[frozenset[str]] | WordSets, threshold: float) -> Iterator[tuple[int, int]]:
    """Yield the pairs of sets, as numbers (earlier, later), whose Jaccard similarity is at least `threshold`."""
    for later, earlier_ones in earlier_near_duplicates(sets, threshold):
        for earlier in earlier_ones:
            yield earlier, later


def earlier_near_duplicates(
    sets: Iterable[frozenset[str]] | WordSets, threshold: float
) -> Iterator[tuple[int, Iterator[int]]]:
    """Yield the number of each set with the earlier sets whose Jaccard similarity to it is at least `threshold`.

    The earlier sets are found as the inner iterator is consumed; at most `_MAX_COMPARED` candidates are compared.

    Prefix, length and position filters (Xiao, Wang, Lin, Yu 2008) limit the candidates. With the words in order of
    rarity, two similar sets share one of their first |s| - ceil(threshold * |s|) + 1 words, and enough words follow it.
    Sets that cannot share enough words are skipped together, so questions that follow one template cost no more than
    others. It takes 4 bytes per word.
    """
    words, starts = (sets if isinstance(sets, WordSets) else WordSets(sets)).columns()
    frequency = Counter(words)
    sets_with: dict[tuple[int, int, int], array[int]] = {}  # by a word, its index in the set, and the set's size
    places_of: dict[int, set[tuple[int, int]]] = defaultdict(set)  # the indices and sizes that a word occurs with
    for number in range(len(starts) - 1):
        ordered = sorted(words[starts[number] : starts[number + 1]], key=lambda word: (frequency[word], word))
        prefix = ordered[: len(ordered) - ceil(threshold * len(ordered)) + 1]
        candidates = [
            sets_with[word, other_index, other_size]
            for index, word in enumerate(prefix)
            for other_index, other_size in places_of.get(word, ())
            if _can_be_similar(threshold, index, len(ordered), other_index, other_size)
        ]
        yield number, _similar_sets(set(ordered), candidates, words, starts, threshold)
        for index, word in enumerate(prefix):
            if frequency[word] > 1:  # no other set has the word otherwise
                places_of[word].add((index, len(ordered)))
                sets_with.setdefault((word, index, len(ordered)), array("I")).append(number)


def _can_be_similar(threshold: float, index: int, size: int, other_index: int, other_size: int) -> bool:
    """Return False if two sets whose first shared word has these indices cannot share enough words."""
    shared = min(size - index, other_size - other_index)
    return shared >= threshold * (size + other_size - shared)


def _similar_sets(
    word_set: set[int],
    candidates: "Sequence[array[int]]",
    words: "array[int]",
    starts: "array[int]",
    threshold: float,
) -> Iterator[int]:
    previous = -1
    for candidate in islice(merge(*candidates), _MAX_COMPARED):
        if candidate != previous:
            previous = candidate
            size = starts[candidate + 1] - starts[candidate]
            shared = len(word_set.intersection(words[starts[candidate] : starts[candidate + 1]]))
            if shared >= threshold * (len(word_set) + size - shared):
                yield candidate
