"""The edit screen: the texts of a page as a person writes them, with a draft if there is one."""

from collections.abc import Mapping, Sequence
from typing import Any

from qtgen.errors import UsageError
from qtgen.review.fields import EditableField, editable_fields
from qtgen.review.types import View, Viewer
from qtgen.review.web.addresses import review_address
from qtgen.review.web.bundle import renders, why_approximate
from qtgen.review.web.modes import Mode
from qtgen.review.web.views.errors import NotFound
from qtgen.review.web.views.page import versions_for
from qtgen.review.web.views.versions import Versions
from qtgen.review.web.workspace import OpenedPage, Workspace


def edit_view(workspace: Workspace, query: Mapping[str, str], viewer: Viewer) -> View:
    """Return the edit screen of the page `url`."""
    url, queue = query.get("url", ""), query.get("queue", "")
    workspace.check_queue(queue)
    if not url:
        raise NotFound("the address names no page; open one from the list")
    opened, versions, mode = versions_for(workspace, query, viewer)
    fields, layout = versions.now, opened.file.page.layout
    editable = editable_fields(layout)
    problems = [*filter(None, [opened.page.problem]), *(one.message for one in opened.file.page.problems)]
    may_save = viewer.may_write and opened.page.is_writable and not problems
    if not mode.may_edit:
        raise UsageError("two reviewers judge this text, so it cannot be edited", remedy="reject it or send it back")
    draft = workspace.drafts.get(viewer.name, url) if may_save else None
    back = review_address(url, queue)
    other = _other_text(opened, versions, mode) if may_save else None
    context: dict[str, Any] = {
        "other": other,
        "title": opened.file.page.text_of(layout.roles.question) or url,
        "page": opened.page,
        "back": back,
        "is_blind": mode.is_blind,
        "why_approximate": why_approximate(layout),
        "fields": editable,
        "values": {**fields, **(draft.fields if draft else {})},
        "note": draft.note if draft else "",
        "may_save": may_save,
        "restored": draft.at if draft else "",
        "draft_is_old": draft is not None and draft.file_digest != opened.file.digest,
        "notices": _notices(opened.page.is_writable, viewer, problems),
        "data": {
            "url": url,
            "queue": queue,
            "file_digest": opened.file.digest,
            "fields": fields,
            "may_save": may_save,
            "has_bundle": renders(layout),
            "other": other["fields"] if other else None,
            "description": _bounds(editable),
        },
    }
    return View("edit.html.j2", context)


def _bounds(fields: Sequence[EditableField]) -> dict[str, float | None] | None:
    """Return the least and the most characters of the description; None if there is none."""
    return next(({"min": field.least, "max": field.most} for field in fields if field.is_description), None)


def _other_text(opened: OpenedPage, versions: Versions, mode: Mode) -> dict[str, Any] | None:
    """Return the text of a rewrite that the page does not have. A blind reviewer learns nothing about it."""
    if versions.old is None or versions.new is None or opened.rewrite is None or mode.is_blind:
        return None
    if opened.rewrite.is_taken:
        return {"edited": "new", "name": "old", "fields": versions.old}
    return {"edited": "old", "name": "new", "fields": versions.new}


def _notices(is_writable: bool, viewer: Viewer, problems: list[str]) -> list[dict[str, str]]:
    if problems:
        return [
            {
                "kind": "bad",
                "text": f"This page cannot be edited here: {problems[0].rstrip('.')}. Correct the file first.",
            }
        ]
    if not viewer.may_write:
        return [{"kind": "warn", "text": "This server is read-only, so nothing can be saved."}]
    if not is_writable:
        text = "This file is read-only or outside the given folders, so nothing can be saved."
        return [{"kind": "warn", "text": text}]
    return []
