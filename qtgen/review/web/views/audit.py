"""The screen of an audit: its result so far, the next step, and the pages to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from qtgen._util.text import pluralize
from qtgen.generation.decisions import DecisionLog
from qtgen.generation.output import OutputFolder
from qtgen.review.audits.acceptance import FixedRule, Rule, Verdict
from qtgen.review.audits.audits import NEXT, AuditProgress, Plan, read_plans, second_readings
from qtgen.review.index.queues import AUDIT, SECOND
from qtgen.review.types import IndexedPage, View, Viewer
from qtgen.review.web.addresses import review_address
from qtgen.review.web.views.errors import NotFound
from qtgen.review.web.views.lists import coded

_LISTED = 20  # pages of a list
_VERDICTS = {
    Verdict.ACCEPT: ("good", "accepted"),
    Verdict.REJECT: ("bad", "not accepted"),
    Verdict.CONTINUE: ("accent", "running"),
}


class PageLookup(Protocol):
    """What the screen needs of the index."""

    def pages(self, urls: Sequence[str]) -> Mapping[str, IndexedPage]:
        """Return what is known about pages, by URL."""


class AuditWorkspace(Protocol):
    """What the screens of the statistics need of the workspace."""

    @property
    def store(self) -> OutputFolder:
        """The output folder."""

    @property
    def log(self) -> DecisionLog:
        """All decisions."""

    @property
    def index(self) -> PageLookup:
        """The pages."""

    def progress(self, plan: Plan, who: str = "") -> AuditProgress:
        """Return how far an audit is."""

    def progress_of(self, plans: Sequence[Plan]) -> list[AuditProgress]:
        """Return how far audits are."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of the chart, in percent of its width."""

    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart of a result: which shares of bad pages are still possible, and how far the reading is.

    Args:
        top: The share of bad pages at the right end.
        limit: Where the tolerated share is.
        possible: The shares that are still possible; None if no page was read.
        is_cut: Whether they extend beyond the right end.
        found: Where the share among the pages that were read is; None if none was read.
        done: The pages that were read, of those that must be read if no more is bad.
        total: The number of these pages.
        marks: Where the bad pages are among them.
        words: The chart in words.
    """

    top: float
    limit: float
    possible: Bar | None
    is_cut: bool
    found: float | None
    done: float
    total: int
    marks: tuple[float, ...]
    words: str


def audit_view(workspace: AuditWorkspace, query: Mapping[str, str], viewer: Viewer) -> View:
    """Return the screen of the audit `name`. Raises NotFound, or UsageError if its plan was edited."""
    name = query.get("name", "")
    plans = read_plans(workspace.store)
    problem = next((error for error in plans.problems if str(error.path).endswith(f"/{name}.json")), None)
    if problem is not None:
        raise problem
    plan = plans.plans.get(name)
    if plan is None or plan.kind == NEXT:
        names = [one.name for one in plans.audits]
        remedy = f"there is {', '.join(names)}" if names else "plan one with `qtgen review plan`"
        raise NotFound(f"no audit has the name {name!r}", remedy=remedy)
    return View("audit.html.j2", _context(workspace, plan, viewer))


def _context(workspace: AuditWorkspace, plan: Plan, viewer: Viewer) -> dict[str, Any]:
    rule = plan.rule
    if rule is None:
        raise NotFound(f"{plan.name} is a queue, and no audit")
    now = workspace.progress(plan, viewer.name)
    own = {*second_readings(plan, workspace.log, viewer.name)} if viewer.may_write else set()
    is_over = now.verdict is not Verdict.CONTINUE
    bad = [plan.pages[plan.order[place - 1]].url for place in now.bad_at] if is_over else []
    lists = {"pending": now.pending, "disputed": now.disputed, "bad": bad}
    known = workspace.index.pages([url for urls in lists.values() for url in urls[:_LISTED]])
    queue = f"{AUDIT}{plan.name}"
    colour, word = _VERDICTS[now.verdict]
    return {
        "name": plan.name,
        "verdict": {"colour": colour, "word": word},
        "next_step": now.next_sentence,
        "read_link": review_address(None, queue) if now.pending and viewer.may_write else "",
        "chart": chart_of(now, rule),
        "facts": facts_of(now, rule),
        "lists": {name: [_row(url, known.get(url), queue) for url in urls[:_LISTED]] for name, urls in lists.items()},
        "more": {name: max(0, len(urls) - _LISTED) for name, urls in lists.items()},
        "needs_second": len(now.needs_second),
        "second_for_you": len(own.intersection(now.needs_second)),
        "second_link": review_address(None, SECOND),
        "is_over": is_over,
        "plan": plan,
        "excluded": [(path, coded(reason)) for path, reason in plan.excluded[:_LISTED]],
        "excluded_more": max(0, len(plan.excluded) - _LISTED),
    }


def _row(url: str, page: IndexedPage | None, queue: str) -> dict[str, str]:
    return {
        "url": url,
        "title": page.title if page and page.title else url,
        "subject": page.subject if page else "",
        "problem": "" if page else "This page is gone.",
        "link": review_address(url, queue),
    }


def facts_of(now: AuditProgress, rule: Rule) -> list[tuple[str, str, str]]:
    """Return the figures of an audit: name, value, and what it means in one sentence."""
    pages, tolerated = f"{rule.pages:,}", rule.limit - 1
    so_far = " so far" if now.verdict is Verdict.CONTINUE else ""
    facts = [
        (
            "Tolerated",
            f"{percent(now.plan.tolerance or 0.0)} bad pages",
            f"Up to {tolerated:,} of the {pages} pages may be bad. A bad page is one that reviewers would not publish.",
        ),
        (f"Read{so_far}", f"{now.judged:,} of {pages} pages", _reading_rule(now, rule)),
        (f"Bad{so_far}", pluralize(now.bad, "page"), _why_bad(now)),
    ]
    if now.bad_range and now.read:
        low, high = now.bad_range
        words = f"In at least {percent(now.plan.confidence)} of such audits, this range contains the true share."
        facts.append(("Bad pages in the batch", f"{percent(low)} to {percent(high)}", words))
    facts.append(
        (
            "The promise",
            f"at most {percent(1 - now.plan.confidence)} risk",
            f"A batch with more than {pluralize(tolerated, 'bad page')} is accepted with at most this chance.",
        )
    )
    return facts


def _reading_rule(now: AuditProgress, rule: Rule) -> str:
    order = "Pages are drawn at random and count in the order of the draw."
    if now.ahead:
        order += f" {pluralize(now.ahead, 'page')} will count when the pages before them are read."
    if now.changed_ahead:
        order += f" {pluralize(now.changed_ahead, 'page')} changed since the plan and will count as bad."
    if not isinstance(rule, FixedRule):
        return f"{order} Reading stops as soon as the result is certain enough."
    allowed = "if none is bad" if not rule.allowed else f"if at most {rule.allowed:,} {_is(rule.allowed)} bad"
    return f"{order} {rule.sample:,} pages must be read; the batch is accepted {allowed}."


def _why_bad(now: AuditProgress) -> str:
    parts = [
        (
            now.changed,
            "changed since the plan, before anybody read it",
            "changed since the plan, before anybody read them",
        ),
        (now.skipped, "was skipped by two reviewers", "were skipped by two reviewers"),
        (len(now.disputed), "is in dispute", "are in dispute"),
    ]
    words = [f"{count:,} {one if count == 1 else many}" for count, one, many in parts if count]
    if not words:
        return "Pages that were rejected, sent back, or edited beyond polish."
    return f"Of these, {' and '.join(words)}. Such pages count as bad."


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def percent(share: float) -> str:
    """Return a share as a percentage with one decimal, if it has one."""
    return f"{share * 100:.1f}".removesuffix(".0") + "%"


def chart_of(now: AuditProgress, rule: Rule) -> Chart:
    """Return the chart of an audit."""
    tolerance = now.plan.tolerance or 0.0
    low, high = now.bad_range or (0.0, 1.0)
    found = now.bad / now.read if now.read else None
    top = min(1.0, max(4 * tolerance, 1.25 * (found or 0.0), 1.25 * low))
    right = min(high, top)
    total = now.read + (now.remaining or 0)
    if now.verdict is Verdict.CONTINUE and now.remaining is None:
        total = max(rule.most_read, now.read)
    range_ = (
        f"Between {percent(low)} and {percent(high)} of the batch can be bad" if now.read else "No page was read yet"
    )
    words = f"{range_}; {percent(tolerance)} bad pages are tolerated."
    return Chart(
        top=top,
        limit=_place(tolerance, top),
        possible=Bar(_place(low, top), max(_place(right - low, top), 0.5)) if now.read else None,
        is_cut=bool(now.read) and high > top,
        found=None if found is None else _place(found, top),
        done=_place(now.read, total),
        total=total,
        marks=tuple(_place(place - 0.5, total) for place in now.bad_at),
        words=words,
    )


def _place(part: float, whole: float) -> float:
    """Return a place in percent of the width."""
    return round(100 * part / whole, 2) if whole else 0.0
