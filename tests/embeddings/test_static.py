"""Tests of static embeddings."""

import logging
import sys

import numpy as np
import pytest

from qtgen.embeddings import static
from qtgen.embeddings.static import StaticModel, normalize_rows
from qtgen.errors import MissingExtra


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel()


def test_rows_are_scaled_to_length_one_and_zeros_stay() -> None:
    rows = normalize_rows(np.array([[3, 4], [0, 0]], np.float32))
    assert rows.tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0]]


def test_the_vector_of_a_text_is_the_direction_of_the_sum_of_its_tokens(model: StaticModel) -> None:
    tokens = model.tokens(["water", "water moves", ""])
    rows = model.embed(tokens)
    assert rows.shape == (3, model.width)
    expected = model.vectors[tokens[1]].sum(axis=0)
    assert rows[1] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)
    assert not rows[2].any()
    assert not model.embed(model.tokens([""])).any()


def test_related_words_are_nearer_than_others(model: StaticModel) -> None:
    ocean, sea, tax = (model.word_vector(word) for word in ("ocean", "sea", "tax"))
    assert ocean @ sea > 0.5 > ocean @ tax
    assert np.linalg.norm(ocean) == pytest.approx(1, abs=1e-6)
    assert model.word_vector("ocean") is ocean, "computed once"


def test_loading_the_model_leaves_logging_as_it_was() -> None:
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    static._load.cache_clear()
    sys.modules.pop("wordllama", None)
    StaticModel()
    assert (root.level, root.handlers) == before


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qtgen._util.extras.find_spec", lambda _: None)
    static._load.cache_clear()
    with pytest.raises(MissingExtra, match=r"needs the `evals` extra \(wordllama is not installed\)"):
        StaticModel()
