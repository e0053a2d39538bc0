"""Change some fields of a page, leave every other byte as it was, and prove it."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from qtgen.errors import SpliceError
from qtgen.page.body import spell_body
from qtgen.page.comments import has_comment
from qtgen.page.document import Page, Span, Style, Value
from qtgen.page.edits import TextEdit, apply_edits
from qtgen.page.emitter import emit_field
from qtgen.page.fields import Field
from qtgen.page.layout import Layout
from qtgen.page.numbered_maps import splice_maps
from qtgen.page.profile import BODY_FIELD
from qtgen.page.reader import read_text
from qtgen.page.spelling import spell_key
from qtgen.page.text import check_writable_body

Changes: TypeAlias = Mapping[str, Value]
"""New values by dotted path. None removes a field, or a map with all its fields."""


def splice(page: Page, changes: Changes) -> str:
    """Return the page's text with the changes made. Reading it back proves that nothing else changed.

    Raises:
        SpliceError: The page cannot be edited line by line, or the proof fails.
        UnwritableText: No page can hold one of the values.
    """
    fields = {} if page.problems else _changed_fields(page, changes)
    text = splice_maps(page, fields)
    if text is None:
        text = apply_edits(page.text, splice_edits(page, changes))
    _prove(page, fields, text)
    return text


def splice_edits(page: Page, changes: Changes) -> list[TextEdit]:
    """Return the edits of whole lines that make the changes, without proof.

    Raises:
        SpliceError: The page cannot be edited line by line.
        UnwritableText: No page can hold one of the values.
    """
    if page.problems:
        raise SpliceError(f"the page has a problem to correct first: {page.problems[0].message}")
    return sorted(_edits(page, _changed_fields(page, changes)))


def _changed_fields(page: Page, changes: Changes) -> dict[str, Value]:
    """Return the changes by field. Removing a section removes its fields; a change to the same value is dropped."""
    fields: dict[str, Value] = {}
    layout = page.layout
    for path, value in changes.items():
        if path in layout.sections and value is None:
            fields |= {inner: None for inner in layout.fields if inner.startswith(f"{path}.")}
        elif path in layout.fields or (path == BODY_FIELD and layout.has_text_body and value is not None):
            fields[path] = value
        else:
            raise SpliceError("is not a field of a page", field=path)
    fields = {path: value for path, value in fields.items() if not _is_same(page.values.get(path), value)}
    if page.canonical:
        return fields
    filled = {path.rpartition(".")[0] for path, value in fields.items() if value is not None}
    empty = {section for section in filled if section in page.values and not page.values[section]}
    return fields | dict.fromkeys(empty)  # the line `seo: {}` goes, and `seo:` is inserted above its fields


def _is_same(old: Value, new: Value) -> bool:
    return old == new and type(old) is type(new)


def _edits(page: Page, fields: Mapping[str, Value]) -> list[TextEdit]:
    style = replace(page.style, spelling={})
    edits = [_edit_present(page, path, value, style) for path, value in fields.items() if path in page.values]
    added = [path for path, value in fields.items() if path not in page.values and value is not None]
    removed = {path for path, value in fields.items() if value is None}
    emptied = {section for section in _outer(removed) if _is_emptied(page, section, removed)}
    edits += [_removed_key(page, section) for section in emptied]
    sections = {"", *page.sections()} - removed
    order = page.layout.order
    return edits + _insertions(page, {path: fields[path] for path in sorted(added, key=order.__getitem__)}, sections)


def _outer(paths: Iterable[str]) -> set[str]:
    """Return the paths of the maps that fields are in, at any depth."""
    found = set()
    for path in paths:
        while section := path.rpartition(".")[0]:
            found.add(section)
            path = section
    return found


def _is_emptied(page: Page, section: str, removed: set[str]) -> bool:
    present = {path for path in page.values if path.startswith(f"{section}.")}
    return bool(present) and present <= removed


def _insertions(page: Page, added: Mapping[str, Value], sections: set[str]) -> list[TextEdit]:
    """Return the edits that insert new fields, one for all fields that are inserted at the same offset.

    Args:
        added: The new fields in the order of the layout.
        sections: The sections that are there. This function adds those that it inserts.
    """
    if not added:
        return []
    layout = page.layout
    present = sorted((path for path in page.values if path in layout.fields), key=layout.order.__getitem__)
    ranks = [layout.order[path] for path in present]
    plain_keys = {(layout.fields[path].key, bool(layout.fields[path].section)) for path in page.style.plain}
    existing = frozenset(sections)
    lines_at: dict[int, list[str]] = {}
    offsets: dict[tuple[int, bool, bool], int] = {}  # a cache, because most new fields follow the same field
    for path, value in added.items():
        field = layout.fields[path]
        rank = bisect_left(ranks, layout.order[path])
        before = present[rank - 1] if rank else ""
        is_first = field.section in existing and not before.startswith(f"{field.section}.")
        place = rank, is_first, not rank or before.startswith(f"{field.section}.")
        if place not in offsets:
            offsets[place] = _offset_after(page, before, field.section, is_first=is_first)
        lines = lines_at.setdefault(offsets[place], [])
        lines += _new_section_lines(layout, field.section, sections)
        # The title of a new related article is written as those of the page's others; all else in the house style.
        is_plain = (field.key, bool(field.section)) in plain_keys
        style = Style(plain=frozenset({path})) if is_plain else Style()
        lines.append(emit_field(field, value, layout, style, _section_indent(page, field.section)))
    return [TextEdit(Span(offset, offset), "".join(lines)) for offset, lines in lines_at.items()]


def _new_section_lines(layout: Layout, section: str, sections: set[str]) -> list[str]:
    """Return the lines of the keys of a map and of those around it that are not in `sections`. Add them there."""
    if section in sections:
        return []
    outer = _new_section_lines(layout, section.rpartition(".")[0], sections)
    sections.add(section)
    row = layout.sections[section]
    return [*outer, f"{' ' * layout.key_indent(row)}{spell_key(row.key)}:\n"]


def _offset_after(page: Page, path: str, section: str, *, is_first: bool) -> int:
    """Return the offset at which a new field follows the field at `path`, or nothing if `path` is empty.

    Args:
        section: The section of the new field.
        is_first: Whether the new field is the first one of a section that is there, and so follows the section's key.
    """
    if is_first and section:
        line = _key_line(page, section)
        if page.text[page.key_span(section).end : line.end].strip() != ":":
            raise SpliceError("shares its line with something else", field=section)
        return line.end
    return _end_of(page, path, section) if path else page.text.index("\n") + 1


def _section_indent(page: Page, section: str) -> int | None:
    """Return the column of the keys of a section that is there, if the page does not have the canonical layout."""
    if page.canonical or not section:
        return None
    keys = (path for path in page.key_spans or {} if path.rpartition(".")[0] == section)
    return next((_place_of(page, path).column for path in keys), None)


def _end_of(page: Page, path: str, next_section: str) -> int:
    """Return the offset after the field at `path`, or after the outermost of its maps that the next field is not in."""
    section = path.rpartition(".")[0]
    if not section or section == next_section or page.canonical:
        return _place_of(page, path).lines.end
    outermost = section
    while (outer := outermost.rpartition(".")[0]) and not f"{next_section}.".startswith(f"{outer}."):
        outermost = outer
    return max(_place_of(page, other).lines.end for other in page.values if other.startswith(f"{outermost}."))


def _edit_present(page: Page, path: str, value: Value, style: Style) -> TextEdit:
    if path == BODY_FIELD and path not in page.layout.fields:
        check_writable_body(str(value), path)
        span = page.span(path)
        if span.start < span.end or not value:
            return TextEdit(span, str(value))
        return TextEdit(Span(span.start, len(page.text)), spell_body(str(value)))
    place = _place_of(page, path)
    if page.text[place.end : place.lines.end].strip() not in ("", "'", '"', ":", "}", "]"):
        raise SpliceError("a comment after the value would be lost", field=path)
    if has_comment(page, place.lines):
        raise SpliceError("a comment in its lines would be lost", field=path)
    if value is None:
        return TextEdit(place.lines, "")
    field = _as_written(page, path)
    return TextEdit(place.lines, emit_field(field, value, page.layout, style, indent=place.column))


def _as_written(page: Page, path: str) -> Field:
    """Return the field with the style of its value on the page: flow or block, or the quotes if the site uses them."""
    field = page.layout.fields[path]
    if isinstance(page.values[path], list) and page.values[path]:
        style: Literal["flow", "block"] = "flow" if page.text[page.span(path).start] == "[" else "block"
        return replace(field, spec=msgspec.structs.replace(field.spec, style=style))
    if page.layout.spec.quote is None:
        return field
    quote = {"'": "single", '"': "double"}.get(page.text[page.span(path).start : page.span(path).start + 1])
    if page.canonical or quote is None or field.spec.style == quote or not isinstance(page.values[path], str):
        return field
    return replace(field, spec=msgspec.structs.replace(field.spec, style=quote), folded=False)


def _removed_key(page: Page, section: str) -> TextEdit:
    """Return the edit that removes the line of a map's key."""
    line = _key_line(page, section)
    if has_comment(page, line):
        raise SpliceError("a comment in its lines would be lost", field=section)
    return TextEdit(line, "")


