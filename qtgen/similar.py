"""Questions that are nearly the same, found without comparing all with all."""

import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import ceil

_POSSESSIVE = re.compile("['’]s?")
_WORD = re.compile(r"[a-z0-9]+")
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


def near_duplicates(sets: Iterable[frozenset[str]], least: float) -> Iterator[tuple[int, int]]:
    """Every pair of sets whose Jaccard similarity is `least` or more, as numbers (earlier, later).

    Exact, by prefix filtering (Chaudhuri, Ganti, Kaushik 2006): with the words in order of rarity, two such sets share
    one of their first |s| - ceil(least * |s|) + 1 words, so only sets that do are compared. Memory: 4 bytes a word.
    """
    number_of: dict[str, int] = {}
    words, starts = array("I"), array("Q", [0])
    for one in sets:
        words.extend(number_of.setdefault(word, len(number_of)) for word in one)
        starts.append(len(words))
    frequency = array("I", bytes(4 * len(number_of)))
    for word in words:
        frequency[word] += 1
    seen: dict[int, array[int]] = defaultdict(lambda: array("I"))
    for number in range(len(starts) - 1):
        ordered = sorted(words[starts[number] : starts[number + 1]], key=lambda word: (frequency[word], word))
        prefix = ordered[: len(ordered) - ceil(least * len(ordered)) + 1]
        mine = set(ordered)
        for other in sorted({other for word in prefix for other in seen[word]}):
            theirs = words[starts[other] : starts[other + 1]]
            shared = sum(word in mine for word in theirs)
            if shared >= least * (len(mine) + len(theirs) - shared):
                yield other, number
        for word in prefix:
            if frequency[word] > 1:  # else nobody will ask for it
                seen[word].append(number)
