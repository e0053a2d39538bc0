"""The review screen: one page with its texts, its findings, its history, and the actions of a reviewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from qtgen.errors import PageConflict
from qtgen.generation.decisions import REASONS, State
from qtgen.review.audits.acceptance import Verdict
from qtgen.review.decisions.rewrites import still_applies
from qtgen.review.types import Mark, Rewrite, View, Viewer
from qtgen.review.web.addresses import address_in_queue, review_address
from qtgen.review.web.bundle import renders, why_approximate
from qtgen.review.web.last_decision import last_decision
from qtgen.review.web.modes import Mode, is_swapped
from qtgen.review.web.views.errors import NotFound, error_view, sentence_of, status_of
from qtgen.review.web.views.lists import STATE_LABELS
from qtgen.review.web.views.page_parts import (
    changed_fields,
    history_rows,
    marked,
    objections_to,
    provenance_rows,
    rule_findings,
    search_result,
    source_lines,
)
from qtgen.review.web.views.queue_end import queue_end_view
from qtgen.review.web.views.versions import Texts, Versions, sides_of, versions_of
from qtgen.review.web.workspace import OpenedPage, Workspace

_KEYS = {"changes": "c", "old": "o", "new": "n", "search": "p"}


def review_view(workspace: Workspace, query: Mapping[str, str], viewer: Viewer) -> View:
    """Return the review screen of the page `url`, or of the first page of `queue`."""
    queue = query.get("queue", "")
    workspace.check_queue(queue)
    url = query.get("url") or (workspace.queues.first(queue, viewer.name) if queue else None)
    if url is None or (query.get("end") and not query.get("url") and _is_over(workspace, queue)):
        return queue_end_view(workspace, queue, viewer)
    try:
        screen = _screen(workspace, queue, url, viewer)
    except (NotFound, PageConflict) as error:
        if not queue:
            raise
        following = workspace.queues.neighbours(queue, url, viewer.name).next
        return error_view(status_of(error), sentence_of(error), address_in_queue(queue, following))
    return View("page.html.j2", screen.context(query.get("tab", "")))


def _is_over(workspace: Workspace, queue: str) -> bool:
    """Return whether a queue is the one of an audit that has its result."""
    now = workspace.audit_of(queue)
    return now is not None and now.verdict is not Verdict.CONTINUE


def versions_for(workspace: Workspace, query: Mapping[str, str], viewer: Viewer) -> tuple[OpenedPage, Versions, Mode]:
    """Return the page `url` with the versions of its texts that the review screen shows in `queue`."""
    screen = _screen(workspace, query.get("queue", ""), query.get("url", ""), viewer)
    return screen.opened, screen.versions, screen.mode


def _screen(workspace: Workspace, queue: str, url: str, viewer: Viewer) -> "_Screen":
    mode = workspace.mode(queue, url)
    opened = workspace.open(url)
    rewrite = _shown_rewrite(opened, mode)
    return _Screen(workspace, opened, rewrite, versions_of(opened, rewrite), mode, queue, viewer)


def _shown_rewrite(opened: OpenedPage, mode: Mode) -> Rewrite | None:
    """Return the rewrite that a reviewer judges, if there is one. A draw concerns the text of the page alone."""
    rewrite = opened.rewrite
    if rewrite is None or mode.draw or mode.settles or not still_applies(rewrite, opened.file.page):
        return None
    return rewrite


@dataclass(frozen=True, slots=True)
class _Screen:
    workspace: Workspace
    opened: OpenedPage
    rewrite: Rewrite | None
    versions: Versions
    mode: Mode
    queue: str
    viewer: Viewer

    def context(self, tab: str) -> dict[str, Any]:
        """Return the variables of the template."""
        page, file, mode = self.opened.page, self.opened.file, self.mode
        layout = file.page.layout
        data = self._data(tab)
        is_readable = not file.page.problems
        diagnostics = self.workspace.actions.check(file) if is_readable else ()
        source, is_cut = source_lines("" if mode.is_blind else file.page.text, diagnostics)  # it contains the score
        rewrite = self.rewrite
        return {
            "title": file.page.text_of(layout.roles.question) or page.title or page.url,
            "page": page,
            "mode": mode,
            "queue": self.queue,
            "queue_label": self.workspace.queues.kind(self.queue).label if self.queue else "",
            "left": self.workspace.queues.count(self.queue, self.viewer.name) if self.queue else None,
            "state_label": STATE_LABELS[page.state.value].lower(),
            "notices": self._notices(),
            "tabs": self._tabs(data["sides"]),
            "data": data,
            "changes": [] if mode.is_blind else changed_fields(self.versions, layout),
            "changed_answers": self._changed_answers(data["sides"]),
            "is_beside": not data["sides"].get("changes", {}).get("is_merged", True),
            "search_results": self._search_results(),
            "why_approximate": why_approximate(layout),
            "source": source,
            "source_is_cut": is_cut,
            "rewrite": rewrite,
            "objections": objections_to(rewrite),
            "measures": _measures(rewrite),
            "findings": rule_findings(diagnostics, page.findings, layout, counts_all=not is_readable),
            "words": len(self.versions.answer_of(self.versions.now).split()),
            "provenance": provenance_rows(self.workspace.origins.of(page.url), layout),
            "history": history_rows(self.workspace.log, page.url),
            "pair": data["is_pair"],
            "reasons": [*REASONS.items()],
            "actions": self._actions(data["actions"]),
        }

    def _data(self, tab: str) -> dict[str, Any]:
        """Return what the script needs."""
        page = self.opened.page
        sides = sides_of(page.url, self.versions, self.mode, self.viewer.name)
        names = [*sides, *self._other_tabs()]
        near = self.workspace.queues.neighbours(self.queue, page.url, self.viewer.name) if self.queue else None
        return {
            "url": page.url,
            "file_digest": self.opened.file.digest,
            "fields": {} if self.mode.is_blind else self.versions.now,  # the text of a pair would give the old one away
            "queue": self.queue,
            "previous": self._address(near.previous) if near else None,
            "next": self._address(near.next) if near else None,
            "tab": tab if tab in names else names[0],
            "sides": sides,
            "has_bundle": renders(self.opened.file.page.layout),
            "may_write": self.viewer.may_write,
            "is_pair": self.mode.is_blind and self.rewrite is not None,
            "rewrite": self.rewrite.digest if self.rewrite else "",
            "actions": self._verbs(),
            "undo": last_decision(self.workspace, self.viewer.name),
        }

    def _address(self, url: str | None) -> str | None:
        return review_address(url, self.queue) if url else None

    def _verbs(self) -> dict[str, dict[str, Any]]:
        """Return what approving and rejecting mean for this page."""
        if self.mode.settles:
            return {
                "approve": {"action": "adjudicate", "more": {"acceptable": True}},
                "reject": {"action": "adjudicate", "more": {"acceptable": False}},
            }
        if self.rewrite and not self.mode.is_blind:
            return {"approve": {"action": "take", "more": {}}, "reject": {"action": "keep", "more": {}}}
        return {"approve": {"action": "approve", "more": {}}, "reject": {"action": "reject", "more": {}}}

    def _actions(self, verbs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        labels = {
            "take": "Take new" if self.rewrite and not self.rewrite.is_taken else "Keep new",
            "keep": "Keep old" if self.rewrite and not self.rewrite.is_taken else "Back to old",
            "approve": "Approve",
            "reject": "Reject",
        }
        yes, no = (labels.get(verbs[name]["action"], "") for name in ("approve", "reject"))
        if self.mode.settles:
            yes, no = "Publishable", "Not publishable"
        which = "new text" if verbs["reject"]["action"] == "keep" else "text"
        query = {"url": self.opened.page.url, **({"queue": self.queue} if self.queue else {})}
        return {
            "approve": {"label": yes},
            "reject": {"label": no, "question": f"What is wrong with the {which}?"},
            "may_send_back": self.mode.may_send_back,
            "may_edit": self.mode.may_edit and self._may_be_changed(),
            "edit": f"/edit?{urlencode(query)}",
        }

    def _may_be_changed(self) -> bool:
        page = self.opened.page
        return page.is_writable and not page.problem and not self.opened.file.page.problems

    def _notices(self) -> list[dict[str, str]]:
        page, notices = self.opened.page, []
        if problem := page.problem or next((one.message for one in self.opened.file.page.problems), ""):
            text = f"You cannot decide about this page: {problem.rstrip('.')}. Correct the file first."
            notices.append({"kind": "bad", "text": text})
        if not page.is_writable:
            text = "The file is read-only or outside the given folders. You can decide, but not change its text."
            notices.append({"kind": "warn", "text": text})
        if page.state is State.RETURNED and not self.mode.is_blind:
            text = "The text changed after its decision. Decide again."
            notices.append({"kind": "warn", "text": text})
        if self.opened.rewrite and not self.rewrite and not (self.mode.draw or self.mode.settles):
            text = "There is a rewrite, but it no longer applies, because the page changed since."
            notices.append({"kind": "warn", "text": text})
        if self.mode.draw and _is_over(self.workspace, self.queue):
            text = "The audit has its result. Pages that nobody has read are no longer needed for it."
            notices.append({"kind": "good", "text": text})
        if self.mode.settles:
            text = "Two reviewers disagree about this page. Your decision settles it."
            notices.append({"kind": "", "text": text})
        return notices

    def _other_tabs(self) -> dict[str, str]:
        """Return the labels of the tabs without a text, by name."""
        has_description = self.opened.file.page.layout.description is not None
        search = {"search": "Search result"} if has_description else {}
        return search | ({} if self.mode.is_blind else {"source": "Source"})

    def _tabs(self, sides: Mapping[str, object]) -> list[dict[str, str]]:
        labels = {"changes": "Changes", "old": "Old", "new": "New", "text": "Text", "a": "A", "b": "B"}
        others = self._other_tabs()
        labels |= others
        query = {"url": self.opened.page.url, **({"queue": self.queue} if self.queue else {})}
        names = [*sides, *others]
        rows = [(name, labels[name], _KEYS.get(name, ""), urlencode({**query, "tab": name})) for name in names]
        return [dict(zip(("name", "label", "key", "query"), row, strict=True)) for row in rows]

    def _changed_answers(self, sides: Mapping[str, Mapping[str, Any]]) -> list[object]:
        """Return the Markdown of both answers with marks, in one text or side by side; nothing if they are the same."""
        answers = self.versions.answers
        if "changes" not in sides or answers is None or answers[0] == answers[1]:
            return []
        names = ("changes",) if sides["changes"]["is_merged"] else ("old", "new")
        return [marked(sides[name]["markdown"], [Mark(**mark) for mark in sides[name]["marks"]]) for name in names]

    def _search_results(self) -> list[dict[str, Any]]:
        page, old, new = self.opened.file.page, self.versions.old, self.versions.new
        description = page.layout.description
        if description is None:
            return []
        if old is None or new is None or old[description] == new[description]:
            return [{"label": "", **search_result(page, self.versions.now)}]
        pair: Sequence[Texts] = (old, new)
        labels = ("Old", "New")
        if self.mode.is_blind:
            labels = ("A", "B")
            pair = (new, old) if is_swapped(self.opened.page.url, self.viewer.name) else pair
        return [{"label": label, **search_result(page, texts)} for label, texts in zip(labels, pair, strict=True)]


def _measures(rewrite: Rewrite | None) -> list[tuple[str, str]]:
    measures = rewrite.compared.get("measures") if rewrite else None
    if not isinstance(measures, Mapping):
        return []
    return [
        (str(name).replace("_", " "), f"{value:.2f}" if isinstance(value, float) else str(value))
        for name, value in measures.items()
    ]
