"""The screen at the end of a queue: its result, and what to do next."""

from typing import NamedTuple

from qtgen._util.text import pluralize
from qtgen.review.audits.acceptance import Verdict
from qtgen.review.audits.audits import AuditProgress, read_plans, second_readings
from qtgen.review.index.queues import SECOND
from qtgen.review.types import View, Viewer
from qtgen.review.web.last_decision import last_decision
from qtgen.review.web.views.lists import coded
from qtgen.review.web.workspace import Workspace

_ALL_DECIDED = "All pages of this queue are decided. Choose another queue on the overview."


class _Next(NamedTuple):
    """What to do next, and the address of the audit that it is about."""

    sentence: str
    audit: str = ""


def queue_end_view(workspace: Workspace, queue: str, viewer: Viewer) -> View:
    """Return the screen at the end of a queue."""
    now = workspace.audit_of(queue, viewer.name)
    following = _after_audit(now) if now else _after_queue(workspace, queue)
    context = {
        "queue": queue,
        "queue_label": workspace.queues.kind(queue).label if queue else "Pages",
        "next_step": coded(following.sentence),
        "audit_link": following.audit,
        "undo": last_decision(workspace, viewer.name) if viewer.may_write else None,
    }
    return View("queue_end.html.j2", context)


def _after_audit(now: AuditProgress) -> _Next:
    link = f"/audits/{now.plan.name}"
    if now.verdict is not Verdict.CONTINUE:
        return _Next(now.next_sentence, link)
    if now.disputed:
        return _Next(
            "You have read your pages. A third reviewer settles those about which two reviewers disagree.", link
        )
    return _Next("Other reviewers must read the pages that are left, because you skipped them.", link)


def _after_queue(workspace: Workspace, queue: str) -> _Next:
    if queue != SECOND:
        return _Next(_ALL_DECIDED)
    plans = read_plans(workspace.store).plans.values()
    waiting = len({url for plan in plans for url in second_readings(plan, workspace.log)})
    if not waiting:
        return _Next("No page waits for a second reviewer. Choose another queue on the overview.")
    wait, them = ("waits", "it") if waiting == 1 else ("wait", "them")
    return _Next(f"{pluralize(waiting, 'page')} {wait} for another reviewer, because you have read {them} already.")
