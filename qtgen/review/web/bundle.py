"""The documents that show a text as the site does: the frame with the bundle, and the approximate preview.

`make bundle` builds the bundle from `frontend/`. Without it, the server renders approximately.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path

from qtgen._util.preview import palette_css, preview_css, render_markdown
from qtgen._util.preview.marks import RawMark
from qtgen.page.layout import Layout

BUNDLE = Path(__file__).parent / "static" / "preview"
"""The folder that `make bundle` writes. It is served as `/static/preview/`."""

_FILES = ("preview.js", "preview.css", "licenses.txt")
_COMMON = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}

FRAME_HEADERS: Mapping[str, str] = {
    **_COMMON,
    "content-security-policy": "; ".join(
        (
            "sandbox allow-scripts",
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "cache-control": "no-store",
}
"""The headers of the frame's document. Its sandbox gives it an opaque origin, and it can load nothing else."""


def is_bundled(folder: Path = BUNDLE) -> bool:
    """Return whether `make bundle` was run, or the wheel contains the bundle."""
    return all((folder / name).is_file() for name in _FILES)


def frame_document(base: str = "/static/preview") -> str:
    """Return the document of the preview frame.

    The page around it posts `{type: "show", id, markdown, marks, dark}`. The frame posts `{type: "ready"}` until the
    first text comes, then `{type: "shown", id, height}` for each text, and again if its height changes.

    Args:
        base: The URL of the bundle's folder.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Preview</title>\n'
        '<meta name="viewport" content="width=device-width">\n'
        f'<link rel="stylesheet" href="{escape(base)}/preview.css">\n'
        f'<script src="{escape(base)}/preview.js" defer></script>\n</head>\n'
        '<body><div id="preview" class="preview"></div></body>\n</html>\n'
    )


def renders(layout: Layout) -> bool:
    """Return whether the site's renderer is built. The one of the bundle renders formulas."""
    return is_bundled() and layout.codec.math


def why_approximate(layout: Layout) -> str:
    """Return why a preview is approximate, for people."""
    if layout.codec.math:
        return (
            "The site's renderer is not built, so formulas and details can look different. "
            "Whoever runs the server builds it with: make bundle (needs npm)."
        )
    return "The site has a renderer of its own, so details can look different."


def approximate_document(markdown: str, marks: Iterable[RawMark] = (), *, math: bool) -> str:
    """Return a document without scripts that shows a text approximately. Send it with `APPROXIMATE_HEADERS`.

    Args:
        markdown: The text.
        marks: Ranges that differ from another version.
        math: Whether the site renders formulas between dollar signs.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Approximate preview</title>\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<style>{_approximate_css()}</style>\n</head>\n"
        f'<body class="preview">{render_markdown(markdown, marks, math=math)}</body>\n</html>\n'
    )


@cache
def _approximate_css() -> str:
    return palette_css() + preview_css() + "html { background: var(--surface); }\nbody { margin: 4px 16px 16px; }\n"


def _style_source() -> str:
    digest = hashlib.sha256(_approximate_css().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


APPROXIMATE_HEADERS: Mapping[str, str] = {
    **_COMMON,
    "content-security-policy": (
        f"sandbox allow-same-origin; default-src 'none'; style-src {_style_source()}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    ),
    "cache-control": "no-store",
}
"""The headers of an approximate preview.

It keeps its origin, so that the screen can measure it, but nothing runs in it.
"""
