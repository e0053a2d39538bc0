"""Two reviewers in Chromium: blind second readings, a dispute, and an audit from its plan to its result."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qtgen.generation.decisions import DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.page.profile import default_profile
from qtgen.review.audits.audits import Limits, make_plan, read_frame
from support.audits import NOW, write_audit
from support.browser import OpenPage
from support.pages import LONG_DESCRIPTION, write_site
from support.review_desk import HEADER, Desk, OpenDesk, Served, recorded, serving, write_rewrites
from support.reviews import DESCRIPTION

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])

NAMES = [f"{word}{end}" for word in ("osmosis", "mitosis", "meiosis", "enzyme") for end in ("", "-a", "-b", "-c", "-d")]


def seed_with_second_reading() -> int:
    """Return the seed of an audit whose first page has two reviewers, and no other page."""
    frame = read_frame([Path("site")], Path("out"), default_profile())
    limits = Limits(tolerance=0.1)
    for seed in range(1_000):
        plan = make_plan("spring", frame, DecisionLog(), at=NOW, seed=seed, limits=limits)
        urls = [plan.pages[place].url for place in plan.order]
        if [plan.wants_second(url) for url in urls] == [True] + [False] * (len(urls) - 1):
            return seed
    raise AssertionError("no seed will do")


@pytest.fixture
def shared() -> Iterator[Served]:
    """A server behind a proxy that names the reviewer."""
    write_site(**{name: {DESCRIPTION: LONG_DESCRIPTION, "score": 0.8125} for name in NAMES[:6]})
    write_audit(OutputFolder(Path("out")), seed=seed_with_second_reading(), tolerance=0.1)
    with serving(header=HEADER) as served:
        yield served


def as_reader(open_desk: OpenDesk, served: Served, name: str) -> Desk:
    desk: Desk = open_desk(served, extra_http_headers={HEADER: name})
    return desk


def everything(desk: Desk) -> str:
    """Return all that the browser was sent for this screen: the document, its data and its scripts' texts."""
    content = desk.page.request.get(desk.page.url, headers={HEADER: desk_reader(desk)}).text()
    return content + desk.page.content()


def desk_reader(desk: Desk) -> str:
    return desk.page.locator(".who .name").inner_text()


def test_a_second_reader_sees_nothing_of_the_first(open_desk: OpenDesk, shared: Served) -> None:
    first = as_reader(open_desk, shared, "Ann")
    first.open("/review", queue="audit:spring")
    while "nothing left" not in first.title:
        if not recorded():
            first.page.keyboard.press("r")
            first.page.get_by_label("Note (optional)").fill("Ann found a wrong number.")
            first.leave(first.page.get_by_role("button", name="Factual error").click)
        else:
            first.press("a")
    lines = recorded()
    assert lines[0]["action"] == "reject"
    assert all(line["blind"] and line["draw"]["plan"] == "spring" for line in lines)
    assert all("score" not in line["seen"] for line in lines)

    second = as_reader(open_desk, shared, "Bob")
    second.open("/review", queue="second")
    seen = everything(second)
    assert "Blind reading" in seen
    for secret in ("Ann", "wrong number", "0.81", "81", "QT601", "rejected", "approved", "Score"):
        assert secret not in seen, secret
    for path in ("/pages?queue=second", "/pages?queue=audit:spring", "/history", f"/history?url={second.url}"):
        second.open(path)
        listed = second.page.locator("main").inner_text()
        assert "wrong number" not in listed, path
        assert "0.81" not in listed, path


def test_the_pair_of_a_second_reader_has_no_names(open_desk: OpenDesk) -> None:
    write_rewrites("osmosis", "mitosis", answers=("osmosis", "mitosis"))
    with serving(header=HEADER) as shared:
        first = as_reader(open_desk, shared, "Ann")
        first.open("/review", queue="rewrites")
        first.press("r", "1")
        second = as_reader(open_desk, shared, "Bob")
        second.open("/review", queue="second", url=recorded()[0]["url"])
        seen = everything(second)
        for secret in (
            "Ann",
            "says less",
            "metrics",
            "verdict",
            "kept the old",
            "Factual error:",
            "QT601",
            '"fields": {"',
        ):
            assert secret not in seen, secret
        tabs = second.page.get_by_role("tab").all_inner_texts()
        assert [one.split()[0] for one in tabs] == ["A", "B", "Search"]
        second.page.keyboard.press("a")
        assert "Choose the better text first" in second.status.inner_text()
        second.page.get_by_label("No difference").check()
        second.press("a")
    line = recorded()[-1]
    assert (line["who"], line["prefers"], line["blind"]) == ("Bob", "same", True)


