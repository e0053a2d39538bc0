"""Queues: which pages wait for a reviewer, and in which order. A page leaves its queue when it is decided.

The order of audits, of `next` with a plan, and of second readings comes from the statistics, as lists of URLs. The
other queues are conditions on the index, and show the pages with the most findings and the lowest scores first.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import NamedTuple

from qtgen.errors import UsageError
from qtgen.review.audits.audits import NEXT
from qtgen.review.index.failed import FailedPage, FailedPages
from qtgen.review.index.index import PAGE_SIZE, PageList, ReviewIndex
from qtgen.review.index.page_filter import PageFilter
from qtgen.review.index.review_status import encode_names
from qtgen.review.index.table import RANK, Condition
from qtgen.review.types import IndexedPage

AUDIT = "audit:"
"""The beginning of the names of audit queues."""
SECOND = "second"
"""The queue of second readings."""


class QueueKind(NamedTuple):
    """What a queue is called, and which pages are in it.

    Args:
        label: Its title.
        sentence: What is in it, and what to do with it.
        sql: The condition of its pages; empty if the queue is a list.
    """

    label: str
    sentence: str
    sql: str = ""


QUEUES: Mapping[str, QueueKind] = {
    "rewrites": QueueKind(
        "Rewrites to judge",
        "The comparison rejected the new text. Take it, or keep the old one.",
        "rewrite <> '' AND rewrite = 'kept' AND is_judged = 0",
    ),
    "taken": QueueKind(
        "Accepted rewrites",
        "The comparison accepted the new text. Keep it, or go back to the old one.",
        "rewrite <> '' AND rewrite = 'taken' AND is_judged = 0",
    ),
    "flagged": QueueKind(
        "Flagged by rules",
        "Open pages with errors or warnings, most serious first.",
        "state = 'open' AND priority <= -1000",
    ),
    NEXT: QueueKind("Next pages", "All open pages, those most in need of a reviewer first.", "state = 'open'"),
    SECOND: QueueKind("Second readings", "Pages that another reviewer has judged. You don't see the verdict."),
    "returned": QueueKind(
        "Returned",
        "The text changed after its decision. Decide again.",
        "state = 'returned'",
    ),
    "mine": QueueKind("Mine", "Pages that you skipped, or began to edit."),
    "failed": QueueKind("Failed", "Questions without a page, because every attempt failed."),
}
"""The queues by name, except audits. `failed` lists records instead of pages."""


_LISTS_MAX = 200  # that are kept
_MINE = """problem = '' AND id IN (
    SELECT id FROM pages WHERE skipped <> '' AND instr(skipped, ?) > 0
    UNION SELECT id FROM pages WHERE url IN (SELECT value FROM json_each(?))
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSources:
    """Where the queues that are lists come from. Each function returns the URLs that wait now, in order.

    Args:
        audits: Returns the names of the running audits.
        audit: Returns the pages of an audit that a reviewer should read.
        next_pages: Returns the pages to read next; None if there is no plan.
        second: Returns the pages that a reviewer should read as the second one.
        drafts: Returns the pages that a reviewer has drafts of.
    """

    audits: Callable[[], Sequence[str]] = tuple
    audit: Callable[[str, str], Sequence[str]] = lambda _name, _who: ()
    next_pages: Callable[[str], Sequence[str] | None] = lambda _who: None
    second: Callable[[str], Sequence[str]] = lambda _who: ()
    drafts: Callable[[str], Sequence[str]] = lambda _who: ()


class QueueCount(NamedTuple):
    """A queue with the number of its pages."""

    name: str
    label: str
    sentence: str
    pages: int


class Neighbours(NamedTuple):
    """The URLs of the pages before and after a page in a queue; None if there is none."""

    previous: str | None
    next: str | None


class Queues:
    """The queues of a review.

    Args:
        index: The pages.
        sources: Where the queues that are lists come from.
    """

    def __init__(self, index: ReviewIndex, sources: QueueSources | None = None) -> None:
        self._index, self._sources = index, sources or QueueSources()
        self._lists: dict[tuple[str, str], tuple[int, Sequence[str]]] = {}
        self._failed = FailedPages(index.sources.store.failed_folder)

    def kind(self, name: str) -> QueueKind:
        """Return the kind of a queue. Raises UsageError for a queue that does not exist, with those that do."""
        if name in QUEUES:
            return QUEUES[name]
        names = self.names()
        if name not in names:
            near = get_close_matches(name, names, n=1)
            remedy = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(names)}"
            raise UsageError(f"no queue is called `{name}`", remedy=remedy)
        audit = name.removeprefix(AUDIT)
        return QueueKind(f"Audit {audit}", "A random sample. Read the pages in this order, and leave none out.")

    def names(self) -> list[str]:
        """Return the names of all queues."""
        return [*QUEUES, *(AUDIT + name for name in self._sources.audits())]

    @staticmethod
    def is_blind(name: str) -> bool:
        """Return whether reviewers of a queue see neither scores nor decisions, because its figures depend on that."""
        return name == SECOND or name.startswith(AUDIT)

    def counts(self, who: str) -> list[QueueCount]:
        """Return all queues except audits, with the number of pages that wait for a reviewer."""
        conditions = {name: self._condition(name, who) for name in QUEUES}
        in_sql = {name: one for name, one in conditions.items() if one is not None}
        counts = ", ".join(f"(SELECT count(*) FROM pages WHERE {one.sql})" for one in in_sql.values())  # noqa: S608
        values = [value for one in in_sql.values() for value in one.values]
        row = self._index.row(f"SELECT {counts}", values) or ()
        totals = dict(zip(in_sql, row, strict=True))
        for name in conditions.keys() - in_sql.keys():
            totals[name] = self._failed.count() if name == "failed" else len(self.urls(name, who))
        return [QueueCount(name, *self.kind(name)[:2], totals[name]) for name in conditions]

    def count(self, name: str, who: str) -> int:
        """Return how many pages of a queue wait for a reviewer."""
        self.kind(name)
        if name == "failed":
            return self._failed.count()
        condition = self._condition(name, who)
        return len(self.urls(name, who)) if condition is None else self._index.count(PageFilter(), condition)

    def search(self, page_filter: PageFilter, who: str, offset: int = 0, limit: int = PAGE_SIZE) -> PageList:
        """Return some of the pages that a filter leaves, in its order; with a queue, those that wait for a reviewer."""
        name = page_filter.queue
        if not name:
            return self._index.search(page_filter, offset, limit)
        self.kind(name)
        if name == "failed":
            return PageList([], 0)
        condition = self._condition(name, who)
        if condition is not None:
            return self._index.search(page_filter, offset, limit, condition)
        urls = self.urls(name, who)
        if page_filter.conditions or page_filter.sort.removeprefix("-") not in ("", "queue"):
            listed = Condition("problem = '' AND url IN (SELECT value FROM json_each(?))", (json.dumps(urls),))
            sort = page_filter.sort or "title"
            return self._index.search(replace(page_filter, sort=sort), offset, limit, listed)
        some = urls[offset : offset + limit]
        found = self._index.pages(some)
        return PageList([found[url] if url in found else _gone(url) for url in some], len(urls))

    def failed(self) -> list[FailedPage]:
        """Return the pages that could not be generated."""
        return self._failed.read()

    def first(self, name: str, who: str) -> str | None:
        """Return the URL of the first page of a queue that waits for a reviewer."""
        return self.neighbours(name, "", who).next

    def neighbours(self, name: str, url: str, who: str) -> Neighbours:
        """Return the pages before and after a page. After the last one comes the first one that still waits.

        The page itself need not be in the queue any more. An edit can change its place, so ask before it is saved.
        """
        self.kind(name)
        if name == "failed":
            return Neighbours(None, None)
        condition = self._condition(name, who)
        if condition is not None:
            return self._neighbours(condition, url)
        urls = self.urls(name, who)
        place = urls.index(url) if url in urls else -1
        others = [*urls[place + 1 : place + 2], *(one for one in urls[:1] if one != url)]
        return Neighbours(urls[place - 1] if place > 0 else None, others[0] if others else None)

    def _neighbours(self, condition: Condition, url: str) -> Neighbours:
        query = f"SELECT {RANK} FROM pages WHERE url = ? ORDER BY problem <> '', path LIMIT 1"  # noqa: S608
        place = self._index.row(query, (url,)) if url else None
        previous = self._nearest(condition, place, url, "<", "DESC") if place else None
        following = self._nearest(condition, place, url, ">", "ASC") if place else None
        return Neighbours(previous, following or self._nearest(condition, None, url, ">", "ASC"))

    def _nearest(
        self, condition: Condition, place: tuple[object, ...] | None, url: str, comparison: str, direction: str
    ) -> str | None:
        """Return the URL of the nearest other page of a queue before or after a place, or from the start."""
        if place is not None:
            condition = condition.and_(Condition(f"({RANK}) {comparison} (?, ?, ?)", place))
        order = ", ".join(f"{column} {direction}" for column in RANK.split(", "))
        query = f"SELECT url FROM pages WHERE {condition.sql} AND url <> ? ORDER BY {order} LIMIT 1"  # noqa: S608
        row = self._index.row(query, (*condition.values, url))
        return str(row[0]) if row else None

    def _condition(self, name: str, who: str) -> Condition | None:
        """Return the condition of the pages of a queue, or None if the queue is a list."""
        reader = encode_names([who])
        if name == "mine":
            drafts = json.dumps([*self._sources.drafts(who)])
            return Condition(_MINE, (reader, drafts))
        if name == NEXT and self._list(name, who) is not None:
            return None
        kind = QUEUES.get(name)
        if kind is None or not kind.sql:
            return None
        return Condition(f"problem = '' AND {kind.sql} AND instr(skipped, ?) = 0", (reader,))

    def urls(self, name: str, who: str) -> Sequence[str]:
        """Return the URLs of a queue that is a list; none if it is a condition on the index."""
        return self._list(name, who) or ()

    def _list(self, name: str, who: str) -> Sequence[str] | None:
        """Return the URLs of a queue, or None if it is no list. They are kept until a page or a decision changes."""
        version, known = self._lists.get((name, who), (-1, ()))
        if version == self._index.version:
            return known
        version = self._index.version  # before the list is made, which may take a while
        urls: Sequence[str] | None = None
        if name == SECOND:
            urls = self._sources.second(who)
        elif name == NEXT:
            urls = self._sources.next_pages(who)
        elif name.startswith(AUDIT):
            urls = self._sources.audit(name.removeprefix(AUDIT), who)
        if urls is not None:
            if len(self._lists) >= _LISTS_MAX:
                self._lists.clear()
            self._lists[name, who] = (version, urls)
        return urls


def _gone(url: str) -> IndexedPage:
    """Return an entry for a page of a queue that no file has any more."""
    problem = "The page is gone. It counts as changed."
    return IndexedPage(url=url, path="", title="", subject="", file_digest="", digests={}, problem=problem)
