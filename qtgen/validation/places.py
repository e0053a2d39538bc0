"""The fields that findings between pages are about, and their names in messages."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from qtgen.page import Page, Span
from qtgen.page.layout import Layout, LinkFields
from qtgen.page.profile import Roles
from qtgen.validation.diagnostics import printable
from qtgen.validation.rules.edits import span_within

_NAME = re.compile(r"\{([a-z_]+)\}")
_FILE = "file"


class Place(NamedTuple):
    """What a finding between pages is about.

    Attributes:
        link: The path of the link; empty if the finding is about the page itself.
        path: The path of the value.
        field: The path of the field, which may be the list that the value is in.
        key: The path of the field, or the key in the map of the link, as the site index names it.
    """

    link: str
    path: str
    field: str
    key: str


@cache
def place_of(layout: Layout, number: int, key: str) -> Place:
    """Return the subject of a finding.

    Args:
        number: The number of the link, or 0 for the page itself.
        key: A role, `file`, or the path of a field, or the key in the map of the link.
    """
    links = layout.links
    if not number or links is None:
        path = page_path(layout, key)
        return Place("", path, _field_of(layout, path), path)
    link, inner = links.path(number), link_key(links, key)
    path = f"{link}.{inner}" if inner else link
    return Place(link, path, path if links.form == "numbered" else links.field, inner)


def _field_of(layout: Layout, path: str) -> str:
    """Return the field that a value is in; the path itself if it is in none."""
    outer = path
    while outer and outer not in layout.fields:
        outer = outer.rpartition(".")[0]
    return outer or path


def page_path(layout: Layout, key: str) -> str:
    """Return the path of the field that has a role, or of the file's name; any other key is a path itself."""
    roles = layout.roles
    if key == _FILE:
        return layout.file_name_field or roles.question
    return (getattr(roles, key) if key in Roles.__struct_fields__ else key) or roles.question


def link_key(links: LinkFields, role: str) -> str:
    """Return the key in the map of a link that copies a role; empty in a list of keys."""
    if role == "key" or not links.copies:
        return links.key
    key_of = {name: key for key, name in links.copies.items()}
    if role in key_of or role not in ("id", "question", "subject"):
        return key_of.get(role, role)
    return next((key for key, name in links.copies.items() if name != "id"), links.key)


def span_of_item(page: Page, path: str) -> Span:
    """Return the span of a value. It can be an item of a list, or one of several items in a text."""
    outer, _, number = path.rpartition(".")
    field, text = page.layout.fields.get(outer), page.text_of(outer)
    if path in page.spans or field is None or text is None or not number.isdecimal():
        return page.span(path)
    separator = field.spec.separator
    if not separator:
        return page.span(outer)
    parts = text.split(separator)
    start = sum(len(part) + len(separator) for part in parts[: int(number)])
    return (
        span_within(page, outer, start, start + len(parts[int(number)]))
        if int(number) < len(parts)
        else page.span(outer)
    )


def fill_names(message: str, layout: Layout, number: int) -> str:
    """Return a message of a site rule with the names of fields.

    Args:
        number: The number of the link that the message is about, or 0 for the page itself.
    """
    return _filled(message, layout, number > 0) if "{" in message else message


@lru_cache(maxsize=1024)  # thousands of findings have the same message
def _filled(message: str, layout: Layout, is_link: bool) -> str:
    names = _names(layout, is_link=is_link)
    return _NAME.sub(lambda match: names.get(match[1], match[0]), message)


@cache
def _names(layout: Layout, *, is_link: bool) -> Mapping[str, str]:
    roles, links = layout.roles, layout.links
    of_page = {role: path for role in Roles.__struct_fields__ if (path := getattr(roles, role))}
    names = {**of_page, **{f"target_{role}": path for role, path in of_page.items()}}
    if links and is_link:
        of_link = {role: link_key(links, role) for role in ("key", "id", "question", "subject")}
        names |= {role: key for role, key in of_link.items() if key}
    if links:
        copies = copied_keys(links)
        names["link_word"] = links.name
        names["copies"] = " or ".join(f"`{key}`" for key in copies)
        names["all_copies"] = {1: "it", 2: "both"}.get(len(copies), "them")
    return {name: printable(value) for name, value in names.items()}


def copied_keys(links: LinkFields) -> list[str]:
    """Return the keys in the map of a link that copy anything but the id."""
    return [key for key, name in links.copies.items() if name != "id"]
