"""Helpers for rules: places inside a value, and fixes that edit values."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from qtgen.errors import QtgenError
from qtgen.page import Page, Span, splice_edits
from qtgen.page.edits import Part, TextEdit, apply_edits
from qtgen.page.scalar_map import scalar_map
from qtgen.page.splicer import Changes
from qtgen.validation.rules.types import FixFactory, RuleFix

Replacement = tuple[int, int, str]
"""Start and end inside a value, and the text that goes there."""


def span_within(page: Page, path: str, start: int, end: int) -> Span:
    """Return the span of a part of a text value, also if YAML spells the value with escapes or on several lines.

    If the value has an unusual spelling, it is the span of the whole value.
    """
    span = page.span(path)
    if is_verbatim(page, path, span):
        return Span(span.start + start, span.start + end)
    spelling = scalar_map(page, path)
    return spelling.span(start, end) if spelling else span


def is_verbatim(page: Page, path: str, span: Span) -> bool:
    """Return whether the page's text has the value itself at the value's span."""
    return page.canonical or page.text[span.start : span.end] == page.text_of(path)


def parts_replaced(page: Page, path: str, edits: Iterable[TextEdit]) -> list[Part] | None:
    """Return the parts of a text value that edits of the page replace, or None if that cannot be told.

    Edits outside the value replace none of its parts.
    """
    span = page.span(path)
    verbatim = is_verbatim(page, path, span)
    spelling = None if verbatim else scalar_map(page, path)
    parts = []
    for (start, end), text in edits:
        if end < span.start or (start >= span.end and end > start):
            continue
        if verbatim and span.start <= start and end <= span.end:
            parts.append(Part(start - span.start, end - span.start, len(text)))
        elif spelling and (place := spelling.value_range(Span(start, end))):
            parts.append(Part(*place, spelling.length_in_value(text)))
        else:
            return None
    return parts


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

    If YAML spells the value differently from its text, so does the fix. If the spelling cannot hold the new parts, the
    fix writes the whole field again, without line breaks at its end (`>` and `|` add one).
    """
    return partial(_replace_parts, page, path, description, replacements, safe)


def _replace_parts(
    page: Page, path: str, description: str, replacements: Iterable[Replacement], safe: bool
) -> RuleFix | None:
    span = page.span(path)
    value = page.text_of(path) or ""
    in_order = sorted(replacements)
    if is_verbatim(page, path, span):
        edits = [TextEdit(Span(span.start + start, span.start + end), new) for start, end, new in in_order]
        return RuleFix(description, edits, safe)
    spelling = scalar_map(page, path)
    spelled = [spelling and spelling.spell(page.text, *replacement) for replacement in in_order]
    if in_order and None not in spelled:
        return RuleFix(description, [edit for edit in spelled if edit], safe)
    parts = [Part(start, end, len(new)) for start, end, new in in_order]
    changed = apply_edits(value, [TextEdit(Span(start, end), new) for start, end, new in in_order])
    fix = _change_fields(page, description, {path: changed.rstrip("\n")}, safe)
    return fix and replace(fix, parts=parts)
