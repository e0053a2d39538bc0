"""Family 2xx, values: does each value have the type that its field has, and is it allowed there?"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from qtgen.page import Page, Span
from qtgen.page.compile import candidates_for, fits
from qtgen.page.layout import Layout
from qtgen.page.profile import FieldSpec, Kind
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.edits import span_within
from qtgen.validation.rules.placeholders import PLACEHOLDERS, listed
from qtgen.validation.rules.registry import rule
from qtgen.validation.rules.types import Example, Finding, PageFile
from qtgen.validation.rules.value_limits import (
    SHOWN,
    alternatives,
    faults_of,
    has_bounds,
    has_usual_values,
    may_have_type,
    range_of,
    rows_with_unusual_values,
)

if TYPE_CHECKING:
    from qtgen.validation.rules.example import ExampleSite

_EXPECTED = {
    Kind.TEXT: "text",
    Kind.INT: "a whole number",
    Kind.FLOAT: "a number",
    Kind.DATE: "a date, YYYY-MM-DD without quotes",
    Kind.DATETIME: "a date and time, without quotes",
    Kind.LIST: "a list",
    Kind.MAP: "a mapping",
}


class _Leaf(NamedTuple):
    """A value of a page, or an item of a list.

    Attributes:
        path: Where it is; an item has its number from 0.
        field: The field of the page that it belongs to.
        spec: Its definition in the profile. An item of a list has no type of its own.
        value: The value.
        is_item: Whether it is an item of a list.
        name: The path with `*` instead of numbers of items.
    """

    path: str
    name: str
    field: str
    spec: FieldSpec
    value: object
    is_item: bool = False


def _leaves(page: Page) -> Iterator[_Leaf]:
    fields = page.layout.fields
    for path, value in page.values.items():
        if path in fields:
            yield from _leaves_of(_Leaf(path, path, path, fields[path].spec, value))


def _leaves_of(leaf: _Leaf) -> Iterator[_Leaf]:
    yield leaf
    spec = leaf.spec
    for number, item in enumerate(leaf.value if isinstance(leaf.value, list) and Kind.LIST in spec.kinds else ()):
        path = f"{leaf.path}.{number}"
        name = f"{leaf.name}.*"
        yield _Leaf(path, name, leaf.field, spec, item, is_item=True)
        for inner in spec.fields if isinstance(item, dict) else ():
            if inner.key in item:
                yield from _leaves_of(
                    _Leaf(f"{path}.{inner.key}", f"{name}.{inner.key}", leaf.field, inner, item[inner.key])
                )


def _wrong_kind(site: "ExampleSite") -> Example:
    path = _typed_field(site)
    return site.rewrite(path, f"{site.indent_of(path)}{path.rpartition('.')[2]}: seven\n")


def _typed_field(site: "ExampleSite") -> str:
    fields = site.layout.fields
    others = (path for path in site.page.values if path in fields and fields[path].spec.kinds[0] is not Kind.TEXT)
    return site.layout.roles.id or next(others, site.layout.roles.question)


def _other_number(site: "ExampleSite") -> Example:
    number = site.layout.roles.id
    return site.change({number: -int(str(site.page.values[number]))}) if number else Example()


@rule(
    "QT203",
    "wrong-type",
    Severity.ERROR,
    bad=_wrong_kind,
    good=_other_number,
    noncanonical_only=True,
)
def wrong_type(file: PageFile) -> Iterator[Finding]:
    """A value does not have the type of its field.

    Why it is bad: the site computes with numbers and dates, but {wrong_type} or a quoted date is a string.
    An unquoted `yes` is a string for one YAML reader and a boolean for another.
    Fix: write the value in the form that {form_shown_by} shows.
    """
    page = file.page
    for path in page.values:
        if path in page.layout.sections:
            message = f"`{path}` must be a mapping; write its fields on lines of their own"
            yield Finding(message, page.key_span(path), path)
    for leaf in _leaves(page):
        expected = _item_type(leaf) if leaf.is_item else _type(leaf, page.layout)
        if expected:
            value = leaf.value
            actual = "empty" if value is None else f"`{str(value)[:SHOWN]}` ({type(value).__name__})"
            yield Finding(f"`{leaf.path}` must be {expected}, not {actual}", page.span(leaf.path), leaf.field)


def _type(leaf: _Leaf, layout: Layout) -> str | None:
    """Return which types a value may have, or None if it has one of them."""
    if may_have_type(leaf.value, leaf.spec.kinds):
        return None
    booleans = {"True": "True or False", "true": "true or false"}[layout.spec.booleans]
    return " or ".join(_EXPECTED.get(kind, booleans) for kind in leaf.spec.kinds)


def _item_type(leaf: _Leaf) -> str | None:
    spec = leaf.spec
    if spec.fields:
        return None if isinstance(leaf.value, dict) else "a mapping"
    if spec.pattern is not None or spec.ref is not None:
        return None if isinstance(leaf.value, str) else "text"
    return "one value" if leaf.value is None or isinstance(leaf.value, list | dict) else None


def _usual_values(file: PageFile) -> bool:
    return _usual_test(file.page.layout)(file)


@cache
def _usual_test(layout: Layout) -> Callable[[PageFile], bool]:
    """Return a test whether every value of a page in the canonical form is certainly valid."""
    usual, answer = has_usual_values(layout), layout.roles.answer
    if not layout.spec.when and (answer is None or layout.codec.escapes):
        return usual
    return lambda file: (
        usual(file)
        and fits(layout, file.page.values)
        and (answer is None or not _is_blank(file.page.values.get(answer)))
    )


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


PLACEHOLDERS |= {
    "wrong_type": lambda layout: _wrong_value(layout),
    "form_shown_by": lambda layout: "docs/reference/page.md" if layout.profile.is_default else "`qtgen schema`",
    "limits": lambda layout: _describe_limits(layout),
    "constant_limits": lambda layout: _describe_constants(layout),
}


def _wrong_value(layout: Layout) -> str:
    """Return what a page may have by mistake instead of a number or a date."""
    kinds = (Kind.INT, Kind.FLOAT, Kind.DATE, Kind.DATETIME)
    typed = (path for path, field in layout.fields.items() if field.kind in kinds and "." not in path)
    path = layout.roles.id or next(typed, None)
    return f"`{path}: seven`" if path else "a number in quotes"


def _describe_limits(layout: Layout) -> str:
    """Return the limits of the numbers, and the constants, as sentences."""
    roles = {layout.roles.date: "date", layout.roles.score: "score"}
    limits = [
        f"a {roles.get(path, f'`{path}`')} must be {range_of(field.spec)}"
        for path, field in layout.fields.items()
        if field.kind in (Kind.INT, Kind.FLOAT) and has_bounds(field.spec)
    ]
    dates = ["A date must be a calendar date"] if any(f.kind is Kind.DATE for f in layout.fields.values()) else []
    sentence = ", and ".join([*dates, *limits])
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else "The layout names what is allowed."


def _describe_constants(layout: Layout) -> str:
    """Return a sentence about the constants, with a space after it; nothing if there are none."""
    ending = "must have their constant values" if len(layout.constants) > 1 else "must have its constant value"
    return f"{listed(layout.constants)} {ending}. " if layout.constants else ""


def _impossible_day(site: "ExampleSite") -> Example:
    fields = site.layout.fields
    days = [path for path in site.page.values if path in fields and fields[path].spec.kinds == (Kind.DATE,)]
    path = days[0] if days else site.layout.roles.question
    indent = site.indent_of(path)
    wrong = "2026-02-31" if days else '""'
    return site.rewrite(path, f"{indent}{path.rpartition('.')[2]}: {wrong}\n")


def _scored(site: "ExampleSite") -> Example:
    score = site.layout.roles.score
    return site.change({score: 0.75}) if score and score in site.page.values else Example()


@rule(
    "QT205",
    "invalid-value",
    Severity.ERROR,
    bad=_impossible_day,
    good=_scored,
    skip_if=_usual_values,
    may_break=rows_with_unusual_values,
)
def invalid_value(file: PageFile) -> Iterator[Finding]:
    """A value has the right type but is not allowed in its field.

    Why it is bad: the site's YAML reader silently turns an impossible date into another one. An empty string leaves a
    gap on the page, and a score out of range sorts the page wrongly.
    Fix: correct the value. {limits} {constant_limits}Other texts must not be empty.
    """
    page = file.page
    faults = faults_of(page.layout)
    by_layout = dict(_expected_by_layouts(file)) if page.layout.spec.when else {}
    for path, message in by_layout.items():
        yield Finding(message, page.span(path), path)
    for leaf in _leaves(page):
        if leaf.path in by_layout:
            continue
        if leaf.value == "":
            if not _may_be_empty(leaf.spec):
                yield Finding(f"`{leaf.path}` is empty; write its value", page.key_span(leaf.path), leaf.field)
        elif (fault := faults.get(leaf.name)) and (expected := fault(leaf.value)):
            yield Finding(f"`{leaf.path}` {expected}", page.span(leaf.path), leaf.field)
    yield from _faulty_parts(page)
    if not page.layout.codec.escapes:
        yield from _blank_answer(page)


def _expected_by_layouts(file: PageFile) -> Iterator[tuple[str, str]]:
    """Yield the fields whose values fit no layout that the path of the page allows, each with a message."""
    page = file.page
    if fits(page.layout, page.values):
        return
    candidates = candidates_for(page.layout.profile, file.location or file.path)
    for path in page.layout.spec.when:
        expected = dict.fromkeys(str(layout.spec.when[path]) for layout in candidates if path in layout.spec.when)
        value = page.values.get(path)
        field = page.layout.fields.get(path)
        has_its_type = value is not None and (field is None or may_have_type(value, field.spec.kinds))
        if has_its_type and str(value) not in expected:
            yield path, f"`{path}` must be {alternatives(expected)}, not `{str(value)[:SHOWN]}`"


def _blank_answer(page: Page) -> Iterator[Finding]:
    """Yield a finding if the answer has no text. An empty value in the front matter is reported like any other."""
    answer = page.layout.roles.answer or ""
    value = page.values.get(answer)
    if not _is_blank(value) or (value == "" and answer in page.layout.fields):
        return
    span = page.key_span(answer)
    if answer not in page.layout.fields:  # the line that closes the front matter
        end = len(page.text.rstrip())
        span = Span(page.text.rfind("\n", 0, end) + 1, end)
    yield Finding(f"`{answer}` is empty; write the answer", span, answer)


def _faulty_parts(page: Page) -> Iterator[Finding]:
    """Yield the findings of items that one text contains."""
    faults = faults_of(page.layout)
    for path, field in page.layout.fields.items():
        separator, text, fault = field.spec.separator, page.text_of(path), faults.get(f"{path}.*")
        if not separator or not text or fault is None:
            continue
        start = 0
        for part in text.split(separator):
            if part and (expected := fault(part)):
                span = span_within(page, path, start, start + len(part))
                yield Finding(f"an item of `{path}` {expected}", span, path)
            start += len(part) + len(separator)


def _may_be_empty(spec: FieldSpec) -> bool:
    return "" in (spec.const, spec.default, *spec.allow, *(spec.enum or ()))
