"""An editor works through queues in Chromium: by keyboard, by mouse, and by Tab and Enter alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qtgen.generation.decisions import REASONS
from qtgen.generation.output import OutputFolder
from qtgen.page import decode_answer
from support.default_tables import read
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, changed_lines, page_path, write_site
from support.review_desk import NEW_ANSWER, OLD_ANSWER, Desk, OpenDesk, recorded, write_rewrites
from support.reviews import DESCRIPTION, url_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

NAMES = ("osmosis", "mitosis", "meiosis", "enzymes", "photosynthesis", "respiration")
EDITED = "Osmosis is the diffusion of water through a membrane that holds back the solute, until both sides are even."


def lines_changed(before: dict[str, bytes]) -> dict[str, list[str]]:
    """Return the changed lines of each page that changed, by its name."""
    changed = {}
    for url, raw in before.items():
        name = url.rsplit("-", 1)[1]
        now = Path(page_path(name)).read_bytes()
        if now != raw:
            changed[name] = changed_lines(raw, now)
    return changed


def decided() -> list[tuple[str, str]]:
    return [(line["action"], line["url"]) for line in recorded()]


def write_note(page: "Page", note: str) -> None:
    page.get_by_label("What should be different?").fill(note)


class Hands:
    """What a reviewer does on the review screen, with keys or with the mouse."""

    def __init__(self, desk: Desk, *, with_keys: bool) -> None:
        self.desk, self.page, self.with_keys = desk, desk.page, with_keys

    def _do(self, key: str, button: str) -> None:
        if self.with_keys:
            self.desk.press(key)
        else:
            self.desk.click(button)

    def take(self) -> None:
        self._do("a", "Take new")

    def skip(self) -> None:
        self._do("s", "Skip")

    def undo(self) -> None:
        self._do("u", "Undo")

    def edit(self) -> None:
        if self.with_keys:
            self.desk.press("e")
        else:
            self.desk.click("Edit", "link")

    def save(self) -> None:
        self.page.get_by_label("Yes, this is polish").check()
        if self.with_keys:
            self.desk.press("Control+Enter")
        else:
            self.desk.click("Save")

    def reject(self, number: int) -> None:
        if self.with_keys:
            self.desk.press("r", str(number))
        else:
            self.page.locator("#do-reject").click()
            self.desk.leave(self.page.locator(f'[data-key="{number}"]').click)

    def send_back(self, note: str) -> None:
        if self.with_keys:
            self.page.keyboard.press("b")
            self.page.keyboard.type(note)
            self.desk.press("Control+Enter")
        else:
            self.page.locator("#do-send-back").click()
            write_note(self.page, note)
            self.desk.leave(self.page.locator("#send-back").get_by_role("button", name="Send back").click)


@pytest.mark.parametrize("with_keys", [True, False], ids=["keyboard", "mouse"])
def test_an_editor_works_through_the_rewrites(open_desk: OpenDesk, with_keys: bool) -> None:
    before = write_rewrites(*NAMES, answers=("mitosis",))
    desk = open_desk()
    hands = Hands(desk, with_keys=with_keys)
    desk.click("Start with", "link")
    order: list[str] = []
    expected: list[tuple[str, str]] = []

    def act(action: str, do: Callable[[], None]) -> None:
        order.append(desk.url)
        expected.append((action, desk.url))
        do()

    act("take", hands.take)
    assert desk.url not in order, "the next page opens"
    act("keep", lambda: hands.reject(2))
    act("send-back", lambda: hands.send_back("Say what a solute is."))
    act("skip", hands.skip)
    following = desk.url
    hands.undo()
    assert desk.url == order[3], "an undo shows the page again"
    expected.append(("undo", desk.url))
    hands.edit()
    desk.page.get_by_label("Description").fill(EDITED)
    expected.append(("edit", desk.url))
    hands.save()
    assert desk.url == following
    act("take", hands.take)
    act("take", hands.take)
    assert "nothing left" in desk.title
    assert decided() == expected
    assert sorted({url for _, url in expected}) == sorted(before)

    keep, send_back, edit = recorded()[1], recorded()[2], recorded()[5]
    assert (keep["reasons"], keep["prefers"]) == (["incomplete"], "old")
    assert send_back["note"] == "Say what a solute is."
    assert edit["acceptable"] is True
    assert recorded()[4]["undoes"] == recorded()[3]["id"]
    assert all(line["who"] == "Ann" and not line.get("blind") for line in recorded())

    changed = lines_changed(before)
    takes = {url.rsplit("-", 1)[1] for action, url in expected if action == "take"}
    edited = order[3].rsplit("-", 1)[1]
    assert changed.keys() == takes | {edited}
    for name, lines in changed.items():
        page = read(Path(page_path(name)).read_bytes())
        if name == edited:
            assert page.values[DESCRIPTION] == EDITED
        elif name == "mitosis":
            assert page.values["score"] == -1.0
            assert "Sugar stays" in str(page.values["answer"])
        else:
            assert page.values[DESCRIPTION] == SHORT_DESCRIPTION
        assert len(lines) <= (3 if name == "mitosis" else 2), lines


def test_each_number_is_a_reason(open_desk: OpenDesk) -> None:
    before = write_site(**{name: {DESCRIPTION: LONG_DESCRIPTION} for name in [*NAMES, "diffusion"]})
    desk = open_desk()
    desk.open("/review", queue="flagged")
    for number in range(1, 8):
        desk.press("r", str(number))
    assert [line["reasons"] for line in recorded()] == [[reason] for reason in REASONS]
    assert {line["action"] for line in recorded()} == {"reject"}
    assert {path: Path(path).read_bytes() for path in before} == before
    assert "nothing left" in desk.title


def test_a_rejection_can_be_withdrawn_and_explained(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis")
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    page = desk.page
    page.keyboard.press("r")
    assert page.locator("#reasons").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#reasons").is_hidden()
    assert page.evaluate("document.activeElement.id") == "do-reject"
    page.keyboard.press("3")
    assert page.locator("#reasons").is_hidden()
    page.keyboard.press("r")
    page.get_by_label("Note (optional)").fill("The 2 is wrong.")
    desk.leave(page.get_by_role("button", name="Factual error").click)
    assert [(line["reasons"], line["note"]) for line in recorded()] == [(["fact"], "The 2 is wrong.")]


def test_a_note_is_needed_to_send_a_page_back(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis")
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    page = desk.page
    page.keyboard.press("b")
    page.locator("#send-back").get_by_role("button", name="Send back").click()
    assert "Write what should be different" in page.locator("#note-error").inner_text()
    page.keyboard.type("as")
    page.keyboard.press("Escape")
    assert page.locator("#send-back").is_hidden()
    assert recorded() == []
    page.keyboard.press("b")
    assert page.locator("#note").input_value() == "as", "what was typed stays"


def test_undo_restores_the_page_and_its_rewrite(open_desk: OpenDesk) -> None:
    before = write_rewrites("osmosis", answers=("osmosis",))
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    desk.press("a")
    assert lines_changed(before)
    assert "nothing left" in desk.title
    desk.press("u")
    assert lines_changed(before) == {}
    desk.open("/review", queue="rewrites")
    assert desk.url == url_of()
    assert desk.page.locator("#do-approve").inner_text().startswith("Take new")


def test_rewrites_that_were_taken_go_back_to_the_old_text(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis", answers=("osmosis",), is_taken=True)
    desk = open_desk()
    desk.open("/review", queue="taken")
    assert desk.page.locator("#do-approve").inner_text().startswith("Keep new")
    desk.press("r", "1")
    assert "Salt stays" in Path(page_path()).read_text()
    assert [line["action"] for line in recorded()] == ["keep"]


def test_tabs_by_keyboard_and_mouse(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis", answers=("osmosis",))
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    page = desk.page
    selected = page.locator('[role="tab"][aria-selected="true"]')
    for key, name in {"o": "Old", "n": "New", "p": "Search result", "c": "Changes"}.items():
        page.keyboard.press(key)
        assert selected.inner_text().startswith(name)
    marks = desk.preview.locator("ins")
    marks.first.wait_for()
    assert "diffusion" in " ".join(marks.all_inner_texts())
    assert "moves" in " ".join(desk.preview.locator("del").all_inner_texts())
    page.get_by_role("tab", name="Source").click()
    assert "tab=source" in page.url
    assert "page_description" in page.locator("#panel").inner_text()
    page.keyboard.press("ArrowLeft")
    assert selected.inner_text().startswith("Search result")
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.id") == "tab-changes"
    page.get_by_label("Show the Markdown").check()
    assert "$\\Pi = i c R T$" in page.locator("#changes-source").inner_text()
    assert page.locator("#rendered").is_hidden()
    desk.leave(page.reload)
    page.go_back()
    assert recorded() == []


def test_search_help_and_steps(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis", "mitosis", "meiosis")
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    first, page = desk.url, desk.page
    desk.press("j")
    second = desk.url
    assert second != first
    desk.press("k")
    assert desk.url == first
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("a")  # acts on nothing behind the dialog
    page.keyboard.press("Escape")
    assert page.locator("#help").is_hidden()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("mitosis a s r")
    assert page.locator("#reasons").is_hidden()
    page.locator("#search").fill("mitosis")
    desk.press("Enter")
    assert page.locator("tbody tr").count() == 1
    desk.click("What is mitosis?", "link")
    assert desk.url == url_of("mitosis")
    assert recorded() == []


def test_single_keys_can_be_switched_off(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis", "mitosis")
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    page = desk.page
    page.keyboard.press("?")
    page.get_by_label("Use single keys").uncheck()
    page.keyboard.press("Escape")
    first = page.url
    for key in "asjrbeu?/o":
        page.keyboard.press(key)
    assert page.url == first
    assert page.locator("dialog[open]").count() == 0
    assert page.locator("#reasons").is_hidden()
    desk.open("/pages")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") != "search", "it holds on every screen"
    desk.open("/review", queue="rewrites")
    desk.click("Take new")
    assert [line["action"] for line in recorded()] == ["take"]
    page.locator("#open-help").click()
    page.get_by_label("Use single keys").check()
    page.keyboard.press("Escape")
    desk.press("s")
    assert [line["action"] for line in recorded()] == ["take", "skip"]


def test_keys_never_act_with_modifiers_or_in_text_fields(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis", "mitosis")
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    page = desk.page
    first = page.url
    for modifier in ("Control", "Alt", "Meta"):
        for key in "ebo":
            page.keyboard.press(f"{modifier}+{key}")
    page.keyboard.press("r")
    page.locator("#reject-note").click()
    page.keyboard.type("1234567 asjkbeu?/")
    assert page.locator("#reject-note").input_value() == "1234567 asjkbeu?/"
    assert page.url == first
    page.keyboard.press("Escape")
    desk.press("e")
    for field in ("answer", "description", "keywords", "note"):
        page.locator(f"#{field}").click()
        page.keyboard.type("asjkrbeu?/")
        assert "asjkrbeu?/" in page.locator(f"#{field}").input_value()
    assert page.locator("dialog[open]").count() == 0
    assert recorded() == []


def test_tab_and_enter_reach_everything(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis", "mitosis")
    desk = open_desk()
    desk.open("/review", queue="rewrites")
    page = desk.page
    page.keyboard.press("r")
    page.evaluate("document.activeElement.blur()")
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('a[href], button, input, textarea, summary')].filter((one) =>
             one.checkVisibility() && !one.disabled && one.getAttribute('role') !== 'tab').map((one) => one.outerHTML)"""
    )
    reached = []
    for _ in range(len(wanted) + 10):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.outerHTML"))
        assert page.evaluate(
            "(document.activeElement === document.body) || getComputedStyle(document.activeElement).outlineStyle != 'none'"
        ), reached[-1]
    assert [one for one in wanted if one not in reached] == []
    assert len({one for one in reached if one.startswith('<a role="tab"')}) == 1, "arrows lead from one tab to the next"
    page.keyboard.press("Escape")
    page.locator("#do-skip").focus()
    desk.press("Enter")
    page.locator("#do-approve").focus()
    desk.press("Space")
    assert [line["action"] for line in recorded()] == ["skip", "take"]


