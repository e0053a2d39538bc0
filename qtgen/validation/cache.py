"""The cache of earlier runs, one SQLite file: the facts and findings of each page, and the findings between pages.

A row holds the records of the pages of one folder. A page's record is valid as long as its file keeps its size and its
time, and all records are valid as long as the rules do not change. The selection of rules does not matter, because all
rules of single pages run.

Other rows hold results that depend on all pages of the last run: their findings, with and without fixes. They are valid
if no page, and nothing else that they depend on, has changed. The findings between pages have a row of their own, which
is valid as long as the facts of the pages do not change.

A lost or damaged cache costs nothing but time: the run continues without it. SQLite's locks and journal
protect the file from concurrent runs and crashes.
"""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import MsgspecError
from xxhash import xxh3_128_digest

from qtgen._util.sqlite import open_cache_database
from qtgen.site.discovery import PageBatch
from qtgen.validation.cached_folder import NO_PAGES, CachedFolder, FolderRecords, decode_folder
from qtgen.validation.records import KnownRecords, PageRecords, encode

_SCHEMA = """
CREATE TABLE IF NOT EXISTS known (
    folder TEXT PRIMARY KEY, rules TEXT, digest BLOB, pages BLOB
) WITHOUT ROWID
"""
_LAYOUT = 2  # of the rows
_RESULTS = "//"  # the keys of results begin with it
_RESULTS_MAX = 10  # pending rows of results
SITE_FINDINGS = "site"
"""The name of the findings between pages. They stay if other results are stored under another key."""

_DELETE_RESULTS = "DELETE FROM known WHERE folder >= '//' AND folder < '/0' AND folder <> ? AND rules <> ?"
_TRANSACTION = 5_000  # pages
_RECENT_NS = 2_000_000_000  # a file that changed more recently could change again within one tick of a coarse clock

_Row = tuple[str, str, bytes, bytes]
_log = logging.getLogger(__name__)


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
        self._file = folder / "pages.sqlite"
        self._database = open_cache_database(folder, self._file.name, _SCHEMA)
        self._key = ""  # of the current folder
        self._folder = CachedFolder(NO_PAGES)
        self._changed: dict[str, CachedFolder] = {}
        self._results: list[_Row] = []  # that depend on all pages
        self._pending = 0  # pages

    def get(self, batch: PageBatch) -> KnownRecords:
        """Return the records of the pages that have not changed.

        It is fastest if the batches of a folder follow each other.
        """
        self._enter(batch.folder)
        return self._folder.get(batch)

    def put(self, batch: PageBatch, records: PageRecords, left_out: Sequence[int]) -> None:
        """Keep the records of pages, except of some, and of files that may still change without a new time.

        Args:
            left_out: The numbers of the pages in the batch whose records must not be kept.
        """
        self._enter(batch.folder)
        if self._database is None or not _is_unicode(self._key):
            return
        self._folder.put(batch, self._kept(batch, left_out), records)
        self._changed[self._key] = self._folder
        self._pending += len(batch.names)

    def _kept(self, batch: PageBatch, left_out: Sequence[int]) -> list[int]:
        """Return the numbers of the pages whose records can be kept."""
        pages = enumerate(zip(batch.names, batch.states, strict=True))
        return [
            page
            for page, (name, (size, changed)) in pages
            if page not in left_out and size >= 0 and changed < self._newest and _is_unicode(name)
        ]

    def has_result(self, name: str, key: str) -> bool:
        """Return whether a result was stored under a name and a key. It may be damaged."""
        with self._disabled_on_error():
            if self._database is not None:
                query = "SELECT 1 FROM known WHERE folder = ? AND rules = ?"
                found = self._database.execute(query, (f"{_RESULTS}{name}", f"{self._rules} {key}"))
                return found.fetchone() is not None
        return False

    def get_result(self, name: str, key: str) -> bytes | None:
        """Return the result that was stored last under a name, or None if it was stored under another key."""
        with self._disabled_on_error():
            return self._read_blob(f"{_RESULTS}{name}", f"{self._rules} {key}")
        return None

    def put_result(self, name: str, key: str, newest: int, blob: bytes) -> None:
        """Store a result that depends on all pages of a run.

        Results stored under another key are deleted, except the findings between pages.

        Args:
            key: Changes if a page changes, or anything else that the result depends on.
            newest: The time of the last change of a page, in nanoseconds.
        """
        if newest < self._newest:
            self._results.append(_row(f"{_RESULTS}{name}", f"{self._rules} {key}", blob))
            if len(self._results) >= _RESULTS_MAX:
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
        self._folder = self._changed.get(key) or CachedFolder(self._read(key))

    def _read(self, key: str) -> FolderRecords:
        with self._disabled_on_error():
            blob = self._read_blob(key, self._rules) if _is_unicode(key) else None
            return NO_PAGES if blob is None else decode_folder(blob)
        return NO_PAGES

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
            if self._database is not None and (self._changed or self._results):
                with self._database:
                    for _, rules, *_ in self._results[-1:]:
                        self._database.execute(_DELETE_RESULTS, (f"{_RESULTS}{SITE_FINDINGS}", rules))
                    self._database.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)", self._rows())
        self._changed.clear()
        self._results.clear()
        self._pending = 0

    def _rows(self) -> Iterator[_Row]:
        for key, folder in self._changed.items():
            yield _row(key, self._rules, encode(folder.merged()))
        yield from self._results

    @contextlib.contextmanager
    def _disabled_on_error(self) -> Iterator[None]:
        """Continue without the cache after any database error. A damaged file is deleted, so the next run makes one."""
        try:
            yield
        except (sqlite3.Error, MsgspecError) as error:
            _log.warning("%s cannot be used as a cache, and the run continues without it: %s", self._file, error)
            if self._database is not None:
                self._database.close()
            self._database = None
            if type(error) is sqlite3.DatabaseError:  # its subclasses have other reasons, such as a full disk
                with contextlib.suppress(OSError):
                    self._file.unlink()


def _row(key: str, rules: str, blob: bytes) -> _Row:
    return key, rules, xxh3_128_digest(blob), blob


def _is_unicode(name: str) -> bool:
    """Return whether a file name is valid text. Other names are not cached."""
    return name.isascii() or name.encode("utf-8", "ignore").decode() == name
