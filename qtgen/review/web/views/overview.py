"""The overview: what waits, how far the audits are, and who has decided how much."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from qtgen.generation.decisions import Action, DecisionLog, State, timestamp
from qtgen.review.index.queues import AUDIT
from qtgen.review.types import View, Viewer
from qtgen.review.web.addresses import review_address
from qtgen.review.web.views.lists import STATE_LABELS, ListsWorkspace, coded

_NEXT_STEPS = {
    "rewrites": "No rewrite waits. When pages are rewritten, those whose new text is in doubt come here.",
    "taken": "No rewrite waits. When pages are rewritten, those with their new text come here.",
    "flagged": "No open page has errors or warnings.",
    "next": "Every page has a decision.",
    "second": "Audits choose pages for a second reviewer.",
    "returned": "No text changed after its decision.",
    "mine": "You have no drafts, and skipped nothing.",
    "failed": "No question failed.",
}
_READERS_MAX = 50
_AUDITS_MAX = 20


def midnight() -> dt.datetime:
    """Return when the present day began, in this machine's time zone."""
    now = dt.datetime.now().astimezone()
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def overview_view(
    workspace: ListsWorkspace,
    query: Mapping[str, str],  # noqa: ARG001 - every screen takes it
    viewer: Viewer,
    since: Callable[[], dt.datetime] = midnight,
) -> View:
    """Return the overview.

    Args:
        since: Returns when the present day began.
    """
    index = workspace.index
    counts = workspace.queues.counts(viewer.name)
    queues = [
        {
            "name": one.name,
            "label": one.label,
            "pages": one.pages,
            "sentence": coded(one.sentence if one.pages else _NEXT_STEPS[one.name]),
            "list": f"/pages?{urlencode({'queue': one.name})}",
            "review": review_address(None, one.name) if one.pages and one.name != "failed" else "",
        }
        for one in counts
    ]
    states, problems = _states(workspace)
    waiting = sum(one.pages for one in counts if one.name not in ("failed", "mine"))
    return View(
        "overview.html.j2",
        {
            "pages": index.facets.pages,
            "queues": queues,
            "first": next((queue for queue in queues if queue["review"]), None),
            "states": states,
            "problems": problems,
            "lines": len(workspace.log.problems),
            "audits": _audits(workspace),
            "readers": _readers(workspace.log, timestamp(since())),
            "notes": [coded(note) for note in index.notes],
            "is_done": bool(index.facets.pages) and not waiting,
        },
    )


def _states(workspace: ListsWorkspace) -> tuple[list[dict[str, Any]], int]:
    """Return the number of pages in each state, and how many cannot be reviewed."""
    rows = workspace.index.rows("SELECT problem <> '', state, count(*) FROM pages GROUP BY 1, 2")
    counts = Counter({state: pages for is_problem, state, pages in rows if not is_problem})
    total = sum(counts.values())
    states = [
        {"name": state.value, "label": STATE_LABELS[state.value], "pages": counts[state.value], "total": total}
        for state in State
    ]
    return states, sum(pages for is_problem, _, pages in rows if is_problem)


def _audits(workspace: ListsWorkspace) -> list[dict[str, Any]]:
    """Return the audits with the next step of each."""
    return [
        {
            "name": one.plan.name,
            "href": f"/audits/{one.plan.name}",
            "review": review_address(None, AUDIT + one.plan.name) if one.pending or one.disputed else "",
            "verdict": str(one.verdict),
            "read": one.read,
            "bad": one.bad,
            "sentence": coded(one.next_sentence),
        }
        for one in workspace.audits()[:_AUDITS_MAX]
    ]


def _readers(log: DecisionLog, since: str) -> list[dict[str, Any]]:
    """Return how many decisions each reviewer has made, today and in all; those with most of today first.

    An undo is no decision, and what it undoes does not count.
    """
    today, all_days = Counter[str](), Counter[str]()
    for decision in log:
        if decision.action in (Action.UNDO, Action.SKIP):
            continue
        all_days[decision.who] += 1
        today[decision.who] += decision.at >= since
    for decision in log:
        undone = log.get(decision.undoes or "") if decision.action is Action.UNDO else None
        if undone is not None and undone.action not in (Action.UNDO, Action.SKIP) and log.is_undone(undone):
            all_days[undone.who] -= 1
            today[undone.who] -= undone.at >= since
    names = sorted(all_days, key=lambda who: (-today[who], -all_days[who], who))[:_READERS_MAX]
    return [{"who": who, "today": today[who], "all": all_days[who]} for who in names]