class _Place(NamedTuple):
    """Where a field is.

    Attributes:
        lines: The whole lines from the key to the end of the value.
        column: The column of the key.
        end: The offset at which key and value have ended.
    """

    lines: Span
    column: int
    end: int


def _place_of(page: Page, path: str) -> _Place:
    key = page.key_span(path)
    end = max(page.span(path).end, key.end)
    start = page.text.rfind("\n", 0, key.start) + 1
    next_line = page.text.find("\n", end) + 1
    if page.text[start : key.start].strip(" ") or not next_line:
        raise SpliceError("shares its line with something else", field=path)
    return _Place(Span(start, next_line), key.start - start, end)


def _key_line(page: Page, section: str) -> Span:
    key = page.key_span(section)
    return Span(page.text.rfind("\n", 0, key.start) + 1, page.text.find("\n", key.end) + 1)


def _types(values: Iterable[Value]) -> list[type]:
    return [*map(type, values)]


def _prove(page: Page, fields: Mapping[str, Value], text: str) -> None:
    """Read the new text. Changed fields must have their new values, and all others their old ones."""
    result = read_text(text, page.layout)
    if result.problems:
        raise SpliceError(f"the edited page would have a problem: {result.problems[0].message}")
    expected = {path: value for path, value in {**page.values, **fields}.items() if value is not None}
    if expected == result.values and _types(expected.values()) == _types(map(result.values.get, expected)):
        return
    wrong = [path for path in {*expected, *result.values} if not _is_same(expected.get(path), result.values.get(path))]
    if wrong:
        raise SpliceError("would not be read back as the value that was written", field=min(wrong))
