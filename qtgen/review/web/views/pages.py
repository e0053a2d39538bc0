"""The list of pages: filtered, sorted and searched, 50 rows at a time."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from qtgen._util.text import pluralize
from qtgen.errors import UsageError
from qtgen.review.index.index import PAGE_SIZE
from qtgen.review.index.page_filter import PageFilter
from qtgen.review.types import View, Viewer
from qtgen.review.web.addresses import review_address
from qtgen.review.web.views.errors import NotFound
from qtgen.review.web.views.lists import (
    STATE_LABELS,
    ListsWorkspace,
    coded,
    hidden_pages,
    offset_of,
    page_row,
    pager,
    short,
)
from qtgen.validation.rules import REGISTRY

_CHOICES_MAX = 150  # options of a select element
_FAILED = "failed"
_COLUMNS = (
    ("title", "Title", False),
    ("subject", "Subject", False),
    ("state", "State", False),
    ("score", "Score", False),
    ("findings", "Findings", True),
    ("decided", "Last decision", True),
)
"""The name to sort by, the label, and whether the first click sorts downwards."""
_FIRST_FILTERS = {"q", "subject", "state"}
_BLIND_COLUMNS = ("title", "subject")
_LABELS = {
    "q": "Text",
    "state": "State",
    "subject": "Subject",
    "rule": "Rule",
    "score_from": "Score from",
    "score_below": "Score below",
    "reviewer": "Reviewer",
    "batch": "Batch",
}


def pages_view(workspace: ListsWorkspace, query: Mapping[str, str], viewer: Viewer) -> View:
    """Return the list. Raises NotFound for an unknown queue, and UsageError for another value that is wrong."""
    page_filter = PageFilter.from_query(query)
    queue = page_filter.queue
    kind = None
    if queue:
        try:
            kind = workspace.queues.kind(queue)
        except UsageError as error:
            raise NotFound(error.message, remedy=error.remedy) from None
    if queue == _FAILED:
        return _failed_view(workspace, query)
    is_blind = workspace.queues.is_blind(queue)
    if is_blind:  # other filters and orders would reveal what the reviewer must not know
        page_filter = PageFilter(queue=queue, q=page_filter.q, subject=page_filter.subject)
    offset = offset_of(query)
    found = workspace.queues.search(page_filter, viewer.name, offset)
    hidden = hidden_pages(workspace, viewer.name)
    rows = [page_row(page, queue, is_hidden=is_blind or hidden(page.url)) for page in found.pages]
    return View(
        "pages.html.j2",
        {
            "queue": queue,
            "kind": kind,
            "heading": kind.label if kind else "Pages",
            "is_blind": is_blind,
            "rows": rows,
            "columns": [
                _column(page_filter, *column) for column in _COLUMNS if not is_blind or column[0] in _BLIND_COLUMNS
            ],
            "filter": page_filter,
            "active": _active(page_filter),
            "has_more": not page_filter.conditions.keys() <= _FIRST_FILTERS,
            "clear": f"/pages?{urlencode({'queue': queue})}" if queue else "/pages",
            "choices": _choices(workspace, page_filter, is_blind=is_blind),
            "pager": pager("/pages", page_filter.query(), offset, len(rows), found.total),
            "start": review_address(None, queue) if queue and found.total else "",
            "total": pluralize(found.total, "page"),
            "empty": "" if rows else coded(_empty(workspace, page_filter, offset)),
            "notes": [coded(note) for note in workspace.index.notes],
        },
    )


def _column(page_filter: PageFilter, name: str, label: str, is_downward: bool) -> dict[str, Any]:
    """Return a column header with the link that sorts by it."""
    current = page_filter.sort or ("" if page_filter.queue else "title")
    is_current, is_reversed = current.removeprefix("-") == name, current.startswith("-")
    flips = not is_reversed if is_current else is_downward
    sort = f"-{name}" if flips else name
    return {
        "name": name,
        "label": label,
        "href": f"/pages?{page_filter.query(sort=sort)}",
        "aria_sort": ("descending" if is_reversed else "ascending") if is_current else "",
    }


def _active(page_filter: PageFilter) -> list[dict[str, str]]:
    """Return the active conditions, each with the address of the list without it."""
    return [
        {
            "label": _LABELS[name],
            "value": short(STATE_LABELS.get(value, value) if name == "state" else value),
            "href": f"/pages?{page_filter.without(name)}",
        }
        for name, value in page_filter.conditions.items()
    ]


def _choices(workspace: ListsWorkspace, page_filter: PageFilter, *, is_blind: bool) -> dict[str, list[tuple[str, str]]]:
    """Return the options of each select element as pairs of value and label."""
    facets = workspace.index.facets
    choices = {"subject": _counted(facets.subjects, page_filter.subject)}
    if is_blind:
        return choices
    codes = [(code, f"{code} {_rule_name(code)} ({pages:,})") for code, pages in facets.choices(facets.rules)]
    return choices | {
        "state": [*STATE_LABELS.items()],
        "rule": _with_current(codes, page_filter.rule),
        "reviewer": _counted(workspace.index.reviewers, page_filter.reviewer),
        "batch": _counted(facets.batches, page_filter.batch, is_newest_first=True),
    }


def _counted(counts: Counter[str], current: str, *, is_newest_first: bool = False) -> list[tuple[str, str]]:
    values = sorted((value for value, pages in counts.items() if value and pages > 0), reverse=is_newest_first)
    options = [(value, f"{short(value)} ({counts[value]:,})") for value in values[:_CHOICES_MAX]]
    return _with_current(options, current)


def _with_current(options: list[tuple[str, str]], current: str) -> list[tuple[str, str]]:
    """Return the options with the current value, which may have no pages any more."""
    is_missing = current and current not in (value for value, _ in options)
    return [(current, short(current)), *options] if is_missing else options


def _rule_name(code: str) -> str:
    rule = REGISTRY.get(code)
    return rule.name if rule else ""


def _empty(workspace: ListsWorkspace, page_filter: PageFilter, offset: int) -> str:
    """Return the sentence of a list without rows. It names the next step."""
    if offset:
        return "The list has become shorter. Go back to its start."
    if page_filter.conditions:
        return "No page matches these filters. Remove one of them."
    if not workspace.index.facets.pages:
        return "There are no pages yet. Run `qtgen generate`, then open this list again."
    return "Nothing waits here. Choose another queue on the overview." if page_filter.queue else "There are no pages."


def _failed_view(workspace: ListsWorkspace, query: Mapping[str, str]) -> View:
    """Return the list of questions without a page."""
    offset = offset_of(query)
    failed = workspace.queues.failed()
    some = failed[offset : offset + PAGE_SIZE]
    context = {
        "kind": workspace.queues.kind(_FAILED),
        "rows": [
            {
                "question": short(page.question or page.path or page.record),
                "path": short(page.path),
                "reason": page.reason[:1000],
                "record": page.record,
            }
            for page in some
        ],
        "pager": pager("/pages", f"queue={_FAILED}", offset, len(some), len(failed)),
        "total": pluralize(len(failed), "question"),
    }
    return View("failed.html.j2", context)
