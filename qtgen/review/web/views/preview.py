"""The text that the server renders if the site's own renderer is not built."""

from collections.abc import Mapping

from qtgen.review.types import Viewer
from qtgen.review.web.bundle import approximate_document
from qtgen.review.web.views.errors import NotFound
from qtgen.review.web.views.page import versions_for
from qtgen.review.web.views.versions import sides_of
from qtgen.review.web.workspace import Workspace


def approximate_preview(workspace: Workspace, query: Mapping[str, str], viewer: Viewer) -> str:
    """Return a document with one text of the page `url`: the `side` that a tab shows, or the reviewer's `draft`."""
    url, side = query.get("url", ""), query.get("side", "text")
    if side == "draft":
        file, draft = workspace.open(url).file, workspace.drafts.get(viewer.name, url)
        texts = {**file.fields, **(draft.fields if draft else {})}
        layout = file.page.layout
        return approximate_document(texts.get(layout.roles.answer or "", ""), math=layout.codec.math)
    opened, versions, mode = versions_for(workspace, query, viewer)
    sides = sides_of(opened.page.url, versions, mode, viewer.name)
    if side not in sides:
        raise NotFound(f"this page has no text {side!r}")
    marks = [(mark["start"], mark["end"], mark["kind"]) for mark in sides[side]["marks"]]
    math = opened.file.page.layout.codec.math
    return approximate_document(sides[side]["markdown"], marks, math=math)
