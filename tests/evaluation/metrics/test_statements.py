"""Statements and the passages that they follow."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtgen.evaluation.metrics import statements
from qtgen.evaluation.metrics.statements import Statements, in_digits

WORDS = st.sampled_from(
    ["the", "water", "boils", "at", "100", "degrees", "and", "two", "salts", "dissolve", "slowly", "in", "warm", "oil"]
)
SENTENCES = st.lists(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=5)


def expected_share(text: Statements, position: int, other: Statements) -> tuple[float, float] | None:
    """Return the closeness and the share of the best passage, by comparing all passages."""
    statement = text.items[position]
    found = []
    for start in range(len(other.items)):
        for end in (start + 1, start + 2):
            passage = other.items[start:end]
            keys = {key for item in passage for key in item.keys}
            shared = [value for key, value in statement.weights.items() if key in keys]
            if shared and end <= len(other.items):
                said = sum(item.distinct_weight for item in passage)
                weight = statements._PASSAGE_WEIGHT
                found.append((sum(shared) / (statement.distinct_weight + weight * said), sum(shared)))
    if not found or not statement.distinct_weight:
        return None
    closeness, shared_weight = max(found, key=lambda pair: pair[0])
    return closeness, shared_weight / statement.distinct_weight


@settings(deadline=None, max_examples=60)
@given(SENTENCES, SENTENCES)
def test_a_statement_is_aligned_with_the_closest_passage(sentences: list[str], others: list[str]) -> None:
    text, other = Statements(sentences), Statements(others)
    for position, alignment in enumerate(text.aligned_with(other)):
        expected = expected_share(text, position, other)
        assert (alignment is None) == (expected is None)
        if alignment is None or expected is None:
            continue
        assert alignment.shared == pytest.approx(expected[1])
        said = sum(item.distinct_weight for item in other.items if item.text in alignment.passage.text)
        assert said >= alignment.passage.distinct_weight - 1e-9
        assert alignment.verbatim <= alignment.most_verbatim + 1e-9


def test_a_text_without_statements_has_no_passages() -> None:
    assert Statements(["Water boils."]).aligned_with(Statements([""])) == [None]
    assert Statements([""]).aligned_with(Statements(["Water boils."])) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two, twenty-one and Ninety-nine.", "2, 21 and 99."),
        ("one often tends to listen", "one often tends to listen"),
        ("twofold, two_fold, forty-four-year-old", "twofold, two_fold, 44-year-old"),
        ("\u017fix", "6"),  # a long s
        ("zero nineteen", "0 19"),
    ],
)
def test_spelled_numbers_become_digits(text: str, expected: str) -> None:
    assert in_digits(text) == expected


def test_a_spelled_number_with_an_ending_is_a_number() -> None:
    (statement,) = Statements(["Two's twenty-one sides"]).items
    assert statement.words[:1] == ("2",)
    assert "21" in statement.words
