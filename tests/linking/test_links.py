"""Which links are broken, and how."""

from pathlib import Path
from typing import Any

import pytest

from qtgen.linking.links import FAULTS, LinkFault, links_of
from qtgen.linking.reading import read_catalog
from qtgen.page import default_profile
from qtgen.site.discovery import iter_batches
from support.sites import change_page, link_fields, make_page, write_pages


def first_page_links(*targets: dict[str, Any]) -> list[tuple[int, int, LinkFault]]:
    """Return slot, target and fault of each link of page 0, which gets these links; page 1 is Mass, page 2 is hidden."""
    fields: dict[str, Any] = {}
    for target in targets:
        fields |= target
    change_page(Path("site/biology/what-is-osmosis.md"), **fields)
    links = links_of(read_catalog(iter_batches([Path("site")]), default_profile()).site)
    rows = zip(links.sources.tolist(), links.slots.tolist(), links.targets.tolist(), links.faults.tolist(), strict=True)
    return [(slot, target, LinkFault(fault)) for source, slot, target, fault in rows if source == 0]


@pytest.fixture(autouse=True)
def pages() -> list[bytes]:
    """Three pages on disk."""
    made = [
        make_page("What is osmosis?", number=1),
        make_page("What is mass?", "Physics", 2),
        make_page("What is gravity?", "Politics", 3, no_index=True),
    ]
    return list(write_pages(dict(made)).values())


def test_a_link_that_says_what_its_target_says_is_good(pages: list[bytes]) -> None:
    assert first_page_links(link_fields(1, pages[1])) == [(0, 1, LinkFault.NONE)]


@pytest.mark.parametrize("change", [{"id": 99}, {"title": "Another?"}, {"subject": "Biology"}])
def test_a_link_with_another_id_title_or_subject_is_mismatched(pages: list[bytes], change: dict[str, Any]) -> None:
    assert first_page_links(link_fields(1, pages[1], **change)) == [(0, 1, LinkFault.MISMATCHED)]


def test_a_link_to_a_page_that_does_not_exist_dangles(pages: list[bytes]) -> None:
    gone = link_fields(1, pages[1], url="/learn/physics/questions/gone")
    assert first_page_links(gone) == [(0, -1, LinkFault.DANGLING)]


def test_a_link_to_the_page_itself_to_a_no_index_page_and_a_repeated_one_are_faults(pages: list[bytes]) -> None:
    targets = [link_fields(1, pages[0]), link_fields(2, pages[2]), link_fields(3, pages[1]), link_fields(4, pages[1])]
    assert first_page_links(*targets) == [
        (0, 0, LinkFault.TO_SELF),
        (1, 2, LinkFault.TO_NO_INDEX),
        (2, 1, LinkFault.NONE),
        (3, 1, LinkFault.REPEATED),
    ]


def test_only_good_and_mismatched_links_lead_a_reader_on(pages: list[bytes]) -> None:
    first_page_links(link_fields(1, pages[1], id=99), link_fields(2, pages[2]))
    links = links_of(read_catalog(iter_batches([Path("site")]), default_profile()).site)
    assert links.good().tolist() == [True, False]


def test_each_fault_has_the_code_that_json_output_promises() -> None:
    assert [fault.code for fault in FAULTS] == ["dangling", "to_self", "repeated", "to_no_index", "mismatched"]
