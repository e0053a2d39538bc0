"""Where the values of the canonical layout stand, worked out from the layout: no text is searched."""

from collections.abc import Iterable, Mapping

from qtgen.page.fields import FIELDS, Field, folded_indent, key_indent


def value_lines(paths: Iterable[str], plain: frozenset[str], folded: frozenset[str]) -> Mapping[str, int]:
    """The 1-based line of each value of a canonical page. paths: of its values; plain, folded: as in its style."""
    line, section, lines = 1, "", {}
    for path in paths:
        field = FIELDS[path]
        if field.section and field.section != section:
            line += 1  # the section's own key
        section = field.section
        line += 1 + is_folded(field, plain, folded)
        lines[path] = line
    return lines


def is_folded(field: Field, plain: frozenset[str], folded: frozenset[str]) -> bool:
    """Whether a field stands on the line below its key, by what is unusual about its page's style."""
    return field.path not in plain if field.folded else field.path in folded


def value_column(field: Field, on_next_line: bool) -> int:
    """The 1-based column of a field's value."""
    return 1 + (folded_indent(field) if on_next_line else key_indent(field) + len(field.key) + 2)
