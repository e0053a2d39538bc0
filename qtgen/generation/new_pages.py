"""The fields of a new page that no model writes: from the question, constants, templates and defaults."""

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import NamedTuple

from qtgen.generation.types import Question
from qtgen.page import Value
from qtgen.page.fields import Field
from qtgen.page.layout import Layout
from qtgen.page.profile import Kind
from qtgen.page.template import FILE_FIELDS
from qtgen.page.types import typed

_VARYING = frozenset({"question", "subject", "sequence", "today"})  # sources of values that differ between pages
_NO_QUESTION = Question("", "")


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
    plan = _plan(layout)
    values = dict(plan.known)
    for field in plan.varying:
        if (value := field_value(field, layout, question, date, number)) is not None:
            values[field.path] = value
    values |= written
    file = _file_values(PurePosixPath(path)) if plan.needs_file else None
    for name in plan.templates:
        if (text := layout.fill(name, values, file)) is not None:
            values[name] = _converted(text, layout.fields[name])
    allowed = {name: condition.allow(values, written) for name, condition in plan.conditions.items()}
    return {name: value for name, value in values.items() if allowed.get(name, True)}


class _Condition(NamedTuple):
    """The conditions under which a page has a field.

    Attributes:
        wanted: The values that other fields must have.
        maps: The path prefixes of the optional maps around the field, such as `seo.`. The model must have written a
            value in each.
    """

    wanted: tuple[tuple[str, object], ...]
    maps: tuple[str, ...]

    def allow(self, values: Mapping[str, Value], written: Iterable[str]) -> bool:
        """Return whether a page with these values has the field."""
        if any(not any(name.startswith(outer) for name in written) for outer in self.maps):
            return False
        return all(_equals(values.get(name), wanted) for name, wanted in self.wanted)


class _Plan(NamedTuple):
    """What all new pages of a layout have in common.

    Attributes:
        known: The values that are the same on each page.
        varying: The fields whose value depends on the question, the date or the number, and lists, so that pages share
            none.
        templates: The fields with templates, each one after those that its template refers to.
        needs_file: Whether a template refers to the file of the page.
        conditions: The conditions of the fields that a page may lack although they have a value.
    """

    known: Mapping[str, Value]
    varying: tuple[Field, ...]
    templates: tuple[str, ...]
    needs_file: bool
    conditions: Mapping[str, _Condition]


@cache
def _plan(layout: Layout) -> _Plan:
    known: dict[str, Value] = {}
    varying: list[Field] = []
    for name, field in layout.fields.items():
        value = field_value(field, layout, _NO_QUESTION, dt.date.min, None)
        if field.constant is None and (field.spec.source in _VARYING or isinstance(value, list)):
            varying.append(field)
        elif value is not None:
            known[name] = value
    references = [ref.path for template in layout.templates.values() for ref in template.references]
    every = {name: _condition_of(field, layout) for name, field in layout.fields.items()}
    return _Plan(
        known,
        tuple(varying),
        _in_order(layout, layout.templates),
        not FILE_FIELDS.isdisjoint(references),
        {name: condition for name, condition in every.items() if condition != _Condition((), ())},
    )


def _file_values(path: PurePosixPath) -> dict[str, str]:
    return {"file.stem": path.stem, "file.folder": path.parent.name}


def _condition_of(field: Field, layout: Layout) -> _Condition:
    conditions = [*(field.spec.only_when or {}).items()]
    maps = []
    section = field.section
    while section:
        row = layout.sections[section]
        conditions += (row.spec.only_when or {}).items()
        if not row.required:
            maps.append(f"{section}.")
        section = section.rpartition(".")[0]
    return _Condition(tuple(conditions), tuple(maps))


def field_value(field: Field, layout: Layout, question: Question, date: dt.date, number: int | None) -> Value:
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
    if field.path in layout.spec.when and field.spec.value is None:
        return typed(layout.spec.when[field.path], field.spec.kinds)
    return default_value(field)


def default_value(field: Field) -> Value:
    """Return the default of a field, or None."""
    default = field.spec.default
    if isinstance(default, tuple):
        return [*default]
    return None if default is None else typed(default, field.spec.kinds)


def today_value(field: Field, date: dt.date) -> Value:
    """Return a day as the value of a field."""
    if field.kind is Kind.DATETIME:
        return dt.datetime.combine(date, dt.time())
    return date if field.kind is Kind.DATE else date.isoformat()


def _converted(text: str, field: Field) -> Value:
    return int(text) if field.kind is Kind.INT and text.isdecimal() else text


def _equals(value: Value, wanted: object) -> bool:
    return value == wanted or (isinstance(value, dt.date) and value.isoformat() == wanted)


@cache
def place_fields(layout: Layout) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """Return the fields that the path and the key of a page depend on: those without a template, and the others."""
    key = layout.roles.key
    names = closure(layout, [*(ref.path for ref in layout.path_template.references), *([key] if key else [])])
    plain = tuple(layout.fields[name] for name in names if name in layout.fields and name not in layout.templates)
    return plain, _in_order(layout, [name for name in names if name in layout.templates])


def closure(layout: Layout, names: Iterable[str]) -> list[str]:
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
