"""The fixes of links, whatever form they have."""

from collections.abc import Mapping
from typing import Any

from qtgen._util.text import enumeration
from qtgen.page import Page, Value
from qtgen.page.fields import Field
from qtgen.page.invisible import differing_characters, normalize
from qtgen.page.layout import LinkFields
from qtgen.page.splicer import Changes
from qtgen.validation.rules.edits import change_fields
from qtgen.validation.rules.types import FixFactory


def remove_link(page: Page, path: str, *, safe: bool) -> FixFactory | None:
    """Return a fix that removes the link at `path` and moves those after it up, so that no number is missing."""
    links = page.layout.links
    if links is None:
        return None
    number = links.number_of(path)
    description = f"remove `{path}` and number the links from 1"
    if links.form == "numbered":
        return change_fields(page, description, _moved_up(page, links, number), safe=safe)
    items = page.values.get(links.field)
    if not isinstance(items, list):
        return None
    left: list[object] = [item for place, item in enumerate(items, 1) if place != number]
    is_optional = not page.layout.fields[links.field].required
    description = f"remove link {number} of `{links.field}`"
    return change_fields(page, description, {links.field: None if is_optional and not left else left}, safe=safe)


def _moved_up(page: Page, links: LinkFields, number: int) -> Changes:
    changes: dict[str, Value] = {}
    for section in page.layout.repeats[links.field]:
        for field in section.fields if section.number >= number else ():
            key = field.path.rpartition(".")[2]
            value = page.values.get(f"{links.path(section.number + 1)}.{key}")
            if isinstance(field, Field) and (value is not None or field.path in page.values):
                changes[field.path] = value
    return changes


def copy_from_target(page: Page, path: str, target: Page | None) -> FixFactory | None:
    """Return a fix that corrects the copies of the target's fields in the link at `path`."""
    links = page.layout.links
    if links is None or target is None:
        return None
    copied = {key: value for key, name in links.copies.items() if (value := _copied(target, name)) is not None}
    words = [_field_of(target, name) for name in links.copies.values()]
    description = f"copy the target's {enumeration(words)} to `{path}`"
    if links.form == "numbered":
        return change_fields(page, description, {f"{path}.{key}": value for key, value in copied.items()})
    return change_fields(page, description, _with_item(page, links, links.number_of(path), copied))


def _with_item(page: Page, links: LinkFields, number: int, copied: Mapping[str, Any]) -> Changes:
    """Return the change of a list of maps that gives one of them other values."""
    items = page.values.get(links.field)
    maps = [*items] if isinstance(items, list) else []
    item = maps[number - 1]
    maps[number - 1] = {**item, **copied} if isinstance(item, dict) else item
    return {links.field: maps}


def _copied(target: Page, name: str) -> Value:
    """Return the value of a page that a link copies, by role or path."""
    return target.values.get(_field_of(target, name))


def _field_of(page: Page, name: str) -> str:
    """Return the path of the field of a page that a role names, or the path itself."""
    return getattr(page.layout.roles, name, None) or name


def explain_difference(page: Page, path: str, target: Page) -> str | None:
    """Return a message that shows how a text differs from the target's, if they look the same."""
    links = page.layout.links
    for key, name in links.copies.items() if links else ():
        here, there = page.values.get(f"{path}.{key}"), _copied(target, name)
        here, there = (value if isinstance(value, str) else "" for value in (here, there))
        if here == there or name == "id":
            continue
        if normalize(here) != normalize(there):
            return None
        message = f"`{key}` looks like the target's, but differs: it has {{}} where the target has {{}}"
        return message.format(*differing_characters(here, there)) + "; copy it from the target"
    return None
