"""Tests of the databases that serve as caches."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from qtgen._util.sqlite import open_cache_database

SCHEMA = "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY)"
FOLDER = Path(".qtgen/cache")


def ignored_by_git(*names: str) -> int:
    """Return how many of these files in `.qtgen` git ignores."""
    subprocess.run(["git", "init", "-q"], check=True)
    paths = [f".qtgen/{name}" for name in names]
    done = subprocess.run(["git", "check-ignore", *paths], capture_output=True, text=True, check=False)
    return len(done.stdout.splitlines())


def keys(database: sqlite3.Connection | None) -> list[str]:
    assert database is not None
    with closing(database):
        return [key for (key,) in database.execute("SELECT key FROM kept")]


def test_a_cache_is_created_with_its_folder_and_ignored_by_git() -> None:
    assert keys(open_cache_database(FOLDER, "x.sqlite", SCHEMA)) == []
    assert ignored_by_git("cache/x.sqlite", "ledger.sqlite", "failed/a/b.json") == 3


@pytest.mark.parametrize("earlier", [None, "*\n"])
def test_git_sees_what_belongs_to_the_pages(earlier: str | None) -> None:
    """The project's folder may be the output folder too."""
    if earlier:
        FOLDER.mkdir(parents=True)
        Path(".qtgen/.gitignore").write_text(earlier)
    assert keys(open_cache_database(FOLDER, "x.sqlite", SCHEMA)) == []
    assert ignored_by_git("decisions.jsonl", "provenance.jsonl", ".gitattributes", "audits/spring.json") == 0
    assert ignored_by_git("cache/x.sqlite", "review/secret", "taken/a/b.json", "audits/x/y") == 4


def test_a_gitignore_of_the_users_stays() -> None:
    FOLDER.mkdir(parents=True)
    Path(".qtgen/.gitignore").write_text("mine\n")
    assert keys(open_cache_database(FOLDER, "x.sqlite", SCHEMA)) == []
    assert Path(".qtgen/.gitignore").read_text() == "mine\n"


def test_what_was_kept_is_there_again() -> None:
    for _ in range(2):
        database = open_cache_database(FOLDER, "x.sqlite", SCHEMA)
        assert database is not None
        with closing(database), database:
            database.execute("INSERT OR IGNORE INTO kept VALUES ('a')")
    assert keys(open_cache_database(FOLDER, "x.sqlite", SCHEMA)) == ["a"]


def test_a_file_that_is_no_database_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    FOLDER.mkdir(parents=True)
    (FOLDER / "x.sqlite").write_bytes(b"not a database" * 100)
    assert keys(open_cache_database(FOLDER, "x.sqlite", SCHEMA)) == []
    assert "x.sqlite: replaced by an empty cache: file is not a database" in caplog.text


def test_without_a_folder_there_is_no_cache(caplog: pytest.LogCaptureFixture) -> None:
    Path(".qtgen").write_text("a file")
    assert open_cache_database(FOLDER, "x.sqlite", SCHEMA) is None
    assert "x.sqlite: not used as a cache" in caplog.text


def test_a_file_that_cannot_be_opened_is_left_alone() -> None:
    (FOLDER / "x.sqlite").mkdir(parents=True)
    assert open_cache_database(FOLDER, "x.sqlite", SCHEMA) is None
    assert (FOLDER / "x.sqlite").is_dir()


def test_a_damaged_file_that_cannot_be_removed_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    FOLDER.mkdir(parents=True)
    (FOLDER / "x.sqlite").write_bytes(b"not a database" * 100)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert open_cache_database(FOLDER, "x.sqlite", SCHEMA) is None


def test_an_interrupt_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []

    class Interrupted:
        def __enter__(self) -> None:
            raise KeyboardInterrupt

        def __exit__(self, *_: object) -> None: ...

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr("sqlite3.connect", lambda *_, **__: Interrupted())
    with pytest.raises(KeyboardInterrupt):
        open_cache_database(FOLDER, "x.sqlite", SCHEMA)
    assert closed == [True]
