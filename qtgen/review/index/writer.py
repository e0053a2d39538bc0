"""Write the index: rows of pages with their findings, their status, their batch and their rewrite."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qtgen.errors import UsageError
from qtgen.generation.decisions import DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.generation.provenance import answer_group
from qtgen.page.compile import layouts_of, main_layout
from qtgen.page.profile import Profile
from qtgen.review.index.batches import Batches
from qtgen.review.index.check_pass import CheckedPages
from qtgen.review.index.facets import Facets
from qtgen.review.index.review_status import status_of
from qtgen.review.index.table import searchable
from qtgen.review.page_rows import (
    PageRow,
    compares_pages,
    decode_digests,
    decode_findings,
    describe,
    priority,
    read_file,
    stored_findings,
)
from qtgen.review.types import Rewrite
from qtgen.site.discovery import PageBatch, iter_batches
from qtgen.validation.diagnostics import Severity, printable
from qtgen.validation.run import ValidationOptions
from qtgen.validation.selection import codes_by_path
from qtgen.validation.workers import check_file

_State = tuple[int, int]  # the size of a file, and the time of its last change

_UPSERT = """
INSERT INTO pages (path, size, changed, url, title, subject, score, file_digest, digests, fault,
    problem, search, score_order)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12)
ON CONFLICT (path) DO UPDATE SET size = ?2, changed = ?3, url = ?4, title = ?5, subject = ?6, score = ?7,
    file_digest = ?8, digests = ?9, fault = ?10, problem = ?10, search = ?11, score_order = ?12