def test_the_skip_link_leads_past_the_header(open_desk: OpenDesk) -> None:
    write_site(osmosis={})
    desk = open_desk()
    desk.page.keyboard.press("Tab")
    assert desk.page.evaluate("document.activeElement.textContent") == "Skip to content"
    desk.page.keyboard.press("Enter")
    assert desk.page.evaluate("document.activeElement.id") == "content"


def test_an_edit_that_adds_an_error_is_not_saved(open_desk: OpenDesk) -> None:
    before = write_site(osmosis={})[page_path()]
    desk = open_desk()
    desk.open("/edit", url=url_of())
    page = desk.page
    answer = page.get_by_label("Answer")
    broken = answer.input_value() + "\n\nA formula that is broken: $\\frac{1$"
    answer.fill("")
    page.locator("#blocked").wait_for()
    assert page.locator("#save").is_disabled()
    assert "empty" in page.locator("#blocked").inner_text()
    answer.fill(broken)
    page.locator("#diagnostics .is-new").first.wait_for()
    page.keyboard.press("Control+Enter")
    page.locator("#status:not(:empty), #blocked:visible").first.wait_for()
    assert answer.input_value() == broken, "what was typed stays"
    assert Path(page_path()).read_bytes() == before
    assert recorded() == []
    page.get_by_text("Draft saved").wait_for()
    desk.leave(page.reload)
    assert answer.input_value() == broken
    page.locator("#diagnostics .is-new").first.wait_for()
    assert page.locator("#save").is_disabled()


