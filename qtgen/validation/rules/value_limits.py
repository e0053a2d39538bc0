"""The limits of values: constants, calendar dates, enumerations, patterns and bounds, compiled once per layout."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import re2

from qtgen.page import Value
from qtgen.page.compile import fits
from qtgen.page.fields import Field
from qtgen.page.layout import Layout
from qtgen.page.profile import FieldSpec, Kind, Scalar
from qtgen.page.types import has_type, typed
from qtgen.validation.rules.types import PageFile

if TYPE_CHECKING:
    from qtgen.validation.rules.file_columns import FileColumns

SHOWN = 40
"""How many characters of a value a message shows."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
__VALUES_SHOWN = 8  # of an enumeration

Fault = Callable[[Any], str | None]
"""Returns the expected value, as the rest of a sentence, or None if the value is allowed."""


def may_have_type(value: object, kinds: Sequence[Kind]) -> bool:
    """Return whether a value has one of the types. An impossible date is read as a text; QT205 reports it."""
    return has_type(value, kinds) or (Kind.DATE in kinds and _is_impossible_date(value))


def _is_impossible_date(value: object) -> bool:
    return isinstance(value, str) and bool(_DATE.fullmatch(value)) and not _is_date(value)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@cache
def faults_of(layout: Layout) -> Mapping[str, Fault]:
    """Return the check of each field whose values have limits, by path.

    The items of a list, or of a text that contains several, have the path of the field and `.*`; the values in maps of
    a list have that of the list, `.*.` and their key.
    """
    faults: dict[str, Fault | None] = {}
    for path, field in layout.fields.items():
        is_judged_as_text = field.spec.source == "model" or path == layout.roles.answer
        _collect(faults, path, field.spec, has_length=not is_judged_as_text)
    return {path: fault for path, fault in faults.items() if fault is not None}


def _collect(faults: dict[str, Fault | None], path: str, spec: FieldSpec, *, has_length: bool) -> None:
    faults[path] = _fault_of(spec, has_length=has_length)
    faults[f"{path}.*"] = None if spec.fields else _item_fault_of(spec)
    for inner in spec.fields:
        _collect(faults, f"{path}.*.{inner.key}", inner, has_length=True)


def _fault_of(spec: FieldSpec, *, has_length: bool) -> Fault | None:
    """Return the check of a value, or None if every value of the right type is allowed.

    Args:
        has_length: Whether `min` and `max` bound it here. Rules of family 6xx check what a model writes.
    """
    checks: list[Fault] = []
    if spec.const is not None:
        checks.append(_constant_fault(typed(spec.const, spec.kinds), spec.kinds))
    if Kind.DATE in spec.kinds and Kind.TEXT not in spec.kinds:
        checks.append(
            lambda day: f"must be a calendar date; {day} does not exist" if _is_impossible_date(day) else None
        )
    if has_bounds(spec) and has_length:
        checks.append(_bounds_fault(spec))
    if spec.kinds != (Kind.LIST,) and not spec.separator and (item := _item_fault_of(spec)):
        checks.append(item)
    if not checks:
        return None
    allowed = {typed(value, spec.kinds) for value in spec.allow}

    def fault(value: Value) -> str | None:
        if allowed and not isinstance(value, list | dict) and value in allowed:
            return None
        return next((found for check in checks if (found := check(value))), None)

    return checks[0] if len(checks) == 1 and not allowed else fault


def _item_fault_of(spec: FieldSpec) -> Fault | None:
    """Return the check of one item, or of a value that is no list, by `enum` and `pattern`."""
    checks = [
        *([_enum_fault(spec, spec.enum)] if spec.enum is not None else []),
        *([_pattern_fault(spec.pattern)] if spec.pattern is not None else []),
    ]
    allowed = set(spec.allow)
    if not checks:
        return None
    return lambda value: (
        None
        if isinstance(value, str) and value in allowed
        else next((found for check in checks if (found := check(value))), None)
    )


def _constant_fault(constant: Value, kinds: Sequence[Kind]) -> Fault:
    def fault(value: Value) -> str | None:
        if _is_same(value, constant) or not has_type(value, kinds):  # QT203 reports another type
            return None
        return f"must be `{constant}`, not `{str(value)[:SHOWN]}`"

    return fault


