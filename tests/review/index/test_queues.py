"""Queues: which pages wait, in which order, and that a decided page leaves its queue."""

import json
from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.review.index.index import ReviewIndex
from qtgen.review.index.page_filter import PageFilter
from qtgen.review.index.queues import QUEUES, Queues, QueueSources
from support.review_pages import decide, make_rewrite, open_index, write_site
from support.sites import change_page

TITLES = ["What is osmosis?", "Why do cells divide?", "How do enzymes work?"]
BAD = {"seo.page_keywords": "one, two"}


@pytest.fixture
def index() -> ReviewIndex:
    """Three clean pages, and two with warnings and scores."""
    write_site(TITLES)
    write_site(["What is a star?"], "Physics", score=0.9, **BAD)
    write_site(["What is light?"], "Physics", score=0.2, **BAD)
    return open_index()


def titles(queues: Queues, name: str, who: str = "Ann") -> list[str]:
    found = queues.search(PageFilter(queue=name), who)
    assert found.total == queues.count(name, who)
    return [page.title for page in found.pages]


def url_of(index: ReviewIndex, title: str) -> str:
    [page] = index.search(PageFilter(q=title)).pages
    return page.url


def walk(queues: Queues, name: str, who: str = "Ann") -> list[str]:
    """Return the URLs of a queue in the order in which a reviewer sees them."""
    url = queues.first(name, who)
    seen: list[str] = []
    while url and url not in seen:
        seen.append(url)
        url = queues.neighbours(name, url, who).next
    return seen


def test_the_worst_pages_come_first(index: ReviewIndex) -> None:
    queues = Queues(index)
    assert titles(queues, "flagged") == ["What is light?", "What is a star?"]
    assert titles(queues, "next")[:2] == ["What is light?", "What is a star?"]
    assert walk(queues, "next") == [page.url for page in queues.search(PageFilter(queue="next"), "Ann").pages]


@pytest.mark.parametrize("action", ["approve", "reject", "send-back"])
def test_a_decided_page_leaves_its_queue_and_comes_back_after_an_undo(index: ReviewIndex, action: str) -> None:
    queues = Queues(index)
    url = url_of(index, "light")
    decision = decide(index, url, action)
    assert titles(queues, "flagged") == ["What is a star?"]
    assert len(titles(queues, "next")) == 4
    decide(index, url, "undo", undoes=decision.id, at="2026-11-27T10:00:00.000Z")
    assert titles(queues, "flagged") == ["What is light?", "What is a star?"]


def test_what_a_reader_skips_goes_to_their_own_queue(index: ReviewIndex) -> None:
    drafted = url_of(index, "osmosis")
    queues = Queues(index, QueueSources(drafts=lambda who: [drafted] if who == "Ann" else []))
    decide(index, url_of(index, "light"), "skip", "Ann")
    assert titles(queues, "flagged") == ["What is a star?"]
    assert titles(queues, "flagged", "An") == titles(queues, "flagged", "Ben") == ["What is light?", "What is a star?"]
    assert titles(queues, "mine") == ["What is light?", "What is osmosis?"]
    assert titles(queues, "mine", "Ben") == []


def test_a_page_whose_text_changed_is_returned(index: ReviewIndex) -> None:
    decide(index, url_of(index, "osmosis"))
    path = Path("site/biology/what-is-osmosis.md")
    change_page(path, answer="Another answer.")
    index.update(path)
    assert titles(Queues(index), "returned") == ["What is osmosis?"]


def test_rewrites_wait_until_they_are_judged(index: ReviewIndex) -> None:
    osmosis, cells, star = (url_of(index, word) for word in ("osmosis", "cells", "star"))
    queues = Queues(index)
    decide(index, cells, "send-back", at="2026-11-19T09:00:00.000Z")  # the rewrite was made because of it
    rewrites = {osmosis: make_rewrite(osmosis), cells: make_rewrite(cells), star: make_rewrite(star, is_taken=True)}
    index.set_rewrites(rewrites)
    assert set(titles(queues, "rewrites")) == {"What is osmosis?", "Why do cells divide?"}
    assert titles(queues, "taken") == ["What is a star?"]
    keep = decide(index, cells, "keep")
    decide(index, star, "approve")
    assert titles(queues, "rewrites") == ["What is osmosis?"]
    assert titles(queues, "taken") == []
    decide(index, cells, "undo", undoes=keep.id, at="2026-11-27T10:00:00.000Z")
    assert set(titles(queues, "rewrites")) == {"What is osmosis?", "Why do cells divide?"}


def test_neighbours(index: ReviewIndex) -> None:
    queues = Queues(index)
    first, second, third, *_, last = walk(queues, "next")
    assert queues.neighbours("next", second, "Ann") == (first, third)
    assert queues.neighbours("next", first, "Ann") == (None, second)
    assert queues.neighbours("next", last, "Ann").next == first  # those passed over are still there
    decide(index, second)
    assert queues.neighbours("next", second, "Ann") == (first, third)
    assert queues.neighbours("next", first, "Ann") == (None, third)
    assert queues.neighbours("next", "/unknown", "Ann") == (None, first)
    for url in walk(queues, "next")[1:]:
        decide(index, url)
    assert queues.neighbours("next", first, "Ann") == (None, None)
    decide(index, first)
    assert queues.first("next", "Ann") is None


