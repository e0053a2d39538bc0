"""Tests of the vectors of pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qtgen.embeddings import pages
from qtgen.embeddings.pages import (
    EndpointEmbedder,
    PageText,
    StaticEmbedder,
    VectorBlocks,
    center,
    page_text,
    vector_key,
)
from qtgen.page import layouts_of, load_profile, read_text
from qtgen.page.compile import default_layout
from qtgen.validation.rules.example import EXAMPLE_PAGE

WORKSHOP = Path(__file__).parents[1] / "fixtures" / "sites" / "workshop" / "site.toml"
WATER = PageText("How does water move?", "Water moves **through** a membrane.\\n\\nIt is fast.", "water, membrane")
MONEY = PageText("What is a bank?", "A bank lends money.", "bank, money")
EMPTY = PageText("", "", "")


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    return StaticEmbedder()


def test_the_texts_of_a_page() -> None:
    page = read_text(EXAMPLE_PAGE, default_layout())
    assert page_text(page) == PageText(*(page.values[path] for path in ("title", "answer", "seo.page_keywords")))  # type: ignore[arg-type]
    assert page_text(read_text("no page", page.layout)) == EMPTY


def test_the_texts_of_a_page_of_another_site() -> None:
    (layout,) = layouts_of(load_profile(WORKSHOP))
    page = read_text("---\ntitle: Rope\ntags: [hemp, sisal, 5]\n---\n\nStrong.\n\nWet rope shrinks.\n", layout)
    assert page_text(page) == PageText("Rope", r"Strong.\n\nWet rope shrinks.", "hemp, sisal")


def test_a_page_has_a_row_of_length_one_and_an_empty_page_zeros(embedder: StaticEmbedder) -> None:
    rows = embedder([WATER, EMPTY, MONEY])
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 0, 1], abs=1e-6)


def test_a_vector_does_not_depend_on_the_pages_beside_it(embedder: StaticEmbedder) -> None:
    alone = StaticEmbedder()([WATER])[0]
    assert embedder([MONEY, WATER])[1] == pytest.approx(alone, abs=1e-6)


def test_case_and_punctuation_do_not_count(embedder: StaticEmbedder) -> None:
    shouted = PageText("HOW does “water” move", "water moves through — a membrane it is fast", "Water; Membrane")
    first, second = embedder([WATER, shouted])
    assert first @ second == pytest.approx(1, abs=1e-6)


def test_the_parts_have_equal_weight_however_long(embedder: StaticEmbedder) -> None:
    long = WATER._replace(answer=WATER.answer * 50)
    first, second = embedder([WATER, long])
    assert first @ second == pytest.approx(1, abs=1e-5)


def test_the_known_words_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_MAX_KNOWN_WORDS", 3)
    embedder = StaticEmbedder()
    before = embedder([WATER])
    assert embedder([MONEY]) == pytest.approx(StaticEmbedder()([MONEY]), abs=1e-6)
    assert embedder([WATER]) == pytest.approx(before, abs=1e-6)


def test_an_endpoint_gets_the_question_and_the_answer_as_markdown() -> None:
    sent: list[str] = []

    def embed(texts: Sequence[str]) -> Any:
        sent.extend(texts)
        return np.array([[3, 4]] * len(texts), np.float32)

    embedder = EndpointEmbedder(embed, "m", None)
    rows = embedder([WATER, PageText("Why?", "x" * 10_000, "")])
    assert sent[0] == "How does water move?\n\nWater moves **through** a membrane.\n\nIt is fast."
    assert len(sent[1]) == 8_000
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1])
    assert (embedder.name, EndpointEmbedder(embed, "m", "http://e").name) == ("m at OpenAI, 1", "m at http://e, 1")
    assert EndpointEmbedder(embed, "m", "http://e?key=secret").name == "m at http://e?key=***, 1"


def test_a_key_depends_on_the_embedder_and_on_each_text(embedder: StaticEmbedder) -> None:
    keys = {vector_key(embedder, WATER._replace(**{part: "other"})) for part in PageText._fields}
    other = EndpointEmbedder(lambda _: np.zeros((0, 1), np.float32), "m", None)
    assert len(keys | {vector_key(embedder, WATER), vector_key(other, WATER)}) == 5
    assert vector_key(embedder, WATER) == vector_key(StaticEmbedder(), PageText(*WATER))
    assert vector_key(embedder, EMPTY._replace(question="\ud83d")), "half of a surrogate pair can be hashed"


@given(arrays(np.float16, (6, 4), elements=st.floats(-1, 1, width=16)))
def test_the_cosines_of_the_original_vectors_can_be_restored(
    vectors: "np.ndarray[tuple[int, int], np.dtype[np.float16]]",
) -> None:
    norms = np.linalg.norm(vectors.astype(np.float32), axis=1, keepdims=True)
    vectors = (vectors / np.where(norms > 0.1, norms, np.inf)).astype(np.float16)
    centered = center(vectors)
    rows = np.flatnonzero(vectors.any(axis=1))
    first, second = rows[:, None], rows[None, :]
    restored = centered.full_cosines(first, second, centered.rows[rows] @ centered.rows[rows].T)
    exact = vectors[rows].astype(np.float32)
    assert restored == pytest.approx(exact @ exact.T, abs=1e-3)


def test_centering_removes_what_all_vectors_share() -> None:
    rows = np.tile(np.array([0.8, 0.6, 0], np.float16), (1_000, 1))
    rows[500:] = [0.8, 0, 0.6]
    centered = center(rows)
    assert centered.rows[0] @ centered.rows[999] < -0.5, "near before, opposite now"
    assert rows[0] @ rows[999] > 0.6


def test_pages_without_words_and_damaged_values_stay_finite() -> None:
    rows = np.array([[0, 0], [np.inf, np.nan], [0.6, 0.8]], np.float16)
    centered = center(rows)
    assert not centered.rows[0].any()
    assert all(np.isfinite(part).all() for part in centered)


@pytest.mark.parametrize("sizes", [[], [3], [2, 3, 1], [9], [4, 4]])
def test_blocks_of_vectors_put_each_row_in_its_place(monkeypatch: pytest.MonkeyPatch, sizes: list[int]) -> None:
    monkeypatch.setattr(pages, "_ROWS_PER_BLOCK", 4)
    monkeypatch.setattr(pages, "_BLOCK", 3)
    count = sum(sizes)
    rows = np.arange(count * 2, dtype=np.float16).reshape(count, 2)
    blocks, start = VectorBlocks(), 0
    for size in sizes:
        blocks.append(rows[start : start + size])
        start += size
    assert len(blocks) == count
    places = np.random.default_rng(2).permutation(count).astype(np.int32)
    taken = blocks.take(places)
    assert len(blocks) == 0
    assert np.array_equal(taken[places], rows.astype(np.float32).reshape(taken.shape))
