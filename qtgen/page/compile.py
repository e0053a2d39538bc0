"""Compile a profile into layouts, once per process, and choose the layout of a page."""

import datetime as dt
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from qtgen.page.fields import Constant, Field, Row, Section, spell_bool
from qtgen.page.layout import Layout, LinkFields
from qtgen.page.profile import FieldSpec, Kind, LayoutSpec, Profile, Scalar, default_profile
from qtgen.page.template import parse_template, slugger

_SECTION_INDENT = 2


def layouts_of(profile: Profile) -> tuple[Layout, ...]:
    """Return the compiled layouts of a profile, in its order."""
    if profile.layouts is None:
        profile.layouts = tuple(_compile(profile, number, spec) for number, spec in enumerate(profile.file.layout))
    return profile.layouts


def default_layout() -> Layout:
    """Return the layout of the default profile."""
    return layouts_of(default_profile())[0]


def main_layout(profile: Profile) -> Layout:
    """Return the layout of new pages: the first one with an answer, else the first one."""
    layouts = layouts_of(profile)
    return next((layout for layout in layouts if layout.roles.answer), layouts[0])


def candidates_for(profile: Profile, path: str) -> tuple[Layout, ...]:
    """Return the layouts whose `files` match the path of a page, or all of them if there are none."""
    layouts = layouts_of(profile)
    return layouts if len(layouts) == 1 else matching_layouts(profile, path) or layouts


def matching_layouts(profile: Profile, path: str) -> tuple[Layout, ...]:
    """Return the layouts whose `files` match the path of a page."""
    folder, _, name = path.rpartition("/")
    relative = f"{_from_root(profile, os.path.abspath(folder or '.'))}/{name}".removeprefix("./")  # noqa: PTH100 - links are followed below
    return tuple(layout for layout in layouts_of(profile) if _pattern(layout.spec.files).fullmatch(relative))


@lru_cache(maxsize=256)
def _from_root(profile: Profile, folder: str) -> str:
    """Return an absolute folder as a path from the root of the site, also if a symbolic link leads to one of them."""
    if profile.root is None:
        return folder
    for root, path in ((profile.root, Path(folder)), (profile.root.resolve(), Path(folder).resolve())):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return folder


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern of paths: `**/` is any number of folders, `*` any name."""
    translated = re.escape(glob).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return re.compile(translated.replace(r"\*", "[^/]*").replace(r"\?", "[^/]"))


def fits(layout: Layout, values: Mapping[str, Any]) -> bool:
    """Return whether a page's values match the `when` of a layout."""
    return all(
        values.get(path) == (typed(value, layout.fields[path].kind) if path in layout.fields else value)
        for path, value in layout.spec.when.items()
    )


def _compile(profile: Profile, number: int, spec: LayoutSpec) -> Layout:
    rows = tuple(_rows(spec.fields, spec, "", 0))
    every = tuple(_walk(rows))
    fields = {row.path: row for row in every if isinstance(row, Field)}
    return Layout(
        profile=profile,
        number=number,
        spec=spec,
        rows=rows,
        fields=fields,
        sections={row.path: row for row in every if isinstance(row, Section)},
        order={row.path: rank for rank, row in enumerate(every)},
        constants={path: row.constant for path, row in fields.items() if row.constant is not None},
        templates={path: parse_template(row.spec.value) for path, row in fields.items() if row.spec.value is not None},
        path_template=parse_template(spec.path),
        slug=slugger(profile.file.slug),
        links=_link_fields(profile, spec),
        body=spec.body if isinstance(spec.body, str) else None,
    )


def _walk(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        if isinstance(row, Section):
            yield from _walk(row.fields)


def _rows(specs: Iterable[FieldSpec], layout: LayoutSpec, parent: str, column: int) -> Iterator[Row]:
    """Yield the rows of the fields of a map, or of the page.

    Args:
        parent: The path of the map, and a dot; empty for the page.
        column: The column of the keys.
    """
    for spec in specs:
        if spec.type is not Kind.MAP:
            yield _field(spec, layout, parent)
            continue
        indent = column + (spec.indent or _SECTION_INDENT)
        text_indent = column + spec.text_indent if spec.text_indent else indent + layout.text_indent
        for number in range(1, spec.repeat + 1) if spec.repeat else (0,):
            path = f"{parent}{spec.key}{number or ''}"
            fields = tuple(_rows(spec.fields, layout, f"{path}.", indent))
            doc = spec.doc.replace("{n}", str(number))
            yield Section(path, spec, doc, fields, indent, text_indent, _is_required(spec), number)


def _is_required(spec: FieldSpec) -> bool:
    if spec.required is not None:
        return spec.required
    return spec.required_when is None and spec.only_when is None


def _field(spec: FieldSpec, layout: LayoutSpec, parent: str) -> Field:
    kind = spec.kinds[0]
    constant = None if spec.const is None else typed(spec.const, kind)
    shown = next((value for value in (spec.const, spec.example, spec.default) if value is not None), "")
    example = ", ".join(map(str, shown)) if isinstance(shown, tuple) else _spelled(shown, layout)
    is_folded = spec.style == "folded"
    return Field(parent + spec.key, spec, kind, spec.doc, example, is_folded, _is_required(spec), constant)


def _spelled(value: Scalar, layout: LayoutSpec) -> str:
    return spell_bool(value, layout.booleans) if isinstance(value, bool) else str(value)


def typed(value: Scalar, kind: Kind) -> Constant:
    """Return a value of the file with the type of its field. Raises ValueError if that is impossible."""
    if kind is Kind.DATE:
        return dt.date.fromisoformat(str(value))
    if kind is Kind.DATETIME:
        return dt.datetime.fromisoformat(str(value))
    if kind is Kind.FLOAT and not isinstance(value, bool):
        return float(value)
    return value


def _link_fields(profile: Profile, layout: LayoutSpec) -> LinkFields | None:
    links = profile.file.links
    spec = next((spec for spec in layout.fields if links and spec.key == links.field), None)
    if links is None or spec is None:
        return None
    if not spec.fields:
        return LinkFields("keys", spec.key, links.max, links.name, "", {})
    key = next((inner.key for inner in spec.fields if inner.ref), "")
    roles = {path: role for role in ("question", "subject", "id") if (path := getattr(layout.roles, role))}
    copies = {inner.key: roles.get(inner.copy, inner.copy) for inner in spec.fields if inner.copy}
    return LinkFields("numbered" if spec.repeat else "maps", spec.key, links.max, links.name, key, copies)
