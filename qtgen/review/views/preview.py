"""The preview that the server renders if the site's own renderer is not built: approximate, without any script."""

from collections.abc import Mapping

from qtgen._util.preview import preview_css, render_markdown
from qtgen.review.types import View, Viewer
from qtgen.review.views.errors import NotFound
from qtgen.review.views.page import sides_of, versions_for
from qtgen.review.workspace import Workspace

POLICY = "sandbox; default-src 'none'; style-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
"""The content security policy of the frame."""

_FRAME_CSS = """\
:root { color-scheme: light dark; }
body { margin: 0; padding: 12px; font: 16px/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
"""


def approximate_view(workspace: Workspace, query: Mapping[str, str], viewer: Viewer) -> View:
    """Return one text of the page `url`: the side that the tab `side` shows, or the reader's `draft`."""
    url, side = query.get("url", ""), query.get("side", "text")
    if side == "draft":
        draft = workspace.drafts.get(viewer.name, url)
        fields = workspace.open(url).file.fields
        markdown, marks = {**fields, **(draft.fields if draft else {})}["answer"], ()
        return View("preview.html.j2", {"html": render_markdown(markdown, marks)})
    opened, versions, mode = versions_for(workspace, query, viewer)
    sides = sides_of(opened.page.url, versions, mode, viewer.name)
    if side not in sides:
        raise NotFound(f"this page has no text {side!r}")
    shown = sides[side]
    found = [(mark["start"], mark["end"], mark["kind"]) for mark in shown["marks"]]
    return View("preview.html.j2", {"html": render_markdown(shown["markdown"], found)})


def approximate_css() -> str:
    """Return the styles of the frame."""
    return _FRAME_CSS + preview_css()
