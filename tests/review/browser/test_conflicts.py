"""What a reviewer sees in Chromium if a page changes, disappears or cannot be written while they have it open."""

import os
from pathlib import Path

import pytest

from support.default_tables import read
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, page_path, write_site
from support.review_desk import Desk, OpenDesk, recorded, write_rewrites
from support.reviews import DESCRIPTION, url_of
from support.sites import change_page

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

SEEN = LONG_DESCRIPTION
THEIRS = "Osmosis is the passage of water through a membrane, as somebody else wrote it while the page was open."
MINE = "Osmosis is the passage of water through a membrane, as I wrote it, and I do not want to lose it."


def cells(desk: Desk) -> list[str]:
    """Return the texts in the row about the description."""
    row = desk.page.locator("#conflict tbody tr").filter(has_text="Description")
    return row.get_by_role("cell").all_inner_texts()


def open_edit(desk: Desk, text: str) -> None:
    desk.open("/edit", url=url_of())
    desk.page.get_by_label("Description").fill(text)
    desk.page.get_by_label("Yes, this is polish").check()


def test_an_edit_of_a_page_that_changed_shows_all_three_texts(open_desk: OpenDesk) -> None:
    write_site(osmosis={DESCRIPTION: SEEN})
    desk = open_desk()
    page = desk.page
    open_edit(desk, MINE)
    page.get_by_label("Keywords").fill("osmosis, membrane, water, diffusion, pressure")
    change_page(Path(page_path()), **{DESCRIPTION: THEIRS, "score": 0.5})
    page.keyboard.press("Control+Enter")
    page.locator("#conflict").wait_for()
    assert cells(desk) == [SEEN, THEIRS, MINE]
    marks = page.locator("#conflict tbody tr").filter(has_text="Description")
    assert marks.locator("ins", has_text="somebody else").count() == 1
    assert marks.locator("ins", has_text="I wrote it").count() == 1
    assert marks.locator("del").count() > 0
    assert "overwrites what is there now" in page.locator("#conflict").inner_text()
    assert recorded() == []
    assert read(Path(page_path()).read_bytes()).values[DESCRIPTION] == THEIRS
    page.get_by_role("button", name="Keep editing my text").click()
    assert page.get_by_label("Description").input_value() == MINE
    desk.press("Control+Enter")
    values = read(Path(page_path()).read_bytes()).values
    assert (values[DESCRIPTION], values["score"]) == (MINE, 0.5)
    assert [line["action"] for line in recorded()] == ["edit"]


def test_what_was_typed_survives_a_look_at_the_page_as_it_is(open_desk: OpenDesk) -> None:
    write_site(osmosis={DESCRIPTION: SEEN})
    desk = open_desk()
    open_edit(desk, MINE)
    change_page(Path(page_path()), **{DESCRIPTION: THEIRS})
    desk.page.locator("#save").click()
    desk.page.locator("#conflict").wait_for()
    desk.page.on("dialog", lambda dialog: dialog.accept())
    desk.click("Show the page as it is now")
    desk.open("/edit", url=url_of())
    assert desk.page.get_by_label("Description").input_value() == MINE
    assert "changed since then" in desk.page.locator("#restored").inner_text()
    desk.page.get_by_role("button", name="Discard my changes").click()
    assert desk.page.get_by_label("Description").input_value() == THEIRS


