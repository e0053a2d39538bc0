"""The last decision of a reviewer, which the key `u` undoes."""

from typing import TypedDict

from qtgen.generation.decisions import Action, Decision
from qtgen.review.web.workspace import Workspace


class UndoTarget(TypedDict):
    """What the script needs to undo a decision."""

    id: str
    url: str
    label: str


def last_decision(workspace: Workspace, who: str) -> UndoTarget | None:
    """Return the last decision of a reviewer that was not undone."""
    decision = _last(workspace, who)
    if decision is None:
        return None
    label = f"Undo “{decision.action.value}” of {decision.url.rpartition('/')[2]}"
    return UndoTarget(id=decision.id, url=decision.url, label=label)


def _last(workspace: Workspace, who: str) -> Decision | None:
    log = workspace.log
    own = (one for one in reversed([*log]) if one.who == who and one.action is not Action.UNDO)
    return next((one for one in own if not log.is_undone(one)), None)
