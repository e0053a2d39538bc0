"""Parts that the overview, the list and the history share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from markupsafe import Markup

from qtgen._util.text import pluralize
from qtgen.errors import UsageError
from qtgen.generation.decisions import Action, DecisionLog, State
from qtgen.review.audits.audits import AuditProgress
from qtgen.review.index.index import PAGE_SIZE, ReviewIndex
from qtgen.review.index.page_filter import PROBLEM
from qtgen.review.index.queues import SECOND, Queues
from qtgen.review.types import IndexedPage
from qtgen.review.web.addresses import review_address
from qtgen.review.web.templating import shown

STATE_LABELS = {
    State.OPEN.value: "Open",
    State.APPROVED.value: "Approved",
    State.REJECTED.value: "Rejected",
    State.SENT_BACK.value: "Sent back",
    State.RETURNED.value: "Returned",
    PROBLEM: "Cannot be reviewed",
}
VERBS = {
    Action.APPROVE: "approved",
    Action.REJECT: "rejected",
    Action.TAKE: "took the new text",
    Action.KEEP: "kept the old text",
    Action.EDIT: "edited",
    Action.SEND_BACK: "sent back",
    Action.SKIP: "skipped",
    Action.ADJUDICATE: "settled a dispute",
    Action.UNDO: "undid",
}
_SHOWN_MAX = 200  # characters of a title or URL
_CODES_MAX = 4  # of the rules that a row names
_OFFSET_MAX = 10**9


class ListsWorkspace(Protocol):
    """What the lists need of the workspace."""

    @property
    def index(self) -> ReviewIndex:
        """The pages."""

    @property
    def queues(self) -> Queues:
        """Which pages wait for a reviewer."""

    @property
    def log(self) -> DecisionLog:
        """All decisions."""

    def audits(self) -> Sequence[AuditProgress]:
        """Return how far each audit is."""


class Pager(NamedTuple):
    """Links between the parts of a list.

    Args:
        first: The number of the first row that is shown, from 1.
        last: The number of the last one.
        total: The number of rows in all.
        previous: The address of the part before, or None.
        next: The address of the part after, or None.
    """

    first: int
    last: int
    total: int
    previous: str | None
    next: str | None


def pager(path: str, query: str, offset: int, shown: int, total: int) -> Pager:
    """Return the links of a list.

    Args:
        path: The path of its address.
        query: The rest of its address, without the offset.
        offset: How many rows are before the first one.
        shown: How many rows are shown.
        total: How many there are in all.
    """

    def address(start: int) -> str:
        parts = [part for part in (query, f"offset={start}" if start else "") if part]
        return f"{path}?{'&'.join(parts)}" if parts else path

    previous = address(max(0, min(offset - PAGE_SIZE, total - 1 - (total - 1) % PAGE_SIZE))) if offset else None
    following = address(offset + PAGE_SIZE) if offset + shown < total and shown else None
    return Pager(offset + 1 if shown else 0, offset + shown, total, previous, following)


def offset_of(query: Mapping[str, str]) -> int:
    """Return the offset of a query. Raises UsageError."""
    text = query.get("offset") or "0"
    if not (text.isascii() and text.isdigit()) or int(text[:12]) > _OFFSET_MAX:
        raise UsageError(f"`{text[:20]}` is no offset", remedy="open the list again")
    return int(text)


def coded(text: str) -> Markup:
    """Return a sentence as HTML. What is between backticks is code."""
    parts = (shown(part) for part in text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts)
    )


def short(text: str) -> str:
    """Return the beginning of a text for a list."""
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def page_row(page: IndexedPage, queue: str = "", *, is_hidden: bool = False) -> dict[str, Any]:
    """Return a row of the list.

    Args:
        page: The page.
        queue: The queue that the row's link leads through.
        is_hidden: Whether the reviewer must not see what others think of the page.
    """
    row: dict[str, Any] = {
        "href": review_address(page.url, queue) if page.url and (not page.problem or page.path) else "",
        "title": short(page.title or page.url or page.path),
        "url": short(page.url or page.path),
        "subject": short(page.subject),
        "problem": coded(page.problem),
        "is_hidden": is_hidden,
    }
    if not is_hidden:
        row |= {
            "state": page.state.value,
            "state_label": STATE_LABELS[PROBLEM if page.problem else page.state.value],
            "score": page.score,
            "findings": finding_badges(page),
            "codes": _codes(page),
            "reviewer": page.reviewer,
            "decided_at": page.decided_at,
        }
    return row


def finding_badges(page: IndexedPage) -> list[tuple[str, str]]:
    """Return the severity and a count such as `2 errors` of each severity that a page has."""
    totals: dict[str, int] = {}
    for finding in page.findings:
        totals[finding.severity] = totals.get(finding.severity, 0) + finding.total
    nouns = {"info": "note"}
    return [(severity, pluralize(total, nouns.get(severity, severity))) for severity, total in totals.items()]


def _codes(page: IndexedPage) -> str:
    codes = [*dict.fromkeys(finding.code for finding in page.findings)]
    more = f" and {len(codes) - _CODES_MAX} more" if len(codes) > _CODES_MAX else ""
    return " ".join(codes[:_CODES_MAX]) + more


def hidden_pages(workspace: ListsWorkspace, who: str) -> Callable[[str], bool]:
    """Return a function that returns whether a reviewer must not see the decisions of others about a page.

    These are the pages that the reviewer should read as the second one.
    """
    urls = set(workspace.queues.urls(SECOND, who))
    return urls.__contains__
