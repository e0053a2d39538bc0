"""The index: what it knows about pages, what it keeps between runs, and that it is never wrong about a file."""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from qtgen.errors import UsageError
from qtgen.generation.decisions import State
from qtgen.page.profile import default_profile, parse_profile
from qtgen.review.index.index import ReviewIndex
from qtgen.review.index.page_filter import PageFilter
from qtgen.review.types import FindingCount
from qtgen.validation.selection import choose_rules
from support import ROOT
from support.review_pages import (
    append_decision,
    append_provenance,
    decide,
    digests_at,
    make_decision,
    make_rewrite,
    open_index,
    write_site,
)
from support.sites import change_page

TITLES = ["What is osmosis?", "Why do cells divide?", "How do enzymes work?"]


def titles(index: ReviewIndex, **query: str) -> list[str]:
    return [page.title for page in index.search(PageFilter.from_query(query)).pages]


def test_a_page_has_what_the_lists_show() -> None:
    url = write_site(TITLES[:1], score=0.75)[0]
    append_provenance(url, "2026-11-20", "old-model")
    append_provenance(url, "2026-11-27", "gpt-4o-mini")
    index = open_index()
    page = index.page(url)
    assert page is not None
    assert (page.title, page.subject, page.score) == (TITLES[0], "Biology", 0.75)
    assert page.path == "site/biology/what-is-osmosis.md"
    assert page.batch == "2026-11-27 gpt-4o-mini"
    assert page.digests == digests_at(page.path)
    assert len(page.file_digest) == 16
    assert (page.state, page.decision, page.problem) == (State.OPEN, None, "")
    assert index.page("/nowhere") is None
    assert index.page("") is None


def test_findings_are_those_of_the_validator() -> None:
    url = write_site(TITLES[:1], **{"seo.page_keywords": "one, two"})[0]
    page = open_index().page(url)
    assert page is not None
    assert FindingCount("QT603", "warning", 1) in page.findings
    assert (
        open_index(rules=choose_rules(ignore=["QT603"], profile=default_profile()))
        .search(PageFilter(rule="QT603"))
        .total
        == 0
    )


def test_no_page_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = write_site(TITLES)
    open_index().close()
    for reader in ("qtgen.review.index.check_pass.read_file", "qtgen.site.discovery.read_page"):
        monkeypatch.setattr(reader, lambda *_: pytest.fail("a page was read"))
    index = open_index()
    assert [index.page(url) is not None for url in urls] == [True] * 3


def test_each_page_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    write_site(TITLES)
    reads: list[str] = []
    real = os.open

    def note(path: str, *rest: int, **more: int | None) -> int:
        reads.append(path)
        return real(path, *rest, **more)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(os, "open", note)
    open_index()
    assert sorted(path for path in map(str, reads) if path.endswith(".md")) == sorted(
        map(str, Path("site").rglob("*.md"))
    )