def _is_same(value: Value, other: Value) -> bool:
    """Return whether two values are equal. In Python, `True == 1`."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _enum_fault(spec: FieldSpec, enum: tuple[Scalar, ...]) -> Fault:
    has_items = Kind.LIST in spec.kinds
    allowed = [typed(value, spec.kinds) for value in enum]

    def fault(value: Value) -> str | None:
        if any(_is_same(value, one) for one in allowed) or (has_items and isinstance(value, list)):
            return None
        if not has_items and not may_have_type(value, spec.kinds):
            return None  # QT203 reports it
        shown = f"`{str(value)[:SHOWN]}`"
        if len(allowed) <= __VALUES_SHOWN:
            return f"must be {alternatives(allowed)}, not {shown}"
        from difflib import get_close_matches  # rarely needed, and slow to import

        near = get_close_matches(str(value), [str(one) for one in allowed], n=1)
        return f"must be one of {len(allowed)} values, not {shown}" + (f"; did you mean `{near[0]}`?" if near else "")

    return fault


def alternatives(values: Iterable[Value]) -> str:
    """Return values as a choice, in code style."""
    shown = [f"`{value}`" for value in values]
    return " or ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def _pattern_fault(pattern: str) -> Fault:
    compiled = re2.compile(pattern)

    def fault(value: Value) -> str | None:
        matches = not isinstance(value, str) or compiled.fullmatch(value) is not None
        return None if matches else f"must match `{pattern}`, not be `{str(value)[:SHOWN]}`"

    return fault


def has_bounds(spec: FieldSpec) -> bool:
    return spec.min is not None or spec.max is not None


def _bounds_fault(spec: FieldSpec) -> Fault:
    least = float("-inf") if spec.min is None else spec.min
    most = float("inf") if spec.max is None else spec.max

    def fault(value: Value) -> str | None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return None if least <= value <= most else f"must be {range_of(spec)}, not {value}"
        if isinstance(value, str) and Kind.TEXT in spec.kinds:
            words = value.split(spec.separator) if spec.separator else value
            unit = "item" if spec.separator else "character"
        elif isinstance(value, list):
            words, unit = value, "item"  # type: ignore[assignment]
        else:
            return None
        return None if least <= len(words) <= most else f"must have {_count(spec, unit)}, not {len(words):,}"

    return fault


def range_of(spec: FieldSpec) -> str:
    """Return which numbers are allowed."""
    parts = [str(value) for value in spec.allow]
    if spec.min is not None and spec.max is not None:
        parts.append(f"from {spec.min} to {spec.max}")
    else:
        parts.append(f"at most {spec.max}" if spec.min is None else f"at least {spec.min}")
    return " or ".join(parts)


def _count(spec: FieldSpec, unit: str) -> str:
    """Return how many characters or items are allowed."""
    if spec.min is not None and spec.max is not None:
        return f"{spec.min:,} to {spec.max:,} {unit}s" if spec.min != spec.max else f"{spec.min:,} {unit}s"
    number = spec.max if spec.min is None else spec.min
    return f"at {'most' if spec.min is None else 'least'} {number:,} {unit}{'s' * (number != 1)}"


@cache
def has_usual_values(layout: Layout) -> Callable[[PageFile], bool]:
    """Return a test whether every value of a page in the canonical form is certainly valid."""
    required = [path for path in layout.constants if _is_always_there(layout, layout.fields[path])]
    get = itemgetter(*required) if len(required) > 1 else lambda values: tuple(values[path] for path in required)
    constants = tuple(layout.constants[path] for path in required)
    faults = {
        path: fault for path, fault in faults_of(layout).items() if path in layout.fields and path not in required
    }
    dates = [path for path in layout.fields if layout.fields[path].spec.kinds == (Kind.DATE,)]
    checks = [(path, faults[path]) for path in faults if path not in dates]

    def usual(file: PageFile) -> bool:
        values = file.page.values
        if get(values) != constants:
            return False
        for path in dates:
            if type(values.get(path)) is not date and path in values:
                return False
        for path, fault in checks:  # noqa: SIM110 - faster than all()
            if path in values and fault(values[path]) is not None:
                return False
        return True

    return usual


def rows_with_unusual_values(files: "FileColumns") -> Iterable[int]:
    """Return the pages with a value that may not be allowed."""
    layout, faults = files.layout, faults_of(files.layout)
    if not fits(layout, layout.constants):
        return range(len(files))
    rows = {row for path in layout.fields if path in faults for row in files.rows_with_faults(path, faults[path])}
    return rows.union(row for row, answer in enumerate(files.answers) if answer.isspace())


def _is_always_there(layout: Layout, field: Field) -> bool:
    section = layout.sections.get(field.section)
    return field.required and (section is None or section.required) and "." not in field.section
