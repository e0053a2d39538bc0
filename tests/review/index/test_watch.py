"""The watcher: the index follows the files, whoever changes them, and ends when it is told to."""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qtgen.generation.decisions import DecisionLog, State
from qtgen.review.index.index import ReviewIndex
from qtgen.review.index.page_filter import PageFilter
from qtgen.review.index.watch import DecisionReader, Watcher
from support.review_pages import append_decision, digests_at, make_decision, open_index, write_site
from support.sites import change_page

TITLES = ["What is osmosis?", "Why do cells divide?", "How do enzymes work?"]
PAGE = Path("site/biology/what-is-osmosis.md")
_PATIENCE = 20.0  # seconds, after which a test fails


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the index does not follow the files"
        time.sleep(0.02)


def total(index: ReviewIndex) -> int:
    return index.search(PageFilter()).total


@pytest.fixture
def log() -> DecisionLog:
    write_site(TITLES)
    return DecisionLog()


@pytest.fixture
def index(log: DecisionLog) -> Iterator[ReviewIndex]:
    index = open_index(log=log)
    yield index
    index.close()


@pytest.fixture
def watcher(index: ReviewIndex, log: DecisionLog) -> Iterator[Watcher]:
    with Watcher(index, log) as watcher:
        assert watcher.is_watching.wait(_PATIENCE)
        yield watcher


@pytest.mark.usefixtures("watcher")
def test_pages_that_are_changed_added_and_deleted(index: ReviewIndex) -> None:
    change_page(PAGE, score=0.25)
    wait_until(lambda: index.search(PageFilter(score_below=0.5)).total == 1)
    [star] = write_site(["What is a star?"], "Physics")  # in a new folder
    wait_until(lambda: index.page(star))
    PAGE.unlink()
    wait_until(lambda: total(index) == 3)


@pytest.mark.usefixtures("watcher")
def test_folders_that_move(index: ReviewIndex) -> None:
    Path("site/biology").rename("site/life")
    wait_until(lambda: {page.path[:10] for page in index.search(PageFilter()).pages} == {"site/life/"})
    shutil.rmtree("site/life")
    wait_until(lambda: total(index) == 0)


@pytest.mark.usefixtures("watcher")
def test_a_folder_that_is_replaced_as_git_does_it(index: ReviewIndex) -> None:
    Path("site").rename("old")
    wait_until(lambda: total(index) == 0)
    shutil.copytree("old", "site")
    wait_until(lambda: total(index) == 3)
    PAGE.unlink()
    wait_until(lambda: total(index) == 2)


@pytest.mark.usefixtures("watcher")
def test_decisions_of_another_process(index: ReviewIndex, log: DecisionLog) -> None:
    page = index.search(PageFilter(q="osmosis")).pages[0]
    append_decision(make_decision(page.url, page.digests))
    wait_until(lambda: index.search(PageFilter(state=State.APPROVED.value)).total == 1)
    assert len(log) == 1


def test_rewrites_of_another_process(index: ReviewIndex, log: DecisionLog) -> None:
    Path("site/.qtgen/taken").mkdir(parents=True)
    called = threading.Event()
    with Watcher(index, log, on_rewrites=called.set) as watcher:
        assert watcher.is_watching.wait(_PATIENCE)
        Path("site/.qtgen/taken/a.json").write_text("{}")
        assert called.wait(_PATIENCE)


@pytest.mark.usefixtures("log")
def test_rewrites_in_a_folder_that_is_a_link() -> None:
    Path("site").rename("real")
    Path("site").symlink_to("real", target_is_directory=True)
    test_rewrites_of_another_process(open_index(), DecisionLog())


def test_many_changes_are_looked_through_at_once(
    index: ReviewIndex, log: DecisionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "update", lambda path: pytest.fail("one page was updated"))
    urls = write_site([f"What is number {number}?" for number in range(201)])
    Watcher(index, log).apply([path.absolute() for path in Path("site").rglob("*.md")])
    assert total(index) == len(urls) + 3


