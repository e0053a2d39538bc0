"""What survives the end of the server, in Chromium: drafts, the session and decisions."""

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.browser import OpenPage
from support.pages import page_path, write_site
from support.review_app import served
from support.review_desk import Desk, recorded
from support.reviews import url_of

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

TYPED = "Osmosis.\n\nA line about $x^2$ that is not finished"


def drafts() -> list[Path]:
    return [path for path in Path("out/.qtgen/review/drafts").rglob("*") if path.is_file()]


def desk_in(context: "BrowserContext", link: str) -> Desk:
    return Desk(context.new_page(), link)


def test_drafts_and_the_session_survive_a_kill(open_page: OpenPage) -> None:
    before = write_site(osmosis={})[page_path()]
    context = open_page().context
    with served("--reviewer", "Ann") as (link, process):
        desk = desk_in(context, link)
        desk.open("/edit", url=url_of())
        desk.page.get_by_label("Answer").fill(TYPED)
        desk.page.get_by_label("Note (optional)").fill("to be continued")
        desk.page.get_by_text("Draft saved").wait_for()
        process.send_signal(signal.SIGKILL)
        process.wait()
        desk.page.get_by_label("Answer").press_sequentially(".")
        desk.page.get_by_text("The draft is not saved").wait_for()
        assert desk.page.get_by_label("Answer").input_value() == TYPED + "."
        desk.page.close(run_before_unload=False)
    assert len(drafts()) == 1
    assert Path(page_path()).read_bytes() == before
    with served("--reviewer", "Ann") as (link, _):
        address = link.partition("/enter")[0]
        desk = desk_in(context, f"{address}/")  # without the new link: the cookie is still valid
        assert desk.title == "Overview"
        desk.open("/review", queue="mine")
        assert desk.url == url_of()
        desk.press("e")
        page = desk.page
        assert "your draft" in page.locator("#restored").inner_text()
        assert page.get_by_label("Answer").input_value() == TYPED
        assert page.get_by_label("Note (optional)").input_value() == "to be continued"
        page.locator("#diagnostics li, #no-diagnostics:visible").first.wait_for()
        desk.page.get_by_label("Yes, this is polish").check()
        desk.press("Control+Enter")
        assert [(line["action"], line["note"]) for line in recorded()] == [("edit", "to be continued")]
        assert drafts() == []
        assert "$x^2$" in Path(page_path()).read_text()


def test_an_undo_is_possible_after_a_restart(open_page: OpenPage) -> None:
    before = write_site(osmosis={})[page_path()]
    context = open_page().context
    with served("--reviewer", "Ann") as (link, process):
        desk = desk_in(context, link)
        desk.open("/edit", url=url_of())
        desk.page.get_by_label("Keywords").fill("osmosis, membrane, water, diffusion, pressure")
        desk.page.get_by_label("Yes, this is polish").check()
        desk.press("Control+Enter")
        assert Path(page_path()).read_bytes() != before
        process.send_signal(signal.SIGKILL)
        process.wait()
    with served("--reviewer", "Ann") as (link, _):
        desk = desk_in(context, link)
        desk.open("/review", url=url_of())
        desk.press("u")
    assert Path(page_path()).read_bytes() == before
    assert [line["action"] for line in recorded()] == ["edit", "undo"]


def test_a_stranger_may_not_enter(open_page: OpenPage) -> None:
    write_site(osmosis={})
    with served("--reviewer", "Ann") as (link, _):
        address = link.partition("/enter")[0]
        page = open_page()
        for path in ("/", "/review?url=" + url_of(), "/enter?key=wrong", "/pages"):
            reply = page.goto(address + path)
            assert reply is not None
            assert reply.status == 403
            text = page.locator("main").inner_text()
            assert "open the link" in text
            assert "osmosis" not in page.content().replace(url_of(), "")
        page.goto(link)
        assert "key=" not in page.url, "the address bar forgets the key"
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        assert json.dumps(cookie["value"]) not in page.content()