def test_a_rewrite_of_a_page_that_changed_is_not_taken(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis")
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    change_page(Path(page_path()), **{DESCRIPTION: THEIRS})
    desk.page.keyboard.press("a")
    desk.page.locator("#conflict").wait_for()
    assert cells(desk) == [SEEN, THEIRS, SHORT_DESCRIPTION]
    assert recorded() == []
    assert read(Path(page_path()).read_bytes()).values[DESCRIPTION] == THEIRS
    desk.click("Show the page as it is now")
    assert "no longer applies" in desk.page.locator(".notice:visible").first.inner_text()


def test_a_decision_about_a_page_that_changed_shows_what_changed(open_desk: OpenDesk) -> None:
    write_site(osmosis={DESCRIPTION: SEEN})
    desk = open_desk()
    desk.open("/review", url=url_of())
    change_page(Path(page_path()), **{DESCRIPTION: THEIRS})
    desk.page.keyboard.press("a")
    desk.page.locator("#conflict").wait_for()
    assert cells(desk) == [SEEN, THEIRS]
    desk.page.keyboard.press("Escape")
    desk.page.locator("#conflict").wait_for(state="detached")
    assert recorded() == []
    assert "Saving" not in desk.status.inner_text()


def test_a_page_that_was_deleted_while_it_was_open(open_desk: OpenDesk) -> None:
    write_site(osmosis={DESCRIPTION: SEEN}, mitosis={})
    desk = open_desk()
    open_edit(desk, MINE)
    Path(page_path()).unlink()
    desk.page.keyboard.press("Control+Enter")
    bad = desk.page.locator("#status.is-bad")
    bad.wait_for()
    assert desk.page.get_by_label("Description").input_value() == MINE
    assert "deleted" in bad.inner_text()
    desk.page.on("dialog", lambda dialog: dialog.accept())
    desk.open("/review", url=url_of())
    assert desk.title in ("There is nothing here", "The page changed")
    assert "deleted" in desk.page.locator("main").inner_text()
    assert recorded() == []


def test_a_file_that_may_not_be_written(open_desk: OpenDesk) -> None:
    """A link to a file outside the given folders, because root may write every file."""
    write_rewrites("osmosis", "mitosis")
    outside = Path("elsewhere.md")
    Path(page_path()).rename(outside)
    Path(page_path()).symlink_to(outside.resolve())
    raw = outside.read_bytes()
    desk = open_desk()
    desk.open("/review", url=url_of())
    assert "read-only" in desk.page.locator(".notice:visible").first.inner_text()
    assert desk.page.locator("#do-edit").count() == 0
    desk.page.keyboard.press("a")
    desk.page.locator("#status.is-bad").wait_for()
    assert "outside the folders" in desk.status.inner_text()
    assert recorded() == []
    desk.open("/edit", url=url_of())
    assert desk.page.get_by_label("Answer").is_disabled()
    assert outside.read_bytes() == raw


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write every file")
def test_a_read_only_file(open_desk: OpenDesk) -> None:
    write_site(osmosis={})
    Path(page_path()).chmod(0o444)
    desk = open_desk()
    desk.open("/review", url=url_of())
    assert "read-only" in desk.page.locator(".notice:visible").first.inner_text()


def test_a_read_only_server_shows_everything_and_writes_nothing(open_desk: OpenDesk) -> None:
    before = write_rewrites("osmosis", "mitosis")
    desk = open_desk(read_only=True)
    assert "read-only" in desk.page.locator(".who").inner_text()
    desk.open("/review", queue="rewrites")
    first = desk.page.url
    assert desk.page.locator(".actions").count() == 0
    for key in "arsbeu1":
        desk.page.keyboard.press(key)
    assert desk.page.url == first
    desk.press("j")
    desk.open("/edit", url=url_of())
    assert desk.page.locator("#save").count() == 0
    reply = desk.page.evaluate(
        """(url) => fetch('/api/drafts', {method: 'PUT', headers: {'content-type': 'application/json'},
             body: JSON.stringify({url, file_digest: '', fields: {answer: 'x'}})}).then((one) => one.status)""",
        url_of(),
    )
    assert reply == 403
    assert recorded() == []
    assert not [*Path("out/.qtgen/review").rglob("drafts/*")]
    assert Path(page_path()).read_bytes() == before[url_of()]


def test_a_server_that_stopped_loses_nothing(open_desk: OpenDesk) -> None:
    write_site(osmosis={DESCRIPTION: SEEN})
    desk = open_desk()
    open_edit(desk, MINE)
    desk.page.context.set_offline(True)
    desk.page.keyboard.press("Control+Enter")
    desk.page.locator("#status.is-bad").wait_for()
    assert "does not answer" in desk.status.inner_text()
    assert desk.page.get_by_label("Description").input_value() == MINE
    desk.page.context.set_offline(False)
    desk.press("Control+Enter")
    assert [line["action"] for line in recorded()] == ["edit"]
