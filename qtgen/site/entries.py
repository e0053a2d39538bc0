"""The fields of a layout that the facts of a page and its links consist of, and their places on a canonical page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from qtgen.page.compile import layouts_of
from qtgen.page.document import Page, Value
from qtgen.page.fields import Field, Section
from qtgen.page.layout import Layout, LinkFields
from qtgen.page.lines import value_column
from qtgen.page.profile import Kind, Profile

MAX_LINKS = 7  # the number of a link takes three bits of a location
_MAX_FOLDABLE = 3  # and its fields that can be folded take three others
_USUAL_COPIES = ("question", "subject")
_FIRST_LINE = 2  # of the front matter


class EntryPaths(NamedTuple):
    """The paths of the values that make an entry: those of the page itself (number 0) or of a link."""

    number: int
    key: str
    title: str
    subject: str
    id: str


class PageLink(NamedTuple):
    """A link of a page.

    Attributes:
        number: The number of the link, from 1.
        path: The path of its map, or of its item of a list.
        key: The key of the page that it leads to; None if the link names none.
        fields: The values of its map; empty in a list of keys.
    """

    number: int
    path: str
    key: str | None
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class FactFields:
    """The fields of a layout that make facts.

    Attributes:
        key, title: The fields without which a page has no facts.
        id, hidden: Empty if the layout has none such.
        has_number_key: Whether the key can be a number.
        has_number_links: Whether links can refer to pages by numbers, of this layout or of another one.
        copied: The paths of the values that links copy, besides the id. An empty path stands for a missing field.
        copies: The same in the map of a link; empty if links do not copy all of them.
        copied_id: The key of the copied id in the map of a link; empty if links have none.
        entries: The entries of a page whose places are known without its text. It is empty if there are none.
    """

    key: str
    title: str
    id: str
    hidden: str
    has_number_key: bool
    has_number_links: bool
    copied: tuple[str, ...]
    copies: tuple[str, ...]
    copied_id: str
    entries: tuple[EntryPaths, ...]


@cache
def fact_fields(layout: Layout) -> FactFields:
    """Return the fields of a layout that make facts."""
    roles, links = layout.roles, layout.links
    names = _copied_names(layout.profile)
    key_of = {name: key for key, name in links.copies.items()} if links else {}
    copies = tuple(key_of.get(name, "") for name in names)
    return FactFields(
        key=roles.key or "",
        title=roles.question,
        id=roles.id or "",
        hidden=roles.hidden or "",
        has_number_key=_has_number_key(layout),
        has_number_links=any(map(_has_number_key, layouts_of(layout.profile))),
        copied=tuple(path_of(layout, name) for name in names),
        copies=copies if all(copies) else (),
        copied_id=key_of.get("id", ""),
        entries=_known_entries(layout, names),
    )


def path_of(layout: Layout, name: str) -> str:
    """Return the path of the field that a link copies by role or path. It is empty if there is no such field."""
    path: str | None = getattr(layout.roles, name) if name in ("id", *_USUAL_COPIES) else name
    return path or ""


def _copied_names(profile: Profile) -> tuple[str, ...]:
    """Return the roles and paths that links of any layout copy, besides the id."""
    links = [layout.links for layout in layouts_of(profile) if layout.links]
    names = {name for fields in links for name in fields.copies.values() if name != "id"} or {*_USUAL_COPIES}
    return tuple(sorted(names, key=lambda name: (name not in _USUAL_COPIES, name)))


def _has_number_key(layout: Layout) -> bool:
    field = layout.fields.get(layout.roles.key or "")
    return field is not None and Kind.INT in field.spec.kinds


def key_text(value: object, *, may_be_number: bool) -> str | None:
    """Return a key as a text, or None if the value is no key."""
    if isinstance(value, str):
        return value
    is_number = may_be_number and isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else None


def page_key(page: Page) -> str:
    """Return the key of a page as a text; empty if it has none."""
    fields = fact_fields(page.layout)
    return key_text(page.values.get(fields.key), may_be_number=fields.has_number_key) or ""


def links_on(page: Page) -> Iterator[PageLink]:
    """Yield the links of a page, also those that name no page. At most seven links have a number."""
    links = page.layout.links
    if links is None:
        return
    may_be_number = fact_fields(page.layout).has_number_links
    for number, path, values in _link_values(page, links):
        if number > MAX_LINKS:
            return
        if links.form == "keys":
            yield PageLink(number, path, key_text(values, may_be_number=may_be_number), {})
        elif isinstance(values, dict):
            key = key_text(values.get(links.key), may_be_number=may_be_number)
            yield PageLink(number, path, key, values)


def _link_values(page: Page, links: LinkFields) -> Iterator[tuple[int, str, object]]:
    """Yield the number, the path and the value of each link."""
    if links.form != "numbered":
        items = page.values.get(links.field)
        for number, item in enumerate(items if isinstance(items, list) else (), 1):
            yield number, links.path(number), item
        return
    for section in page.layout.repeats[links.field]:
        keys = (field.path.rpartition(".")[2] for field in section.fields)
        paths = {key: f"{section.path}.{key}" for key in keys}
        values = {key: page.values[path] for key, path in paths.items() if path in page.values}
        if values:
            yield section.number, section.path, values


# --- the places of values on canonical pages -------------------------------------------------------------------------


class Place(NamedTuple):
    """Where a value is.

    Args:
        part: Which part of the entry it is: `key`, `title` or `id`.
        above: The number of lines between it and the key of the entry. It is negative if the key is above.
        line: The line, if it does not depend on the line of the key; else 0.
        column: The column, from 1.
    """

    part: str
    above: int
    line: int
    column: int


def _known_entries(layout: Layout, names: tuple[str, ...]) -> tuple[EntryPaths, ...]:
    """Return the entries of canonical pages, or nothing if entries are made of other values or stand in other forms."""
    roles, links = layout.roles, layout.links
    if links and (links.form != "numbered" or len(links.copies) != 3):
        return ()
    if names != _USUAL_COPIES or not (roles.key and roles.subject and roles.id):
        return ()
    entries = [EntryPaths(0, roles.key, roles.question, roles.subject, roles.id)]
    if links:
        key_of = {name: key for key, name in links.copies.items()}
        if {*key_of} != {"id", *_USUAL_COPIES}:
            return ()
        keys = (links.key, key_of["question"], key_of["subject"], key_of["id"])
        sections = [section for section in layout.repeats[links.field] if section.number <= MAX_LINKS]
        entries += [EntryPaths(section.number, *(f"{section.path}.{key}" for key in keys)) for section in sections]
    return tuple(entries) if all(_is_known(layout, entry) for entry in entries) else ()


def _is_known(layout: Layout, entry: EntryPaths) -> bool:
    """Return whether the values of an entry have the usual types, and its places fit into a location."""
    fields = [layout.fields.get(path) for path in entry[1:]]
    kinds = [field.spec.kinds if field and field.required else () for field in fields]
    if kinds != [(Kind.TEXT,)] * 3 + [(Kind.INT,)]:
        return False
    return not entry.number or len(_texts_below(layout, entry)) <= _MAX_FOLDABLE


def _section_fields(layout: Layout, entry: EntryPaths) -> list[Field]:
    section = layout.sections[entry.key.rpartition(".")[0]]
    return [layout.fields[field.path] for field in section.fields]


def _texts_below(layout: Layout, entry: EntryPaths) -> list[str]:
    """Return the paths of the texts of a link, the last one first."""
    return [field.path for field in reversed(_section_fields(layout, entry)) if field.kind is Kind.TEXT]


@cache
def foldable(layout: Layout, entry: EntryPaths) -> tuple[str, ...]:
    """Return the three fields whose style, folded or not, determines where the values of an entry are."""
    if entry.number:
        texts = _texts_below(layout, entry)
        return (*texts, *[entry.key] * (_MAX_FOLDABLE - len(texts)))
    before_id = _only_field_before(layout, entry.id)
    return entry.key, entry.key, before_id.path if before_id else entry.key


def _only_field_before(layout: Layout, path: str) -> Field | None:
    """Return the field above the second one of the front matter, if that one is at `path`."""
    first = layout.rows[0]
    is_second = len(layout.rows) > 1 and layout.rows[1].path == path
    return first if is_second and isinstance(first, Field) and first.required else None


@lru_cache(maxsize=1024)
def place_of(layout: Layout, number: int, folds: int, key: str) -> Place | None:
    """Return the place of a value of an entry on a canonical page, or None if that depends on the page.

    Args:
        number: The number of the link, or 0 for the page itself.
        folds: One bit for each of the `foldable` fields.
        key: The path of the field of the page, or the key in the map of the link.
    """
    entry = next(entry for entry in fact_fields(layout).entries if entry.number == number)
    path = f"{entry.key.rpartition('.')[0]}.{key}" if number else key
    part = next((name for name in ("key", "title", "id") if getattr(entry, name) == path), "")
    if not part:
        return None
    folded = {name: bool(folds >> bit & 1) for bit, name in enumerate(foldable(layout, entry))}
    column = value_column(layout, layout.fields[path], folded.get(path, False))
    if number:
        return Place(part, _lines_above_key(layout, entry, path, folded), 0, column)
    if part == "key":
        return Place(part, 0, 0, column)
    return _place_of_page_id(layout, entry, folded, column) if part == "id" else None


def _lines_above_key(layout: Layout, entry: EntryPaths, path: str, folded: Mapping[str, bool]) -> int:
    fields = [field.path for field in _section_fields(layout, entry)]
    place, key = fields.index(path), fields.index(entry.key)
    between = fields[min(place, key) + 1 : max(place, key) + 1]
    lines = sum(1 + folded.get(name, False) for name in between)
    return lines if place < key else -lines


def _place_of_page_id(layout: Layout, entry: EntryPaths, folded: Mapping[str, bool], column: int) -> Place | None:
    first: Field | Section = layout.rows[0]
    if first.path == entry.id:
        return Place("id", 0, _FIRST_LINE, column)
    above = _only_field_before(layout, entry.id)
    return Place("id", 0, _FIRST_LINE + 1 + folded[above.path], column) if above else None
