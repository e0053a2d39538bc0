"""The cache of earlier runs, one SQLite file: the facts and findings of each page, but no findings between pages.

A row holds the records of the pages of one folder. A page's record is valid as long as its file keeps its size and its
time, and all records are valid as long as the rules do not change. The selection of rules does not matter, because all
rules run. A lost or damaged cache costs nothing but time: the run continues without it. SQLite's locks and journal
protect the file from concurrent runs and crashes.
"""

import contextlib
import logging
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

_SCHEMA = """
CREATE TABLE IF NOT EXISTS known (
    folder TEXT PRIMARY KEY, rules TEXT, digest BLOB, pages BLOB
) WITHOUT ROWID
"""
_TRANSACTION = 5_000  # pages
_RECENT_NS = 2_000_000_000  # a file that changed more recently could change again within one tick of a coarse clock

_log = logging.getLogger(__name__)

PageRecord = tuple[bytes, bytes, bytes]
"""The record of one page: its facts, its findings, and the hashes of its sentences if a run compared them."""


class _Folder(NamedTuple):
    """The records of a folder's pages, sorted by name."""

    names: list[str]
    states: list[tuple[int, int]]
    records: list[PageRecord]


_Entry = tuple[tuple[int, int], PageRecord]  # the state of a file (size, time), and its record
_encode, _decode = msgpack.Encoder().encode, msgpack.Decoder(_Folder).decode


class Cache:
    """Stores the records of pages.

    Args:
        folder: The folder of the cache file.
        rules_key: A text that changes if the findings of the rules may change.
        root: The folder that paths are stored relative to.
        now_ns: The current time, in nanoseconds.
    """

    def __init__(self, folder: Path, rules_key: str, root: Path, now_ns: int) -> None:
        self._root, self._newest = f"{root.absolute().as_posix()}/", now_ns - _RECENT_NS
        self._rules = rules_key
        self._database = open_cache_database(folder, "pages.sqlite", _SCHEMA)
        self._key = ""  # of the current folder
        self._folder = _Folder([], [], [])
        self._entries: dict[str, _Entry] | None = None  # of the current folder by name, once they are needed
        self._new: dict[str, dict[str, _Entry]] = {}
        self._pending = 0

    def get(self, batch: PageBatch) -> list[PageRecord | None]:
        """Return the record of each page, or None if the page is new or has changed.

        It is fastest if the batches of a folder follow each other.
        """
        self._enter(batch.folder)
        names, states, records = self._folder
        first = bisect_left(names, batch.names[0])
        last = first + len(batch.names)
        if names[first:last] == batch.names and states[first:last] == batch.states:
            return [*records[first:last]]
        entries = map(self._by_name().get, batch.names)
        return [
            entry[1] if entry and entry[0] == state else None
            for entry, state in zip(entries, batch.states, strict=True)
        ]

    def put(self, batch: PageBatch, records: list[PageRecord | None]) -> None:
        """Keep the records of pages, except of files that may still change without a new time."""
        self._enter(batch.folder)
        if self._database is None or not _is_unicode(self._key):
            return
        entries = self._new.setdefault(self._key, self._by_name())
        if batch.complete:  # pages between the first and the last that are not in the batch are gone
            for name in [name for name in entries if batch.names[0] <= name <= batch.names[-1]]:
                del entries[name]
        for name, state, record in zip(batch.names, batch.states, records, strict=True):
            if record and state[0] >= 0 and state[1] < self._newest and _is_unicode(name):
                entries[name] = (state, record)
        self._pending += len(batch.names)

    def close(self) -> None:
        """Write what is pending, and close the file."""
        self._write()
        if self._database is not None:
            self._database.close()

    def _enter(self, folder: str) -> None:
        key = os.path.abspath(folder).replace(os.sep, "/").removeprefix(self._root)  # noqa: PTH100 - accepts "" too
        if key == self._key:
            return
        if self._pending >= _TRANSACTION:
            self._write()
        self._key, self._entries = key, self._new.get(key)
        self._folder = self._read(key)

    def _by_name(self) -> dict[str, _Entry]:
        if self._entries is None:
            names, states, records = self._folder
            self._entries = dict(zip(names, zip(states, records, strict=True), strict=True))
        return self._entries

    def _read(self, key: str) -> _Folder:
        with self._disabled_on_error():
            if self._database is not None and _is_unicode(key):
                query = "SELECT digest, pages FROM known WHERE folder = ? AND rules = ?"
                row = self._database.execute(query, (key, self._rules)).fetchone()
                if row and xxh3_128_digest(row[1]) == row[0]:
                    return _decode(row[1])
                if row:
                    _log.warning("the cache entry of %s is damaged; its pages are read again", key)
        return _Folder([], [], [])

    def _write(self) -> None:
        with self._disabled_on_error():
            if self._database is not None:
                with self._database:
                    self._database.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)", self._rows())
        self._new.clear()
        self._pending = 0

    def _rows(self) -> Iterator[tuple[str, str, bytes, bytes]]:
        for key, entries in self._new.items():
            in_order = sorted(entries.items())
            blob = _encode(
                ([name for name, _ in in_order], *([entry[part] for _, entry in in_order] for part in (0, 1)))
            )
            yield key, self._rules, xxh3_128_digest(blob), blob

    @contextlib.contextmanager
    def _disabled_on_error(self) -> Iterator[None]:
        """Continue without the cache after any database error."""
        try:
            yield
        except (sqlite3.Error, MsgspecError) as error:
            _log.warning("the validation cache cannot be used, and the run continues without it: %s", error)
            if self._database is not None:
                self._database.close()
            self._database = None


def _is_unicode(name: str) -> bool:
    """Return whether a file name is valid text. Other names are not cached."""
    return name.isascii() or name.encode("utf-8", "ignore").decode() == name
