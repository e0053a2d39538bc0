"""The values that pages get: constants, templates and defaults."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from qtgen.errors import SpliceError
from qtgen.page.compile import typed
from qtgen.page.document import Value
from qtgen.page.layout import Layout
from qtgen.page.profile import FieldSpec, Kind, Scalar
from qtgen.site.migration.plan import LayoutChange

Values = Mapping[str, Any]


class NoValue(Exception):
    """A field keeps its value, because the former layout did not give this value."""


def is_same(old: object, new: object) -> bool:
    """Return whether two values are equal and have the same types, also inside lists."""
    return type(old) is type(new) and (repr(old) == repr(new) if isinstance(old, list | dict | float) else old == new)


def required_value(layout: Layout, path: str, values: Values, file: Mapping[str, str]) -> Value:
    """Return the value of a field that a page must have now.

    Args:
        values: The values of the page by dotted path.
        file: The fields of the file for templates.

    Raises:
        SpliceError: Nothing gives it a value.
    """
    spec = layout.fields[path].spec
    if path in layout.constants:
        return layout.constants[path]
    if path in layout.templates:
        text = layout.fill(path, values, file)
        if text is None:
            raise SpliceError("cannot be computed, because a field of its template is missing", field=path)
        return _of_type(text, spec)
    if spec.default is None:
        raise SpliceError("is missing, and the new layout requires it", field=path)
    if isinstance(spec.default, tuple):
        return [*spec.default]
    return _typed(spec.default, spec)


def _typed(value: Scalar, spec: FieldSpec) -> Value:
    """Return a value of the profile with the first of the field's types that it has."""
    natural: dict[type, tuple[Kind, ...]] = {
        bool: (Kind.BOOL,),
        int: (Kind.INT, Kind.FLOAT),
        float: (Kind.FLOAT,),
        str: (Kind.TEXT, Kind.DATE, Kind.DATETIME),
    }
    kinds = [kind for kind in spec.kinds if kind in natural[type(value)]]
    for kind in kinds:
        try:
            return typed(value, kind)
        except ValueError:
            continue
    return value


def computed_value(change: LayoutChange, path: str, before: Values, now: Values, file: Mapping[str, str]) -> Value:
    """Return the value of a field with another constant or template in the new layout.

    Args:
        path: The path in the new layout.
        before: The former values by their former path.
        now: The values of the page by new path.
        file: The fields of the file for templates.

    Raises:
        NoValue: The value does not follow from the former template, or the new one cannot be filled in.
        SpliceError: The value is neither the former constant nor the new one.
    """
    new, old, former = change.new, change.old, change.former[path]
    value, wanted = now[path], _given(new, path, now, file)
    if wanted is None:
        raise NoValue
    if is_same(value, wanted) or is_same(value, _given(old, former, before, file)):
        return wanted
    if path not in new.constants:
        raise NoValue
    constant = old.constants.get(former)
    expected = f"neither the former constant `{constant}` nor" if constant is not None else "not the constant"
    raise SpliceError(f"`{value}` is {expected} `{wanted}`", field=path)


def _given(layout: Layout, path: str, values: Values, file: Mapping[str, str]) -> Value:
    if path in layout.constants:
        return layout.constants[path]
    text = layout.fill(path, values, file)
    return None if text is None else _of_type(text, layout.fields[path].spec)


def _of_type(text: str, spec: FieldSpec) -> Value:
    """Return the text of a template as the value that YAML would read."""
    if Kind.TEXT in spec.kinds:
        return text
    for kind, convert in ((Kind.INT, int), (Kind.FLOAT, float), (Kind.DATE, dt.date.fromisoformat)):
        if kind in spec.kinds:
            try:
                return convert(text)
            except ValueError:
                continue
    return text
