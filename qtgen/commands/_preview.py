"""Show a finished page in a few lines: its question, its description and its first point."""

import re
import shutil
import textwrap
from pathlib import Path

import click

from qtgen._util.text import escape_controls, one_line
from qtgen.commands._echo import Styled
from qtgen.page import decode_answer
from qtgen.site.api import read_page

_MAX_WIDTH = 100
_INDENT = "  "
_POINT = re.compile(r"^(?:\d+[.)]|[-*]) ", re.MULTILINE)
_DESCRIPTION = "seo.page_description"
_BOLD = re.compile(r"\*\*(.+?)\*\*")


def preview(path: str) -> list[str]:
    """Return lines that show a page. Raises UsageError if it cannot be read."""
    page = read_page(path)
    question, description = (" ".join((page.text_of(name) or "").split()) for name in ("question", _DESCRIPTION))
    paragraphs = decode_answer(page.text_of("answer") or "").split("\n\n")
    points = [paragraph for paragraph in paragraphs if _POINT.match(paragraph)]
    opening = points[0] if points else paragraphs[0]
    return [
        Styled(click.style(escape_controls(question), bold=True)),
        *_wrap(description),
        *_wrap(_BOLD.sub(r"\1", opening)),
        f"{_INDENT}{one_line(str(Path(path)))}",
    ]


def _wrap(text: str) -> list[str]:
    width = min(shutil.get_terminal_size().columns, _MAX_WIDTH)
    return textwrap.wrap(escape_controls(text), width, initial_indent=_INDENT, subsequent_indent=_INDENT)