def test_queues_that_are_lists_keep_their_order(index: ReviewIndex) -> None:
    urls = [page.url for page in index.search(PageFilter()).pages]
    order = urls[::-1]
    sources = QueueSources(
        audits=lambda: ["november"],
        audit=lambda name, who: order if (name, who) == ("november", "Ann") else [],
        second=lambda who: order[:2] if who == "Ben" else [],
        next_pages=lambda who: order[2:],
    )
    queues = Queues(index, sources)
    assert walk(queues, "audit:november") == order
    assert walk(queues, "next") == order[2:]
    assert walk(queues, "second", "Ben") == order[:2]
    assert [page.url for page in queues.search(PageFilter(queue="audit:november"), "Ann", 1, 2).pages] == order[1:3]
    assert titles(queues, "audit:november", "Ben") == []
    assert queues.neighbours("audit:november", order[1], "Ann") == (order[0], order[2])
    assert queues.neighbours("audit:november", "/unknown", "Ann") == (None, order[0])
    searched = queues.search(PageFilter(queue="audit:november", q="star"), "Ann")
    assert [page.title for page in searched.pages] == ["What is a star?"]
    assert queues.names() == [*QUEUES, "audit:november"]


def test_lists_are_made_again_when_something_changes(index: ReviewIndex) -> None:
    calls: list[str] = []
    waiting = [page.url for page in index.search(PageFilter()).pages]
    queues = Queues(index, QueueSources(second=lambda who: calls.append(who) or list(waiting)))  # type: ignore[func-returns-value]
    assert queues.count("second", "Ann") == queues.count("second", "Ann") == 5
    assert calls == ["Ann"]
    decide(index, waiting.pop())
    assert queues.count("second", "Ann") == 4
    assert queues.count("second", "Ben") == 4
    assert calls == ["Ann", "Ann", "Ben"]


def test_a_plan_that_is_made_later_orders_the_queue(index: ReviewIndex) -> None:
    plans: list[list[str]] = []
    queues = Queues(index, QueueSources(next_pages=lambda who: plans[0] if plans else None))
    assert queues.count("next", "Ann") == 5
    plans.append([page.url for page in index.search(PageFilter()).pages][::-1])
    assert walk(queues, "next") == plans[0]


def test_a_page_of_an_audit_that_is_gone_is_listed(index: ReviewIndex) -> None:
    queues = Queues(index, QueueSources(audits=lambda: ["a"], audit=lambda name, who: ["/gone"]))
    [page] = queues.search(PageFilter(queue="audit:a"), "Ann").pages
    assert (page.url, page.problem) == ("/gone", "The page is gone. It counts as changed.")


def test_pages_with_a_problem_are_in_no_queue(index: ReviewIndex) -> None:
    Path("site/bad.md").write_text("---\nurl: /a\n---\n")
    index.update(Path("site/bad.md"))
    assert index.search(PageFilter(state="problem")).total == 1
    assert Queues(index).count("next", "Ann") == 5


def test_counts_take_one_statement(index: ReviewIndex) -> None:
    queues = Queues(index)
    index.statements = 0
    counts = {one.name: one.pages for one in queues.counts("Ann")}
    assert counts == {**dict.fromkeys(QUEUES, 0), "flagged": 2, "next": 5}
    assert index.statements == 1


def test_failed_questions_are_listed_with_the_reason() -> None:
    write_site(TITLES)
    folder = Path("site/.qtgen/failed/biology")
    folder.mkdir(parents=True)
    record = {
        "question": "What is X?",
        "path": "site/biology/what-is-x.md",
        "error": {"kind": "a", "message": "Cut off"},
    }
    (folder / "a.json").write_text(json.dumps(record))
    faulty = [{"severity": "error", "code": "QT201", "message": "too long"}, {"severity": "info"}, 7]
    (folder / "b.json").write_text(json.dumps({**record, "error": None, "diagnostics": faulty}))
    (folder / "c.json").write_text("{")
    (folder / "d.json").write_text("[]")
    queues = Queues(open_index())
    reasons = [page.reason for page in queues.failed()]
    assert reasons[:2] == ["Cut off", "QT201: too long"]
    assert reasons[2].startswith("The record cannot be read:")
    assert reasons[3] == "The record is damaged."
    assert queues.count("failed", "Ann") == 4
    assert queues.neighbours("failed", "/a", "Ann") == (None, None)
    assert queues.search(PageFilter(queue="failed"), "Ann").total == 0
    (folder / "a.json").unlink()
    assert len(queues.failed()) == 3


def test_an_unknown_queue_lists_the_queues(index: ReviewIndex) -> None:
    queues = Queues(index, QueueSources(audits=lambda: ["november"]))
    with pytest.raises(UsageError, match=r"no queue is called `xyz`; there are: rewrites, .*, failed, audit:november"):
        queues.neighbours("xyz", "", "Ann")
    with pytest.raises(UsageError, match="did you mean `flagged`"):
        queues.search(PageFilter(queue="flaged"), "Ann")
