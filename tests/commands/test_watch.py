"""Watching goes on while a page or a folder is away. The operating system's watcher is scripted."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qtgen.commands import _watch
from qtgen.errors import UsageError
from support.validation import Run, write_page

PAGE = Path("site/biology/what-is-osmosis.md")
AWAY = Path("away")
Step = Callable[[], object]


class Script:
    """Does one step each time that the watcher looks, and ends like Ctrl-C after the last one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[Step] = []
        self.watched: list[tuple[str, ...]] = []
        monkeypatch.setattr("watchfiles.watch", self._watch)
        monkeypatch.setattr(_watch.time, "sleep", self._sleep)  # type: ignore[attr-defined]

    def _watch(self, *paths: Path, watch_filter: Callable[[object, str], bool], **_: Any) -> Iterator[set[Any]]:
        self.watched.append(tuple(map(str, paths)))
        yield set()
        while self.steps:
            changed = self.steps.pop(0)()
            names = changed if isinstance(changed, tuple) else ()
            yield {("modified", name) for name in names if watch_filter("modified", str(Path(name).absolute()))}

    def _sleep(self, _: float) -> None:
        if not self.steps:
            raise KeyboardInterrupt
        self.steps.pop(0)()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    write_page(PAGE)
    write_page("site/physics/what-is-osmosis.md")
    return Script(monkeypatch)


def changes(*paths: str) -> list[str]:
    return list(_watch.watch_pages([Path(path) for path in paths]))


def test_a_page_that_is_away_for_a_moment(script: Script) -> None:
    script.steps = [lambda: PAGE.rename(AWAY), lambda: None, lambda: AWAY.rename(PAGE), lambda: (str(PAGE),)]
    assert changes(str(PAGE)) == [
        f"{PAGE} is gone; watching until it is back",
        f"{PAGE} is back",
        "1 page changed: what-is-osmosis.md",
    ]


def test_a_folder_that_is_away_beside_one_that_stays(script: Script) -> None:
    folder = Path("site/biology")
    script.steps = [lambda: folder.rename(AWAY), lambda: None, lambda: AWAY.rename(folder)]
    assert changes("site/biology", "site/physics") == [
        "site/biology is gone; watching until it is back",
        "site/biology is back",
    ]
    assert script.watched == [
        ("site/biology", "site/physics"),
        ("site/physics",),
        ("site/biology", "site/physics"),
    ]


def test_a_folder_that_was_replaced_is_watched_again(script: Script) -> None:
    def replace() -> None:
        shutil.copytree("site", "copy")
        shutil.rmtree("site")
        Path("copy").rename("site")

    script.steps = [replace, lambda: (str(PAGE),)]
    assert changes("site") == ["1 path changed: site", "1 page changed: what-is-osmosis.md"]
    assert len(script.watched) == 2


def test_a_page_that_becomes_a_folder(script: Script) -> None:
    def replace() -> None:
        PAGE.unlink()
        PAGE.mkdir()

    script.steps = [replace]
    assert changes(str(PAGE)) == ["1 page changed: what-is-osmosis.md"]


def test_only_pages_and_folders_count(script: Script) -> None:
    script.steps = [
        lambda: ("site/.git/index", "site/biology/.what.md.123.tmp", "site/notes.txt"),
        lambda: ("site/biology/new.md", "site/chemistry"),
    ]
    assert changes("site") == ["2 paths changed: chemistry …"]


@pytest.mark.parametrize("error", [FileNotFoundError("gone"), PermissionError("denied")])
def test_a_path_that_goes_just_before_it_is_watched(
    script: Script, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    works = script._watch
    errors = [error]

    def watch(*paths: Path, **options: Any) -> Iterator[set[Any]]:
        if errors:
            raise errors.pop()
        return works(*paths, **options)

    monkeypatch.setattr("watchfiles.watch", watch)
    script.steps = [lambda: None, lambda: (str(PAGE),)]
    assert changes("site") == ["1 page changed: what-is-osmosis.md"]


def test_an_operating_system_that_cannot_watch(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> object:
        raise RuntimeError("no watches left")

    monkeypatch.setattr("watchfiles.watch", fail)
    with pytest.raises(UsageError, match="--watch: no watches left"):
        changes("site")


def test_the_command_continues_without_its_only_page(script: Script, qtgen: Run) -> None:
    shutil.rmtree("site/physics")
    script.steps = [lambda: (PAGE.rename(AWAY), (str(PAGE),))[1], lambda: (AWAY.rename(PAGE), (str(PAGE),))[1]]
    code, _, err = qtgen("validate", "site", "--watch", "--no-cache")
    assert code == 0
    assert err.splitlines()[2:] == [
        "",
        "1 page changed: what-is-osmosis.md",
        "qtgen: site: no pages (*.md) in this folder",
        "",
        "1 page changed: what-is-osmosis.md",
        "1 page checked: no problems found",
    ]


def test_the_command_survives_a_corpus_that_is_away(script: Script, qtgen: Run) -> None:
    script.steps = [lambda: Path("site").rename(AWAY), lambda: AWAY.rename("site")]
    write_page("new/biology/what-is-osmosis.md")
    code, _, err = qtgen("validate", "new", "--corpus", "site", "--watch", "--no-cache")
    assert code == 1  # the page has the url of one of the corpus
    assert "qtgen: site: no such file or folder" in err


def test_the_command_ends_if_there_is_nothing_to_watch(qtgen: Run) -> None:
    assert qtgen("validate", "gone.md", "--watch") == (2, "", "qtgen: gone.md: no such file or folder\n")
