"""The table of the index: its columns, its SQL, and what a row means."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from qtgen.generation.decisions import State
from qtgen.review.index.page_filter import PROBLEM, PageFilter
from qtgen.review.page_rows import decode_digests, decode_findings
from qtgen.review.types import IndexedPage

LAYOUT = 4
"""Version of the table and of what `describe` returns. An index of another version is not used."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS pages (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE, size INTEGER, changed INTEGER,
    url TEXT, title TEXT, subject TEXT, score REAL, file_digest TEXT, digests TEXT, fault TEXT,
    problem TEXT NOT NULL, search TEXT,
    findings TEXT NOT NULL DEFAULT '', priority INTEGER NOT NULL DEFAULT 0, score_order REAL NOT NULL DEFAULT 2,
    batch TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'open', decision TEXT, decided_at TEXT NOT NULL DEFAULT '',
    reviewer TEXT NOT NULL DEFAULT '', skipped TEXT NOT NULL DEFAULT '',
    rewrite TEXT NOT NULL DEFAULT '', is_judged INTEGER NOT NULL DEFAULT 0
)
"""
INDEXES = (
    "CREATE INDEX IF NOT EXISTS pages_url ON pages(url)",
    "CREATE INDEX IF NOT EXISTS pages_title ON pages(title, path)",
    "CREATE INDEX IF NOT EXISTS pages_state ON pages(state, problem, priority, score_order, path, skipped)",
    "CREATE INDEX IF NOT EXISTS pages_skipped ON pages(skipped) WHERE skipped <> ''",
    "CREATE INDEX IF NOT EXISTS pages_rewrite ON pages(rewrite, is_judged) WHERE rewrite <> ''",
    "CREATE INDEX IF NOT EXISTS pages_problem ON pages(problem) WHERE problem <> ''",
)

COLUMNS = (
    "path, url, title, subject, score, file_digest, digests, findings, state, decision, decided_at,"
    " reviewer, batch, problem, rewrite"
)
RANK = "priority, score_order, path"
"""The order of queues: most findings first, then the lowest score. A page without a score comes after the others."""

_ORDERS = {
    "title": "title {0}, path {0}",
    "subject": "subject {0}, title {0}, path {0}",
    "state": "problem = '' {0}, state {0}, title {0}, path {0}",
    "score": "score_order {0}, path {0}",
    "-score": "score DESC, path DESC",  # pages without a score come last here, too
    "findings": "priority {1}, path {0}",
    "decided": "decided_at {0}, path {0}",
    "queue": "priority {0}, score_order {0}, path {0}",
}


class Condition(NamedTuple):
    """A part of a WHERE clause with its values."""

    sql: str = ""
    values: tuple[Any, ...] = ()

    def and_(self, other: "Condition") -> "Condition":
        """Return the condition that both hold."""
        if not self.sql or not other.sql:
            return self if self.sql else other
        return Condition(f"{self.sql} AND {other.sql}", (*self.values, *other.values))

    @property
    def clause(self) -> str:
        """The condition as a WHERE clause, or nothing."""
        return f" WHERE {self.sql}" if self.sql else ""


def condition_of(page_filter: PageFilter) -> Condition:
    """Return the condition of a filter, without its queue."""
    parts = [
        Condition(sql, (value,))
        for sql, value in (
            ("subject = ?", page_filter.subject),
            ("findings LIKE ?", page_filter.rule and f"% {page_filter.rule}:%"),
            ("score >= ?", page_filter.score_from),
            ("score < ?", page_filter.score_below),
            ("reviewer = ?", page_filter.reviewer),
            ("batch = ?", page_filter.batch),
        )
        if value not in ("", None)
    ]
    if page_filter.state == PROBLEM:
        parts.append(Condition("problem <> ''"))
    elif page_filter.state:
        parts.append(Condition("state = ? AND problem = ''", (page_filter.state,)))
    parts += [Condition("instr(search, ?) > 0", (word,)) for word in searchable(page_filter.q).split()]
    whole = Condition()
    for part in parts:
        whole = whole.and_(part)
    return whole


def searchable(text: str) -> str:
    """Return a text in the form in which searches compare it."""
    return text.casefold()


def order_of(page_filter: PageFilter) -> str:
    """Return the ORDER BY clause of a filter."""
    sort = page_filter.sort or ("queue" if page_filter.queue else "title")
    directions = ("DESC", "ASC") if sort.startswith("-") else ("ASC", "DESC")
    return " ORDER BY " + (_ORDERS.get(sort) or _ORDERS[sort.removeprefix("-")]).format(*directions)


def page_of(row: Sequence[Any]) -> IndexedPage:
    """Return the page of a row with `COLUMNS`."""
    path, url, title, subject, score, file_digest, digests, findings, state, *rest = row
    decision, decided_at, reviewer, batch, problem, rewrite = rest
    return IndexedPage(
        url=url,
        path=os.fsdecode(path),
        title=title,
        subject=subject,
        file_digest=file_digest,
        digests=decode_digests(digests),
        score=score,
        findings=decode_findings(findings),
        state=State(state),
        decision=decision,
        decided_at=decided_at,
        reviewer=reviewer,
        batch=batch,
        rewrite=rewrite,
        problem=problem,
    )


def execute_all(database: sqlite3.Connection, statements: Iterable[str]) -> None:
    """Execute statements without values."""
    for statement in statements:
        database.execute(statement)