def test_temporary_files_cost_nothing(index: ReviewIndex, log: DecisionLog) -> None:
    version = index.version
    names = ["site/biology/.what.md.tmp", "site/biology/4913", "site/biology/a.md~", "site/notes", "site/.git/x.md"]
    Watcher(index, log).apply([Path(name).absolute() for name in names])
    assert index.version == version


def test_the_thread_ends_soon_and_goes_on_after_an_error(
    index: ReviewIndex, log: DecisionLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(path: Path) -> None:
        raise OSError("no luck")

    with Watcher(index, log) as watcher:
        assert watcher.is_watching.wait(_PATIENCE)
        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
            patch.setattr(index, "update", fail)
            change_page(PAGE, score=0.25)
            wait_until(lambda: "no luck" in caplog.text)
        change_page(PAGE, score=0.5)
        wait_until(lambda: index.search(PageFilter(score_from=0.5)).total == 1)
    assert not any(thread.name == "qtgen-review-watch" for thread in threading.enumerate())


@pytest.mark.parametrize(
    "error",
    [OSError("OS file watch limit reached."), PermissionError("denied"), RuntimeError("Error creating a watcher")],
)
def test_changes_that_cannot_be_watched_are_looked_for(
    error: Exception,
    index: ReviewIndex,
    log: DecisionLog,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_paths: Path, **_options: object) -> Iterator[object]:
        raise error

    monkeypatch.setattr("watchfiles.watch", fail)
    monkeypatch.setattr("qtgen.review.index.watch._LOOK_EVERY", 0.05)
    with Watcher(index, log):
        PAGE.unlink()
        wait_until(lambda: total(index) == 2)
        page = index.search(PageFilter(q="cells")).pages[0]
        append_decision(make_decision(page.url, page.digests))
        wait_until(lambda: index.search(PageFilter(state="approved")).total == 1)
    assert caplog.text.count("looked for twice a minute") == 1


def test_appended_lines_are_read_once_and_a_torn_one_when_it_is_whole(index: ReviewIndex, log: DecisionLog) -> None:
    reader, file = DecisionReader(index, log), Path("site/.qtgen/decisions.jsonl")
    reader.read()
    page = index.search(PageFilter(q="osmosis")).pages[0]
    first, second = (make_decision(page.url, digests_at(PAGE), action) for action in ("approve", "reject"))
    append_decision(first)
    reader.read()
    assert [*log] == [first]
    line = second.line() + "\n"
    with file.open("a") as lines:
        lines.write(line[:40])
        lines.flush()
        reader.read()
        assert len(log) == 1
        lines.write(line[40:])
        lines.write("{}\n")
    reader.read()
    assert {one.id for one in log} == {first.id, second.id}
    assert [problem.number for problem in log.problems] == [3]
    third = make_decision(page.url, digests_at(PAGE), "skip", at="2026-11-27T11:00:00.000Z")
    file.unlink()  # Git writes a merged file anew
    append_decision(third)
    append_decision(first)
    reader.read()
    assert {one.id for one in log} == {first.id, third.id}
    assert log.problems == ()


def test_decisions_whose_lines_are_gone_are_forgotten_until_they_are_back(index: ReviewIndex, log: DecisionLog) -> None:
    reader, file = DecisionReader(index, log), Path("site/.qtgen/decisions.jsonl")
    page = index.search(PageFilter(q="osmosis")).pages[0]
    first = make_decision(page.url, page.digests, at="2026-11-27T09:00:00.000Z")
    second = make_decision(page.url, page.digests, "reject", at="2026-11-27T10:00:00.000Z")
    append_decision(first)
    append_decision(second)
    reader.read()
    assert index.search(PageFilter(state="rejected")).total == 1
    file.rename("other-branch")
    reader.read()
    assert index.search(PageFilter(state="open")).total == 3
    assert len(log) == 0
    Path("site/.qtgen/new").write_text(first.line())  # without a line break at its end
    Path("site/.qtgen/new").rename(file)
    reader.read()
    assert index.search(PageFilter(state="approved")).total == 1
    file.unlink()
    Path("other-branch").rename(file)
    reader.read()
    assert index.search(PageFilter(state="rejected")).total == 1
    assert [*log] == [first, second]
