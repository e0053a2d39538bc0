"""Tests of the cache of vectors: it saves work and never changes or breaks a run."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qtgen.embeddings import cache as module
from qtgen.embeddings.cache import VectorCache
from qtgen.embeddings.pages import PageText
from qtgen.errors import CacheMismatch

FOLDER = Path(".qtgen/cache")
FILE = FOLDER / "vectors.sqlite"
TEXTS = [PageText(f"question {number}", "", "") for number in range(5)]


class CountingEmbedder:
    """An embedder whose vectors depend on the question, and that remembers what it was asked for."""

    name = "counting, 1"

    def __init__(self, width: int = 4) -> None:
        self.width = width
        self.computed: list[PageText] = []

    def __call__(self, texts: Sequence[PageText]) -> Any:
        self.computed += texts
        return np.array([[float(text.question[-1])] * self.width for text in texts], np.float32)


def vectors_of(texts: Sequence[PageText], embedder: CountingEmbedder, folder: Path | None = FOLDER) -> list[float]:
    """Return the first number of each text's vector, from a cache of its own."""
    cache = VectorCache(embedder, folder)
    try:
        rows = cache(texts)
        assert rows.dtype == np.float16
        assert cache.computed == len(embedder.computed)
        return [float(number) for number in rows[:, 0]]
    finally:
        cache.close()


def test_a_vector_is_computed_once() -> None:
    first, second = CountingEmbedder(), CountingEmbedder()
    assert vectors_of(TEXTS[:3], first) == [0, 1, 2]
    assert vectors_of(TEXTS[1:], second) == [1, 2, 3, 4]
    assert second.computed == TEXTS[3:]


def test_a_text_that_occurs_twice_is_computed_once() -> None:
    embedder = CountingEmbedder()
    assert vectors_of([TEXTS[2], TEXTS[1], TEXTS[2]], embedder) == [2, 1, 2]
    assert embedder.computed == [TEXTS[2], TEXTS[1]]


def test_another_embedder_has_vectors_of_its_own() -> None:
    vectors_of(TEXTS, CountingEmbedder())
    other = CountingEmbedder()
    other.name = "counting, 2"
    vectors_of(TEXTS, other)
    assert other.computed == TEXTS


def test_without_a_folder_nothing_is_kept() -> None:
    assert vectors_of(TEXTS, CountingEmbedder(), None) == [0, 1, 2, 3, 4]
    assert not FOLDER.exists()


def test_vectors_of_another_length_are_an_error() -> None:
    vectors_of(TEXTS[:3], CountingEmbedder())
    with pytest.raises(CacheMismatch, match="counting, 1 gives vectors of another length than the cached ones"):
        vectors_of(TEXTS, CountingEmbedder(8))


def test_the_length_is_compared_across_calls_too() -> None:
    embedder = CountingEmbedder()
    cache = VectorCache(embedder, None)
    cache(TEXTS[:1])
    embedder.width = 8
    with pytest.raises(CacheMismatch):
        cache(TEXTS[1:])


@pytest.mark.parametrize("damage", ["UPDATE checked SET vector = x'00'", "UPDATE checked SET vector = 'text'"])
def test_a_damaged_row_is_computed_again(damage: str) -> None:
    vectors_of(TEXTS, CountingEmbedder())
    with closing(sqlite3.connect(FILE)) as database, database:
        database.execute(damage)
    embedder = CountingEmbedder()
    assert vectors_of(TEXTS, embedder) == [0, 1, 2, 3, 4]
    assert embedder.computed == TEXTS
    assert vectors_of(TEXTS, CountingEmbedder()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("when", ["reading", "writing"])
def test_a_run_continues_without_a_cache_that_fails(caplog: pytest.LogCaptureFixture, when: str) -> None:
    cache = VectorCache(CountingEmbedder(), FOLDER)
    if when == "writing":
        cache(TEXTS)
    with closing(sqlite3.connect(FILE)) as database, database:
        database.execute("DROP TABLE checked")
    if when == "reading":
        assert [float(number) for number in cache(TEXTS)[:, 0]] == [0, 1, 2, 3, 4]
    cache.close()
    assert "the cache of vectors is not used any more: no such table" in caplog.text


def test_many_texts_are_read_and_written_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    embedder = CountingEmbedder()
    cache = VectorCache(embedder, FOLDER)
    cache(TEXTS)
    again = CountingEmbedder()
    assert vectors_of(TEXTS, again) == [0, 1, 2, 3, 4], "written before the cache was closed"
    assert again.computed == []
    cache.close()


def test_the_oldest_rows_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_ROWS", 2)
    for text in TEXTS[:4]:
        vectors_of([text], CountingEmbedder())
    embedder = CountingEmbedder()
    vectors_of(TEXTS[:4], embedder)
    assert embedder.computed == TEXTS[:2]


def test_what_a_run_has_used_stays_however_much_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_ROWS", 2)
    vectors_of(TEXTS[:4], CountingEmbedder())
    embedder = CountingEmbedder()
    vectors_of(TEXTS, embedder)
    assert embedder.computed == TEXTS[4:], "the first run needed four rows, so it kept them"
    again = CountingEmbedder()
    vectors_of(TEXTS, again)
    assert again.computed == [], "the old rows were used, so they stayed"
    vectors_of(TEXTS[:1], CountingEmbedder())
    last = CountingEmbedder()
    vectors_of(TEXTS, last)
    assert last.computed == TEXTS[1:3], "the oldest one was used"
