"""Measure how similar sentences are in meaning, with static embeddings."""

from collections.abc import Sequence
from functools import cache

from qtgen.embeddings.static import StaticModel


def sentence_similarity(first: Sequence[str], second: Sequence[str]) -> list[float]:
    """Return, for each sentence in `first`, the cosine to the most similar sentence in `second`.

    Raises MissingExtra if wordllama is not installed.
    """
    model = _model()
    rows, others = (model.embed(model.tokens_of_prose(texts)) for texts in (first, second))
    cosines: list[float] = (rows @ others.T).max(axis=1).tolist()
    return cosines


@cache
def _model() -> StaticModel:
    return StaticModel()
