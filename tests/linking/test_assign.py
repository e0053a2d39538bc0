"""Which links are chosen: free slots, the limit of inbound links, and orphans."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from qtgen.linking import assign, candidates
from qtgen.linking.assign import MAX_INBOUND, assign_links, link_index
from qtgen.linking.candidates import PageTable

MakeTable = Callable[..., PageTable]


def spread(count: int, width: int = 20, seed: int = 6) -> list[list[float]]:
    """Return vectors that point in different directions."""
    vectors: list[list[float]] = np.random.default_rng(seed).normal(size=(count, width)).tolist()
    return vectors


def test_the_same_table_gives_the_same_links(make_table: MakeTable) -> None:
    tables = [make_table(spread(50, 5)) for _ in range(2)]
    first, second = (assign_links(table, link_index(table)).links for table in tables)
    assert np.array_equal(first, second)


def test_kept_links_stay_and_free_slots_are_filled(make_table: MakeTable) -> None:
    kept = np.full((30, 5), -1, np.int32)
    kept[:, 2] = (np.arange(30) + 1) % 30
    table = make_table(spread(30, 3), kept=kept)
    links = assign_links(table, link_index(table)).links
    assert np.array_equal(links[:, 2], kept[:, 2])
    assert (links >= 0).sum() > 60
    for row, targets in enumerate(links.tolist()):
        chosen = [target for target in targets if target >= 0]
        assert len(set(chosen)) == len(chosen)
        assert row not in chosen


def test_a_page_that_is_not_editable_keeps_its_free_slots(make_table: MakeTable) -> None:
    table = make_table(spread(30, 3), editable=np.arange(30) > 0)
    links = assign_links(table, link_index(table)).links
    assert links[0].tolist() == [-1] * 5
    assert (links[1:] >= 0).any(axis=1).all()


def test_no_page_gets_more_inbound_links_than_the_limit(make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "VARIETY_PENALTY", 0.0)  # which limits hubs on its own
    rng = np.random.default_rng(3)
    spokes = rng.normal(size=(80, 40)) + np.array([2.0, *[0] * 39])
    table = make_table([[1.0, *[0] * 39], *spokes.tolist()])
    links = assign_links(table, link_index(table)).links
    inbound = np.bincount(links[links >= 0], minlength=len(table))
    assert inbound[0] == inbound.max() == MAX_INBOUND, "more than that many pages are nearest to page 0"


def test_inbound_links_beyond_the_limit_stay_if_they_existed(make_table: MakeTable) -> None:
    kept = np.full((40, 5), -1, np.int32)
    kept[1:, 0] = 0
    table = make_table(spread(40, 3), kept=kept)
    links = assign_links(table, link_index(table)).links
    assert (links == 0).sum() == 39


# --- orphans ---------------------------------------------------------------------------------------------------------


def test_every_page_that_needs_an_inbound_link_gets_one(make_table: MakeTable) -> None:
    table = make_table(spread(60, 6), needs_inbound=np.ones(60, bool))
    chosen = assign_links(table, link_index(table))
    inbound = np.bincount(chosen.links[chosen.links >= 0], minlength=60)
    assert (inbound > 0).all()
    assert chosen.orphans == ()


def test_an_existing_link_is_displaced_only_for_an_orphan_and_reported(make_table: MakeTable) -> None:
    """All slots have links, and no page links to page 6."""
    kept = [[other for other in range(6) if other != row] for row in range(6)]
    columns = {"kept": np.array([*kept, [0, 1, 2, 3, 4]], np.int32), "needs_inbound": np.ones(7, bool)}
    table = make_table(spread(7), **columns)
    chosen = assign_links(table, link_index(table))
    assert (chosen.orphans, len(chosen.displaced)) == ((), 1)
    assert (chosen.links != table.kept).sum() == 1


def test_a_link_whose_target_would_become_an_orphan_is_not_displaced(make_table: MakeTable) -> None:
    """Only page 0 links to pages 1 to 5, so none of these links can make room for the orphan 6."""
    kept = np.full((7, 5), -1, np.int32)
    kept[0] = [1, 2, 3, 4, 5]
    table = make_table(spread(7), kept=kept, needs_inbound=np.arange(7) == 6, editable=np.arange(7) == 0)
    chosen = assign_links(table, link_index(table))
    assert (chosen.orphans, chosen.displaced) == ((6,), frozenset())


def test_a_near_duplicate_of_an_orphan_does_not_link_to_it(make_table: MakeTable) -> None:
    table = make_table([[1.0, 0], [1.0, 0.01]], needs_inbound=np.ones(2, bool))
    chosen = assign_links(table, link_index(table))
    assert chosen.orphans == (0, 1)
    assert (chosen.links == -1).all()


def test_a_page_does_not_link_to_an_orphan_that_repeats_one_of_its_links(make_table: MakeTable) -> None:
    """Page 0 links to page 1, which says the same as the orphan 2."""
    kept = np.full((3, 5), -1, np.int32)
    kept[0, 0] = 1
    table = make_table(
        [[1.0, 0], [0.7, 0.7], [0.7, 0.69]], kept=kept, needs_inbound=np.arange(3) == 2, editable=np.arange(3) == 0
    )
    assert assign_links(table, link_index(table)).orphans == (2,)


@pytest.mark.parametrize("seed", range(6))
def test_links_of_a_page_are_never_near_duplicates(
    make_table: MakeTable, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Crowds of similar pages and a low limit make slots change hands several times."""
    monkeypatch.setattr(assign, "MAX_INBOUND", 5)
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(25, 6))
    vectors = centers[rng.integers(25, size=90)] + rng.normal(size=(90, 6)) * 0.2
    table = make_table(vectors.tolist(), needs_inbound=np.ones(90, bool))
    chosen = assign_links(table, link_index(table))
    for row, targets in enumerate(chosen.links.tolist()):
        pages = [row, *(target for target in targets if target >= 0)]
        assert [pair for pair in combinations(pages, 2) if table.are_duplicates(*pair)] == []


