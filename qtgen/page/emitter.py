"""Write a page: values and a style become text. This is the inverse of reading, byte for byte."""

from collections.abc import Iterable, Mapping
from functools import cache

from qtgen.errors import UnwritableText
from qtgen.page.body import spell_body
from qtgen.page.document import HOUSE_STYLE, Style, Value
from qtgen.page.fields import Field, Row
from qtgen.page.layout import Layout
from qtgen.page.profile import BODY_FIELD, FieldSpec, Kind
from qtgen.page.spelling import is_plain_safe, is_plain_safe_in_flow, quoted, spell, spell_key
from qtgen.page.text import check_writable, check_writable_body

_ITEM_INDENT = 2


def emit(values: Mapping[str, Value], layout: Layout, style: Style = HOUSE_STYLE) -> str:
    """Return the text of a page.

    Args:
        values: The values by dotted path. Fields that are absent are left out.
        layout: The layout of the page.
        style: How to write them.

    Raises:
        UnwritableText: No page can hold one of the values.
    """
    blank = "\n" if style.blank_before_close else ""
    return (
        "---\n"
        + "".join(_emit_rows(layout.rows, values, layout, style))
        + blank
        + "---\n"
        + _body(values, layout, style)
    )


def _body(values: Mapping[str, Value], layout: Layout, style: Style) -> str:
    if style.body is not None:
        return style.body
    if layout.body is not None:
        return layout.body
    body = str(values.get(BODY_FIELD) or "")
    check_writable_body(body, BODY_FIELD)
    return spell_body(body)


def _emit_rows(rows: Iterable[Row], values: Mapping[str, Value], layout: Layout, style: Style) -> Iterable[str]:
    for row in rows:
        if isinstance(row, Field):
            if row.path in values:
                yield emit_field(row, values[row.path], layout, style)
        elif inner := [*_emit_rows(row.fields, values, layout, style)]:
            yield f"{' ' * layout.key_indent(row)}{spell_key(row.key)}:\n"
            yield from inner


def emit_field(
    field: Field, value: Value, layout: Layout, style: Style = HOUSE_STYLE, indent: int | None = None
) -> str:
    """Return the lines of a field. Raises UnwritableText.

    Args:
        indent: The column of the key, if it is not that of the house style.
    """
    if indent is None:
        column, head = _heads(layout)[field.path]
    else:
        column, head = indent, _head(indent, field.key)
    if isinstance(value, list) and Kind.LIST in field.spec.kinds:
        return _emit_list(field.spec, value, layout, head, column)
    if isinstance(value, list | dict) or value is None:
        raise UnwritableText(f"a field cannot hold a value of type {type(value).__name__}", field=field.path)
    if not isinstance(value, str):
        return f"{head} {style.spelling.get(field.path, spell(value, layout.spec.booleans))}\n"
    if field.spec.style == "literal" and "\n" in value:
        return _emit_lines(head, value, field, " " * _folded_column(field, layout, column))
    check_writable(value, field.path)
    if _is_plain(field, value, style) or Kind.TEXT not in field.spec.kinds:
        return f"{head} {value}\n"
    if quote := _quote(field.spec, layout):
        return f"{head} {quoted(value, quote)}\n"
    mark = "|-" if field.spec.style == "literal" else ">-"
    return f"{head} {mark}\n{' ' * _folded_column(field, layout, column)}{value}\n"


@cache
def _heads(layout: Layout) -> Mapping[str, tuple[int, str]]:
    """Return the column of each field's key in the house style, and its line up to the colon."""
    columns = {path: layout.key_indent(field) for path, field in layout.fields.items()}
    return {path: (column, _head(column, layout.fields[path].key)) for path, column in columns.items()}


def _head(column: int, key: str) -> str:
    return f"{' ' * column}{spell_key(key)}:"


def _folded_column(field: Field, layout: Layout, column: int) -> int:
    """Return the column of a field's folded lines, given that of its key."""
    return layout.folded_indent(field) - _heads(layout)[field.path][0] + column


def _emit_lines(head: str, value: str, field: Field, indent: str) -> str:
    """Return the lines of a text that has several."""
    for line in filter(None, value.split("\n")):
        check_writable(line, field.path)
    return f"{head} |-\n" + "".join(f"{indent}{line}\n" if line else "\n" for line in value.rstrip("\n").split("\n"))


def _is_plain(field: Field, value: str, style: Style) -> bool:
    if field.spec.style in ("single", "double", "literal"):
        return False
    wanted = field.path in style.plain if field.folded else field.path not in style.folded
    return wanted and is_plain_safe(value)


def _quote(spec: FieldSpec, layout: Layout) -> str | None:
    """Return the quotes of a text, or None if it is folded."""
    if spec.style in ("single", "double"):
        return spec.style
    return None if spec.style in ("folded", "literal") else layout.spec.quote


def _emit_list(spec: FieldSpec, items: list[object], layout: Layout, head: str, column: int) -> str:
    """Return the lines of a list: on one line, or with a line for each item and for each key of an item."""
    if spec.style != "block" and not spec.fields:
        return f"{head} [{', '.join(_item(spec, item, layout, in_flow=True) for item in items)}]\n"
    if not items:
        return f"{head} []\n"
    lines = [f"{head}\n"]
    for item in items:
        dash = " " * (column + _ITEM_INDENT) + "- "
        if not isinstance(item, dict):
            lines.append(f"{dash}{_item(spec, item, layout)}\n")
            continue
        by_key = {inner.key: inner for inner in spec.fields}
        for key, value in item.items():
            if key not in by_key:
                raise UnwritableText("is not a key of the list's maps", field=f"{spec.key}.{key}")
            lines.append(f"{dash}{spell_key(key)}: {_item(by_key[key], value, layout)}\n")
            dash = " " * len(dash)
    return "".join(lines)


def _item(spec: FieldSpec, value: object, layout: Layout, *, in_flow: bool = False) -> str:
    """Return a scalar inside a list, on one line."""
    if isinstance(value, list | dict) or value is None:
        raise UnwritableText(f"a list cannot hold a value of type {type(value).__name__}", field=spec.key)
    if not isinstance(value, str):
        return spell(value, layout.spec.booleans)
    check_writable(value, spec.key)
    is_safe = is_plain_safe_in_flow(value) if in_flow else is_plain_safe(value)
    wants_quotes = spec.style in ("single", "double")
    return value if is_safe and not wants_quotes else quoted(value, _quote(spec, layout) or "double")
