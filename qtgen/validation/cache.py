"""The cache of earlier runs, one SQLite file: the facts and findings of each page, and the findings between pages.

A row holds the records of the pages of one folder. A page's record is valid as long as its file keeps its size and its
time, and all records are valid as long as the rules do not change. The selection of rules does not matter, because all
rules of single pages run.

Other rows hold what follows from all pages of the last run: the findings between pages, and the fixes. It is valid if
no page, and nothing else that it depends on, has changed.

A lost or damaged cache costs nothing but time: the run continues without it. SQLite's locks and journal
protect the file from concurrent runs and crashes.
"""

import contextlib
import logging
import os
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from msgspec import MsgspecError, msgpack
from xxhash import xxh3_128_digest

from qtgen._util.sqlite import open_cache_database
from qtgen.site.discovery import PageBatch
from qtgen.validation.records import NO_RECORDS, KnownRecords, PageRecords, encode, join_records, restore_numbers

_SCHEMA = """
CREATE TABLE IF NOT EXISTS known (
    folder TEXT PRIMARY KEY, rules TEXT, digest BLOB, pages BLOB
) WITHOUT ROWID
"""
_LAYOUT = 2  # of the rows
_KEPT_MAX = 10  # pending rows of what was kept
_TRANSACTION = 5_000  # pages
_RECENT_NS = 2_000_000_000  # a file that changed more recently could change again within one tick of a coarse clock

_log = logging.getLogger(__name__)


class _Folder(NamedTuple):
    """The records of a folder's pages, sorted by name."""

    names: list[str]
    states: list[tuple[int, int]]
    records: PageRecords

    def take(self, pages: Sequence[int]) -> "_Folder":
        """Return some of the pages, given by their numbers, in this order."""
        names, states = [self.names[page] for page in pages], [self.states[page] for page in pages]
        return _Folder(names, states, self.records.take(pages))


class _Put(NamedTuple):
    """Records that were put.

    Attributes:
        pages: The records.
        replaced: The names of the first and the last page of a complete batch. All pages between them are replaced.
    """

    pages: _Folder
    replaced: tuple[str, str] | None


_EMPTY = _Folder([], [], NO_RECORDS)
_decode = msgpack.Decoder(_Folder, dec_hook=restore_numbers).decode


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
        self._rules = f"{_LAYOUT} {rules_key}"
        self._database = open_cache_database(folder, "pages.sqlite", _SCHEMA)
        self._key = ""  # of the current folder
        self._folder = _EMPTY
        self._new: dict[str, tuple[_Folder, list[_Put]]] = {}  # what each folder had, and what was put
        self._whole: list[tuple[str, str, bytes, bytes]] = []  # rows that follow from all pages
        self._pending = 0

    def get(self, batch: PageBatch) -> KnownRecords:
        """Return the records of the pages that have not changed.

        It is fastest if the batches of a folder follow each other.
        """
        self._enter(batch.folder)
        names, states, records = self._folder
        first = bisect_left(names, batch.names[0])
        last = first + len(batch.names)
        if names[first:last] == batch.names and states[first:last] == batch.states:
            return KnownRecords(records.take(range(first, last)))
        number_of = {page: number for number, page in enumerate(zip(names, states, strict=True))}
        numbers = [*map(number_of.get, zip(batch.names, batch.states, strict=True))]
        missing = [page for page, number in enumerate(numbers) if number is None]
        return KnownRecords(records.take([number for number in numbers if number is not None]), missing)

    def put(self, batch: PageBatch, records: PageRecords, left_out: Sequence[int]) -> None:
        """Keep the records of pages, except of some, and of files that may still change without a new time.

        Args:
            left_out: The numbers of the pages in the batch whose records must not be kept.
        """
        self._enter(batch.folder)
        if self._database is None or not _is_unicode(self._key):
            return
        kept = self._kept(batch, left_out)
        pages = _Folder(batch.names, batch.states, records).take(kept)
        replaced = (batch.names[0], batch.names[-1]) if batch.complete else None
        _, puts = self._new.setdefault(self._key, (self._folder, []))
        puts.append(_Put(pages, replaced))
        self._pending += len(batch.names)

    def _kept(self, batch: PageBatch, left_out: Sequence[int]) -> list[int]:
        """Return the numbers of the pages whose records can be kept."""
        pages = enumerate(zip(batch.names, batch.states, strict=True))
        return [
            page
            for page, (name, (size, changed)) in pages
            if page not in left_out and size >= 0 and changed < self._newest and _is_unicode(name)
        ]

    def get_kept(self, name: str, key: str) -> bytes | None:
        """Return what was kept last under a name, or None if it was kept under another key."""
        with self._disabled_on_error():
            return self._read_blob(f"//{name}", f"{self._rules} {key}")
        return None

    def put_kept(self, name: str, key: str, newest: int, blob: bytes) -> None:
        """Keep what follows from all pages of a run, instead of what was kept under the same name.

        Args:
            key: Changes if a page changes, or anything else that it depends on.
            newest: The time of the last change of a page, in nanoseconds.
        """
        if newest < self._newest:
            self._whole.append((f"//{name}", f"{self._rules} {key}", xxh3_128_digest(blob), blob))
            if len(self._whole) >= _KEPT_MAX:
                self._write()

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
        self._key = key
        self._folder = _merged(*self._new[key]) if key in self._new else self._read(key)

    def _read(self, key: str) -> _Folder:
        with self._disabled_on_error():
            blob = self._read_blob(key, self._rules) if _is_unicode(key) else None
            return _EMPTY if blob is None else _decode(blob)
        return _EMPTY

    def _read_blob(self, key: str, rules: str) -> bytes | None:
        if self._database is None:
            return None
        query = "SELECT digest, pages FROM known WHERE folder = ? AND rules = ?"
        digest, blob = self._database.execute(query, (key, rules)).fetchone() or (None, None)
        if blob is None or xxh3_128_digest(blob) == digest:
            return blob
        _log.warning("the cache entry of %s is damaged; its pages are read again", key)
        return None

    def _write(self) -> None:
        with self._disabled_on_error():
            if self._database is not None and (self._new or self._whole):
                with self._database:
                    self._database.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)", self._rows())
        self._new.clear()
        self._whole.clear()
        self._pending = 0

    def _rows(self) -> Iterator[tuple[str, str, bytes, bytes]]:
        for key, (old, puts) in self._new.items():
            blob = encode(_merged(old, puts))
            yield key, self._rules, xxh3_128_digest(blob), blob
        yield from self._whole

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


def _merged(old: _Folder, puts: Sequence[_Put]) -> _Folder:
    """Return the records of a folder after others have been added or replaced."""
    gone = {name for pages, _ in puts for name in pages.names}
    for _, replaced in puts:
        if replaced:
            gone.update(old.names[bisect_left(old.names, replaced[0]) : bisect_right(old.names, replaced[1])])
    left = [number for number, name in enumerate(old.names) if name not in gone]
    sources = [old.take(left), *(pages for pages, _ in puts)]
    place_of = {name: place for place, name in enumerate(chain.from_iterable(source.names for source in sources))}
    states = [*chain.from_iterable(source.states for source in sources)]
    names = sorted(place_of)
    order = [place_of[name] for name in names]
    records = join_records([source.records for source in sources])
    return _Folder(names, [states[place] for place in order], records.take(order))


def _is_unicode(name: str) -> bool:
    """Return whether a file name is valid text. Other names are not cached."""
    return name.isascii() or name.encode("utf-8", "ignore").decode() == name
