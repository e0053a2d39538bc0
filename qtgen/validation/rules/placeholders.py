"""The words in the documentation of rules that depend on the site: `{answer}` is the name of the field with the answer.

A docstring names the fields of a page only so. Braces around any other word are kept.
"""

import re
import textwrap
from collections.abc import Callable, Iterable
from functools import partial

from qtgen._util.text import enumeration
from qtgen.page.layout import Layout
from qtgen.page.profile import Roles
from qtgen.validation.rules.content_words import CONTENT_WORDS

_WIDTH = 116  # of a line
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def _role(role: str, layout: Layout) -> str:
    return getattr(layout.roles, role) or role


PLACEHOLDERS: dict[str, Callable[[Layout], object]] = {
    **{role: partial(_role, role) for role in Roles.__struct_fields__},
    "description": lambda layout: layout.description or "description",
    "keywords": lambda layout: layout.keywords or "keywords",
    "file_name": lambda layout: layout.file_name_field or "file name",
    "links": lambda layout: layout.links.field if layout.links else "links",
    "links_max": lambda layout: layout.links.max if layout.links else 0,
    "site": lambda layout: layout.profile.file.name,
    **CONTENT_WORDS,
    "constants": lambda layout: listed(layout.constants),
}
"""What replaces each placeholder. Families of rules add their own."""


def fill_placeholders(text: str, layout: Layout) -> str:
    """Return the documentation of a rule with the names of a site's fields."""
    return "\n".join(_fill_line(line, layout) for line in text.split("\n"))


def _fill_line(line: str, layout: Layout) -> str:
    """Return a line with its placeholders filled. If it becomes too long, it is wrapped."""
    filled = _PLACEHOLDER.sub(lambda match: _filled(match, layout), line)
    if filled == line or len(filled) <= _WIDTH:
        return filled
    return "\n".join(textwrap.wrap(filled, _WIDTH, break_long_words=False, break_on_hyphens=False))


def _filled(match: re.Match[str], layout: Layout) -> str:
    value = PLACEHOLDERS.get(match[1])
    return match[0] if value is None else str(value(layout))


def listed(paths: Iterable[str]) -> str:
    """Return names in code style, joined by commas and `and`."""
    return enumeration([f"`{path}`" for path in paths])
