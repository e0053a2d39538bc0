"""What earlier runs found out about each file, in one SQLite file: facts and findings, never verdicts over all pages.

A row holds while the file has the size and the time it had, and the database while the rules are the same; which of
them were asked for does not matter, for all are run. Losing the cache costs time only: whatever is wrong with it, the
run goes on without. SQLite's own locks and journal keep it whole under two runs and after a crash.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qtgen.corpus import FileEntry

_LAYOUT = """
CREATE TABLE IF NOT EXISTS pages (
    folder TEXT, name TEXT, size INTEGER, mtime INTEGER, facts BLOB, findings BLOB, PRIMARY KEY (folder, name)
) WITHOUT ROWID
"""
_BATCH = 5_000  # rows a transaction
_FRESH_NS = 2_000_000_000  # a file changed this recently could change again within one tick of a coarse clock


class Known(NamedTuple):
    """What is kept of one file."""

    facts: bytes
    findings: bytes


class Cache:
    """rules_key: whatever changes when a rule's verdict could. root: paths are kept relative to it."""

    def __init__(self, folder: Path, rules_key: str, root: Path, now_ns: int) -> None:
        self._root, self._newest = f"{root.absolute().as_posix()}/", now_ns - _FRESH_NS
        self._folder: str | None = None
        self._known: dict[str, tuple[int, int, bytes, bytes]] = {}
        self._new: list[tuple[str, str, int, int, bytes, bytes]] = []
        self._database = _open(folder, rules_key)

    def get(self, entry: FileEntry) -> Known | None:
        """What is known of a file as it is now. Files of one folder are best asked for in a row."""
        folder, _, name = entry.path.rpartition("/")
        if folder != self._folder:
            self._enter(folder)
        row = self._known.get(name)
        if row is None or row[0] != entry.size or row[1] != entry.mtime or entry.size < 0:
            return None
        return Known(row[2], row[3])

    def put(self, entry: FileEntry, known: Known) -> None:
        if entry.size >= 0 and entry.mtime < self._newest:
            folder, _, name = entry.path.rpartition("/")
            self._new.append((self._key(folder), name, entry.size, entry.mtime, *known))
            if len(self._new) >= _BATCH:
                self._write()

    def close(self) -> None:
        self._write()
        if self._database is not None:
            self._database.close()

    def _key(self, folder: str) -> str:
        return os.path.abspath(folder).replace(os.sep, "/").removeprefix(self._root)  # noqa: PTH100 - also of ""

    def _enter(self, folder: str) -> None:
        self._folder, self._known = folder, {}
        query = "SELECT name, size, mtime, facts, findings FROM pages WHERE folder = ?"
        with self._going_on() as database:
            for name, *row in database.execute(query, (self._key(folder),)):
                self._known[name] = tuple(row)

    def _write(self) -> None:
        with self._going_on() as database, database:
            database.executemany("INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?, ?)", self._new)
        self._new.clear()

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[sqlite3.Connection]:
        """The database; after any fault of it the run goes on without. A name that is not UTF-8 cannot be a key."""
        if self._database is None:
            self._database = sqlite3.connect(":memory:")
            self._database.execute(_LAYOUT)
        try:
            yield self._database
        except (sqlite3.Error, UnicodeEncodeError):
            self._known = {}


def _open(folder: Path, rules_key: str) -> sqlite3.Connection | None:
    """The database in `folder`, emptied if it was made by other rules; None if there can be none."""
    file = folder / "pages.sqlite"
    for _ in range(2):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ignored = folder.parent / ".gitignore"
            if not ignored.exists():
                ignored.write_text("*\n")
            return _connect(file, rules_key)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked, read-only, disk full: not ours to remove
                return None
            with contextlib.suppress(OSError):
                file.unlink()  # not a database, or a torn one
        except OSError:
            return None
    return None


def _connect(file: Path, rules_key: str) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=5)
    try:
        with database:
            database.execute("CREATE TABLE IF NOT EXISTS made_by (rules TEXT)")
            if database.execute("SELECT rules FROM made_by").fetchall() != [(rules_key,)]:
                database.execute("DROP TABLE IF EXISTS pages")
                database.execute("DELETE FROM made_by")
                database.execute("INSERT INTO made_by VALUES (?)", (rules_key,))
            database.execute(_LAYOUT)
    except BaseException:  # also Ctrl-C: the file is closed, and the error goes on
        database.close()
        raise
    return database
