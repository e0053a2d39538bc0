"""The overview: queues with counts, audits, states, reviewers, and what to do if there is nothing to do."""

import datetime as dt
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qtgen.review.index.queues import QueueSources
from qtgen.review.types import Viewer
from qtgen.review.web.views.overview import midnight, overview_view
from support.html_outline import OutlineParser
from support.review_pages import Lists, decide, make_decision, make_rewrite, open_lists, render, words, write_site

TITLES = ["What is osmosis?", "Why do cells divide?", "How do enzymes work?"]
MIDNIGHT = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)


def html_of(lists: Lists, who: str = "Ann") -> str:
    lists.index.statements = 0
    html = render(overview_view(lists, {}, Viewer(who), lambda: MIDNIGHT))
    assert lists.index.statements <= 6
    assert len(html.encode()) <= 100_000
    OutlineParser(html)
    return html


def counts(html: str) -> dict[str, int]:
    found = re.findall(r'data-queue="([^"]*)">\s*<span class="queue-count number">([\d,]+)', html)
    return {name: int(count.replace(",", "")) for name, count in found}


def test_queues_have_counts_and_a_sentence() -> None:
    urls = write_site(TITLES)
    lists = open_lists()
    lists.index.set_rewrites({urls[0]: make_rewrite(urls[0])})
    decide(lists.index, urls[1], "skip")
    html = html_of(lists)
    assert counts(html) == {
        "rewrites": 1, "taken": 0, "flagged": 0, "next": 2, "second": 0, "returned": 0, "mine": 1, "failed": 0,
    }  # fmt: skip
    assert "The comparison rejected the new text. Take it, or keep the old one." in html
    assert "Start with “Rewrites to judge”" in html
    assert counts(html_of(lists, "Ben"))["next"] == 3


def test_states_and_reviewers() -> None:
    urls = write_site(TITLES)
    lists = open_lists()
    decide(lists.index, urls[0], "approve", "Ann", at="2026-11-26T23:59:59.000Z")
    decide(lists.index, urls[1], "reject", "Ann", at="2026-11-27T00:00:00.000Z")
    slip = decide(lists.index, urls[2], "approve", "<Ben>", at="2026-11-27T01:00:00.000Z")
    assert "<Ben> 1 1 Ann 1 2" in words(html_of(lists)) or "Ann 1 2 <Ben> 1 1" in words(html_of(lists))
    lists.index.record(make_decision(urls[2], {}, "undo", "Ann", "2026-11-27T02:00:00.000Z", undoes=slip.id))
    decide(lists.index, urls[2], "skip", "Ann", at="2026-11-27T03:00:00.000Z")
    html = html_of(lists)
    assert "Ann 1 2 <Ben> 0 0" in words(html)
    assert "Open 1 33%" in words(html)
    assert "Approved 1 33%" in words(html)
    assert "/history?who=%3CBen%3E" in html


def test_audits_show_the_next_step() -> None:
    urls = write_site(TITLES)
    audit: Any = SimpleNamespace(
        plan=SimpleNamespace(name="november"), verdict="continue", read=112, bad=1, pending=urls, disputed=(),
        next_sentence="Read 85 more pages.",
    )  # fmt: skip
    lists = open_lists(QueueSources(audits=lambda: ["november"], audit=lambda name, who: urls), [audit])
    html = html_of(lists)
    assert "running november 112 read, 1 bad. Read 85 more pages." in words(html)
    assert 'href="/audits/november"' in html
    assert 'href="/review?queue=audit%3Anovember"' in html
    assert "audit:november" not in counts(html)


def test_without_pages_the_next_step_is_to_generate_some() -> None:
    Path("site").mkdir()
    html = html_of(open_lists())
    assert "There are no pages yet" in html
    assert "qtgen generate" in html
    assert "Start with" not in html


def test_without_decisions_and_rewrites_the_steps_towards_them_are_named() -> None:
    write_site(TITLES)
    text = words(html_of(open_lists()))
    assert "No rewrite waits. When pages are rewritten, those whose new text is in doubt come here." in text
    assert "Nobody has decided yet. Make the first decision" in text
    assert "No audit is planned." in text
    assert "Start with “Next pages”" in text


def test_when_all_is_done_the_overview_says_so() -> None:
    urls = write_site(TITLES)
    lists = open_lists()
    for url in urls:
        decide(lists.index, url)
    html = html_of(lists)
    assert "All done." in html
    assert "Every page has a decision." in html


@pytest.mark.parametrize(
    ("lines", "sentence"), [(1, "1 line of the decisions file"), (2, "2 lines of the decisions file")]
)
def test_problems_are_counted(lines: int, sentence: str) -> None:
    write_site(TITLES)
    Path("site/bad.md").write_text("no front matter")
    Path("site/.qtgen").mkdir()
    Path("site/.qtgen/decisions.jsonl").write_text("{\n" * lines)
    html = html_of(open_lists())
    assert "1 page cannot be reviewed." in html
    assert f"{sentence} cannot be read." in html


def test_the_day_begins_at_midnight_here() -> None:
    start = midnight()
    assert (start.hour, start.minute) == (0, 0)
    assert start.tzinfo is not None
