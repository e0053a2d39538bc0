"""Write a page: values and a style become text. This is the inverse of reading, byte for byte."""

from collections.abc import Mapping

from qtgen.errors import UnwritableText
from qtgen.page.document import HOUSE_STYLE, Style, Value
from qtgen.page.fields import LAYOUT, Field, Kind, Section, folded_indent, key_indent
from qtgen.page.scan import PLAIN, spell
from qtgen.page.text import check_writable


def emit(values: Mapping[str, Value], style: Style = HOUSE_STYLE) -> str:
    """Return the text of a page.

    Args:
        values: The values by dotted path. Fields that are absent are left out.
        style: How to write them.

    Raises:
        UnwritableText: No page can hold one of the values.
    """
    lines = ["---\n"]
    for row in LAYOUT:
        fields = row.fields if isinstance(row, Section) else (row,)
        present = [field for field in fields if field.path in values]
        if isinstance(row, Section) and present:
            lines.append(f"{row.path}:\n")
        lines += [emit_field(field, values[field.path], style) for field in present]
    blank = "\n" if style.blank_before_close else ""
    return "".join(lines) + blank + "---\n" + style.body


def emit_field(field: Field, value: Value, style: Style = HOUSE_STYLE, indent: int | None = None) -> str:
    """Return the one or two lines of a field. Raises UnwritableText.

    Args:
        indent: The column of the key, if it is not that of the house style.
    """
    column = key_indent(field) if indent is None else indent
    head = " " * column + field.key + ":"
    if isinstance(value, list | dict) or value is None:
        raise UnwritableText(f"a field cannot hold a value of type {type(value).__name__}", field=field.path)
    if not isinstance(value, str):
        return f"{head} {style.spelling.get(field.path, spell(value))}\n"
    check_writable(value, field.path)
    if field.kind is not Kind.TEXT or _is_plain(field, value, style):
        return f"{head} {value}\n"
    return f"{head} >-\n{' ' * (folded_indent(field) - key_indent(field) + column)}{value}\n"


def _is_plain(field: Field, value: str, style: Style) -> bool:
    wanted = field.path in style.plain if field.folded else field.path not in style.folded
    return wanted and is_plain_safe(value)


def is_plain_safe(value: str) -> bool:
    """Return True if the scanner (and so YAML) reads `value`, written plain, as this very string."""
    return PLAIN.match(value + "\n") is not None
