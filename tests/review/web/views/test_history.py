"""The history: every decision with undo, and the lines that are none."""

import re
from html import unescape
from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.review.index.queues import QueueSources
from qtgen.review.types import Viewer
from qtgen.review.web.views.history import history_view
from support.html_outline import OutlineParser
from support.review_pages import Lists, append_decision, decide, make_decision, open_lists, render, words, write_site

TITLES = ["What is osmosis?", "Why do cells divide?", "How do enzymes work?"]


def html_of(lists: Lists, who: str = "Ann", **query: str) -> str:
    lists.index.statements = 0
    html = render(history_view(lists, query, Viewer(who)), who)
    assert lists.index.statements <= 6
    assert len(html.encode()) <= 100_000
    OutlineParser(html)
    return html


def undo_buttons(html: str) -> list[str]:
    return re.findall(r'data-undo="([^"]*)"', html)


@pytest.fixture
def lists() -> Lists:
    write_site(TITLES)
    return open_lists()


def urls_of(lists: Lists) -> list[str]:
    return [
        f"/learn/biology/questions/{name}" for name in ("what-is-osmosis", "why-do-cells-divide", "how-do-enzymes-work")
    ]


def test_decisions_are_listed_the_last_one_first(lists: Lists) -> None:
    urls = urls_of(lists)
    decide(
        lists.index, urls[0], "reject", "Ann", "2026-11-27T09:00:00.000Z", reasons=("fact",), note="The <date> is wrong"
    )
    decide(lists.index, urls[1], "approve", "Ben", "2026-11-27T10:00:00.000Z", blind=True)
    text = words(html_of(lists))
    assert "approved blind Ben 2026-11-27 10:00" in text
    assert "rejected Factual error The <date> is wrong Ann 2026-11-27 09:00" in text
    assert text.index("Why do cells divide?") < text.index("What is osmosis?")


def test_undo_has_what_the_script_needs(lists: Lists) -> None:
    urls = urls_of(lists)
    first = decide(lists.index, urls[0], at="2026-11-27T09:00:00.000Z")
    undo = make_decision(urls[0], {}, "undo", "Ann", "2026-11-27T10:00:00.000Z", undoes=first.id)
    html = html_of(lists)
    page = lists.index.page(urls[0])
    assert page is not None
    assert undo_buttons(html) == [first.id]
    assert f'data-url="{urls[0]}" data-file-digest="{page.file_digest}"' in html
    lists.index.record(undo)
    html = html_of(lists)
    assert undo_buttons(html) == [undo.id]  # an undo can be undone, and what is undone cannot
    assert "undid: approved" in words(html)
    assert "approved undone" in words(html)
    assert undo_buttons(render(history_view(lists, {}, Viewer("Ann", may_write=False)))) == []


def test_filters(lists: Lists) -> None:
    urls = urls_of(lists)
    decide(lists.index, urls[0], "approve", "Ann")
    decide(lists.index, urls[0], "skip", "Ben", "2026-11-27T10:00:00.000Z")
    decide(lists.index, urls[1], "reject", "Ben", "2026-11-27T11:00:00.000Z")
    assert "2 decisions" in html_of(lists, who="Ann", url=urls[0])
    assert "2 decisions" in render(history_view(lists, {"who": "Ben"}, Viewer("Ann")))
    html = render(history_view(lists, {"who": "Ben", "action": "reject"}, Viewer("Ann")))
    assert "1 decision<" in html
    assert {"/history?who=Ben", "/history?action=reject", "/history"} <= {
        unescape(one) for one in re.findall(r'href="([^"]*)"', html)
    }
    assert "No decision matches these filters." in html_of(lists, url="/unknown")
    with pytest.raises(UsageError, match="unknown action `like`; choose one of: approve, reject"):
        html_of(lists, action="like")


def test_a_long_history_has_parts(lists: Lists) -> None:
    url = urls_of(lists)[0]
    for number in range(120):
        decide(lists.index, url, "skip", "A" * 100, f"2026-11-27T09:30:00.{number:03}Z", note="x" * 5_000)
    html = html_of(lists)
    assert "1–50 of 120 decisions" in html
    assert "101–120 of 120 decisions" in html_of(lists, offset="100")
    assert "The list has become shorter" in html_of(lists, offset="150")


def test_pages_that_are_gone_keep_their_decisions(lists: Lists) -> None:
    url = urls_of(lists)[0]
    decide(lists.index, url)
    path = Path("site/biology/what-is-osmosis.md")
    path.unlink()
    lists.index.update(path)
    html = html_of(lists)
    assert f"{url} (gone)" in words(html)
    assert undo_buttons(html) == []


def test_a_second_reader_does_not_see_the_first_verdict() -> None:
    urls = write_site(TITLES)
    lists = open_lists(QueueSources(second=lambda who: urls[:1] if who == "Ann" else []))
    decide(lists.index, urls[0], "reject", "Ben", reasons=("fact",))
    html = html_of(lists)
    assert "You are the second reviewer of this page. Judge it first." in html
    assert not re.search("Factual error|>rejected</span>|data-undo", html)
    assert "Factual error" in html_of(lists, who="Ben")


def test_lines_that_are_no_decisions_are_listed_with_the_reason() -> None:
    urls = write_site(TITLES)
    append_decision(make_decision(urls[0], {"answer": "0"}))
    with Path("site/.qtgen/decisions.jsonl").open("a") as file:
        file.write(
            '{"v": 1}\n{"v": 9, "id": "a", "at": "2026-11-27T09:30:00Z", "who": "Ann", "action": "skip", "url": "", "texts": {}}\n{"torn'
        )
    html = html_of(open_lists())
    text = words(html)
    assert "3 lines of the file cannot be read." in text
    assert "2 not a decision: Object missing required field `id`" in text
    assert "3 written by a newer qtgen (version 9)" in text
    assert "4 not a decision: Input data was truncated" in text


def test_without_decisions_the_history_leads_to_the_queues(lists: Lists) -> None:
    html = html_of(lists)
    assert "Nobody has decided yet." in html
    assert "Choose a queue" in html