def test_a_file_that_changed_is_read_again_also_if_it_changed_just_now() -> None:
    url = write_site(TITLES[:1])[0]
    path = Path("site/biology/what-is-osmosis.md")
    open_index(now_ns=path.stat().st_ctime_ns).close()
    status = path.stat()
    path.write_text(path.read_text().replace("score: -1.0", "score: 0.25"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    page = open_index().page(url)
    assert page is not None
    assert page.score == 0.25


def test_pages_that_are_gone_leave_the_index() -> None:
    first, second, _ = write_site(TITLES)
    open_index().close()
    Path("site/biology/what-is-osmosis.md").unlink()
    index = open_index()
    assert index.page(first) is None
    assert index.page(second) is not None
    assert index.facets.pages == 2


@pytest.mark.parametrize("damage", ["text", "folder"])
def test_a_damaged_index_costs_nothing_but_time(damage: str) -> None:
    url = write_site(TITLES[:1])[0]
    index = open_index()
    index.close()
    [file] = Path(".qtgen/cache").glob("review-*.sqlite")
    file.unlink()
    if damage == "text":
        file.write_text("no database" * 1000)
    else:
        file.mkdir()
    assert open_index().page(url) is not None


def test_decisions_give_the_state_of_a_page() -> None:
    urls = write_site(TITLES)
    index = open_index()
    decision = decide(index, urls[0], "reject", "Ann", reasons=("fact",))
    append_decision(decision)
    for known in (index, open_index()):
        page = known.page(urls[0])
        assert page is not None
        assert (page.state, page.decision, page.reviewer) == (State.REJECTED, decision.id, "Ann")
        assert page.decided_at == decision.at
    index.record(make_decision(urls[0], {}, "undo", undoes=decision.id, at="2026-11-27T10:00:00.000Z"))
    page = index.page(urls[0])
    assert page is not None
    assert (page.state, page.decision, page.reviewer) == (State.OPEN, None, "")


def test_a_text_that_changed_after_its_decision_is_returned_and_new_links_change_nothing() -> None:
    urls = write_site(TITLES)
    index = open_index()
    decide(index, urls[0])
    path = Path("site/biology/what-is-osmosis.md")
    change_page(path, id=99)
    index.update(path)
    page = index.page(urls[0])
    assert page is not None
    assert page.state is State.APPROVED
    change_page(path, answer="Another answer.")
    index.update(path.absolute())
    page = index.page(urls[0])
    assert page is not None
    assert page.state is State.RETURNED


def test_an_update_checks_the_page_and_keeps_findings_between_pages() -> None:
    urls = write_site(TITLES)
    index = open_index()
    path = Path("site/biology/what-is-osmosis.md")
    before = index.page(urls[0])
    assert before is not None
    assert {one.code for one in before.findings} == {"QT409"}
    assert index.facets.rules["QT603"] == 0
    change_page(path, **{"seo.page_keywords": "one, two", "subject": "Physics"})
    index.update(path)
    page = index.page(urls[0])
    assert page is not None
    assert {"QT409", "QT603"} <= {one.code for one in page.findings}
    assert index.facets.rules["QT603"] == 1
    assert index.facets.choices(index.facets.subjects) == [("Biology", 2), ("Physics", 1)]


def test_an_update_adds_and_removes_pages_and_ignores_other_files() -> None:
    urls = write_site(TITLES)
    index = open_index()
    [new] = write_site(["What is a star?"], "Physics")
    path = Path("site/physics/what-is-a-star.md")
    index.update(path)
    assert index.page(new) is not None
    path.unlink()
    index.update(path)
    assert index.page(new) is None
    version = index.version
    for other in ("elsewhere/page.md", "site/.hidden/page.md", "site/notes.txt"):
        index.update(Path(other))
    assert index.version == version
    assert index.facets.pages == len(urls)


def test_of_pages_with_the_same_url_the_first_one_has_it() -> None:
    urls = write_site(TITLES[:2])
    second = Path("site/biology/why-do-cells-divide.md")
    change_page(second, url=urls[0])
    index = open_index()
    page = index.page(urls[0])
    assert page is not None
    assert page.path == "site/biology/what-is-osmosis.md"
    [twin] = index.search(PageFilter(state="problem")).pages
    assert twin.path == str(second)
    assert twin.problem == "`site/biology/what-is-osmosis.md` has the same `url`. Change the `url` of one of them."
    Path(page.path).unlink()
    index.update(Path(page.path))
    page = index.page(urls[0])
    assert page is not None
    assert (page.path, page.problem) == (str(second), "")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "The page cannot be read: the file is empty. Fix the file."),
        (b"no front matter", "The page cannot be read: no line `---` opens the front matter. Fix the file."),
        (b"---\ntitle: \xff\n---\n", "The page cannot be read: not UTF-8: byte 0xff at offset 11. Fix the file."),
        (b"---\ntitle: A\n---\n", "The page has no `url`. Add one to its front matter."),
        (b"---\nurl: /a\n---\n", "The page has no `answer`. Write one, or generate the page again."),
        (b"x" * ((1 << 20) + 1), "The page cannot be read: 1,048,577 bytes; the maximum is 1,048,576. Fix the file."),
    ],
)
def test_a_page_that_cannot_be_reviewed_is_listed_with_one_sentence(raw: bytes, problem: str) -> None:
    write_site(TITLES[:1])
    Path("site/bad.md").write_bytes(raw)
    index = open_index()
    [page] = index.search(PageFilter(state="problem")).pages
    assert (page.path, page.problem) == ("site/bad.md", problem)
    assert index.search(PageFilter()).total == 2


