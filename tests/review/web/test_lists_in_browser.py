"""The overview, the list and the history in Chromium, from a real server."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qtgen.generation.output import OutputFolder
from support.browser import OpenPage
from support.review_app import served
from support.review_pages import append_decision, digests_at, make_decision, write_site
from support.sites import change_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

TITLES = ["What is osmosis?", "Why do cells divide?", "How do enzymes work?"]
BAD = {"seo.page_keywords": "one, two"}
OSMOSIS = Path("site/biology/what-is-osmosis.md")


@pytest.fixture
def link() -> Iterator[str]:
    """The printed link of a server with three clean pages, of which one is approved, and one page with a warning."""
    urls = write_site(TITLES, score=0.75)
    write_site(["What is a \u202estar?"], "Physics", **BAD)
    append_decision(make_decision(urls[0], digests_at(OSMOSIS), note="Fine <b>work</b>."), out="out")
    with served("--reviewer", "Ann") as (link, _):
        yield link


def titles(page: "Page") -> list[str]:
    return [one.strip() for one in page.locator("tbody .c-title > a").all_inner_texts()]


def decisions() -> list[str]:
    lines = (OutputFolder(Path("out")).decisions_file).read_text().splitlines()
    return [json.loads(line)["action"] for line in lines]


def test_from_the_overview_to_a_queue_and_a_filtered_list(browser_page: "Page", link: str) -> None:
    page = browser_page
    page.goto(link)
    assert page.locator('[data-queue="flagged"] .queue-count').inner_text() == "1"
    page.get_by_role("link", name="List of “Flagged by rules”").click()
    assert titles(page) == ["What is a U+202Estar?"]
    page.get_by_role("navigation", name="Screens").get_by_role("link", name="Pages").click()
    assert len(titles(page)) == 4
    page.get_by_label("Title or URL contains").fill("biology")
    page.get_by_label("State").select_option("Open")
    page.get_by_label("State").focus()
    page.keyboard.press("Tab")  # to the button
    page.keyboard.press("Enter")
    page.wait_for_url("**/pages?*q=biology*")
    assert titles(page) == ["How do enzymes work?", "Why do cells divide?"]
    page.get_by_role("link", name="Title").click()
    assert titles(page) == ["Why do cells divide?", "How do enzymes work?"]
    assert page.locator('th[aria-sort="descending"]').inner_text().startswith("Title")
    page.get_by_role("link", name="Remove the filter State").click()
    assert len(titles(page)) == 3
    page.get_by_role("link", name="What is osmosis?").click()
    page.wait_for_url("**/review?*")


def test_a_decision_is_undone_from_the_history(browser_page: "Page", link: str) -> None:
    page = browser_page
    page.goto(link)
    page.get_by_role("link", name="History").click()
    page.wait_for_url("**/history")  # and for its scripts
    assert "Fine <b>work</b>." in page.locator("tbody tr").inner_text()
    page.get_by_role("button", name="Undo: approved").press("Enter")
    page.locator("tbody tr").nth(1).wait_for()
    assert "undid: approved" in page.locator("tbody tr").first.inner_text()
    assert decisions() == ["approve", "undo"]
    page.goto(link)
    page.get_by_role("link", name="Open").click()
    assert len(titles(page)) == 4


def test_an_undo_that_is_refused_says_why(browser_page: "Page", link: str) -> None:
    page = browser_page
    page.goto(link)
    page.get_by_role("link", name="History").click()
    page.wait_for_url("**/history")  # and for its scripts
    OSMOSIS.unlink()
    page.get_by_role("button", name="Undo: approved").click()
    page.locator("#status.is-bad").wait_for()
    assert page.locator("#status").inner_text()
    assert decisions() == ["approve"]


def test_lists_work_without_scripts_and_fit_a_phone(open_page: OpenPage, link: str) -> None:
    page = open_page(viewport={"width": 390, "height": 800}, java_script_enabled=False, color_scheme="dark")
    page.goto(link)
    address = page.url
    for path in ("", "pages", "pages?queue=flagged", "pages?q=zzz", "history", "pages?queue=failed"):
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto(address + "pages")
    page.get_by_label("Title or URL contains").fill("cells")
    page.get_by_role("button", name="Filter").click()
    assert titles(page) == ["Why do cells divide?"]
    roles = page.locator("table").get_by_role("cell")
    assert roles.count() >= 5


def test_what_changes_on_the_disk_is_shown(browser_page: "Page", link: str) -> None:
    page = browser_page
    page.goto(link)
    page.get_by_role("navigation", name="Screens").get_by_role("link", name="Pages").click()
    change_page(OSMOSIS, score=0.125)
    deadline = time.monotonic() + 20
    while "0.12" not in page.locator("tbody").inner_text():
        assert time.monotonic() < deadline
        page.wait_for_timeout(100)
        page.reload()
