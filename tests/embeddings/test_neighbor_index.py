"""Tests of the search for nearest neighbors."""

import os
import pickle
from typing import Any

import numpy as np
import pytest

from qtgen.embeddings import index as module
from qtgen.embeddings.index import NeighborIndex
from qtgen.embeddings.static import normalize_rows


def random_rows(count: int, width: int = 64) -> Any:
    return normalize_rows(np.random.default_rng(7).standard_normal((count, width)).astype(np.float32))


def numbers(*rows: int) -> Any:
    return np.array(rows, np.int32)


def test_neighbors_come_nearest_first_with_their_cosines() -> None:
    rows = normalize_rows(np.array([[1, 0], [1, 0.1], [0, 1], [1, 0.5]], np.float32))
    found, cosines = NeighborIndex(rows, numbers(0, 1, 2, 3))(numbers(0, 2), 3)
    assert found.tolist() == [[0, 1, 3], [2, 3, 1]]
    assert cosines[0] == pytest.approx([1, rows[0] @ rows[1], rows[0] @ rows[3]], abs=1e-6)


def test_only_the_given_rows_are_found() -> None:
    rows = random_rows(10)
    found, _ = NeighborIndex(rows, numbers(3, 7))(np.arange(10, dtype=np.int32), 2)
    assert {number for row in found.tolist() for number in row} == {3, 7}


@pytest.mark.parametrize("among", [(), (1,)])
def test_missing_neighbors_are_filled_up(among: tuple[int, ...]) -> None:
    found, cosines = NeighborIndex(random_rows(4), numbers(*among))(numbers(0, 1), 3)
    assert found[1].tolist() == [*among, *[-1] * (3 - len(among))]
    assert cosines[:, len(among) :].tolist() == [[-1.0] * (3 - len(among))] * 2


def test_equal_rows_are_found_in_their_order() -> None:
    rows = np.tile(np.array([1, 0], np.float32), (5, 1))
    found, _ = NeighborIndex(rows, numbers(4, 2, 0))(numbers(1), 3)
    assert found.tolist() == [[4, 2, 0]]


def test_many_rows_are_searched_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = random_rows(30)
    every = np.arange(30, dtype=np.int32)
    expected = NeighborIndex(rows, every)(every, 5)
    monkeypatch.setattr(module, "_BLOCK", 7)
    found = NeighborIndex(rows, every)(every, 5)
    assert found[0].tolist() == expected[0].tolist()


@pytest.mark.parametrize("width", [32, 64, 384])
def test_the_index_finds_what_a_full_comparison_does(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    count = 1_200
    base = random_rows(count // 4, width)
    noise = 0.2 * np.random.default_rng(3).standard_normal((count, width)).astype(np.float32) / width**0.5
    rows = normalize_rows(np.repeat(base, 4, axis=0) + noise)
    every = np.arange(count, dtype=np.int32)
    exact, _ = NeighborIndex(rows, every)(every, 4)
    monkeypatch.setattr(module, "_ALL_WITH_ALL", 100)
    index = NeighborIndex(rows, every)
    found, cosines = index(every, 4)
    shared = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), exact.tolist(), strict=True))
    assert shared >= 0.99 * exact.size
    assert cosines[5] == pytest.approx(rows[found[5]] @ rows[5], abs=1e-5), "exact cosines at the end"
    assert NeighborIndex(rows, every)(every, 4)[0].tolist() == found.tolist(), "the same rows give the same results"


def test_building_an_index_prints_nothing(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "_ALL_WITH_ALL", 100)
    NeighborIndex(random_rows(400), np.arange(400, dtype=np.int32))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("all_with_all", [10, 10_000])
def test_a_pickled_index_finds_the_same_and_shares_its_vectors(
    monkeypatch: pytest.MonkeyPatch, all_with_all: int
) -> None:
    monkeypatch.setattr(module, "_ALL_WITH_ALL", all_with_all)
    rows, every = random_rows(600), np.arange(600, dtype=np.int32)
    index = NeighborIndex(rows, every[::2])
    pickled = pickle.dumps((rows, index), protocol=5)
    copied_rows, copy = pickle.loads(pickled)
    assert copy._vectors is copied_rows
    assert len(pickled) < 1.3 * rows.nbytes, "the vectors are in it once"
    for found, expected in zip(copy(every, 5), index(every, 5), strict=True):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("policy", [None, "active"])
def test_loading_the_index_leaves_the_environment_as_it_is(monkeypatch: pytest.MonkeyPatch, policy: str | None) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if policy:
        monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    module._faiss.cache_clear()
    module._faiss()
    assert os.environ.get("OMP_WAIT_POLICY") == policy
