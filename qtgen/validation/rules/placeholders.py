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
_PLACEHOLDER = re.compile(r"\{([Aa]?[a-z_]+)\}")


_EMPTY_PARAGRAPH = re.compile(r"\n{3,}")  # that a site has nothing to say in
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven")


def _link_keys(layout: Layout, role: str) -> str:
    return next((key for key, name in layout.links.copies.items() if name == role), role) if layout.links else role


def _other_copies(layout: Layout) -> list[str]:
    return [key for key, name in layout.links.copies.items() if name != "id"] if layout.links else []


def _role(role: str, layout: Layout) -> str:
    return getattr(layout.roles, role) or role


def link_word(layout: Layout) -> str:
    """Return what people call a link of the site."""
    return layout.links.name if layout.links else "related page"


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


PLACEHOLDERS: dict[str, Callable[[Layout], object]] = {
    **{role: partial(_role, role) for role in Roles.__struct_fields__},
    "description": lambda layout: layout.description or "description",
    "keywords": lambda layout: layout.keywords or "keywords",
    "file_name": lambda layout: layout.file_name_field or "file name",
    "links": lambda layout: layout.links.field if layout.links else "links",
    "link": link_word,
    "a_link": lambda layout: with_article(link_word(layout)),
    "A_link": lambda layout: with_article(link_word(layout)).capitalize(),
    "links_max": lambda layout: layout.links.max if layout.links else 0,
    "links_max_word": lambda layout: _NUMBERS[layout.links.max] if layout.links else "the",
    "link_key": lambda layout: layout.links.key if layout.links and layout.links.key else layout.roles.key or "key",
    "link_id": lambda layout: _link_keys(layout, "id"),
    "copies": lambda layout: " or ".join(f"`{key}`" for key in _other_copies(layout)),
    "copied_words": lambda layout: enumeration(_other_copies(layout) or ["copies"]),
    "site": lambda layout: layout.profile.file.name,
    **CONTENT_WORDS,
    "constants": lambda layout: listed(layout.constants),
}
"""What replaces each placeholder. Families of rules add their own."""


def fill_placeholders(text: str, layout: Layout) -> str:
    """Return the documentation of a rule with the names of a site's fields."""
    lines = [_fill_line(line, layout) for line in text.split("\n")]
    filled = _EMPTY_PARAGRAPH.sub("\n\n", "\n".join(lines))
    return filled[:1].upper() + filled[1:]


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