"""
_STATUS = "state, decision, decided_at, reviewer, skipped, rewrite, is_judged"
_SET_STATUS = f"UPDATE pages SET ({_STATUS}) = (?, ?, ?, ?, ?, ?, ?) WHERE id = ?"  # noqa: S608 - constants
_NO_SCORE = 2.0  # in the order of scores, after every score
_RECENT_NS = 2_000_000_000  # a file that changed more recently could change again within one tick of a coarse clock
_UNKNOWN: _State = (-1, 0)


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """What a refresh starts from.

    Args:
        states: The state of each file, by path.
        known: The state that each row was read in, and the findings that it has, by path.
    """

    states: Mapping[str, _State]
    known: Mapping[str, tuple[_State, str]]

    @property
    def wanted(self) -> frozenset[str]:
        """The paths of pages that must be read."""
        return frozenset(
            path
            for path, state in self.states.items()
            if path not in self.known or self.known[path][0] != state or state[0] < 0
        )

    def changed_findings(self, checked: CheckedPages) -> Iterator[tuple[str, str]]:
        """Yield the path and the findings of each page whose row does not have them."""
        for path in self.states:
            stored = checked.findings.get(path, "")
            if path not in self.known or self.known[path][1] != stored:
                yield path, stored


class IndexWriter:
    """Writes the table of pages.

    Args:
        database: A connection that one thread uses at a time.
        store: The folder with the provenance.
        log: The decisions.
        profile: The page layout of the site.
    """

    def __init__(self, database: sqlite3.Connection, store: OutputFolder, log: DecisionLog, profile: Profile) -> None:
        self._database, self._decisions, self._profile = database, log, profile
        self._key = main_layout(profile).roles.key
        groups = (answer_group(layout) for layout in layouts_of(profile))
        self._batches = Batches(store.provenance_file, frozenset(group for group in groups if group))
        self._rewrites: dict[str, Rewrite] = {}
        self.facets = Facets()

    def plan(self, batches: Sequence[PageBatch]) -> "RefreshPlan":
        """Return what a refresh starts from: the states of the files, and what is known about them."""
        query = "SELECT path, size, changed, findings FROM pages"
        rows = self._database.execute(query).fetchall()
        known = {os.fsdecode(path): ((size, changed), findings) for path, size, changed, findings in rows}
        states = {path: state for batch in batches for path, state in zip(batch.paths(), batch.states, strict=True)}
        return RefreshPlan(states, known)

    def write(self, plan: "RefreshPlan", checked: CheckedPages, now_ns: int) -> None:
        """Bring all rows up to date.

        Args:
            plan: What the refresh started from.
            checked: What the check of the pages found.
            now_ns: When the states of the files were read, in nanoseconds.
        """
        with self._database:
            gone = [(os.fsencode(path),) for path in plan.known.keys() - plan.states.keys()]
            self._database.executemany("DELETE FROM pages WHERE path = ?", gone)
            for path, row in checked.rows.items():
                is_recent = plan.states[path][1] > now_ns - _RECENT_NS
                self._write_row(path, _UNKNOWN if is_recent else plan.states[path], row)
            self._write_findings(plan.changed_findings(checked))
            self._batches.read()
            self._write_batches(None)
            self._write_status(None)
            self._mark_duplicates(None)
        query = "SELECT subject, batch, findings, count(*) FROM pages GROUP BY 1, 2, 3"
        self.facets = Facets(self._database.execute(query))

    def update(self, path: str, checks: ValidationOptions) -> None:
        """Bring the row of one page up to date, or delete it if its file is gone."""
        before = self._facts_of(path)
        urls = {before[0]} if before else set()
        with self._database:
            state = _state_of(path)
            if state is None:
                self._database.execute("DELETE FROM pages WHERE path = ?", (os.fsencode(path),))
            else:
                raw, page = read_file(path, state[0], self._profile)
                row = describe(path, raw, page)
                self._write_row(path, _UNKNOWN, row)
                old = before[3] if before else ""
                self._write_findings([(path, _findings_of_page(path, state[0], raw, checks, old))])
                urls.add(row.url)
            self._batches.read()
            self._write_batches(urls)
            self._write_status(urls)
            self._mark_duplicates(urls)
        for facts, change in ((before, -1), (self._facts_of(path), 1)):
            if facts:
                self.facets.add(*facts[1:], change)

    def update_status(self, urls: Iterable[str]) -> None:
        """Update the status of pages after new decisions."""
        with self._database:
            self._write_status(set(urls))

    def set_rewrites(self, rewrites: Mapping[str, Rewrite]) -> None:
        """Note the rewrites of pages by URL."""
        before, self._rewrites = self._rewrites, dict(rewrites)
        stored = {url for (url,) in self._database.execute("SELECT url FROM pages WHERE rewrite <> ''")}
        self.update_status(before.keys() | self._rewrites.keys() | stored)

    def set_rewrite(self, url: str, rewrite: Rewrite | None) -> None:
        """Note the rewrite of one page; None if it has none."""
        self._rewrites.pop(url, None)
        if rewrite:
            self._rewrites[url] = rewrite
        self.update_status([url])

    def _facts_of(self, path: str) -> tuple[str, str, str, str] | None:
        """Return the URL, the subject, the batch and the findings of a page."""
        query = "SELECT url, subject, batch, findings FROM pages WHERE path = ?"
        row: tuple[str, str, str, str] | None = self._database.execute(query, (os.fsencode(path),)).fetchone()
        return row

    def _write_row(self, path: str, state: _State, row: PageRow) -> None:
        search = searchable(f"{row.title}\n{row.url}")
        score_order = _NO_SCORE if row.score is None else row.score
        values = (os.fsencode(path), *state, row.url, row.title, row.subject, row.score, row.file_digest, row.digests)
        self._database.execute(_UPSERT, (*values, row.fault, search, score_order))

    def _write_findings(self, findings: Iterable[tuple[str, str]]) -> None:
        rows = ((stored, priority(decode_findings(stored)), os.fsencode(path)) for path, stored in findings)
        self._database.executemany("UPDATE pages SET findings = ?, priority = ? WHERE path = ?", rows)

    def _write_batches(self, urls: Iterable[str] | None) -> None:
        where, values = _where_url(urls)
        rows = self._database.execute(f"SELECT id, url, batch FROM pages{where}", values).fetchall()  # noqa: S608
        changed = [(self._batches.get(url), id_) for id_, url, batch in rows if self._batches.get(url) != batch]
        self._database.executemany("UPDATE pages SET batch = ? WHERE id = ?", changed)

    def _write_status(self, urls: set[str] | None) -> None:
        """Write the status of the pages with these URLs, or of all pages."""
        where = ""
        if urls is None:
            urls = {*self._decisions.urls(), *self._rewrites}
            where = " OR decided_at <> '' OR skipped <> '' OR rewrite <> ''"
        condition, values = _where_url(urls)
        query = f"SELECT id, url, digests, {_STATUS} FROM pages{condition}{where}"  # noqa: S608
        changed = []
        for id_, url, digests, *known in self._database.execute(query, values).fetchall():
            status = status_of(self._decisions, url, decode_digests(digests), self._rewrites.get(url))
            if status != tuple(known):
                changed.append((*status, id_))
        self._database.executemany(_SET_STATUS, changed)

    def _mark_duplicates(self, urls: Iterable[str] | None) -> None:
        """Give each page whose URL another page has already that problem."""
        where, values = _where_url(urls)
        execute = self._database.execute
        if urls is None:
            execute("UPDATE pages SET problem = fault WHERE problem <> fault")
        else:
            execute(f"UPDATE pages SET problem = fault{where}", values)  # noqa: S608
        query = f"SELECT url FROM pages{where or ' WHERE true'} AND url <> '' GROUP BY url HAVING count(*) > 1"  # noqa: S608
        for (url,) in execute(query, values).fetchall():
            first, *others = execute("SELECT id, path FROM pages WHERE url = ? ORDER BY path", (url,)).fetchall()
            name = printable(os.fsdecode(first[1]))
            problem = f"`{name}` has the same `{self._key}`. Change the `{self._key}` of one of them."
            for id_, _ in others:
                execute("UPDATE pages SET problem = ? WHERE id = ?", (problem, id_))


def _where_url(urls: Iterable[str] | None) -> tuple[str, tuple[str, ...]]:
    """Return a WHERE clause for pages with these URLs, or for all pages."""
    if urls is None:
        return "", ()
    return " WHERE url IN (SELECT value FROM json_each(?))", (json.dumps(list(urls)),)


def _state_of(path: str) -> _State | None:
    """Return the size and the time of a file as the validator lists them; None if there is no such file."""
    if Path(path).is_dir():
        return None
    ignored: list[UsageError] = []
    batches = iter_batches([Path(path)], ignored.append)
    return next((state for batch in batches for state in batch.states), None)


def _findings_of_page(path: str, size: int, raw: bytes | None, checks: ValidationOptions, old: str) -> str:
    """Return the findings of a page that changed. Those that compare pages stay as they were."""
    codes = codes_by_path(checks.rules, checks.by_path, checks.root)(path)
    record = check_file(path, size, {} if raw is None else {path: raw}, checks.settings, profile=checks.profile)
    found = [(one.code, one.severity) for one in record.diagnostics if one.code in codes]
    for kept in decode_findings(old):
        if compares_pages(kept.code):
            found += [(kept.code, Severity(kept.severity))] * kept.total
    return stored_findings(tuple(found))
