"""Pairs of sets that overlap, found without comparing all with all."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import ceil


def near_duplicates(sets: Sequence[frozenset[str]], least: float) -> Iterator[tuple[int, int]]:
    """Every pair of sets whose Jaccard similarity is `least` or more, as numbers (earlier, later).

    Exact, by prefix filtering (Chaudhuri, Ganti, Kaushik 2006): with the words in order of rarity, two such sets share
    one of their first |s| - ceil(least * |s|) + 1 words, so only sets that do are compared.
    """
    frequency = Counter(word for words in sets for word in words)
    seen: dict[str, list[int]] = defaultdict(list)
    for number, words in enumerate(sets):
        ordered = sorted(words, key=lambda word: (frequency[word], word))
        prefix = ordered[: len(ordered) - ceil(least * len(ordered)) + 1]
        candidates = {other for word in prefix for other in seen[word]}
        for other in sorted(candidates):
            if len(words & sets[other]) >= least * len(words | sets[other]):
                yield other, number
        for word in prefix:
            seen[word].append(number)
