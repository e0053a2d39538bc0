"""Show a finished page in a few lines: its question, its description and its first point."""

import re
import shutil
import textwrap
from pathlib import Path

import click

from qtgen._util.text import escape_controls, one_line
from qtgen.commands._echo import Styled
from qtgen.page import Page
from qtgen.page.profile import Profile
from qtgen.site.api import read_page

_MAX_WIDTH = 100
_INDENT = "  "
_POINT = re.compile(r"^(?:\d+[.)]|[-*]) ", re.MULTILINE)
_BOLD = re.compile(r"\*\*(.+?)\*\*")


def preview(path: str, profile: Profile) -> list[str]:
    """Return lines that show a page of a site. Raises UsageError if it cannot be read."""
    page = read_page(path, site=profile)
    roles = page.layout.roles
    question, description = (" ".join(_text(page, name).split()) for name in (roles.question, page.layout.description))
    paragraphs = page.layout.codec.decode(_text(page, roles.answer)).strip().split("\n\n")
    points = [paragraph for paragraph in paragraphs if _POINT.match(paragraph)]
    opening = points[0] if points else paragraphs[0]
    return [
        Styled(click.style(escape_controls(question), bold=True)),
        *_wrap(description),
        *_wrap(_BOLD.sub(r"\1", opening)),
        f"{_INDENT}{one_line(str(Path(path)))}",
    ]


def _text(page: Page, path: str | None) -> str:
    return (page.text_of(path) or "") if path else ""


def _wrap(text: str) -> list[str]:
    width = min(shutil.get_terminal_size().columns, _MAX_WIDTH)
    return textwrap.wrap(escape_controls(text), width, initial_indent=_INDENT, subsequent_indent=_INDENT)
