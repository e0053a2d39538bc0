"""The history: every decision, the last one first, with undo."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from qtgen._util.text import pluralize
from qtgen.errors import UsageError
from qtgen.generation.decisions import REASONS, Action, Decision, DecisionLog
from qtgen.review.index.index import PAGE_SIZE
from qtgen.review.types import IndexedPage, View, Viewer
from qtgen.review.web.addresses import review_address
from qtgen.review.web.views.lists import VERBS, ListsWorkspace, hidden_pages, offset_of, pager, short

_PROBLEMS_MAX = 50
_NOTE_MAX = 400  # characters
_FILTERS = ("url", "who", "action")
_LABELS = {"url": "Page", "who": "Reader", "action": "Action"}


def history_view(workspace: ListsWorkspace, query: Mapping[str, str], viewer: Viewer) -> View:
    """Return the history. Raises UsageError for an unknown action."""
    wanted = {name: query.get(name, "").strip() for name in _FILTERS}
    if wanted["action"] and wanted["action"] not in [*Action]:
        raise UsageError(f"unknown action `{wanted['action']}`", remedy=f"choose one of: {', '.join(Action)}")
    offset = offset_of(query)
    found = list(_matching(workspace.log, wanted))
    some = found[offset : offset + PAGE_SIZE]
    pages = workspace.index.pages([decision.url for decision in some]) if some else {}
    hidden = hidden_pages(workspace, viewer.name)
    active = {name: value for name, value in wanted.items() if value}
    problems = workspace.log.problems
    return View(
        "history.html.j2",
        {
            "rows": [
                _row(
                    workspace.log, one, pages.get(one.url), viewer, is_hidden=hidden(one.url) and one.who != viewer.name
                )
                for one in some
            ],
            "wanted": wanted,
            "active": [
                {
                    "label": _LABELS[name],
                    "value": short(VERBS[Action(value)] if name == "action" else value),
                    "href": _address({one: text for one, text in active.items() if one != name}),
                }
                for name, value in active.items()
            ],
            "readers": sorted(workspace.index.reviewers),
            "actions": [(action.value, VERBS[action]) for action in Action],
            "pager": pager("/history", urlencode(active), offset, len(some), len(found)),
            "total": pluralize(len(found), "decision"),
            "problems": problems[:_PROBLEMS_MAX],
            "problem_count": len(problems),
            "file": str(workspace.index.sources.store.decisions_file),
            "is_empty": not len(workspace.log),
        },
    )


def _address(query: Mapping[str, str]) -> str:
    return f"/history?{urlencode(query)}" if query else "/history"


def _matching(log: DecisionLog, wanted: Mapping[str, str]) -> Iterator[Decision]:
    """Yield the decisions that a filter leaves, the last one first."""
    url, who, action = (wanted[name] for name in _FILTERS)
    for decision in reversed(log.history(url) if url else [*log]):
        if (not who or decision.who == who) and (not action or decision.action == action):
            yield decision


def _row(
    log: DecisionLog, decision: Decision, page: IndexedPage | None, viewer: Viewer, *, is_hidden: bool
) -> dict[str, Any]:
    """Return a row of the history.

    Args:
        page: The page, or None if it is gone.
        is_hidden: Whether the reviewer must not see the decision, because they should read the page as the second one.
    """
    is_undone = log.is_undone(decision)
    can_undo = viewer.may_write and page is not None and not is_undone and not is_hidden
    return {
        "id": decision.id,
        "at": decision.at,
        "who": decision.who,
        "is_hidden": is_hidden,
        "action": decision.action.value,
        "verb": _verb(log, decision),
        "href": review_address(decision.url) if page else "",
        "title": short(page.title if page and page.title else decision.url),
        "url": decision.url if can_undo else "",
        "file_digest": page.file_digest if page and can_undo else "",
        "only": _address({"url": decision.url}),
        "reasons": [REASONS.get(reason, reason) for reason in decision.reasons],
        "note": decision.note[:_NOTE_MAX] + "…" * (len(decision.note) > _NOTE_MAX),
        "is_undone": is_undone,
        "is_blind": decision.blind,
        "plan": decision.draw.plan if decision.draw else "",
        "can_undo": can_undo,
    }


def _verb(log: DecisionLog, decision: Decision) -> str:
    if decision.action is not Action.UNDO:
        return VERBS[decision.action]
    undone = log.get(decision.undoes or "")
    return f"undid: {VERBS[undone.action]}" if undone else VERBS[decision.action]
