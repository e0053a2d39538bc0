"""What earlier runs found out about each file, in one SQLite file: facts and findings, never verdicts over all pages.

A row holds what is known of the pages of one folder, each as long as its file has the size and the time it had; the
database holds while the rules are the same. Which of them were asked for does not matter, for all are run. Losing the
cache costs time only: whatever is wrong with it, the run goes on without. SQLite's own locks and journal keep it whole
under two runs and after a crash.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import MsgspecError, msgpack

from qtgen.corpus import Run

_LAYOUT = "CREATE TABLE IF NOT EXISTS folders (folder TEXT PRIMARY KEY, pages BLOB) WITHOUT ROWID"
_BATCH = 5_000  # pages a transaction
_FRESH_NS = 2_000_000_000  # a file changed this recently could change again within one tick of a coarse clock

Known = tuple[bytes, bytes]
"""What is kept of one file: its facts, and its findings."""


class _Pages(NamedTuple):
    """What is kept of a folder."""

    names: list[str]
    states: list[tuple[int, int]]
    known: list[Known]


_encode, _decode = msgpack.Encoder().encode, msgpack.Decoder(_Pages).decode
_NONE = _Pages([], [], [])


class Cache:
    """rules_key: whatever changes when a rule's verdict could. root: paths are kept relative to it."""

    def __init__(self, folder: Path, rules_key: str, root: Path, now_ns: int) -> None:
        self._root, self._newest = f"{root.absolute().as_posix()}/", now_ns - _FRESH_NS
        self._new: dict[str, _Pages] = {}
        self._database = _open(folder, rules_key)

    def get(self, run: Run) -> list[Known | None]:
        """What is known of each page as it is now."""
        pages = self._pages(self._key(run.folder))
        if pages.names == run.names and pages.states == run.states:
            return [*pages.known]
        earlier = dict(zip(pages.names, zip(pages.states, pages.known, strict=True), strict=True))
        found = map(earlier.get, run.names)
        return [one[1] if one and one[0] == state else None for one, state in zip(found, run.states, strict=True)]

    def put(self, run: Run, known: list[Known]) -> None:
        """Keep what is known of pages: of those that will not change again unseen."""
        key = self._key(run.folder)
        kept = {} if run.whole else {row[0]: row for row in zip(*self._pages(key), strict=True)}
        kept |= {row[0]: row for row in zip(run.names, run.states, known, strict=True) if self._can_keep(*row)}
        self._new[key] = _Pages(*(list(column) for column in zip(*kept.values(), strict=True))) if kept else _NONE
        if sum(len(pages.names) for pages in self._new.values()) >= _BATCH:
            self._write()

    def close(self) -> None:
        self._write()
        if self._database is not None:
            self._database.close()

    def _can_keep(self, name: str, state: tuple[int, int], _: Known) -> bool:
        is_text = name.isascii() or name.encode("utf-8", "ignore").decode() == name
        return is_text and state[0] >= 0 and state[1] < self._newest

    def _key(self, folder: str) -> str:
        return os.path.abspath(folder).replace(os.sep, "/").removeprefix(self._root)  # noqa: PTH100 - also of ""

    def _pages(self, key: str) -> _Pages:
        if key in self._new:
            return self._new[key]
        with self._going_on() as database:
            row = database.execute("SELECT pages FROM folders WHERE folder = ?", (key,)).fetchone()
            return _decode(row[0]) if row else _NONE
        return _NONE

    def _write(self) -> None:
        with self._going_on() as database, database:
            rows = ((key, _encode(pages)) for key, pages in self._new.items())
            database.executemany("INSERT OR REPLACE INTO folders VALUES (?, ?)", rows)
        self._new.clear()

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[sqlite3.Connection]:
        """The database; after any fault of it the run goes on without. A folder that is no text cannot be kept."""
        if self._database is None:
            self._database = sqlite3.connect(":memory:")
            self._database.execute(_LAYOUT)
        with contextlib.suppress(sqlite3.Error, UnicodeEncodeError, MsgspecError):
            yield self._database


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
                database.execute("DROP TABLE IF EXISTS folders")
                database.execute("DELETE FROM made_by")
                database.execute("INSERT INTO made_by VALUES (?)", (rules_key,))
            database.execute(_LAYOUT)
    except BaseException:  # also Ctrl-C: the file is closed, and the error goes on
        database.close()
        raise
    return database
