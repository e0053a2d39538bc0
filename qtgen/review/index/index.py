"""The index of pages: what the lists, the filters and the queues need, in a disposable SQLite cache.

One pass with the validator builds it, and a page that has not changed keeps its row. The pages, `provenance.jsonl` and
`decisions.jsonl` are the record. If you delete the index, the next start only takes longer.
"""

import json
import logging
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qtgen.errors import UsageError
from qtgen.generation.decisions import Decision, DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.review.index.check_pass import CheckedPages, check_pages
from qtgen.review.index.database import open_database, open_in_memory
from qtgen.review.index.facets import Facets
from qtgen.review.index.page_filter import PageFilter
from qtgen.review.index.page_paths import PagePaths
from qtgen.review.index.table import (
    COLUMNS,
    LAYOUT,
    Condition,
    condition_of,
    order_of,
    page_of,
)
from qtgen.review.index.writer import IndexWriter
from qtgen.review.page_rows import decode_digests
from qtgen.review.types import IndexedPage, Rewrite
from qtgen.site.discovery import PageBatch, iter_batches
from qtgen.validation.project_cache import project_cache
from qtgen.validation.run import ValidationOptions

PAGE_SIZE = 50

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSources:
    """Where the index comes from.

    Args:
        paths: The files and folders to review.
        store: The output folder with provenance and decisions.
        checks: How the validator checks the pages. Its `cache` is set by the index.
        project: The folder that holds `.qtgen/cache`.
        clock: Returns the time in nanoseconds.
    """

    paths: Sequence[Path]
    store: OutputFolder
    checks: ValidationOptions
    project: Path
    clock: Callable[[], int] = time.time_ns


@dataclass(frozen=True, slots=True)
class PageList:
    """Some of the pages that a filter leaves, and how many it leaves in all."""

    pages: Sequence[IndexedPage]
    total: int


