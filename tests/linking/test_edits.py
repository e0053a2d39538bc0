"""From links before and after to changes of a page's fields."""

from pathlib import Path

import pytest

from qtgen.linking.catalog import Catalog
from qtgen.linking.edits import LinkResult, keep_slots, make_edit
from qtgen.linking.existing import BROKEN, FREE
from qtgen.linking.reading import read_catalog
from qtgen.page import default_profile
from qtgen.site.discovery import iter_batches
from support.sites import make_page, write_pages

NOTHING_OUTDATED = [False] * 5


@pytest.fixture
def catalog() -> Catalog:
    titles = ["What is osmosis?", "What is mass?", "What is a poem?"]
    write_pages(dict(make_page(title, number=number) for number, title in enumerate(titles, 10)))
    return read_catalog(iter_batches([Path("site")]), default_profile())


@pytest.mark.parametrize(
    ("before", "after", "slots"),
    [
        ([7, 8, 9, FREE, FREE], [9, 8, 7, 6, FREE], [7, 8, 9, 6, FREE]),
        ([7, BROKEN, 9, FREE, FREE], [7, 9, 6, FREE, FREE], [7, 6, 9, FREE, FREE]),
        ([7, BROKEN, 9, FREE, FREE], [7, 9, FREE, FREE, FREE], [7, 9, FREE, FREE, FREE]),
        ([FREE] * 5, [5, 6, FREE, FREE, FREE], [5, 6, FREE, FREE, FREE]),
        ([FREE, 7, FREE, FREE, FREE], [7, FREE, FREE, FREE, FREE], [7, FREE, FREE, FREE, FREE]),
    ],
    ids=["kept", "replaced in place", "gap closed", "added", "gap before"],
)
def test_links_keep_their_slots(before: list[int], after: list[int], slots: list[int]) -> None:
    assert keep_slots(before, after) == slots


def test_a_new_link_takes_all_fields_of_its_target(catalog: Catalog) -> None:
    osmosis = catalog.titles.index("What is osmosis?")
    number = (osmosis + 1) % 3
    edit = make_edit(catalog, number, [FREE] * 5, [osmosis, *[FREE] * 4], NOTHING_OUTDATED)
    assert edit.changes == {
        "related_article1.id": 10,
        "related_article1.title": "What is osmosis?",
        "related_article1.subject": "Biology",
        "related_article1.url": "/learn/biology/questions/what-is-osmosis",
    }
    assert edit.targets == (catalog.paths[osmosis],)
    assert (edit.path, edit.digest) == (catalog.paths[number], catalog.digests[number])


@pytest.mark.parametrize(
    ("before", "after", "outdated", "counts"),
    [
        (FREE, 1, False, (1, 0, 0, 0)),
        (BROKEN, 1, False, (0, 1, 0, 0)),
        (2, 1, False, (0, 1, 0, 0)),
        (1, 1, True, (0, 0, 1, 0)),
        (1, 1, False, (0, 0, 0, 0)),
        (BROKEN, FREE, False, (0, 0, 0, 1)),
        (1, FREE, False, (0, 0, 0, 1)),
    ],
    ids=["added", "broken replaced", "replaced", "corrected", "unchanged", "broken removed", "removed"],
)
def test_each_kind_of_change_is_counted(
    catalog: Catalog, before: int, after: int, outdated: bool, counts: tuple[int, int, int, int]
) -> None:
    edit = make_edit(catalog, 0, [before, *[FREE] * 4], [after, *[FREE] * 4], [outdated, *[False] * 4])
    assert edit.result() == LinkResult(catalog.paths[0], *counts)
    assert edit.result("no space left").error == "no space left"


def test_a_removed_link_removes_its_section(catalog: Catalog) -> None:
    edit = make_edit(catalog, 0, [1, 2, FREE, FREE, FREE], [1, FREE, FREE, FREE, FREE], NOTHING_OUTDATED)
    assert edit.changes == {"related_article2": None}
    assert edit.targets == ()


def test_a_corrected_link_has_no_new_target(catalog: Catalog) -> None:
    edit = make_edit(catalog, 0, [1, *[FREE] * 4], [1, *[FREE] * 4], [True, *[False] * 4])
    assert edit.targets == ()
    assert edit.changes["related_article1.id"] == catalog.ids[1]
