"""Every screen in Chromium, light and dark, wide and narrow: accessible, readable on a phone, and quiet in the console.

With QTGEN_SCREENSHOTS=DIR the screens are also written as pictures into that folder, for a person to look at.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from qtgen.generation.output import OutputFolder
from qtgen.review.web.bundle import is_bundled
from support.accessibility import COLORS, axe_source, faults, overflow, small_targets
from support.audits import write_audit
from support.pages import LONG_DESCRIPTION, page_path
from support.review_desk import HEADER, Desk, OpenDesk, Served, serving, write_rewrites
from support.review_pages import append_decision, digests_at, make_decision, write_site
from support.reviews import DESCRIPTION, url_of
from support.sites import change_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

NAMES = ("osmosis", "mitosis", "meiosis")
PICTURES = os.environ.get("QTGEN_SCREENSHOTS")


class Screen(NamedTuple):
    """A screen: its address, and what to do there before it is looked at."""

    path: str
    query: Mapping[str, str] = {}
    prepare: Callable[["Page"], object] = lambda _page: None


def open_conflict(page: "Page") -> None:
    page.get_by_label("Description").fill(LONG_DESCRIPTION + " Mine.")
    change_page(Path(page_path("mitosis")), **{DESCRIPTION: f"{LONG_DESCRIPTION} Theirs {page.viewport_size}."})
    page.get_by_label("Yes, this is polish").check()
    page.locator("#save").click()
    page.locator("#conflict").wait_for()


def open_reasons(page: "Page") -> None:
    page.locator("#do-reject").click()


def open_details(page: "Page") -> None:
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true })")


def add_an_error(page: "Page") -> None:
    page.get_by_label("Answer").fill("Osmosis. $\\frac{1$")
    page.locator("#diagnostics .is-new").first.wait_for()


def tell_a_failure(page: "Page") -> None:
    page.context.set_offline(True)
    page.locator("#do-skip").click()
    page.locator("#status.is-bad").wait_for()
    page.context.set_offline(False)


OSMOSIS = {"url": url_of(), "queue": "rewrites"}
SCREENS = {
    "overview": Screen("/"),
    "list": Screen("/pages", {"subject": "Biology"}),
    "list-empty": Screen("/pages", {"q": "nothing like it"}),
    "list-queue": Screen("/pages", {"queue": "flagged"}),
    "failed": Screen("/pages", {"queue": "failed"}),
    "review-changes": Screen("/review", OSMOSIS, open_details),
    "review-old": Screen("/review", {**OSMOSIS, "tab": "old"}, open_reasons),
    "review-search": Screen(
        "/review", {**OSMOSIS, "tab": "search"}, lambda page: page.locator("#do-send-back").click()
    ),
    "review-source": Screen("/review", {**OSMOSIS, "tab": "source"}, lambda page: page.keyboard.press("?")),
    "review-failed": Screen("/review", OSMOSIS, tell_a_failure),
    "review-blind": Screen("/review", {"queue": "audit:spring"}),
    "review-pair": Screen("/review", {"url": url_of(), "queue": "second"}),
    "review-decided": Screen("/review", {"url": "/learn/physics/questions/why-is-the-sky-blue"}),
    "queue-end": Screen("/review", {"queue": "returned"}),
    "edit": Screen("/edit", {"url": url_of()}),
    "edit-error": Screen("/edit", {"url": url_of("meiosis")}, add_an_error),
    "edit-conflict": Screen("/edit", {"url": url_of("mitosis")}, open_conflict),
    "audit": Screen("/audits/spring"),
    "agreement": Screen("/agreement"),
    "history": Screen("/history"),
    "history-empty": Screen("/history", {"who": "Nobody"}),
    "error": Screen("/pages", {"state": "nonsense"}),
}


@pytest.fixture
def served() -> Iterator[Served]:
    """A site with rewrites, findings, decisions, an audit and odd texts."""
    write_rewrites(*NAMES, answers=("osmosis",))
    long = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 3
    write_site([f"Why is {long} long?", "What is a \u202estar?"], "Physics", answer=f"A {long} word.")
    (blue,) = write_site(["Why is the sky blue?"], "Physics", score=0.75)
    path = Path("site/physics/why-is-the-sky-blue.md")
    append_decision(make_decision(blue, digests_at(path), "reject", reasons=("fact",), note=f"See {long}."), out="out")
    append_decision(make_decision(blue, digests_at(path), "approve", "Bob", "2026-11-27T10:00:00.000Z"), out="out")
    write_audit(OutputFolder(Path("out")), tolerance=0.3).read(1, 2)
    with serving(header=HEADER) as served:
        yield served


def take_picture(desk: Desk, name: str) -> None:
    if PICTURES:
        desk.page.wait_for_timeout(300)
        desk.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page="conflict" not in name)


@pytest.mark.parametrize("width", [1280, 390])
def test_screens_have_no_faults(open_desk: OpenDesk, served: Served, width: int) -> None:
    source = axe_source()
    size = {"width": width, "height": 844 if width < 800 else 800}
    desk = open_desk(served, viewport=size, reduced_motion="reduce", extra_http_headers={HEADER: "Ann"})
    page = desk.page
    page.on("dialog", lambda dialog: dialog.accept())
    found = []
    for name, screen in SCREENS.items():
        page.emulate_media(color_scheme="light")
        desk.open(screen.path, **screen.query)
        screen.prepare(page)
        if page.locator("#frame:visible").count() and is_bundled():
            page.locator("#frame[data-shown]").wait_for()
        take_picture(desk, f"{name}-light-{width}")
        found += [f"{name}: {one}" for one in (*faults(page, source), *overflow(page))]
        if width < 800:
            found += [f"{name}: {one}" for one in small_targets(page)]
        page.emulate_media(color_scheme="dark")
        take_picture(desk, f"{name}-dark-{width}")
        found += [f"{name}, dark: {one}" for one in faults(page, source, only=COLORS)]
    assert not found, "\n".join(found)
