"""Tests of the facts that pages hold about each other."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.page import Page, Style, Value, default_profile, emit
from qtgen.page.compile import default_layout
from qtgen.page.reader import read_exactly
from qtgen.site.index import NO_ID, WIDTH, SiteIndex, digest, page_facts, title_digest
from qtgen.validation.rules.example import EXAMPLE_PAGE
from support.default_tables import FIELDS, read_text
from support.locations import location_of

EXAMPLE = read_text(EXAMPLE_PAGE)
UNLINKED: dict[str, Value] = {path: value for path, value in EXAMPLE.values.items() if "related" not in path}


def page(url: str, *links: str, **values: Value) -> Page:
    """Return a page with links to the given urls."""
    fields: dict[str, Value] = {**UNLINKED, "url": url, **values}
    for number, link in enumerate(links, 1):
        section = f"related_article{number}"
        fields |= {f"{section}.id": number, f"{section}.title": link, f"{section}.subject": "S", f"{section}.url": link}
    return read_text(emit(fields, default_layout()))


def index_of(*pages: Page) -> SiteIndex:
    site = SiteIndex()
    site.add(page_facts(each) for each in pages)
    return site


def test_a_page_has_four_numbers_and_four_for_each_link() -> None:
    facts = array("Q", page_facts(page("/a", "/b", "/c", id=-5)))
    assert len(facts) == 3 * WIDTH
    assert list(facts[:3]) == [digest("/a"), title_digest(UNLINKED["title"], UNLINKED["subject"]), 2**64 - 5]
    assert list(facts[4:7]) == [digest("/b"), title_digest("/b", "S"), 1]


def test_the_facts_are_the_same_however_the_page_was_read() -> None:
    canonical = page("/a", "/b")
    exact = read_exactly(canonical.text, default_layout())
    assert canonical.canonical
    assert not exact.canonical
    first, second = (array("Q", page_facts(each)) for each in (canonical, exact))
    for offset in range(WIDTH - 1):
        assert first[offset::WIDTH] == second[offset::WIDTH]
    assert [location & 0b1111 for location in first[3::WIDTH]] == list(second[3::WIDTH]), "without lines and columns"


@pytest.mark.parametrize("missing", ["url", "title"])
def test_a_page_that_nothing_can_refer_to_has_no_facts(missing: str) -> None:
    values = {path: value for path, value in UNLINKED.items() if path != missing}
    site = index_of(read_text(emit(values, default_layout())), page("/b"))
    assert list(site.urls) == [0, digest("/b")]
    assert list(site.page_rows) == [1]


def test_an_id_that_is_no_number_is_no_id() -> None:
    text = emit(UNLINKED, default_layout()).replace(f"id: {UNLINKED['id']}\n", "id: many\n", 1)
    assert list(index_of(read_text(text)).ids) == [NO_ID]


def test_half_a_surrogate_pair_can_be_hashed() -> None:
    assert digest("\ud83d") != digest("?")


def test_rows_pages_and_links_are_numbered_across_batches() -> None:
    site = SiteIndex()
    site.add([])
    site.add([page_facts(page("/a", "/b", "/gone")), page_facts(page("/b"))])
    site.add([page_facts(page("/c", "/c", "/a"))])
    assert list(site.row_ranges()) == [(0, 3), (3, 4), (4, 7)]
    assert list(site.page_rows) == [0, 3, 4]
    assert list(site.link_rows) == [1, 2, 5, 6]
    assert list(site.link_targets) == [3, -1, 4, 0]
    assert site.self_links == {5}
    assert [site.page_number(row) for row in range(7)] == [0, 0, 0, 1, 2, 2, 2]
    assert [site.link_number(row) for row in range(7)] == [0, 1, 2, 0, 0, 1, 2]
    assert (site.row_of_url("/c"), site.row_of_url("/gone")) == (4, None)


def test_of_several_pages_with_one_url_the_first_counts() -> None:
    site = index_of(page("/a"), page("/a"), page("/b", "/a"))
    assert site.row_of_url("/a") == 0
    assert list(site.link_targets) == [0]


def test_hidden_pages_are_known() -> None:
    site = index_of(page("/a", no_index=True), page("/b", no_index=False), page("/c"))
    assert [site.is_hidden(row) for row in site.page_rows] == [True, False, False]


def test_a_url_can_change_if_no_page_has_or_links_to_it() -> None:
    site = index_of(page("/a", "/b"), page("/b"), page("/c"))
    assert site.can_change_url("/c", "/new")
    assert not site.can_change_url("/b", "/new"), "a page links to the old url"
    assert not site.can_change_url("/c", "/a"), "another page has the new url"


TITLES = st.text(alphabet="abc é∇?", min_size=1, max_size=30).filter(lambda text: text == text.strip())
FOLDABLE = ["_schema", "title", "subject", "url", "related_article1.title", "related_article1.subject"]


@given(TITLES, TITLES, st.integers(-(10**17), 10**17), st.sets(st.sampled_from(FOLDABLE)))
def test_the_place_of_each_value_is_known_without_the_text(
    title: str, other_title: str, number: int, unusual: set[str]
) -> None:
    values: dict[str, Value] = {**page("/a", "/b").values, "title": title, "id": number}
    values["related_article1.title"] = other_title
    plain = frozenset(path for path in unusual if FIELDS[path].folded)
    made = read_text(emit(values, default_layout(), Style(plain, frozenset(unusual - plain))))
    assert made.canonical
    site = index_of(made)
    for row, section in ((0, ""), (1, "related_article1.")):
        for key in ("url", "id", "title"):
            span = made.span(section + key)
            expected = (*made.position(span.start), *made.position(span.end))
            known = location_of(site, row, key, default_profile())
            assert known == (None if (row, key) == (0, "title") else expected)


def test_the_place_is_unknown_if_the_page_is_not_canonical() -> None:
    text = EXAMPLE_PAGE.replace("_schema: default\n", "# a comment\n_schema: default\n", 1)
    site = index_of(read_text(text))
    assert location_of(site, 0, "url", default_profile()) is None
