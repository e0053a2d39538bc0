"""Compare the pages of a site with its `site.toml`, with PyYAML and without qtgen.

The tests of the generators use it, so that a fault of qtgen cannot hide a fault of a generator.
"""

import datetime as dt
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from .types import SitePage
from .words import slug

Table = Mapping[str, Any]
_TYPES: dict[str, type] = {
    "text": str, "int": int, "float": float, "bool": bool, "date": dt.date, "list": list, "map": dict,
}  # fmt: skip


class Problem(NamedTuple):
    """A value that the layout does not allow."""

    path: str
    key: str
    message: str


class _Value(NamedTuple):
    """A value of a page that conforms to its type, and the field that describes it."""

    path: str
    key: str
    field: Table
    items: list[Any]


def values_of(page: SitePage) -> dict[str, Any]:
    """Return the front matter of a page as PyYAML reads it."""
    found: dict[str, Any] = yaml.load(page.text.split("---\n", 2)[1], yaml.CSafeLoader)
    return found


def problems(site_toml: str, pages: Sequence[SitePage]) -> list[Problem]:
    """Return everything on these pages that `site_toml` does not allow."""
    profile = tomllib.loads(site_toml)
    found: list[Problem] = []
    values: list[_Value] = []
    for page in pages:
        front = values_of(page)
        layout = next((layout for layout in profile["layout"] if _matches(layout, page, front)), None)
        if layout is None:
            found.append(Problem(page.path, next(iter(profile["layout"][0].get("when", {"": 0}))), "no layout"))
            continue
        found += _map_problems(page, layout["fields"], front, "", front, values)
        if (expected := _expand(layout["path"], front, page.path)) not in (page.path, None):
            found.append(Problem(page.path, "", f"the path should be {expected}"))
        if len(page.text.split("---\n", 2)[2].strip()) < layout.get("body", {}).get("min", 1):
            found.append(Problem(page.path, "body", "too short"))
    return found + list(_site_problems(values))


def _matches(layout: Table, page: SitePage, front: Table) -> bool:
    folder = layout["files"].removesuffix("**/*.md")
    return page.path.startswith(folder) and all(
        front.get(key) == value for key, value in layout.get("when", {}).items()
    )


def _map_problems(
    page: SitePage, fields: Sequence[Table], entries: Any, prefix: str, front: Table, values: list[_Value]
) -> list[Problem]:
    """Return the problems of a map, and add its values to `values`."""
    known = [field["key"] for field in fields]
    found = [Problem(page.path, prefix + key, "unknown key") for key in entries if key not in known]
    present = [known.index(key) for key in entries if key in known]
    if present != sorted(present):
        moved = [at for at in present if (rest := [other for other in present if other != at]) == sorted(rest)]
        found += [Problem(page.path, prefix + known[at], "out of order") for at in moved or present]
    for field in fields:
        key = prefix + field["key"]
        if field["key"] in entries:
            found += _value_problems(page, field, entries[field["key"]], key, front, values)
            if not _holds(field.get("only_when", {}), front):
                found.append(Problem(page.path, key, "not allowed here"))
        elif field.get("required", True) and _holds(field.get("required_when", {}), front):
            found.append(Problem(page.path, key, "missing"))
    return found


def _value_problems(
    page: SitePage, field: Table, value: Any, key: str, front: Table, values: list[_Value]
) -> list[Problem]:
    types = field.get("type", "text")
    if type(value) not in [_TYPES[name] for name in ([types] if isinstance(types, str) else types)]:
        return [Problem(page.path, key, f"{value!r} is no {types}")]
    if "fields" in field:
        maps = value if isinstance(value, list) else [value]
        inner = [_map_problems(page, field["fields"], entries, f"{key}.", front, values) for entries in maps]
        return [problem for one in inner for problem in one]
    items = _items(field, value)
    values.append(_Value(page.path, key, field, items))
    return [Problem(page.path, key, message) for message in _messages(page, field, value, items, front)]


def _items(field: Table, value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return str(value).split(field["separator"]) if "separator" in field else [value]


def _messages(page: SitePage, field: Table, value: Any, items: list[Any], front: Table) -> Iterator[str]:
    if value != field.get("const", value):
        yield f"{value!r} is not the constant"
    if "value" in field and value != (expected := _expand(field["value"], front, page.path)) and expected:
        yield f"{value!r} should be {expected!r}"
    if any(item not in field.get("enum", [item]) for item in items):
        yield f"{value!r} is not allowed"
    if "pattern" in field and not all(isinstance(item, str) and re.fullmatch(field["pattern"], item) for item in items):
        yield f"{value!r} does not match the pattern"
    size = _size(field, value, items)
    if size is not None and not field.get("min", size) <= size <= field.get("max", size):
        yield f"{size} is out of bounds"


def _size(field: Table, value: Any, items: list[Any]) -> float | None:
    """Return what `min` and `max` bound: a number of items or characters, or the number itself."""
    if isinstance(value, list) or "separator" in field:
        return len(items)
    if isinstance(value, str):
        return len(value)
    return value if isinstance(value, int | float) else None


def _expand(template: str, front: Table, path: str) -> str | None:
    """Return the text that a template makes, or None if one of its fields is missing."""
    folder, _, name = path.rpartition("/")
    known = {**front, "file.folder": folder.rpartition("/")[2], "file.stem": name.removesuffix(".md")}
    slots = re.findall(r"{([^}|]+)((?:\|slug)?)}", template)
    if any(slot not in known for slot, _ in slots):
        return None
    for slot, filters in slots:
        text = str(known[slot])
        template = template.replace(f"{{{slot}{filters}}}", slug(text) if filters else text)
    return template


def _holds(condition: Table, front: Table) -> bool:
    return all(front.get(key) == value for key, value in condition.items())


def _site_problems(values: Sequence[_Value]) -> Iterator[Problem]:
    """Return duplicates of unique values, and references to nothing."""
    seen: dict[tuple[str, str], str] = {}
    known = {(value.key, str(item)) for value in values for item in value.items}
    for value in values:
        for item in map(str, value.items):
            if value.field.get("unique") and (first := seen.setdefault((value.key, item), value.path)) != value.path:
                yield Problem(value.path, value.key, f"same value as {first}")
                yield Problem(first, value.key, f"same value as {value.path}")
            if "ref" in value.field and (value.field["ref"], item) not in known:
                yield Problem(value.path, value.key, f"{item} does not exist")
