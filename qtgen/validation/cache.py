"""What earlier runs found out about each file, in one SQLite file: facts and findings, never verdicts over all pages.

A row holds what is known of the pages of one folder, each as long as its file has the size and the time it had, and all
as long as the rules are the same. Which of them were asked for does not matter, for all are run. Losing the
cache costs time only: whatever is wrong with it, the run goes on without. SQLite's own locks and journal keep it whole
under two runs and after a crash.
"""

import contextlib
import os
import sqlite3
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import MsgspecError, msgpack
from xxhash import xxh3_128_digest

from qtgen._util.sqlite import open_cache_database
from qtgen.site.discovery import PageBatch

_LAYOUT = """
CREATE TABLE IF NOT EXISTS known (
    folder TEXT PRIMARY KEY, rules TEXT, digest BLOB, pages BLOB
) WITHOUT ROWID
"""
_BATCH = 5_000  # pages a transaction
_FRESH_NS = 2_000_000_000  # a file changed this recently could change again within one tick of a coarse clock

Known = tuple[bytes, bytes]
"""What is kept of one file: its facts, and its findings."""


class _Pages(NamedTuple):
    """What is kept of a folder, by name in order."""

    names: list[str]
    states: list[tuple[int, int]]
    known: list[Known]


_Row = tuple[tuple[int, int], Known]
_encode, _decode = msgpack.Encoder().encode, msgpack.Decoder(_Pages).decode


class Cache:
    """rules_key: whatever changes when a rule's verdict could. root: paths are kept relative to it."""

    def __init__(self, folder: Path, rules_key: str, root: Path, now_ns: int) -> None:
        self._root, self._newest = f"{root.absolute().as_posix()}/", now_ns - _FRESH_NS
        self._rules = rules_key
        self._database = open_cache_database(folder, "pages.sqlite", _LAYOUT)
        self._key = ""  # of the folder in hand
        self._pages = _Pages([], [], [])
        self._rows: dict[str, _Row] | None = None  # the same by name, once somebody needs that
        self._new: dict[str, dict[str, _Row]] = {}
        self._pending = 0

    def get(self, run: PageBatch) -> list[Known | None]:
        """What is known of each page as it is now. Runs of one folder are best asked for in a row."""
        self._enter(run.folder)
        names, states, known = self._pages
        first = bisect_left(names, run.names[0])
        last = first + len(run.names)
        if names[first:last] == run.names and states[first:last] == run.states:
            return [*known[first:last]]
        found = map(self._by_name().get, run.names)
        return [one[1] if one and one[0] == state else None for one, state in zip(found, run.states, strict=True)]

    def put(self, run: PageBatch, known: list[Known | None]) -> None:
        """Keep what is known of pages: of those that will not change again unseen."""
        self._enter(run.folder)
        if self._database is None or not _is_text(self._key):
            return
        rows = self._new.setdefault(self._key, self._by_name())
        if run.complete:  # what lay between the first and the last is gone
            for name in [name for name in rows if run.names[0] <= name <= run.names[-1]]:
                del rows[name]
        for name, state, of_page in zip(run.names, run.states, known, strict=True):
            if of_page and state[0] >= 0 and state[1] < self._newest and _is_text(name):
                rows[name] = (state, of_page)
        self._pending += len(run.names)

    def close(self) -> None:
        self._write()
        if self._database is not None:
            self._database.close()

    def _enter(self, folder: str) -> None:
        key = os.path.abspath(folder).replace(os.sep, "/").removeprefix(self._root)  # noqa: PTH100 - also of ""
        if key == self._key:
            return
        if self._pending >= _BATCH:
            self._write()
        self._key, self._rows = key, self._new.get(key)
        self._pages = self._read(key)

    def _by_name(self) -> dict[str, _Row]:
        if self._rows is None:
            names, states, known = self._pages
            self._rows = dict(zip(names, zip(states, known, strict=True), strict=True))
        return self._rows

    def _read(self, key: str) -> _Pages:
        with self._or_without():
            if self._database is not None and _is_text(key):
                query = "SELECT digest, pages FROM known WHERE folder = ? AND rules = ?"
                row = self._database.execute(query, (key, self._rules)).fetchone()
                if row and xxh3_128_digest(row[1]) == row[0]:
                    return _decode(row[1])
        return _Pages([], [], [])

    def _write(self) -> None:
        with self._or_without():
            if self._database is not None:
                with self._database:
                    self._database.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)", self._encoded())
        self._new.clear()
        self._pending = 0

    def _encoded(self) -> Iterator[tuple[str, str, bytes, bytes]]:
        for key, rows in self._new.items():
            ordered = sorted(rows.items())
            blob = _encode(([name for name, _ in ordered], *([row[part] for _, row in ordered] for part in (0, 1))))
            yield key, self._rules, xxh3_128_digest(blob), blob

    @contextlib.contextmanager
    def _or_without(self) -> Iterator[None]:
        """After any fault of the database the run goes on without it."""
        try:
            yield
        except (sqlite3.Error, MsgspecError):
            if self._database is not None:
                self._database.close()
            self._database = None


def _is_text(name: str) -> bool:
    """Names of files need not be; those that are not are not kept."""
    return name.isascii() or name.encode("utf-8", "ignore").decode() == name
