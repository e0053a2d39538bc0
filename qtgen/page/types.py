"""The types of values: of those that pages have, and of those that `site.toml` writes as texts and numbers."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from qtgen.page.fields import Constant
from qtgen.page.site_file import Kind, Scalar


def has_type(value: object, kinds: Sequence[Kind]) -> bool:
    """Return whether the value of a page has one of the types."""
    return any(_TESTS[kind](value) for kind in kinds)


def typed(value: Scalar, kinds: Sequence[Kind]) -> Constant:
    """Return a value of `site.toml` with the first of the types that it has. An item of a list stays as it is.

    Raises ValueError if it has none of them.

    >>> typed("2024-11-22", [Kind.DATE, Kind.TEXT])
    datetime.date(2024, 11, 22)
    >>> typed("soon", [Kind.DATE, Kind.TEXT])
    'soon'
    """
    for kind in kinds:
        if isinstance(value, str) and kind in _FROM_ISO:
            try:
                return _FROM_ISO[kind](value)
            except ValueError:
                continue
        if has_type(value, (kind,)):
            return float(value) if kind is Kind.FLOAT else value
    if Kind.LIST in kinds:
        return value
    raise ValueError(f"{value!r} has none of the types {', '.join(kinds)}")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_TESTS: Mapping[Kind, Callable[[object], bool]] = {
    Kind.TEXT: lambda value: isinstance(value, str),
    Kind.BOOL: lambda value: isinstance(value, bool),
    Kind.INT: _is_int,
    Kind.FLOAT: lambda value: isinstance(value, float) or _is_int(value),
    Kind.DATE: lambda value: isinstance(value, dt.date) and not isinstance(value, dt.datetime),
    Kind.DATETIME: lambda value: isinstance(value, dt.datetime),
    Kind.LIST: lambda value: isinstance(value, list),
    Kind.MAP: lambda value: isinstance(value, dict),
}
_FROM_ISO: Mapping[Kind, Callable[[str], dt.date]] = {
    Kind.DATE: dt.date.fromisoformat,
    Kind.DATETIME: dt.datetime.fromisoformat,
}
