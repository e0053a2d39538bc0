"""Helpers for rules: places inside a value, and fixes that edit values."""

from collections.abc import Iterable
from functools import partial

from qtgen.errors import QtgenError
from qtgen.page import Page, Span, splice_edits
from qtgen.page.edits import TextEdit
from qtgen.page.splicer import Changes
from qtgen.validation.rules.types import FixFactory, RuleFix

Replacement = tuple[int, int, str]
"""Start and end inside a value, and the text that goes there."""


def span_within(page: Page, path: str, start: int, end: int) -> Span:
    """Return the span of a part of a text value.

    If the value's YAML spelling differs from its text (escapes, line folding), it is the span of the whole value.
    """
    span = page.span(path)
    if page.canonical or page.text.startswith(page.text_of(path) or "\n", span.start):
        return Span(span.start + start, span.start + end)
    return span


def change_fields(page: Page, description: str, changes: Changes, *, safe: bool = True) -> FixFactory:
    """Return a fix that gives fields new values. There is no fix if the page cannot be edited line by line."""
    return partial(_change_fields, page, description, changes, safe)


def _change_fields(page: Page, description: str, changes: Changes, safe: bool) -> RuleFix | None:
    try:
        return RuleFix(description, splice_edits(page, changes), safe)
    except QtgenError:
        return None


def replace_parts(
    page: Page, path: str, description: str, replacements: Iterable[Replacement], *, safe: bool = True
) -> FixFactory:
    """Return a fix that replaces parts of a text value.

    If the value's YAML spelling differs from its text, the fix writes the whole field again.
    """
    return partial(_replace_parts, page, path, description, replacements, safe)


def _replace_parts(
    page: Page, path: str, description: str, replacements: Iterable[Replacement], safe: bool
) -> RuleFix | None:
    span = page.span(path)
    value = page.text_of(path) or ""
    in_order = sorted(replacements)
    if page.text.startswith(value, span.start):
        edits = [TextEdit(Span(span.start + start, span.start + end), new) for start, end, new in in_order]
        return RuleFix(description, edits, safe)
    for start, end, new in reversed(in_order):
        value = value[:start] + new + value[end:]
    return _change_fields(page, description, {path: value}, safe)
