"""HTML documents of one file: a shell with a content security policy, one style, and tables that sort and filter.

A report extends `document.html.j2` and adds its own style and script. `document.css` defines the custom properties and
the components that reports share. Without scripts, all of a document can still be read.
"""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtgen._util.templates import html_environment
from qtgen._util.text import replace_surrogates

if TYPE_CHECKING:
    from jinja2 import Environment, Template

FOLDER = Path(__file__).parent


def document_environment(folder: Path) -> "Environment":
    """Return a Jinja environment for the templates in `folder`, which may extend `document.html.j2`."""
    return html_environment(folder, FOLDER)


def render_document(template: "Template", styles: Sequence[str], scripts: Sequence[str], **values: Any) -> str:
    """Return a template that extends `document.html.j2` as a document that UTF-8 can encode.

    Args:
        styles: Style sheets in addition to `document.css`.
        scripts: Scripts in addition to `document.js`.
        values: The variables of the template.
    """
    style = "\n".join([asset(FOLDER, "document.css"), *styles])
    script = "\n".join([asset(FOLDER, "document.js"), *scripts])
    policy = content_security_policy(script, style)
    return replace_surrogates(template.render(**values, style=style, script=script, policy=policy))


@cache
def asset(folder: Path, name: str) -> str:
    """Return the text of a style sheet or a script that is part of the package."""
    return (folder / name).read_text(encoding="utf-8")


def content_security_policy(script: str, style: str) -> str:
    """Return a policy (W3C Content Security Policy, level 3) that allows this script and this style only."""
    script_hash, style_hash = (b64encode(sha256(text.encode()).digest()).decode() for text in (script, style))
    return (
        f"default-src 'none'; script-src 'sha256-{script_hash}'; style-src 'sha256-{style_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )
