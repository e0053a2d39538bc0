"""Tests of finding near-duplicate questions."""

import pickle
from fractions import Fraction
from heapq import merge

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.site import similarity
from qtgen.site.similarity import WordSets, earlier_near_duplicates, near_duplicate_pairs, question_words

THRESHOLDS = st.sampled_from([0.5, 0.75, 0.8, 1.0])
WORD_SETS = st.lists(st.frozensets(st.sampled_from("abcdefgh"), min_size=1, max_size=7), max_size=25)


def is_similar(first: frozenset[str], second: frozenset[str], threshold: float) -> bool:
    return Fraction(len(first & second), len(first | second)) >= Fraction(threshold).limit_denominator(100)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What is diffusion?", {"diffusion"}),
        ("What are the effects of Newton's laws?", {"effect", "newton", "law"}),
        ("How does C++ differ from C and C#?", {"c++", "differ", "c", "c#"}),
        ("Что такое осмос?", {"что", "такое", "осмос"}),
        ("Is gas a gas?", {"gas"}),
        ("What is it?", set()),
        ("", set()),
    ],
)
def test_a_question_is_about_its_words_without_stop_words_and_plurals(question: str, words: set[str]) -> None:
    assert question_words(question) == words


@given(WORD_SETS, THRESHOLDS)
def test_the_filters_lose_no_pair_and_add_none(sets: list[frozenset[str]], threshold: float) -> None:
    expected = {
        (earlier, later)
        for later in range(len(sets))
        for earlier in range(later)
        if is_similar(sets[earlier], sets[later], threshold)
    }
    pairs = list(near_duplicate_pairs(sets, threshold))
    assert set(pairs) == expected
    assert len(pairs) == len(expected), "each pair comes once"


@given(WORD_SETS, THRESHOLDS)
def test_two_sets_can_be_compared_by_their_numbers(sets: list[frozenset[str]], threshold: float) -> None:
    numbered = WordSets(sets)
    for first, words in enumerate(sets):
        assert len(numbered[first]) == len(words)
        for second, other_words in enumerate(sets):
            assert numbered.are_similar(first, second, threshold) == is_similar(words, other_words, threshold)


def test_a_set_without_words_is_like_no_other() -> None:
    assert list(near_duplicate_pairs([frozenset(), frozenset("a"), frozenset()], 0.8)) == []


def test_the_earlier_sets_are_found_only_as_they_are_consumed(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def counting(*lists: list[int]) -> object:
        for number in merge(*lists):
            compared.append(number)
            yield number

    monkeypatch.setattr(similarity, "merge", counting)
    sets = [frozenset("abc")] * 20
    first = [next(earlier, None) for _, earlier in earlier_near_duplicates(sets, 0.8)]
    assert first == [None, *[0] * 19]
    assert len(compared) == 19


def test_the_number_of_comparisons_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "_MAX_COMPARED", 5)
    sets = [frozenset("abc")] * 20
    assert max(len(list(earlier)) for _, earlier in earlier_near_duplicates(sets, 0.8)) <= 5


def test_sets_can_be_added_later_and_a_copy_compares_the_same() -> None:
    sets = [frozenset({"a", "b"}), frozenset({"b"}), frozenset({"b", "a"})]
    whole, grown = WordSets(sets), WordSets(sets[:1])
    grown.add(sets[1:])
    copy = pickle.loads(pickle.dumps(grown))
    for some in (whole, grown, copy):
        assert len(some) == 3
        assert [some.are_similar(0, other, 0.8) for other in (1, 2)] == [False, True]
    assert [*near_duplicate_pairs(grown, 0.8)] == [*near_duplicate_pairs(sets, 0.8)] == [(0, 2)]
