"""values + style -> text. The inverse of reading, byte for byte."""

from collections.abc import Mapping

from qtgen.errors import UnwritableText
from qtgen.page.document import HOUSE_STYLE, Style, Value
from qtgen.page.fields import LAYOUT, Field, Kind, Section, folded_indent, key_indent
from qtgen.page.scan import PLAIN, spell
from qtgen.page.text import check_writable


def emit(values: Mapping[str, Value], style: Style = HOUSE_STYLE) -> str:
    """The text of a page. `values` by dotted path; fields that are absent are left out.

    Raises UnwritableText if a value is one that no page can hold.
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
    """The line or two lines of one field. `indent`: column of its key, where it is not the house's."""
    column = key_indent(field) if indent is None else indent
    head = " " * column + field.key + ":"
    if isinstance(value, list | dict) or value is None:
        raise UnwritableText(f"{field.path}: {type(value).__name__} is no value that a field can hold")
    if not isinstance(value, str):
        return f"{head} {style.spelling.get(field.path, spell(value))}\n"
    check_writable(value, field.path)
    if field.kind is not Kind.TEXT or _goes_plain(field, value, style):
        return f"{head} {value}\n"
    return f"{head} >-\n{' ' * (folded_indent(field) - key_indent(field) + column)}{value}\n"


def _goes_plain(field: Field, value: str, style: Style) -> bool:
    wanted = field.path in style.plain if field.folded else field.path not in style.folded
    return wanted and is_plain_safe(value)


def is_plain_safe(value: str) -> bool:
    """True if the scanner (and so YAML) reads `value`, written plain, as this very string."""
    return PLAIN.match(value + "\n") is not None
