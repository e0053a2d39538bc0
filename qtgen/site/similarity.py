"""Questions that are nearly the same, found without comparing all with all."""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from math import ceil

_COMPARED = 200  # earlier sets at most that one is compared with: only of questions put together from few words
_POSSESSIVE = re.compile("['’]s?")
_WORD = re.compile(r"[^\W_]+(?:\+\+|#)?")  # also of other alphabets; C, C++ and C# are three
_SMALL = frozenset(
    _WORD.findall(
        "a an and are as at be by can could define describe did do does explain for from has have how in into is it "
        "its of on or our should that the their there these they this to was were what when where which who why will "
        "with would you your"
    )
)


def question_words(question: str) -> frozenset[str]:
    """What a question is about: its words without the small ones, endings of the plural cut."""
    words = _WORD.findall(_POSSESSIVE.sub("", question.lower()))
    return frozenset(
        word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words if word not in _SMALL
    )


class WordSets:
    """The words of many questions, to compare any two of them. Memory: 4 bytes a word."""

    def __init__(self, sets: Iterable[frozenset[str]]) -> None:
        self._words, self._starts = _numbered(sets)

    def __getitem__(self, number: int) -> "array[int]":
        return self._words[self._starts[number] : self._starts[number + 1]]

    def are_similar(self, one: int, other: int, least: float) -> bool:
        """Whether the Jaccard similarity of two of them is `least` or more."""
        starts = self._starts
        mine, theirs = starts[one + 1] - starts[one], starts[other + 1] - starts[other]
        if mine < least * theirs or theirs < least * mine:
            return False
        shared = len(set(self[one]).intersection(self[other]))
        return shared >= least * (mine + theirs - shared)


def near_duplicate_pairs(sets: Iterable[frozenset[str]], least: float) -> Iterator[tuple[int, int]]:
    """Pairs of sets whose Jaccard similarity is `least` or more, as numbers (earlier, later)."""
    for later, earlier in earlier_near_duplicates(sets, least):
        for one in earlier:
            yield one, later


def earlier_near_duplicates(sets: Iterable[frozenset[str]], least: float) -> Iterator[tuple[int, Iterator[int]]]:
    """Each set's number and the earlier ones whose Jaccard similarity is `least` or more, found as they are asked for.

    Prefix, length and position filters (Xiao, Wang, Lin, Yu 2008): with the words in order of rarity, two such sets
    share one of their first |s| - ceil(least * |s|) + 1 words, and enough words stand behind it. Sets that cannot share
    enough are passed over together, so questions of one template cost no more than others. Of those that are left at
    most `_COMPARED` are looked at. Memory: 4 bytes a word.
    """
    words, starts = _numbered(sets)
    frequency = Counter(words)
    seen: dict[tuple[int, int, int], array[int]] = {}
    places: dict[int, set[tuple[int, int]]] = defaultdict(set)  # of a word: where in how long sets it stands
    for number in range(len(starts) - 1):
        ordered = sorted(words[starts[number] : starts[number + 1]], key=lambda word: (frequency[word], word))
        prefix = ordered[: len(ordered) - ceil(least * len(ordered)) + 1]
        lists = [
            seen[word, place, length]
            for mine, word in enumerate(prefix)
            for place, length in places.get(word, ())
            if _can_share_enough(least, mine, len(ordered), place, length)
        ]
        yield number, _alike(set(ordered), lists, words, starts, least)
        for place, word in enumerate(prefix):
            if frequency[word] > 1:  # else nobody will ask for it
                where = place, len(ordered)
                places[word].add(where)
                seen.setdefault((word, *where), array("I")).append(number)


def _numbered(sets: Iterable[frozenset[str]]) -> "tuple[array[int], array[int]]":
    """All words as numbers, one set after the other, and where each begins."""
    number_of: dict[str, int] = {}
    words, starts = array("I"), array("Q", [0])
    for one in sets:
        words.extend(number_of.setdefault(word, len(number_of)) for word in one)
        starts.append(len(words))
    return words, starts


def _can_share_enough(least: float, mine: int, my_length: int, place: int, length: int) -> bool:
    """Whether two sets can be alike that share the word at these places, and none before."""
    shared = min(my_length - mine, length - place)
    return shared >= least * (my_length + length - shared)


def _alike(
    mine: set[int], lists: "Sequence[array[int]]", words: "array[int]", starts: "array[int]", least: float
) -> Iterator[int]:
    before = -1
    for other in islice(merge(*lists), _COMPARED):
        if other != before:
            before = other
            theirs = starts[other + 1] - starts[other]
            shared = len(mine.intersection(words[starts[other] : starts[other + 1]]))
            if shared >= least * (len(mine) + theirs - shared):
                yield other
