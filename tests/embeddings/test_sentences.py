"""Similarity of sentences."""

import pytest

from qtgen.embeddings.sentences import sentence_similarity


def test_each_sentence_is_compared_with_the_most_similar_one() -> None:
    values = sentence_similarity(
        ["The ship crosses the ocean.", "Taxes are due in April."], ["A boat sails over the sea.", "Bread is baked."]
    )
    assert values[0] > 0.5 > values[1]
    (same,) = sentence_similarity(["Bread is baked."], ["A boat sails.", "Bread is baked."])
    assert same == pytest.approx(1.0, abs=1e-5)
