"""The list of pages: rows, filters, links between its parts, and what a second reviewer does not see."""

import json
import re
from html import unescape
from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.review.index.queues import QueueSources
from qtgen.review.types import Viewer
from qtgen.review.web.views.errors import NotFound
from qtgen.review.web.views.pages import pages_view
from support.html_outline import OutlineParser
from support.review_pages import Lists, append_provenance, decide, make_rewrite, open_lists, render, words, write_site
from support.sites import change_page

ANN = Viewer("Ann")
TITLES = ["What is osmosis?", "Why do cells divide?", "How do enzymes work?"]


def html_of(lists: Lists, **query: str) -> str:
    lists.index.statements = 0
    html = render(pages_view(lists, query, ANN))
    assert lists.index.statements <= 6
    assert len(html.encode()) <= 100_000
    OutlineParser(html)  # every element is closed
    assert "style=" not in html
    assert not re.search(r"<script(?![^>]*src=)", html)
    return html


def links(html: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]*)"', html)]


def rows(html: str) -> list[str]:
    return re.findall(r'<th role="rowheader".*?<a href="[^"]*">(.*?)</a>', html)


def test_a_row_shows_what_is_known_about_a_page() -> None:
    url = write_site(TITLES[:1], score=0.75, **{"seo.page_keywords": "one, two"})[0]
    lists = open_lists()
    decide(lists.index, url, "reject", "Zoë")
    html = html_of(lists)
    text = words(html)
    assert "What is osmosis? /learn/biology/questions/what-is-osmosis Biology Rejected 0.75 1 warning" in text
    assert "QT603" in text
    assert "Zoë 2026-11-27 09:30" in text
    assert "/review?url=%2Flearn%2Fbiology%2Fquestions%2Fwhat-is-osmosis" in links(html)


def test_fifty_rows_and_links_to_the_other_parts() -> None:
    write_site([f"What is number {number:03}?" for number in range(120)])
    lists = open_lists()
    first = html_of(lists, q="number")
    assert len(rows(first)) == 50
    assert "1–50 of 120 pages" in first
    assert "/pages?q=number&offset=50" in links(first)
    middle = html_of(lists, q="number", offset="50")
    assert rows(middle)[0] == "What is number 050?"
    assert {"/pages?q=number", "/pages?q=number&offset=100"} <= {*links(middle)}
    last = html_of(lists, offset="100")
    assert len(rows(last)) == 20
    assert not any(link.endswith("offset=150") for link in links(last))
    beyond = html_of(lists, offset="5000")
    assert "The list has become shorter" in beyond
    assert "/pages?offset=100" in links(beyond)


def test_active_filters_can_be_removed_one_by_one() -> None:
    urls = write_site(TITLES, score=0.5)
    append_provenance(urls[0], "2026-11-27", "big")
    lists = open_lists()
    decide(lists.index, urls[0])
    html = html_of(
        lists,
        q="osmosis",
        state="approved",
        subject="Biology",
        score_from="0.25",
        score_below="0.75",
        reviewer="Ann",
        batch="2026-11-27 big",
        sort="-score",
    )
    assert rows(html) == ["What is osmosis?"]
    without_text = "/pages?state=approved&subject=Biology&score_from=0.25&score_below=0.75&reviewer=Ann&batch=2026-11-27+big&sort=-score"
    assert without_text in links(html)
    assert html.count('class="chip"') == 7
    assert '<option value="approved" selected>' in html
    assert "<details open>" in html
    assert "<details>" in html_of(lists, q="osmosis")


def test_headers_sort_and_say_how() -> None:
    write_site(TITLES)
    lists = open_lists()
    html = html_of(lists, q="o")
    assert re.search(r'class="c-title" aria-sort="ascending"><a href="/pages\?q=o&amp;sort=-title">', html)
    assert "/pages?q=o&sort=-findings" in links(html)  # the worst pages first
    html = html_of(lists, sort="-findings")
    assert re.search(r'class="c-findings" aria-sort="descending"><a href="/pages\?sort=findings">', html)
    assert 'name="sort" value="-findings"' in html


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"state": "opne"}, "unknown state `opne`; did you mean `open`?"),
        ({"sort": "size"}, "unknown sort `size`; choose one of: title"),
        ({"rule": "%"}, "no rule has the code `%`; rules have codes such as QT201"),
        ({"score_from": "high"}, "`high` is no score; give a number from 0 to 1"),
        ({"score_below": "nan"}, "`nan` is no score"),
        ({"q": "a " * 2_000}, "the text to search for is too long; give at most 200 characters"),
        ({"offset": "-1"}, "`-1` is no offset"),
        ({"offset": "9" * 5000}, "is no offset"),
    ],
)
def test_values_that_are_wrong(query: dict[str, str], message: str) -> None:
    write_site(TITLES[:1])
    with pytest.raises(UsageError) as error:
        pages_view(open_lists(), query, ANN)
    assert message in str(error.value)
    assert len(str(error.value)) < 300


