"""Work out where the values of a canonical page are from the layout alone, without searching the text."""

from collections.abc import Iterable, Mapping

from qtgen.page.fields import Field
from qtgen.page.layout import Layout


def value_lines(
    layout: Layout, paths: Iterable[str], plain: frozenset[str], folded: frozenset[str]
) -> Mapping[str, int]:
    """Return the 1-based line of each value of a canonical page.

    Args:
        layout: The layout of the page.
        paths: The paths of the page's values, in order.
        plain: `Style.plain` of the page.
        folded: `Style.folded` of the page.
    """
    line, section, lines = 1, "", {}
    for path in paths:
        field = layout.fields[path]
        if field.section and field.section != section:
            line += 1  # the section's own key
        section = field.section
        line += 1 + is_folded(field, plain, folded)
        lines[path] = line
    return lines


def is_folded(field: Field, plain: frozenset[str], folded: frozenset[str]) -> bool:
    """Return True if a field's value is on the line below its key, given what is unusual about the page's style."""
    return field.path not in plain if field.folded else field.path in folded


def value_column(layout: Layout, field: Field, on_next_line: bool) -> int:
    """Return the 1-based column of a field's value."""
    return 1 + (layout.folded_indent(field) if on_next_line else layout.key_indent(field) + len(field.key) + 2)
