"""Tests of static embeddings."""

import logging
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

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
    ocean, sea, tax = model.word_vectors(["ocean", "sea", "tax"])
    assert ocean @ sea > 0.5 > ocean @ tax
    assert np.linalg.norm(ocean) == pytest.approx(1, abs=1e-6)


def test_the_vector_of_a_word_does_not_depend_on_the_words_before(
    model: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["ocean", "photosynthesis", "tax", "ocean", "", "日本"]
    expected = [model.embed(model.tokens([word]))[0].tolist() for word in words]
    for limit in (65_536, 6, 2):  # all fit, some are forgotten, and too many for the table
        monkeypatch.setattr(static, "_MAX_WORDS", limit)
        fresh = StaticModel()
        assert fresh.word_vectors(["sea", "tax"]).shape == (2, fresh.width)
        assert fresh.word_vectors(words).tolist() == expected
        assert fresh.word_vectors(words[::-1]).tolist() == expected[::-1]
    assert model.word_vectors([]).shape == (0, model.width)


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("ab▁ \t\n日é😀</s>unk."), max_size=30) | st.text(max_size=40), max_size=4))
@example(["", " ", "a ", "  a", "▁", "a▁", " ▁ a", "<s>a b</s>", "<unk> a"])
def test_prose_has_the_same_tokens_when_each_word_is_tokenized_once(model: StaticModel, texts: list[str]) -> None:
    once = [numbers.tolist() for numbers in model.tokens_of_prose(texts)]
    assert once == [numbers.tolist() for numbers in model.tokens(texts)]


def test_no_token_reaches_across_a_space(model: StaticModel) -> None:
    pieces = [model._tokenizer.id_to_token(number) for number in range(len(model.vectors))]
    assert not [piece for piece in pieces if "▁" in piece.lstrip("▁") or " " in piece]


def test_tokens_of_words_are_forgotten_when_there_are_too_many(
    model: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "_MAX_CHUNKS", 3)
    fresh = StaticModel()
    for text in ("one two", "two three four five", "one "):
        assert fresh.tokens_of_prose([text])[0].tolist() == model.tokens([text])[0].tolist()


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
