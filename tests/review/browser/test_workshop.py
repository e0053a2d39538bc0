"""The review of an article site in Chromium, from `qtgen review --site`: read an article, and edit body and summary.

With QTGEN_SCREENSHOTS=DIR the screens are also written as pictures into that folder, for a person to look at.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qtgen.page import read_as
from qtgen.page.compile import main_layout
from support.review_app import served
from support.review_desk import Desk
from support.workshop_site import write_workshop

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from support.browser import OpenPage

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

PICTURES = os.environ.get("QTGEN_SCREENSHOTS")


def take_picture(page: "Page", name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def test_an_article_is_read_and_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: "OpenPage") -> None:
    monkeypatch.chdir(tmp_path)
    profile, pages = write_workshop(Path("site"))
    path, layout = Path("site") / pages[0].path, main_layout(profile)
    before = path.read_bytes()
    values = read_as(before, layout).values
    with served("--site", "site/site.toml") as (link, _):
        desk = Desk(open_page(viewport={"width": 1280, "height": 900}), link)
        page = desk.page
        desk.open("/pages")
        page.get_by_role("link", name=str(values["title"])).first.wait_for()
        take_picture(page, "workshop-list")
        page.get_by_role("link", name=str(values["title"])).first.click()
        frame = page.frame_locator("#frame")
        frame.locator("ol > li").first.wait_for()
        assert frame.locator("ol > li").count() == str(values["body"]).count("\n", str(values["body"]).index("\n1. "))
        take_picture(page, "workshop-page")
        page.keyboard.press("e")
        page.get_by_label("summary").fill("A short guide to this work, with a list of the tools that you need")
        page.get_by_text("66 of 160 characters").wait_for()
        page.get_by_label("body").fill(f"{values['body']}\n\nIt costs $5 or $6.")
        frame.get_by_text("It costs $5 or $6.").wait_for()
        take_picture(page, "workshop-edit")
        page.get_by_label("Yes, this is polish").check()
        page.locator("#save:enabled").click()
        page.wait_for_url("**/review?*")
    head, _, body = path.read_bytes().partition(b"\n---\n")
    assert body == before.partition(b"\n---\n")[2].rstrip(b"\n") + b"\n\nIt costs $5 or $6.\n"
    old, new = before.partition(b"\n---\n")[0].splitlines(), head.splitlines()
    assert [line.partition(b":")[0] for one, line in zip(old, new, strict=True) if one != line] == [b"summary"]
