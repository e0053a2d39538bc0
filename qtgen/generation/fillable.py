"""Whether new pages of a layout can have what it requires, before anything is sent."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from functools import cache

from qtgen.errors import SettingsError
from qtgen.generation.new_pages import closure, field_value, page_values, place_fields
from qtgen.generation.types import Question
from qtgen.page import Value
from qtgen.page.layout import Layout
from qtgen.page.profile import FieldSpec, Kind
from qtgen.page.profile_errors import Place, profile_error
from qtgen.page.template import FILE_FIELDS, Template

_QUESTION = Question("a", "a")
_DAY = dt.date(2000, 1, 1)
_ORIGINS = "`source`, `value`, `const` or `default`"


@cache
def check_fillable(layout: Layout) -> None:
    """Raise SettingsError, with the line in the profile, if new pages cannot have a path and all required fields."""
    place: Place = ("layout", layout.number)
    if layout.roles.answer is None:
        raise _fault(layout, (*place, "roles"), "has no role `answer`, which new pages need", 'add answer="…"')
    _check_path(layout, (*place, "path"))
    _check_fields(layout, layout.spec.fields, "", (*place, "fields"))
    _check_templates(layout, (*place, "fields"))


def _check_fields(layout: Layout, specs: Iterable[FieldSpec], parent: str, place: Place) -> None:
    for number, spec in enumerate(specs):
        path, here = f"{parent}{spec.key}", (*place, number)
        if spec.type is Kind.MAP:
            section = layout.sections.get(path)
            if section and section.required:
                _check_fields(layout, spec.fields, f"{path}.", (*here, "fields"))
        elif layout.fields[path].required and not _has_origin(path, spec, layout):
            if path in (layout.roles.answer, layout.roles.key):  # the key has a check of its own
                continue
            raise _fault(layout, (*here, "key"), f"new pages have no value for `{path}`", _remedy(spec))


def _has_origin(path: str, spec: FieldSpec, layout: Layout) -> bool:
    origins = (spec.source, spec.value, spec.const, spec.default, layout.spec.when.get(path))
    return any(origin is not None for origin in origins)


def _remedy(spec: FieldSpec) -> str:
    """Return what gives a required field a value, or makes it optional."""
    if spec.type is Kind.LIST and spec.fields:  # a file of settings cannot write such a list
        return "add required=false" if spec.min else "add default=[] or required=false"
    return f"add {_ORIGINS}, or required=false"


def _check_path(layout: Layout, place: Place) -> None:
    """Raise SettingsError if the path of new pages depends on what is not known before their path."""
    references = [reference.path for reference in layout.path_template.references]
    late = next((name for name in closure(layout, references) if name in layout.model_fields), None)
    if late:
        message = f"the path depends on `{late}`, which a model writes"
        raise _fault(layout, place, message, "use only fields that no model writes")
    plain, templates = place_fields(layout)
    given = ((row.path, field_value(row, layout, _QUESTION, _DAY, 1)) for row in plain)
    values: dict[str, Value] = {name: value for name, value in given if value is not None}
    for name in templates:
        if (text := layout.fill(name, values)) is not None:
            values[name] = text
    if layout.path_template.fill(values, str) is not None:
        return
    start = layout.spec.path.partition("{")[0].rpartition("/")
    example = f"{start[0]}{start[1]}{{{layout.roles.question}|slug}}.md"
    remedy = f"write a path of fields that new pages have, such as {example}"
    *names, cause = _trail(layout.path_template, values, layout)
    if cause in FILE_FIELDS:
        through = f"`{names[-1]}`, which follows from " if names else ""
        message = f"new pages have no path, because it depends on {through}`{{{cause}}}`, a part of the path itself"
    else:
        message = f"new pages have no path, because they have no value for `{cause}`"
        remedy += f", or give `{cause}` a {_ORIGINS}"
    raise _fault(layout, place, message, remedy)


def _check_templates(layout: Layout, place: Place) -> None:
    """Raise SettingsError if the key of new pages or a required field stays empty, because its template does."""
    written: dict[str, Value] = {path: ["a"] if _is_list(path, layout) else "a" for path in layout.model_fields}
    values = page_values(_QUESTION, written, layout, date=_DAY, number=1, path="a/a.md")
    key = layout.roles.key
    for path in dict.fromkeys([*([key] if key else []), *layout.required_paths(frozenset())]):
        if path in values or (path != key and path not in layout.templates):
            continue
        here = (*place, *_place_of(path, layout.spec.fields))
        message = f"new pages have no value for `{path}`"
        known = {**values, **dict.fromkeys(FILE_FIELDS, "a")}
        trail = _trail(layout.templates[path], known, layout) if path in layout.templates else []
        if trail and trail[-1] in values:
            message += f", because `{trail[-1]}` is a list"
            raise _fault(layout, (*here, "value"), message, "use fields with one value in the template")
        if trail:
            remedy = f"use fields that new pages have, or give `{trail[-1]}` a {_ORIGINS}"
            raise _fault(layout, (*here, "value"), f"{message}, because they have none for `{trail[-1]}`", remedy)
        raise _fault(layout, (*here, "key"), f"{message}, which has the role `key`", _key_remedy(path, layout))


def _key_remedy(path: str, layout: Layout) -> str:
    row = layout.fields[path]
    if not _has_origin(path, row.spec, layout):
        return f'add `value`, such as value="/{{{layout.roles.question}|slug}}"'
    change = "remove `only_when`" if row.spec.only_when else f"move it out of `{row.section}`, which new pages can lack"
    return f"{change}, or give another field the role"


def _is_list(path: str, layout: Layout) -> bool:
    return path in layout.fields and layout.fields[path].kind is Kind.LIST


def _trail(template: Template, values: Mapping[str, Value], layout: Layout) -> list[str]:
    """Return the fields through which a template has no value, from its own reference to the cause."""
    trail: list[str] = []
    current: Template | None = template
    while current:
        missing = (ref.path for ref in current.references if not _is_usable(values.get(ref.path)))
        name = next(missing, None)
        if name is None:
            break
        trail.append(name)
        current = layout.templates.get(name)
    return trail


def _is_usable(value: Value) -> bool:
    return value not in (None, "") and not isinstance(value, list | dict)


def _place_of(path: str, specs: tuple[FieldSpec, ...]) -> Place:
    """Return the place of a field below the `fields` that it is in."""
    head, _, rest = path.partition(".")
    for number, spec in enumerate(specs):
        if path == spec.key:
            return (number,)
        if rest and spec.fields and re.fullmatch(rf"{re.escape(spec.key)}\d*", head):
            return (number, "fields", *_place_of(rest, spec.fields))
    return ()


def _fault(layout: Layout, place: Place, message: str, remedy: str) -> SettingsError:
    return profile_error(layout.profile.raw, layout.profile.path, place, message, remedy)
