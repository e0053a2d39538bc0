"""The links that pages have already, and whether the pages are a whole site."""

from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.linking.existing import BROKEN, FREE, ExistingLinks, existing_links
from qtgen.linking.reading import read_catalog
from qtgen.page import default_profile
from qtgen.site.discovery import iter_batches
from support.sites import change_page, link_fields, make_page, random_site, write_pages


def existing_of(*paths: str, corpus: str | None = None) -> ExistingLinks:
    site = Path(corpus) if corpus else None
    return existing_links(read_catalog(iter_batches(map(Path, paths)), default_profile(), corpus=site))


def test_each_slot_leads_to_a_page_is_broken_or_is_free() -> None:
    pages = write_pages(dict([make_page("What is osmosis?"), make_page("What is mass?", "Physics", 2)]))
    first, second = pages
    change_page(first, **link_fields(1, pages[second], title="Another?"), **link_fields(2, pages[first]))
    existing = existing_of("site")
    assert existing.targets.tolist() == [[1, BROKEN, FREE, FREE, FREE], [FREE] * 5]
    assert existing.outdated.tolist() == [[True, False, False, False, False], [False] * 5]
    assert existing.unparsed == 0


def test_a_link_is_not_outdated_if_its_target_lacks_a_field() -> None:
    pages = write_pages(dict([make_page("What is osmosis?"), make_page("What is mass?", "Physics", 2)]))
    first, second = pages
    change_page(first, **link_fields(1, pages[second]))
    change_page(second, subject=None)
    assert not existing_of("site").outdated.any()


def test_a_link_to_a_page_that_does_not_parse_is_kept() -> None:
    pages = write_pages(dict([make_page("What is osmosis?"), make_page("What is mass?", "Physics", 2)]))
    first, second = pages
    change_page(
        first, **link_fields(1, pages[second]), **link_fields(2, pages[second], url="/learn/physics/questions/x")
    )
    second.write_bytes(pages[second].replace(b"\ntitle: ", b"\ntitle: [", 1))
    existing = existing_of("site")
    assert existing.unparsed == 1
    assert existing.targets[0].tolist() == [1, BROKEN, FREE, FREE, FREE]


# --- is it the whole site? ---------------------------------------------------------------------------------------------


def link_all_to(target: bytes, *paths: Path) -> None:
    for path in paths:
        change_page(path, **link_fields(1, target))


def test_a_link_to_a_file_that_was_not_read_is_an_error() -> None:
    pages = write_pages(dict([make_page("What is osmosis?"), make_page("What is mass?", "Physics", 2)]))
    first, second = pages
    link_all_to(pages[second], first)
    with pytest.raises(UsageError, match=r"these pages are only part of a site") as error:
        existing_of("site/biology").check_whole_site(has_corpus=False)
    assert f"pages link to {second.as_posix()}" in error.value.message
    assert error.value.setting == "corpus"
    assert error.value.remedy
    existing_of("site/biology", corpus="site").check_whole_site(has_corpus=True)


def test_a_corpus_can_be_only_part_of_a_site_as_well() -> None:
    pages = write_pages(
        dict(
            [
                make_page("What is osmosis?"),
                make_page("What is a cell?", number=3),
                make_page("What is mass?", "Physics", 2),
            ]
        )
    )
    paths = list(pages)
    link_all_to(pages[paths[2]], *paths[:2])
    with pytest.raises(UsageError, match="the corpus is only part of a site"):
        existing_of(paths[0].as_posix(), corpus="site/biology").check_whole_site(has_corpus=True)


@pytest.mark.parametrize(("dangling", "is_error"), [(3, False), (4, True)])
def test_more_than_a_third_of_dangling_links_is_an_error_without_a_corpus(dangling: int, is_error: bool) -> None:
    """Of nine links, some lead to pages that do not exist."""
    pages = random_site(9)
    paths = list(pages)
    for number, path in enumerate(paths):
        target = pages[paths[(number + 1) % 9]]
        gone = {"url": f"/learn/biology/questions/gone-{number}"} if number < dangling else {}
        change_page(path, **link_fields(1, target, **gone))
    existing = existing_of("site")
    existing.check_whole_site(has_corpus=True)
    if is_error:
        with pytest.raises(UsageError, match="4 of 9 links lead to none of these pages and would be removed"):
            existing.check_whole_site(has_corpus=False)
    else:
        existing.check_whole_site(has_corpus=False)
