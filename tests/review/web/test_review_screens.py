"""The review and edit screens in Chromium: by keyboard, by mouse, with conflicts, drafts and two reviewers."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qtgen.generation.output import OutputFolder
from qtgen.page import encode_answer
from support.browser import OpenPage
from support.default_tables import read
from support.pages import page_path, write_site
from support.review_app import OLD, served
from support.reviews import DESCRIPTION, save_rewrite, url_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = ("anaphase", "diffusion", "mitosis", "osmosis")
NEW = encode_answer(OLD.replace("movement", "passage"))
TEXT = "Osmosis lets water pass through a membrane towards more solute."


@pytest.fixture
def site() -> None:
    """Four pages with rejected rewrites."""
    write_site(**{name: {"answer": encode_answer(OLD)} for name in NAMES})
    store = OutputFolder(Path("out"))
    for name in NAMES:
        save_rewrite(store, {"answer": NEW}, name=name)


@pytest.fixture
def link(site: None) -> Iterator[str]:
    with served("--reviewer", "Ada", "--queue", "rewrites") as (link, _):
        yield link


def decisions() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out/.qtgen/decisions.jsonl").read_text().splitlines()]


def answer(name: str) -> object:
    return read(Path(page_path(name)).read_bytes()).values["answer"]


def name_of(page: "Page") -> str:
    """Return the name of the page that is open."""
    found = re.search(r"What is (\w+)\?", page.locator("h1").inner_text())
    assert found is not None
    return found[1]


def ready(page: "Page") -> None:
    page.wait_for_selector("html[data-ready]", state="attached")


def press(page: "Page", *keys: str) -> None:
    """Press keys and wait for the screen that follows."""
    with page.expect_navigation():
        for key in keys:
            page.keyboard.press(key)
    if "/edit" not in page.url and "end=1" not in page.url:
        ready(page)


def test_a_queue_by_keyboard(link: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(link)
    ready(page)
    assert "key=" not in page.url
    first = name_of(page)
    for key, tab in (("o", "Old"), ("n", "New"), ("p", "Search result"), ("c", "Changes")):
        page.keyboard.press(key)
        assert page.locator('[role="tab"][aria-selected="true"]').inner_text().startswith(tab)
    press(page, "a")
    assert page.locator("#status").inner_text() == f"“What is {first}?”: took the new text."
    assert answer(first) == NEW
    second = name_of(page)
    press(page, "r", "2")
    assert answer(second) == encode_answer(OLD)
    press(page, "u")
    assert name_of(page) == second
    press(page, "r", "1")
    third = name_of(page)
    press(page, "e")
    assert page.url.startswith(link.split("/enter")[0] + "/edit?")
    page.locator("#description").fill(TEXT)
    page.get_by_label("Yes, this is polish").check()
    press(page, "Control+Enter")
    assert read(Path(page_path(third)).read_bytes()).values[DESCRIPTION] == TEXT
    fourth = name_of(page)
    page.keyboard.press("b")
    page.keyboard.type("Name a source.")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    done = [(one["action"], one["reasons"], one["note"]) for one in decisions()]
    assert done == [
        ("take", [], ""),
        ("keep", ["incomplete"], ""),
        ("undo", [], ""),
        ("keep", ["fact"], ""),
        ("edit", [], ""),
        ("send-back", [], "Name a source."),
    ]
    assert len({first, second, third, fourth}) == 4
    assert "nothing left" in page.locator("h1").inner_text()


def test_keys_rest_in_text_fields_and_can_be_switched_off(link: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(link)
    ready(page)
    page.keyboard.press("/")
    page.keyboard.type("as?")
    assert page.locator("#search").input_value() == "as?"
    page.locator("h1").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("?")
    page.locator("#use-keys").uncheck()
    page.keyboard.press("a")  # in a dialog
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    assert page.locator('[role="tab"][aria-selected="true"]').inner_text() == "Changes"
    page.reload()
    ready(page)
    page.keyboard.press("s")
    page.keyboard.press("?")
    assert not page.locator("#help").is_visible()
    page.locator("#open-help").click()
    page.locator("#use-keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    assert page.locator('[role="tab"][aria-selected="true"]').inner_text().startswith("Old")
    assert not Path("out/.qtgen/decisions.jsonl").exists()


def test_everything_by_mouse_and_by_tab(link: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(link)
    ready(page)
    page.get_by_role("tab", name="New").click()
    page.get_by_role("tab", name="Source").click()
    assert page.locator(".source li").first.is_visible()
    page.get_by_role("tab", name="Changes").click()
    page.get_by_label("Show the Markdown").check()
    assert page.locator("#changes-source ins").inner_text() == "passage"
    page.get_by_role("button", name="Keep old").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Off topic").click()
    ready(page)
    with page.expect_navigation():
        page.get_by_role("button", name="Skip").click()
    ready(page)
    page.get_by_role("button", name="Send back").click()
    page.get_by_role("dialog").get_by_role("button", name="Send back").click()
    assert "Write what should be different" in page.locator("#note-error").inner_text()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "do-approve":
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert [one["action"] for one in decisions()] == ["keep", "skip", "take"]


def test_page_that_changed_shows_all_three_texts(link: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(link)
    ready(page)
    name = name_of(page)
    press(page, "e")
    page.locator("#description").fill(TEXT)
    theirs = "Somebody else wrote this about the page at the same time, in git."
    write_site(**{name: {"answer": encode_answer(OLD), DESCRIPTION: theirs}})
    page.get_by_label("Yes, this is polish").check()
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="The page changed while you had it open")
    dialog.wait_for()
    cells = dialog.locator("tbody td").all_inner_texts()
    assert cells[1:] == [theirs, TEXT]
    assert not Path("out/.qtgen/decisions.jsonl").exists()
    dialog.get_by_role("button", name="Keep editing my text").click()
    assert page.locator("#description").input_value() == TEXT
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()
    assert read(Path(page_path(name)).read_bytes()).values[DESCRIPTION] == TEXT


def test_errors_that_an_edit_adds_block_saving(link: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(link)
    ready(page)
    name = name_of(page)
    press(page, "e")
    page.locator("#answer").fill(f"{OLD}\n\n<script>alert(1)</script>")
    page.wait_for_selector("#blocked:not([hidden])")
    assert "errors that the page did not have" in page.locator("#blocked").inner_text()
    assert page.locator("#save").is_disabled()
    assert "line 5" in page.locator("#diagnostics").inner_text()
    page.locator("#answer").fill(OLD.replace("movement", "motion"))
    page.wait_for_selector("#blocked[hidden]", state="attached")
    page.get_by_label("Yes, this is polish").check()
    press(page, "Control+Enter")
    assert answer(name) == encode_answer(OLD.replace("movement", "motion"))


def test_draft_and_cookie_survive_a_killed_server(site: None, open_page: OpenPage) -> None:
    page = open_page()
    with served("--reviewer", "Ada") as (link, process):
        base, port = link.split("/enter")[0], link.split("/enter")[0].rpartition(":")[2]
        page.goto(link)
        page.goto(f"{base}/edit?url={url_of()}")
        page.locator("#description").fill(TEXT)
        page.get_by_text("Draft saved").wait_for()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        page.locator("#description").fill(f"{TEXT} And more.")
        page.get_by_text("The draft is not saved: The server does not answer.").wait_for()
        assert page.locator("#description").input_value() == f"{TEXT} And more."
    with served("--reviewer", "Ada", "--port", port):
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{base}/edit?url={url_of()}")
        assert page.locator("#description").input_value() == TEXT
        assert "your draft" in page.locator("#restored").inner_text()
        page.get_by_role("button", name="Discard my changes").click()
        page.get_by_text("No changes").wait_for()
        page.reload()
        assert page.locator("#description").input_value() != TEXT


def test_two_readers_behind_a_proxy(site: None, open_page: OpenPage) -> None:
    options = ("--auth-header", "X-User", "--trusted-proxy", "127.0.0.1")
    with served(*options) as (address, _):
        ada, bob = (open_page(extra_http_headers={"X-User": name}) for name in ("Ada", "Bob"))
        target = f"{address}review?url={url_of()}"
        ada.goto(target)
        ready(ada)
        ada.wait_for_load_state("networkidle")
        bob.goto(target)
        bob.wait_for_selector("#reserved:not([hidden])")
        assert bob.locator("#reserved").inner_text() == "Ada opened this just now."
        press(ada, "a")
        bob.keyboard.press("a")
        dialog = bob.get_by_role("dialog", name="The page changed while you had it open")
        dialog.locator("tbody td").nth(2).wait_for()
        assert "passage" in dialog.inner_text()
        dialog.get_by_role("button", name="Show the page as it is now").click()
        bob.wait_for_selector("text=took the new text")
        ready(bob)
        [line] = decisions()
        assert line["who"] == "Ada"
        assert open_page().goto(f"{address}").status == 403  # type: ignore[union-attr]
