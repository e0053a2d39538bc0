"""The pages behind the figures of a link graph."""

from pathlib import Path
from typing import Any

import pytest

from qtgen.linking.catalog import Catalog
from qtgen.linking.listing import list_pages
from qtgen.linking.reading import read_catalog
from qtgen.linking.reports.figures import histogram, inbound_ranges
from qtgen.page import default_profile
from qtgen.site.discovery import iter_batches
from support.sites import make_page, write_pages


def link_to(number: int, title: str, subject: str = "Biology") -> dict[str, Any]:
    """Return the fields of a related article with id `number`."""
    name = title.rstrip("?").lower().replace(" ", "-")
    return {"id": number, "title": title, "subject": subject, "url": f"/learn/{subject.lower()}/questions/{name}"}


def fields(slot: int, link: dict[str, Any]) -> dict[str, Any]:
    return {f"related_article{slot}.{name}": value for name, value in link.items()}


@pytest.fixture
def catalog() -> Catalog:
    """`a` -> `b` with an old title, and to a page that does not exist; `b` -> itself; `c` is alone."""
    a = fields(1, link_to(2, "What is old b?") | {"url": "/learn/biology/questions/what-is-b"})
    gone = fields(2, link_to(9, "What is gone?"))
    own = fields(1, link_to(2, "What is b?"))
    write_pages(
        dict(
            [
                make_page("What is a?", number=1, **a, **gone),
                make_page("What is b?", number=2, **own),
                make_page("What is c?", number=3),
            ]
        )
    )
    return read_catalog(iter_batches([Path("site")]), default_profile())


def test_each_list_has_as_many_pages_as_the_figure_says(catalog: Catalog) -> None:
    graph = catalog.graph()
    lists = list_pages(catalog, ranges=inbound_ranges(graph))
    assert lists.orphans.total == graph.orphans == 2
    assert lists.without_links.total == graph.without_links
    assert [pages.total for pages in lists.inbound] == [count for _, count in histogram(graph)]
    assert {code: links.total for code, links in lists.broken.items()} == graph.faults


def test_pages_have_their_titles_and_numbers_of_links(catalog: Catalog) -> None:
    lists = list_pages(catalog, starts=["/learn/biology/questions/what-is-a", "/nowhere"])
    assert [page.title for page in lists.orphans.pages] == ["What is a?", "What is c?"]
    assert [page.title for page in lists.without_links.pages] == ["What is b?", "What is c?"]
    (linked,) = lists.most_linked.pages
    assert (linked.title, linked.path, linked.inbound, linked.outbound) == (
        "What is b?", "site/biology/what-is-b.md", 1, 0,
    )  # fmt: skip
    assert [(url, page.title) for url, page in lists.starts.items()] == [
        ("/learn/biology/questions/what-is-a", "What is a?")
    ]


def test_a_broken_link_has_its_words_and_its_target(catalog: Catalog) -> None:
    broken = list_pages(catalog).broken
    (dangling,) = broken["dangling"].links
    assert (dangling.page.title, dangling.number, dangling.title) == ("What is a?", 2, "What is gone?")
    assert (dangling.url, dangling.target) == ("/learn/biology/questions/what-is-gone", None)
    (mismatched,) = broken["mismatched"].links
    assert (mismatched.title, mismatched.target and mismatched.target.title) == ("What is old b?", "What is b?")
    assert mismatched.differences == ("the link has the title What is old b?, the page has What is b?",)
    (own,) = broken["to_self"].links
    assert (own.page.title, own.number) == ("What is b?", 1)


def test_long_lists_are_cut_and_keep_their_count(catalog: Catalog) -> None:
    lists = list_pages(catalog, shown=1)
    assert (lists.orphans.total, len(lists.orphans.pages)) == (2, 1)


def test_pages_of_an_overlay_are_no_files(catalog: Catalog) -> None:
    path = "site/biology/what-is-a.md"
    lists = list_pages(catalog, overlay={path: Path(path).read_bytes()})
    assert [page.is_file for page in lists.orphans.pages] == [False, True]
