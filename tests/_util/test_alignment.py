"""Tests of the words of two texts that correspond."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qtgen._util.alignment import align_words

_WORDS = st.lists(st.sampled_from(["a ", "b ", "cc ", "dd\n\n", "e "]), max_size=40)


def words(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)


def common(old: str, new: str) -> str:
    first = words(old)
    return "".join(first[index] for index, _ in align_words(first, words(new))).strip()


@given(_WORDS, _WORDS)
def test_pairs_are_equal_words_in_order(old: list[str], new: list[str]) -> None:
    pairs = align_words(old, new)
    assert all(old[one].strip() == new[other].strip() for one, other in pairs)
    assert all(one < later and other < last for (one, other), (later, last) in pairwise(pairs))


@given(_WORDS)
def test_a_text_corresponds_to_itself(text: list[str]) -> None:
    assert align_words(text, text) == [(index, index) for index in range(len(text))]


def test_a_few_words_between_two_changes_do_not_count() -> None:
    assert common("yesterday morning we the walked slowly home", "tomorrow they will the drive quickly home") == "home"
    assert common("a cat sat on the mat", "a dog sat on the mat") == "a sat on the mat"


def test_texts_without_a_common_word_have_no_pairs() -> None:
    assert align_words(["a "], ["b "]) == []
    assert align_words([], ["b "]) == []


def test_long_texts_are_aligned_by_paragraph() -> None:
    paragraphs = [f"paragraph {number} has some words of its own\n\n" for number in range(1_000)]
    changed = [*paragraphs[:500], "a new paragraph\n\n", *paragraphs[502:]]
    changed[700] = changed[700].replace("some", "many")
    old, new = words("".join(paragraphs)), words("".join(changed))
    missing = set(range(len(old))) - {index for index, _ in align_words(old, new)}
    assert {old[index].strip() for index in missing} >= {"some", "500", "501"}
    assert len(missing) <= 2 * 8 + 1


def test_a_mebibyte_of_repeated_words_is_aligned_in_bounded_work() -> None:
    old, new = ["a ", "b "] * 250_000, ["b ", "a ", "c "] * 170_000
    assert len(align_words(old, new)) < 10
