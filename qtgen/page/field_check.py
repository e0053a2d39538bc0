"""Check what the types of `site.toml` cannot tell about one field, whatever the other fields are."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qtgen.page.profile_errors import Place, suggestion
from qtgen.page.site_file import SECTION_INDENT, BodySpec, FieldSpec, Kind, Scalar
from qtgen.page.types import typed

_NAMES = {
    Kind.TEXT: "a text",
    Kind.INT: "a whole number",
    Kind.FLOAT: "a number",
    Kind.BOOL: "true or false",
    Kind.DATE: "a date, YYYY-MM-DD",
    Kind.DATETIME: "a date and time",
    Kind.LIST: "a list",
    Kind.MAP: "a map",
}
ROLES = {
    "question": (Kind.TEXT,),
    "key": (Kind.TEXT, Kind.INT),
    "answer": (Kind.TEXT,),
    "subject": (Kind.TEXT,),
    "id": (Kind.INT,),
    "date": (Kind.DATE, Kind.DATETIME, Kind.TEXT),
    "hidden": (Kind.BOOL,),
    "score": (Kind.FLOAT, Kind.INT),
}
"""The types of the fields that can have a role."""
_SOURCES = {
    "question": (Kind.TEXT, Kind.LIST),
    "subject": (Kind.TEXT, Kind.LIST),
    "sequence": (Kind.INT,),
    "today": (Kind.DATE, Kind.DATETIME, Kind.TEXT),
    "model": (Kind.TEXT, Kind.LIST, Kind.INT, Kind.FLOAT, Kind.BOOL),
}
"""The types of the fields that can have a source."""
_TEMPLATED = (Kind.TEXT, Kind.INT, Kind.FLOAT, Kind.DATE)


class Fault(NamedTuple):
    """What is wrong with a value in the table of a field, and what to do about it."""

    place: Place
    message: str
    remedy: str


def in_words(kinds: Sequence[Kind]) -> str:
    """Return types in words for people."""
    return " or ".join(_NAMES[kind] for kind in kinds if kind is not Kind.INT or Kind.FLOAT not in kinds)


def as_types(kinds: Sequence[Kind]) -> str:
    """Return types as the file writes them."""
    return " or ".join(f"`{kind}`" for kind in kinds)


def field_faults(path: str, spec: FieldSpec) -> Iterator[Fault]:
    """Yield the faults of a field.

    Args:
        path: Its dotted path, for the messages.
        spec: What the file says about it.
    """
    yield from _form_faults(path, spec)
    for key in ("const", "default", "example"):
        yield from type_faults(getattr(spec, key), spec, (key,))
    for key in ("enum", "allow"):
        items = () if Kind.LIST in spec.kinds else getattr(spec, key) or ()
        for number, value in enumerate(items):
            yield from type_faults(value, spec, (key, number))
    yield from _choice_faults(spec)
    yield from bounds_faults(spec)
    yield from _pattern_faults(spec)
    yield from _source_faults(path, spec)


def type_faults(value: Scalar | tuple[Scalar, ...] | None, spec: FieldSpec, place: Place) -> Iterator[Fault]:
    """Yield the fault of a value that does not have the type of its field."""
    scalars = [kind for kind in spec.kinds if kind not in (Kind.LIST, Kind.MAP)]
    try:
        if isinstance(value, tuple) and Kind.LIST not in spec.kinds:
            raise ValueError
        if value is not None and not isinstance(value, tuple):
            typed(value, scalars)
    except ValueError:
        shown = [*value] if isinstance(value, tuple) else value
        message = f"must be {in_words(spec.kinds)}, the type of `{spec.key}`, not {shown!r}"
        yield Fault(place, message, "correct the value or the type")


def bounds_faults(spec: FieldSpec | BodySpec) -> Iterator[Fault]:
    """Yield the fault of bounds that no value has."""
    if spec.min is not None and spec.max is not None and spec.min > spec.max:
        yield Fault(("min",), f"is more than `max`, {spec.max}", "lower `min` or raise `max`")


def _form_faults(path: str, spec: FieldSpec) -> Iterator[Fault]:
    """Yield the faults of the type, and of what only maps have."""
    if Kind.MAP in spec.kinds and spec.type is not Kind.MAP:
        yield Fault(("type",), "a map cannot be one of several types", "remove the other types")
    if spec.fields and not {Kind.MAP, Kind.LIST} & {*spec.kinds}:
        yield Fault(("fields",), f"`{path}` is no map", 'add type="map" or type="list"')
    if spec.repeat and spec.type is not Kind.MAP:
        yield Fault(("repeat",), f"`{path}` is no map", 'add type="map"')
    indent = spec.indent or SECTION_INDENT
    if spec.type is Kind.MAP and spec.text_indent is not None and spec.text_indent <= indent:
        message = f"is not more than the indent of the keys, {indent}, so YAML cannot read folded text there"
        yield Fault(("text_indent",), message, f"write text_indent = {indent + 2}")


def _choice_faults(spec: FieldSpec) -> Iterator[Fault]:
    """Yield the values of new pages that `enum` does not allow."""
    for key, given in (("const", spec.const), ("default", spec.default)):
        if spec.enum is None or given is None:
            continue
        words = given.split(spec.separator) if spec.separator and isinstance(given, str) else [given]
        for value in given if isinstance(given, tuple) else words:
            if not any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in spec.enum):
                near = suggestion(str(value), [str(choice) for choice in spec.enum])
                yield Fault((key,), f"`{value}` is not in `enum`", near or "add it to `enum`")


def _pattern_faults(spec: FieldSpec) -> Iterator[Fault]:
    if spec.pattern is None:
        return
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(spec.pattern, options)
    except re2.error as error:
        detail = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        yield Fault(("pattern",), f"RE2 cannot compile `{spec.pattern}`: {detail}", "correct the pattern")


def _source_faults(path: str, spec: FieldSpec) -> Iterator[Fault]:
    """Yield the fault of a field that cannot have what its source, or its template, gives."""
    if spec.group is not None and spec.source != "model":
        yield Fault(("group",), "only fields that a model writes have a group", 'add source="model"')
    for key, kinds in (("value", _TEMPLATED if spec.value else None), ("source", _SOURCES.get(spec.source or ""))):
        if kinds is not None and not {*kinds} & {*spec.kinds}:
            message = f"cannot give `{path}` {in_words(spec.kinds)}"
            yield Fault((key,), message, f"change the type to {as_types(kinds)}")
