"""The fields of a new page that no model writes: from the question, constants, templates and defaults."""

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import PurePosixPath

from qtgen.errors import SettingsError
from qtgen.generation.types import Question
from qtgen.page import Value
from qtgen.page.compile import typed
from qtgen.page.fields import Field
from qtgen.page.layout import Layout
from qtgen.page.profile import BODY_FIELD, FieldSpec, Kind
from qtgen.page.profile_errors import Place, profile_error


def page_values(
    question: Question, written: Mapping[str, Value], layout: Layout, *, date: dt.date, number: int | None, path: str
) -> dict[str, Value]:
    """Return every field of a new page, by dotted path.

    Args:
        question: The question.
        written: The fields that a model has written.
        layout: The layout of the page.
        date: The date of the page.
        number: The number of the page, if it has one.
        path: The file of the page.
    """
    found = ((name, field_value(row, question, date, number)) for name, row in layout.fields.items())
    values: dict[str, Value] = {name: value for name, value in found if value is not None}
    values |= written
    file = {"file.stem": PurePosixPath(path).stem, "file.folder": PurePosixPath(path).parent.name}
    for name in _in_order(layout, layout.templates):
        if (text := layout.fill(name, values, file)) is not None:
            values[name] = _converted(text, layout.fields[name])
    return {name: value for name, value in values.items() if _belongs(name, values, written, layout)}


def field_value(field: Field, question: Question, date: dt.date, number: int | None) -> Value:
    """Return the value of a field that is known before a request is sent, or None."""
    spec = field.spec
    if field.constant is not None:
        return field.constant
    text = question.text if spec.source == "question" else question.subject if spec.source == "subject" else ""
    if text:
        return [text] if field.kind is Kind.LIST else text
    if spec.source == "sequence" and number is not None:
        return number if field.kind is Kind.INT else str(number)
    if spec.source == "today":
        return today_value(field, date)
    return default_value(field)


def default_value(field: Field) -> Value:
    """Return the default of a field, or None."""
    default = field.spec.default
    if isinstance(default, tuple):
        return [*default]
    return None if default is None else typed(default, field.kind)


def today_value(field: Field, date: dt.date) -> Value:
    """Return a day as the value of a field."""
    if field.kind is Kind.DATETIME:
        return dt.datetime.combine(date, dt.time())
    return date if field.kind is Kind.DATE else date.isoformat()


def _converted(text: str, field: Field) -> Value:
    return int(text) if field.kind is Kind.INT and text.isdecimal() else text


def _belongs(path: str, values: Mapping[str, Value], written: Mapping[str, Value], layout: Layout) -> bool:
    """Return whether a page has a field: not in an optional map that has nothing else, nor if its condition fails."""
    if path == BODY_FIELD and path not in layout.fields:
        return True
    conditions = [layout.fields[path].spec.only_when or {}]
    section = layout.fields[path].section
    while section:
        row = layout.sections[section]
        conditions.append(row.spec.only_when or {})
        if not row.required and not any(name.startswith(f"{section}.") for name in written):
            return False
        section = section.rpartition(".")[0]
    return all(_equals(values.get(name), wanted) for table in conditions for name, wanted in table.items())


def _equals(value: Value, wanted: object) -> bool:
    return value == wanted or (isinstance(value, dt.date) and value.isoformat() == wanted)


@cache
def place_fields(layout: Layout) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """Return the fields that the path and the key of a page depend on: those without a template, and the others."""
    key = layout.roles.key
    names = _closure(layout, [*(ref.path for ref in layout.path_template.references), *([key] if key else [])])
    plain = tuple(layout.fields[name] for name in names if name in layout.fields and name not in layout.templates)
    return plain, _in_order(layout, [name for name in names if name in layout.templates])


def _closure(layout: Layout, names: Iterable[str]) -> list[str]:
    """Return the fields, and those that their templates refer to, at any depth."""
    found: dict[str, None] = {}
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting += [ref.path for ref in layout.templates[name].references] if name in layout.templates else []
    return [*found]


def _in_order(layout: Layout, names: Iterable[str]) -> tuple[str, ...]:
    """Return the fields with templates, each one after those that its template refers to."""
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        if name in layout.templates and name not in ordered:
            for reference in layout.templates[name].references:
                add(reference.path)
            ordered[name] = None

    for name in names:
        add(name)
    return tuple(ordered)


def needs_number(layout: Layout) -> bool:
    """Return whether each new page needs its own number."""
    return any(field.spec.source == "sequence" for field in layout.fields.values())


def check_fillable(layout: Layout) -> None:
    """Raise SettingsError, with the line in the profile, if new pages cannot have all required fields."""
    place: Place = ("layout", layout.number)
    if layout.roles.answer is None:
        raise _fault(layout, (*place, "roles"), "has no role `answer`, which new pages need", 'add answer="…"')
    _check_fields(layout, layout.spec.fields, "", (*place, "fields"))
    needed = _closure(layout, [ref.path for ref in layout.path_template.references])
    late = next((name for name in needed if name in layout.model_fields), None)
    if late:
        message = f"the path depends on `{late}`, which a model writes"
        raise _fault(layout, (*place, "path"), message, "use only fields that no model writes")


def _check_fields(layout: Layout, specs: Iterable[FieldSpec], parent: str, place: Place) -> None:
    for number, spec in enumerate(specs):
        path, here = f"{parent}{spec.key}", (*place, number)
        if spec.type is Kind.MAP:
            section = layout.sections.get(path)
            if section and section.required:
                _check_fields(layout, spec.fields, f"{path}.", (*here, "fields"))
        elif layout.fields[path].required and path != layout.roles.answer and not _has_origin(spec):
            remedy = "add `source`, `value`, `const` or `default`, or required=false"
            raise _fault(layout, (*here, "key"), f"new pages have no value for `{path}`", remedy)


def _has_origin(spec: FieldSpec) -> bool:
    return any(origin is not None for origin in (spec.source, spec.value, spec.const, spec.default))


def _fault(layout: Layout, place: Place, message: str, remedy: str) -> SettingsError:
    return profile_error(layout.profile.raw, layout.profile.path, place, message, remedy)