def test_a_page_of_1_mib_is_indexed() -> None:
    url = write_site(TITLES[:1])[0]
    path = Path("site/biology/what-is-osmosis.md")
    change_page(path, answer="word " * ((1 << 20) // 5 - 500) + "end.")
    assert 1 << 19 < path.stat().st_size <= 1 << 20
    page = open_index().page(url)
    assert page is not None
    assert page.problem == ""


def test_names_and_titles_that_are_no_valid_text() -> None:
    write_site(TITLES[:1])
    raw = Path("site/biology/what-is-osmosis.md").read_bytes()
    path = os.fsdecode(b"site/\xff.md")
    Path(path).write_bytes(raw.replace(b"What is osmosis?", b'"\\ud800 half"', 1).replace(b'>-\n    "', b'"', 1))
    pages = open_index().search(PageFilter()).pages
    assert {page.path for page in pages} == {"site/biology/what-is-osmosis.md", path}


def test_an_empty_folder_has_no_pages_and_a_missing_one_is_an_error() -> None:
    Path("empty").mkdir()
    index = open_index("empty")
    assert index.search(PageFilter()).total == 0
    assert index.notes == ["empty: no pages (*.md) in this folder"]
    with pytest.raises(UsageError, match="missing: no such file or folder"):
        open_index("missing")


def test_files_outside_the_folders_and_read_only_files_are_not_writable(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = write_site(TITLES)
    path = Path("site/biology/what-is-osmosis.md")
    Path("elsewhere.md").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(Path("elsewhere.md").absolute())
    index = open_index()
    writable = {url: page.is_writable for url in urls if (page := index.page(url))}
    assert writable == {urls[0]: False, urls[1]: True, urls[2]: True}
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    page = index.page(urls[1])
    assert page is not None
    assert not page.is_writable


def test_filters_and_orders() -> None:
    urls = write_site(TITLES, score=0.5)
    star = write_site(["What is a star?"], "Physics", score=0.9, **{"seo.page_keywords": "one, two"})[0]
    write_site(["Who was Noether?"], "Mathematics")
    append_provenance(star, "2026-11-27", "big")
    index = open_index()
    decide(index, urls[0], "approve", "Ann", at="2026-11-27T10:00:00.000Z")
    decide(index, urls[1], "reject", "Ben", at="2026-11-27T11:00:00.000Z")
    assert titles(index) == sorted([*TITLES, "What is a star?", "Who was Noether?"])
    assert titles(index, sort="-title") == titles(index)[::-1]
    assert titles(index, state="approved") == [TITLES[0]]
    assert titles(index, subject="Physics") == titles(index, rule="QT603") == ["What is a star?"]
    assert titles(index, batch="2026-11-27 big") == titles(index, score_from="0.6") == ["What is a star?"]
    assert titles(index, score_below="0.6", sort="title") == sorted(TITLES)
    assert titles(index, reviewer="Ben") == [TITLES[1]]
    assert titles(index, q="WHAT is") == ["What is a star?", TITLES[0]]
    assert titles(index, q="biology work") == ["How do enzymes work?"]
    assert titles(index, q="100%") == titles(index, q="_") == []
    assert titles(index, sort="-decided")[:2] == [TITLES[1], TITLES[0]]
    assert titles(index, sort="score")[-1] == titles(index, sort="-score")[-1] == "Who was Noether?"
    assert titles(index, sort="-findings")[0] == titles(index, sort="-score")[0] == "What is a star?"
    assert titles(index, sort="subject")[-1] == "What is a star?"


def test_a_list_has_parts_and_a_total() -> None:
    write_site([f"What is number {number:02}?" for number in range(7)])
    index = open_index()
    part = index.search(PageFilter(), 3, 3)
    assert [page.title for page in part.pages] == [f"What is number {number:02}?" for number in (3, 4, 5)]
    assert part.total == 7
    assert index.search(PageFilter(), 6, 3).total == 7
    beyond = index.search(PageFilter(), 50, 3)
    assert (list(beyond.pages), beyond.total) == ([], 7)


def test_rewrites_are_noted_until_a_later_decision() -> None:
    urls = write_site(TITLES)
    index = open_index()
    decide(index, urls[0], "send-back", at="2026-11-19T09:00:00.000Z")
    index.set_rewrites({urls[0]: make_rewrite(urls[0]), urls[1]: make_rewrite(urls[1], is_taken=True)})
    shown = [page.rewrite for url in urls if (page := index.page(url))]
    assert shown == ["kept", "taken", ""]
    index.set_rewrites({})
    assert index.search(PageFilter()).total == 3
    assert not any(page.rewrite for page in index.search(PageFilter()).pages)


def test_without_a_cache_folder_the_index_is_in_memory() -> None:
    url = write_site(TITLES[:1])[0]
    Path(".qtgen").write_text("a file")
    assert open_index().page(url) is not None


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE pages; CREATE TABLE pages (path)",
        "CREATE TRIGGER full BEFORE UPDATE ON pages BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
    ],
)
def test_an_index_that_cannot_be_written_is_kept_in_memory(damage: str, caplog: pytest.LogCaptureFixture) -> None:
    urls = write_site(TITLES)
    open_index().close()
    [file] = Path(".qtgen/cache").glob("review-*.sqlite")
    with closing(sqlite3.connect(file)) as database:
        database.executescript(damage)
    change_page(Path("site/biology/what-is-osmosis.md"), score=0.5)
    with caplog.at_level(logging.WARNING):
        index = open_index()
    page = index.page(urls[0])
    assert page is not None
    assert page.score == 0.5
    assert index.search(PageFilter()).total == 3
    assert len(caplog.messages) == 1


def test_pages_of_the_corpus_are_compared_and_not_listed() -> None:
    urls = write_site(TITLES)
    write_site(["What is a star?"], "Physics")
    star = Path("site/physics/what-is-a-star.md")
    change_page(star, id=1)
    assert open_index("site/biology").search(PageFilter(rule="QT402")).total == 0
    index = open_index("site/biology", corpus=Path("site"))
    assert index.search(PageFilter()).total == len(urls)
    assert [page.url for page in index.search(PageFilter(rule="QT402")).pages] == urls[:1]


def test_threads_may_share_the_index() -> None:
    from concurrent.futures import ThreadPoolExecutor

    urls = write_site(TITLES)
    index = open_index()

    def work(number: int) -> int:
        url = urls[number % 3]
        decide(index, url, who=f"reviewer {number}", at=f"2026-11-27T09:30:{number:02}.000Z")
        return index.search(PageFilter(state="approved")).total

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(work, range(24))) == 3


def test_the_index_of_other_paths_is_another_one() -> None:
    write_site(TITLES)
    write_site(["What is a star?"], "Physics")
    open_index().close()
    assert open_index("site/physics").search(PageFilter()).total == 1
    assert open_index().search(PageFilter()).total == 4
    assert len([*Path(".qtgen/cache").glob("review-*.sqlite")]) == 2


def test_the_index_of_a_site_in_another_folder_is_another_one() -> None:
    raw = (ROOT / "tests" / "fixtures" / "sites" / "workshop" / "site.toml").read_bytes()
    write_site(TITLES)
    for folder in ("one", "two", "one"):
        open_index(profile=parse_profile(raw, Path(folder).absolute() / "site.toml")).close()
    assert len([*Path(".qtgen/cache").glob("review-*.sqlite")]) == 2


def test_the_database_is_never_waited_for_by_another_process() -> None:
    url = write_site(TITLES[:1])[0]
    index = open_index()
    [file] = Path(".qtgen/cache").glob("review-*.sqlite")
    other = sqlite3.connect(file)
    other.execute("SELECT count(*) FROM pages").fetchall()
    decide(index, url)
    other.close()