@pytest.mark.parametrize(("nearness", "gains"), [(0.8, True), (0.5, False)])
def test_with_require_gain_only_a_farther_link_is_replaced(make_table: MakeTable, nearness: float, gains: bool) -> None:
    """Page 0 links to pages 1 to 5. Page 1 is the farthest (0.6), and page 2 links to it too; page 6 is an orphan."""
    vectors = [[1.0, *[0] * 6], [0.6, 0.8, *[0] * 5]]
    vectors += [[0.7, *[0] * n, 0.7, *[0] * (5 - n)] for n in range(1, 5)]
    vectors += [[nearness, *[0] * 5, (1 - nearness**2) ** 0.5]]
    kept = np.full((7, 5), -1, np.int32)
    kept[0], kept[2, 0] = [1, 2, 3, 4, 5], 1
    table = make_table(vectors, kept=kept, needs_inbound=np.arange(7) == 6, editable=np.arange(7) == 0)
    chosen = assign_links(table, link_index(table), fill=False, require_gain=True)
    assert chosen.links[0].tolist() == ([6, 2, 3, 4, 5] if gains else [1, 2, 3, 4, 5])
    assert chosen.orphans == (() if gains else (6,))


@pytest.mark.parametrize(("nearness", "gains"), [(0.46, True), (0.44, False)])
def test_with_require_gain_a_free_slot_needs_a_near_page(make_table: MakeTable, nearness: float, gains: bool) -> None:
    vectors = [[1.0, 0], [nearness, (1 - nearness**2) ** 0.5]]
    table = make_table(vectors, needs_inbound=np.arange(2) == 1, editable=np.arange(2) == 0)
    chosen = assign_links(table, link_index(table), fill=False, require_gain=True)
    assert chosen.links[0, 0] == (1 if gains else -1)


def test_without_fill_only_orphans_get_links(make_table: MakeTable) -> None:
    needs_inbound = np.arange(30) == 3
    table = make_table(spread(30, 3), needs_inbound=needs_inbound)
    links = assign_links(table, link_index(table), fill=False).links
    assert links[links >= 0].tolist() == [3]


def test_a_few_editable_pages_among_many_are_found_by_an_index_of_their_own(make_table: MakeTable) -> None:
    """Page 0 is far from the orphan 1, with 60 nearer pages between them that must not change."""
    rng = np.random.default_rng(8)
    between = (np.array([0.3, 1.0]) + rng.normal(size=(60, 2)) * 0.01).tolist()
    table = make_table(
        [[1.0, 0.2], [0.0, 1.0], *between], needs_inbound=np.arange(62) == 1, editable=np.arange(62) == 0
    )
    assert assign_links(table, link_index(table), fill=False).links[0].tolist() == [1, -1, -1, -1, -1]