class ReviewIndex:
    """The pages of a review. Its methods may be called from several threads.

    Args:
        sources: Where the index comes from.
        log: The decisions. `record` adds to it.

    Raises UsageError for a path that does not exist.
    """

    def __init__(self, sources: IndexSources, log: DecisionLog) -> None:
        for path in sources.paths:
            if not path.exists():
                raise UsageError("no such file or folder", path=path)
        self.sources, self._decisions = sources, log
        self.notes: list[str] = []
        """Sentences about paths that could not be read."""
        self._lock, self._refreshing = threading.RLock(), threading.Lock()
        self._open(open_database(sources.project, _identity(sources)))
        self._paths = PagePaths(sources.paths)
        self._reviewers: tuple[int, Counter[str]] = (0, Counter())
        self.statements = 0
        """How many SQL statements have read the index."""
        self.version = 0
        """A number that changes with every change of the index."""
        try:
            self.refresh()
        except sqlite3.Error as error:
            _log.warning("the index cannot be written, and is kept in memory: %s", error)
            self._database.close()
            self._open(open_in_memory())
            self.refresh()

    def _open(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._writer = IndexWriter(database, self.sources.store, self._decisions, self.sources.checks.profile)

    def refresh(self) -> None:
        """Bring the index up to date with the files: check what changed, and forget what is gone.

        Other threads can use the index in the meantime.
        """
        with self._refreshing:
            now = self.sources.clock()
            notes: list[str] = []
            batches = list(iter_batches(self.sources.paths, lambda error: notes.append(str(error))))
            with self._lock:
                plan = self._writer.plan(batches)
            checked = self._check(batches, plan.wanted) if batches else CheckedPages()
            with self._lock:
                self._writer.write(plan, checked, now)
                self.notes = notes
                self.version += 1

    def _check(self, batches: Sequence[PageBatch], wanted: Set[str]) -> CheckedPages:
        """Check the pages with the cache that `qtgen validate` uses."""
        cache = project_cache(
            self.sources.checks.settings,
            self.sources.project,
            self.sources.clock(),
            profile=self.sources.checks.profile,
        )
        try:
            return check_pages(batches, replace(self.sources.checks, cache=cache), wanted)
        finally:
            cache.close()

    def update(self, path: Path) -> None:
        """Bring the row of one page up to date, after its file was written, changed or deleted.

        Findings that compare pages stay as they were until the next `refresh`.
        """
        stored = self._paths.stored(path)
        if stored is None:
            return
        with self._lock:
            self._writer.update(stored, self.sources.checks)
            self.version += 1

    def record(self, decision: Decision) -> None:
        """Record a decision. It counts once, however often it is recorded."""
        with self._lock:
            self._decisions.add(decision)
            self._writer.update_status([decision.url])
            self.version += 1

    def refresh_decisions(self, urls: Iterable[str]) -> None:
        """Bring the rows of pages up to date whose decisions changed in the log."""
        with self._lock:
            self._writer.update_status(urls)
            self.version += 1

    def set_rewrites(self, rewrites: Mapping[str, Rewrite]) -> None:
        """Store which pages have a rejected or accepted rewrite, by their URLs."""
        with self._lock:
            self._writer.set_rewrites(rewrites)
            self.version += 1

    def set_rewrite(self, url: str, rewrite: Rewrite | None) -> None:
        """Store the rewrite of one page after a decision has moved it; None if it has none."""
        with self._lock:
            self._writer.set_rewrite(url, rewrite)
            self.version += 1

    def page(self, url: str) -> IndexedPage | None:
        """Return the page with a URL. Of several pages with it, the first one counts."""
        row = self.row(f"SELECT {COLUMNS} FROM pages WHERE url = ? ORDER BY problem <> '', path LIMIT 1", (url,))  # noqa: S608 - no value of a request
        if row is None or not url:
            return None
        page = page_of(row)
        return replace(page, is_writable=self._paths.is_writable(page.path))

    def pages(self, urls: Sequence[str]) -> dict[str, IndexedPage]:
        """Return the pages with these URLs that exist, by URL. At most 500 URLs are looked up."""
        some = [url for url in dict.fromkeys(urls) if url][:500]
        marks = ", ".join("?" * len(some))
        rows = self.rows(f"SELECT {COLUMNS} FROM pages WHERE url IN ({marks}) ORDER BY problem <> '', path", some)  # noqa: S608 - no value of a request
        found: dict[str, IndexedPage] = {}
        for row in rows:
            page = page_of(row)
            found.setdefault(page.url, page)
        return found

    def digests(self, urls: Collection[str]) -> dict[str, Mapping[str, str]]:
        """Return the digests of the texts of the pages with these URLs that exist, by URL."""
        query = (
            "SELECT url, digests FROM pages WHERE url IN (SELECT value FROM json_each(?))"
            " ORDER BY problem = '', path DESC"  # of several pages with a URL, the first one counts
        )
        rows = self.rows(query, (json.dumps([*urls]),))
        return {url: decode_digests(digests) for url, digests in rows}

    def search(
        self, page_filter: PageFilter, offset: int = 0, limit: int = PAGE_SIZE, within: Condition | None = None
    ) -> PageList:
        """Return some of the pages that a filter leaves, in its order.

        Args:
            page_filter: The filter. Its queue gives the default order only; `Queues.search` applies it.
            offset: How many pages to skip.
            limit: How many pages to return at most.
            within: A further condition.
        """
        condition = condition_of(page_filter).and_(within or Condition())
        query = f"SELECT {COLUMNS} FROM pages{condition.clause}{order_of(page_filter)} LIMIT ? OFFSET ?"  # noqa: S608 - no value of a request
        rows = self.rows(query, (*condition.values, limit, offset))
        if len(rows) < limit and (rows or not offset):
            return PageList([page_of(row) for row in rows], offset + len(rows))
        return PageList([page_of(row) for row in rows], self.count(page_filter, within))

    def count(self, page_filter: PageFilter, within: Condition | None = None) -> int:
        """Return how many pages a filter leaves."""
        condition = condition_of(page_filter).and_(within or Condition())
        row = self.row(f"SELECT count(*) FROM pages{condition.clause}", condition.values)  # noqa: S608 - no value of a request
        return int(row[0]) if row else 0

    @property
    def facets(self) -> Facets:
        """The values that pages can be filtered by, with the number of their pages."""
        return self._writer.facets

    @property
    def reviewers(self) -> Counter[str]:
        """How many decisions each reviewer has made."""
        count, known = self._reviewers
        if count != len(self._decisions):
            known = Counter(decision.who for decision in self._decisions)
            self._reviewers = (len(self._decisions), known)
        return known

    def has_pages_below(self, folder: Path) -> bool:
        """Return whether pages below a folder are in the index. The folder need not exist any more."""
        prefix = self._paths.spelled(folder)
        if prefix is None:
            return False
        start = os.fsencode(f"{prefix}/")
        return (
            self.row("SELECT 1 FROM pages WHERE path >= ? AND path < ? LIMIT 1", (start, start[:-1] + b"0")) is not None
        )

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._lock:
            self.statements += 1
            return self._database.execute(query, values).fetchall()

    def row(self, query: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, if there is one."""
        rows = self.rows(query, values)
        return rows[0] if rows else None

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()


def _identity(sources: IndexSources) -> str:
    """Return what tells the index of these paths from others."""
    profile = sources.checks.profile
    site = [] if profile.is_default else [profile.digest, profile.root]
    return "\0".join(map(str, [LAYOUT, *site, Path.cwd(), sources.store.folder, *sources.paths]))
