"""The preview on the screens, in Chromium: with the bundle as the site shows it, and approximately without."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qtgen.generation.output import OutputFolder
from qtgen.page import encode_answer
from qtgen.review.web import app, bundle
from support.accessibility import axe_source, faults
from support.pages import write_site
from support.preview_frame import needs_bundle
from support.review_desk import OLD_ANSWER, OpenDesk, recorded, write_rewrites
from support.reviews import save_rewrite, url_of

if TYPE_CHECKING:
    from playwright.sync_api import Dialog

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

FRAMES = ("frame", "frame-new")
HOSTILE = (
    "A [link](https://example.org/away) and ![a picture](https://example.org/picture.png).\n\n"
    "<img src=https://example.org/x onerror=alert(1)><script>alert(1)</script>\n\n[x](javascript:alert(1))"
)


@pytest.fixture
def no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app as it is without `make bundle`."""
    for module in (app, bundle):
        monkeypatch.setattr(module, "is_bundled", lambda: False)


@needs_bundle
def test_formulas_are_shown_as_on_the_site(open_desk: OpenDesk) -> None:
    write_site(osmosis={"answer": encode_answer(OLD_ANSWER)})
    desk = open_desk()
    desk.open("/review", url=url_of())
    desk.preview.locator(".katex-html").first.wait_for()
    assert desk.page.get_by_text("approximate").count() == 0
    assert "Π" in desk.preview.locator(".katex-html").first.inner_text()
    assert int(desk.page.locator("#frame").get_attribute("height") or 0) > 100


@needs_bundle
def test_the_preview_follows_the_typing_and_the_colors(open_desk: OpenDesk) -> None:
    write_site(osmosis={"answer": encode_answer(OLD_ANSWER)})
    desk = open_desk()
    desk.open("/edit", url=url_of())
    answer = desk.page.get_by_label("Answer")
    answer.fill("Now there is a **bold** word and $E = mc^2$.")
    desk.preview.locator("strong", has_text="bold").wait_for()
    assert desk.preview.locator(".katex").count() == 1
    color = "getComputedStyle(document.body).color"
    light = desk.page.frames[1].evaluate(color)
    shown = desk.page.locator("#frame").get_attribute("data-shown")
    desk.page.emulate_media(color_scheme="dark")
    desk.page.locator(f'#frame:not([data-shown="{shown}"])').wait_for()
    assert desk.page.frames[1].evaluate(color) != light