def test_a_dispute_is_settled_by_a_third_reader(open_desk: OpenDesk, shared: Served) -> None:
    first, second = as_reader(open_desk, shared, "Ann"), as_reader(open_desk, shared, "Bob")
    first.open("/review", queue="audit:spring")
    while "nothing left" not in first.title:
        first.press("a")
    second.open("/review", queue="second")
    disputed = second.url
    second.press("r", "1")
    third = as_reader(open_desk, shared, "Cleo")
    third.open("/audits/spring")
    assert "Reviewers disagree" in third.page.locator("main").inner_text()
    third.leave(
        third.page.locator("section", has_text="Reviewers disagree")
        .get_by_role("listitem")
        .get_by_role("link")
        .first.click
    )
    assert third.url == disputed
    assert "Your decision settles it" in third.page.locator("main").inner_text()
    third.press("a")
    line = recorded()[-1]
    assert (line["who"], line["action"], line["acceptable"], line["url"]) == ("Cleo", "adjudicate", True, disputed)
    third.open("/audits/spring")
    assert "Reviewers disagree" not in third.page.locator("main").inner_text()


def test_readers_see_who_has_a_page_open(open_desk: OpenDesk, shared: Served) -> None:
    first, second = as_reader(open_desk, shared, "Ann"), as_reader(open_desk, shared, "Bob")
    first.open("/review", queue="flagged")
    first.page.wait_for_load_state("networkidle")
    second.open("/review", url=first.url)
    second.page.locator("#reserved:visible").wait_for()
    assert second.page.locator("#reserved").inner_text() == "Ann opened this just now."
    assert first.page.locator("#reserved").is_hidden()


def test_a_stranger_behind_no_proxy_may_not_enter(open_page: OpenPage, shared: Served) -> None:
    page = open_page()
    reply = page.goto(shared.address)
    assert reply is not None
    assert reply.status == 403
    assert HEADER in page.locator("main").inner_text()


def qtgen(*arguments: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[3])
    return subprocess.run(
        [sys.executable, "-m", "qtgen", *arguments],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": root},
        timeout=60,
        check=False,
    )


@contextmanager
def planned(*options: str) -> Iterator[Served]:
    """Freeze an audit with the command, and serve it."""
    made = qtgen("review", "plan", "spring", "site", "--out", "out", *options)
    assert made.returncode == 0, made.stderr
    with serving(header=HEADER) as served:
        yield served


def test_an_audit_from_its_plan_to_its_result(open_desk: OpenDesk) -> None:
    write_site(**{name: {} for name in NAMES})
    with planned("--tolerance", "0.4", "--confidence", "0.9") as shared:
        desk = as_reader(open_desk, shared, "Ann")
        desk.click("spring", "link", exact=True)
        assert desk.page.locator(".badge").first.inner_text() == "running"
        desk.click("Read the next page", "link")
        total = 0
        while "nothing left" not in desk.title and total < len(NAMES):
            desk.press("a")
            total += 1
        desk.open("/audits/spring")
        assert desk.page.locator("main .badge").first.inner_text() == "accepted"
        assert total < len(NAMES), "a sample is enough"
        assert all(
            line["draw"] == {"plan": "spring", "probability": line["draw"]["probability"]} for line in recorded()
        )
        desk.open("/agreement")
    result = qtgen("review", "stats", "spring", "--out", "out", "--require-accepted")
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_audit_with_too_many_bad_pages_is_not_accepted(open_desk: OpenDesk) -> None:
    write_site(**{name: {} for name in NAMES[:8]})
    with planned("--tolerance", "0.3") as shared:
        desk = as_reader(open_desk, shared, "Ann")
        desk.open("/review", queue="audit:spring")
        desk.press("r", "1")
        desk.open("/audits/spring")
        assert desk.page.locator("main .badge").first.inner_text() == "not accepted"
        desk.open("/")
        assert "not accepted" in desk.page.locator("[data-audit=spring]").inner_text()
    assert qtgen("review", "stats", "spring", "--out", "out", "--require-accepted").returncode == 1
