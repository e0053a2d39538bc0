"""Similarity of sentences in meaning, with the static embeddings."""

from collections.abc import Sequence
from functools import cache

from qtgen.embeddings.static import StaticModel


def sentence_similarity(first: Sequence[str], second: Sequence[str]) -> list[float]:
    """Return for each of the first sentences the cosine of the most similar of the second ones.

    Raises MissingExtra if wordllama is not installed.
    """
    model = _model()
    rows, others = (model.embed(model.tokens(list(texts))) for texts in (first, second))
    cosines: list[float] = (rows @ others.T).max(axis=1).tolist()
    return cosines


@cache
def _model() -> StaticModel:
    return StaticModel()