def test_an_unknown_queue_is_not_found() -> None:
    write_site(TITLES[:1])
    with pytest.raises(NotFound, match="no queue is called `nexr`; did you mean `next`"):
        pages_view(open_lists(), {"queue": "nexr"}, ANN)


def test_hostile_titles_are_text_and_invisible_characters_are_shown() -> None:
    write_site(TITLES[:1])
    path = Path("site/biology/what-is-osmosis.md")
    change_page(path, title="<script>alert(1)</script>\u202egnp.exe", subject='"><img src=x onerror=alert(1)>')
    html = html_of(open_lists())
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "\u202e" not in html
    assert '<span class="invisible" title="right-to-left override">U+202E</span>' in html


def test_a_title_of_a_megabyte_and_a_thousand_subjects_fit_the_screen() -> None:
    write_site(TITLES)
    path = Path("site/biology/what-is-osmosis.md")
    change_page(path, title="long " * 150_000)
    raw = Path("site/biology/why-do-cells-divide.md").read_text()
    for number in range(300):
        Path(f"site/biology/{number}.md").write_text(
            raw.replace("subject: Biology", f"subject: Subject {number} {'x' * 60}").replace(
                "/why-do-cells-divide", f"/page-{number}"
            )
        )
    html_of(open_lists())


def test_pages_that_cannot_be_reviewed_say_why() -> None:
    write_site(TITLES[:1])
    Path("site/bad.md").write_text("no front matter")
    html = html_of(open_lists(), state="problem")
    assert "The page cannot be read: no line <code>---</code> opens the front matter. Fix the file." in html
    assert rows(html) == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({}, "There are no pages yet. Run <code>qtgen generate</code>"),
        ({"q": "xyz"}, "No page matches these filters. Remove one of them."),
        ({"queue": "rewrites"}, "There are no pages yet."),
    ],
)
def test_empty_lists_name_the_next_step(query: dict[str, str], sentence: str) -> None:
    Path("site").mkdir()
    html = html_of(open_lists(), **query)
    assert sentence in html


def test_a_queue_that_is_done_leads_to_the_others() -> None:
    write_site(TITLES)
    html = html_of(open_lists(), queue="rewrites")
    assert "Nothing waits here. Choose another queue on the overview." in html
    assert "Review this queue" not in html


def test_a_queue_leads_through_its_pages() -> None:
    urls = write_site(TITLES)
    lists = open_lists()
    lists.index.set_rewrites({url: make_rewrite(url) for url in urls[:2]})
    html = html_of(lists, queue="rewrites")
    assert len(rows(html)) == 2
    assert "/review?queue=rewrites" in links(html)
    assert f"/review?url={urls[0].replace('/', '%2F')}&queue=rewrites" in links(html)


def test_a_blind_reader_sees_neither_scores_nor_decisions() -> None:
    urls = write_site(TITLES, score=0.123, **{"seo.page_keywords": "one, two"})
    lists = open_lists(QueueSources(audits=lambda: ["a"], audit=lambda name, who: urls, second=lambda who: urls[:1]))
    decide(lists.index, urls[0], "reject", "Ben")
    for query in ({"queue": "audit:a", "sort": "score", "state": "rejected"}, {"queue": "second"}):
        html = html_of(lists, **query)
        assert urls[0].rpartition("/")[2] in html
        assert not re.search(r"0\.12|QT603|Rejected|Ben|aria-sort", html)
    html = html_of(lists)
    assert "You are the second reviewer of this page. Judge it first." in html
    assert html.count("0.12") == 2
    assert '<span class="badge rejected">' not in html


def test_failed_questions_are_listed() -> None:
    write_site(TITLES[:1])
    folder = Path("site/.qtgen/failed")
    folder.mkdir(parents=True)
    for number in range(60):
        record = {
            "question": f"What is <{number}>?",
            "path": "p.md",
            "error": {"kind": "k", "message": "Cut off \x1b[1m"},
        }
        (folder / f"{number:02}.json").write_text(json.dumps(record))
    lists = open_lists()
    html = html_of(lists, queue="failed")
    assert "What is &lt;0&gt;?" in html
    assert "1–50 of 60 questions" in html
    assert "U+001B" in html
    assert "51–60 of 60" in html_of(lists, queue="failed", offset="50")
    for path in folder.iterdir():
        path.unlink()
    assert "No question failed." in html_of(lists, queue="failed")
