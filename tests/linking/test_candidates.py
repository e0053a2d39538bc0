"""Candidates of a page: near in meaning, different from each other, and in a stable order."""

from collections.abc import Callable

import numpy as np
import pytest

from qtgen.embeddings.pages import CenteredVectors
from qtgen.linking import candidates
from qtgen.linking.assign import link_index
from qtgen.linking.candidates import NO_ID, POOL, PageTable, find_candidates
from qtgen.site.similarity import WordSets

MakeTable = Callable[..., PageTable]

# Page 0, and three pages around it, in the order of their cosines.
AROUND = [[1.0, 0, 0], [0.7, 0.7, 0], [0.6, 0, 0.8], [0.5, 0.5, 0.7]]
# Page 0, and three pages that are equally near to it.
EQUALLY_NEAR = [[1.0, 0, 0], [0.6, 0.8, 0], [0.6, -0.8, 0], [0.6, 0, 0.8]]


def candidates_of_first(table: PageTable) -> list[int]:
    """Return the candidates of page 0, the best first."""
    (ranked,) = find_candidates(table, np.array([0], np.int32), link_index(table))
    return [row for row in ranked[0].tolist() if row >= 0]


def test_nearer_pages_come_first(make_table: MakeTable) -> None:
    assert candidates_of_first(make_table(AROUND)) == [1, 2, 3]


def test_far_pages_are_no_candidates(make_table: MakeTable) -> None:
    assert candidates_of_first(make_table([*AROUND, [0.2, 0.9, 0], [0.2, 0, -0.9]])) == [1, 2, 3]


def test_a_near_duplicate_of_the_page_is_no_candidate(make_table: MakeTable) -> None:
    assert candidates_of_first(make_table([*AROUND, [0.9, 0.43, 0]])) == [1, 2, 3]


def test_of_two_near_duplicates_only_one_is_a_candidate(make_table: MakeTable) -> None:
    assert candidates_of_first(make_table([*AROUND, [0.7, 0.69, 0.05]])) in ([4, 2, 3], [1, 2, 3])


def test_a_page_with_the_same_question_is_no_candidate(make_table: MakeTable) -> None:
    questions = WordSets([frozenset({"a", "b"}), frozenset({"a", "b"}), frozenset("c"), frozenset("d")])
    assert candidates_of_first(make_table(AROUND, questions=questions)) == [2, 3]


def test_a_near_duplicate_of_a_kept_link_is_no_candidate(make_table: MakeTable) -> None:
    kept = np.full((5, 5), -1, np.int32)
    kept[0, 0] = 1
    table = make_table([*AROUND, [0.7, 0.69, 0.05]], kept=kept)
    assert 4 not in candidates_of_first(table)


def test_a_page_that_is_not_linkable_is_no_candidate(make_table: MakeTable) -> None:
    linkable = np.array([True, False, True, True])
    assert candidates_of_first(make_table(AROUND, linkable=linkable)) == [2, 3]


def test_the_same_subject_decides_between_equally_near_pages(make_table: MakeTable) -> None:
    table = make_table(EQUALLY_NEAR, subjects=np.array([0, 1, 0, 1], np.int32))
    assert candidates_of_first(table)[0] == 2


def test_a_close_id_decides_between_equally_near_pages(make_table: MakeTable) -> None:
    assert candidates_of_first(make_table(EQUALLY_NEAR, ids=np.array([10, 5_000, 90_000, 11])))[0] == 3


def test_missing_ids_are_not_close_to_each_other(make_table: MakeTable) -> None:
    ids = np.array([NO_ID, NO_ID, NO_ID, NO_ID])
    table = make_table(EQUALLY_NEAR, ids=ids)
    rows, others = np.array([0], np.int32), np.array([[1, 2]], np.int32)
    scores = table.scores(rows, others, np.array([[0.5, 0.5]], np.float32))
    assert scores[0].tolist() == pytest.approx([0.55, 0.55]), "only the bonus for the subject"


def test_variety_outweighs_a_little_nearness(make_table: MakeTable) -> None:
    """Page 2 is a little less near than page 1 and similar to it; page 3 is different."""
    table = make_table([[1.0, 0, 0], [0.80, 0.6, 0], [0.79, 0.31, 0.53], [0.75, -0.66, 0]])
    assert candidates_of_first(table) == [1, 3, 2]


def test_a_kept_link_lowers_the_rank_of_pages_similar_to_it(make_table: MakeTable) -> None:
    vectors = [[1.0, 0, 0], [0.80, 0.6, 0], [0.79, 0.31, 0.53], [0.75, -0.66, 0]]
    kept = np.full((4, 5), -1, np.int32)
    kept[0, 0] = 1
    linkable = np.array([True, False, True, True])
    assert candidates_of_first(make_table(vectors, linkable=linkable)) == [2, 3]
    assert candidates_of_first(make_table(vectors, linkable=linkable, kept=kept)) == [3, 2]


def test_pages_with_the_same_question_are_represented_by_the_one_of_the_own_subject(make_table: MakeTable) -> None:
    words = [frozenset({"a"}), frozenset({"b"}), frozenset({"b"}), frozenset({"c"})]
    subjects = np.array([1, 0, 1, 0], np.int32)
    vectors = [[1.0, 0, 0], [0.6, 0.8, 0], [0.6, 0.8, 0], [0.5, 0, 0.9]]
    assert candidates_of_first(make_table(vectors, questions=WordSets(words), subjects=subjects)) == [2, 3]


def test_full_cosines_decide_if_most_pages_are_near_duplicates(make_table: MakeTable) -> None:
    table = make_table(AROUND)
    assert not table.have_same_meaning(0, 1, 0.7)
    mostly_shared = CenteredVectors(table.vectors, np.full(4, 0.2, np.float32), np.full(4, 0.48))
    assert make_table(AROUND, meanings=mostly_shared).have_same_meaning(0, 1, 0.7), "0.04 * 0.7 + 0.96"


def test_a_page_in_a_crowd_of_near_duplicates_finds_pages_behind_it(make_table: MakeTable) -> None:
    rng = np.random.default_rng(4)
    crowd = [[1.0, 0, 0] + rng.normal(size=3) * 0.01 for _ in range(100)]
    others = [[0.5, *rng.normal(size=2)] for _ in range(30)]
    table = make_table([*np.array(crowd).tolist(), *others])
    found = candidates_of_first(table)
    assert found
    assert min(found) >= 100


def test_blocks_of_rows_give_the_same_candidates(make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(2).normal(size=(30, 4)).tolist()
    table = make_table(vectors)
    rows, index = np.arange(30, dtype=np.int32), link_index(table)
    (whole,) = find_candidates(table, rows, index)
    monkeypatch.setattr(candidates, "_BLOCK", 7)
    blocks = list(find_candidates(table, rows, index))
    assert [len(block) for block in blocks] == [7, 7, 7, 7, 2]
    assert np.array_equal(np.concatenate(blocks), whole)
    assert whole.shape == (30, POOL)