@needs_bundle
def test_keys_act_after_a_click_into_the_preview(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis", "mitosis", answers=("osmosis", "mitosis"))
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    desk.preview.locator("ins").first.click()
    desk.page.wait_for_function("document.activeElement.id === 'content'")
    desk.press("s")
    assert [line["action"] for line in recorded()] == ["skip"]


@pytest.mark.usefixtures("no_bundle")
def test_without_the_bundle_the_preview_is_approximate(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis", answers=("osmosis",))
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    assert desk.page.get_by_text("approximate", exact=True).is_visible()
    desk.preview.locator("ins").first.wait_for()
    assert desk.preview.locator("math").count() == 2
    desk.page.keyboard.press("o")
    desk.preview.locator("del").first.wait_for()
    desk.page.get_by_role("tab", name="Search result").click()
    assert desk.page.locator("#frame").is_hidden()
    assert not faults(desk.page, axe_source())


@pytest.mark.usefixtures("no_bundle")
def test_without_the_bundle_the_preview_of_an_edit_follows_the_draft(open_desk: OpenDesk) -> None:
    write_site(osmosis={"answer": encode_answer(OLD_ANSWER)})
    desk = open_desk()
    desk.open("/edit", url=url_of())
    desk.preview.locator("math").first.wait_for()
    desk.page.get_by_label("Answer").fill("Now there is a **bold** word.")
    desk.preview.locator("strong", has_text="bold").wait_for()


@pytest.mark.usefixtures("no_bundle")
def test_the_approximate_preview_is_as_high_as_its_text(open_desk: OpenDesk) -> None:
    write_site(osmosis={"answer": encode_answer("\n\n".join([OLD_ANSWER] * 9))}, mitosis={"answer": "Short."})
    desk = open_desk()
    heights = []
    for width in (1280, 390):
        desk.page.set_viewport_size({"width": width, "height": 800})
        for name in ("osmosis", "mitosis"):
            desk.open("/review", url=url_of(name))
            desk.page.locator("#frame[height]").wait_for()
            text = desk.preview.evaluate("() => document.documentElement.getBoundingClientRect().height")
            heights.append(int(desk.page.locator("#frame").get_attribute("height") or 0))
            assert heights[-1] == max(120, math.ceil(text))
    desk.open("/review", url=url_of("osmosis"))
    desk.page.locator("#frame[height]").wait_for()
    desk.page.set_viewport_size({"width": 1280, "height": 800})
    desk.page.locator(f'#frame[height="{heights[0]}"]').wait_for()
    assert heights[0] < heights[2], "lines are shorter on a phone"
    assert heights[1] == heights[3] == 120


@pytest.mark.parametrize("bundled", [pytest.param(True, marks=needs_bundle), False])
def test_texts_with_few_common_words_stand_side_by_side(
    open_desk: OpenDesk, request: pytest.FixtureRequest, bundled: bool
) -> None:
    if not bundled:
        request.getfixturevalue("no_bundle")
    write_site(osmosis={"answer": encode_answer(OLD_ANSWER)})
    save_rewrite(OutputFolder(Path("out")), {"answer": encode_answer("Entirely different words, $x$, stand here now.")})
    desk = open_desk()
    page = desk.page
    desk.open("/review", queue="rewrites")
    old, new = (page.frame_locator(f"#{name}").locator("body") for name in FRAMES)
    new.locator("ins").first.wait_for()
    old.locator("del").first.wait_for()
    assert (old.locator("ins").count(), new.locator("del").count()) == (0, 0)
    left, right = (
        page.locator(f"#{name}").evaluate("(one) => one.getBoundingClientRect().toJSON()") for name in FRAMES
    )
    assert left["y"] == right["y"]
    assert right["x"] > left["x"] + left["width"]
    page.get_by_label("Show the Markdown").check()
    assert page.locator("#changes-source pre").count() == 2
    assert "different" in page.locator("#changes-source ins").first.inner_text()
    page.get_by_role("tab", name="New").click()
    assert page.locator("#frame-new").is_hidden()
    page.frame_locator("#frame").get_by_text("Entirely different").wait_for()


@pytest.mark.parametrize("bundled", [pytest.param(True, marks=needs_bundle), False])
def test_hostile_answers_neither_run_nor_ask_for_anything(
    open_desk: OpenDesk, request: pytest.FixtureRequest, bundled: bool
) -> None:
    if not bundled:
        request.getfixturevalue("no_bundle")
    write_site(osmosis={"answer": encode_answer(HOSTILE), "title": "<img src=x onerror=alert(1)> & co"})
    desk = open_desk()
    alerts: list[str] = []

    def note_alert(dialog: "Dialog") -> None:
        alerts.append(dialog.message)
        dialog.accept()

    desk.page.on("dialog", note_alert)
    desk.open("/review", url=url_of())
    assert "<img src=x" in desk.title
    desk.preview.get_by_text("a picture").first.wait_for()
    desk.preview.locator("a", has_text="link").click(force=True)
    for path in ("/pages", "/history", "/edit", "/"):
        desk.open(path, url=url_of())
    assert alerts == []
    assert desk.page.url.startswith(desk.address)


def test_axe_finds_faults_where_there_are_some(open_desk: OpenDesk) -> None:
    write_site(osmosis={})
    desk = open_desk()
    desk.page.evaluate(
        "() => { document.documentElement.lang = ''; document.querySelector('h1').style.color = '#ddd' }"
    )
    found = "\n".join(faults(desk.page, axe_source()))
    assert "html-has-lang" in found
    assert "color-contrast" in found