def test_a_decision_without_a_queue_stays_on_the_page(open_desk: OpenDesk) -> None:
    write_site(osmosis={})
    desk = open_desk()
    desk.open("/review", url=url_of())
    desk.press("a")
    assert desk.url == url_of()
    assert "approved" in desk.page.locator(".history").inner_text()
    assert desk.page.locator(".meta .badge").inner_text() == "approved"
    (line,) = recorded()
    assert set(line["texts"]) == {"answer", "seo"}
    assert not OutputFolder(Path("out")).provenance_file.exists()
    assert json.dumps(line)


def test_an_edit_is_saved_only_after_the_question_is_answered(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis")
    desk = open_desk()
    page = desk.page
    desk.open("/edit", url=url_of())
    page.get_by_label("Description").fill(EDITED)
    page.locator("#save").click()
    assert "Choose Yes or No first" in desk.status.inner_text()
    assert page.evaluate("document.activeElement.id") == "polish"
    assert recorded() == []
    page.get_by_label("No, it had to be corrected").check()
    desk.press("Control+Enter")
    assert [line["acceptable"] for line in recorded()] == [False]


@pytest.mark.parametrize("is_taken", [True, False])
def test_an_edit_can_start_from_the_other_text_of_a_rewrite(open_desk: OpenDesk, is_taken: bool) -> None:
    write_rewrites("osmosis", answers=("osmosis",), is_taken=is_taken)
    desk = open_desk()
    page = desk.page
    desk.open("/edit", url=url_of(), queue="taken" if is_taken else "rewrites")
    edited, other = ("new", "old") if is_taken else ("old", "new")
    answer = page.get_by_label("Answer")
    texts = {"old": OLD_ANSWER, "new": NEW_ANSWER}
    assert f"You edit the {edited} text" in page.locator(".notice:visible").inner_text()
    assert answer.input_value() == texts[edited]
    page.get_by_role("button", name=f"Start from the {other} text").click()
    assert answer.input_value() == texts[other]
    page.get_by_role("button", name="Discard my changes").click()
    assert answer.input_value() == texts[edited]
    page.get_by_role("button", name=f"Start from the {other} text").click()
    page.get_by_label("Yes, this is polish").check()
    desk.press("Control+Enter")
    assert decode_answer(read(Path(page_path()).read_bytes()).text_of("answer") or "") == texts[other]
