"""Change some fields of a page and leave every other byte as it was, with proof."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from qtgen.errors import SpliceError
from qtgen.page.document import Page, Span, Style, Value
from qtgen.page.edits import TextEdit, apply_edits
from qtgen.page.emitter import emit_field
from qtgen.page.fields import FIELDS, ORDER, SECTIONS
from qtgen.page.reader import read_text

Changes: TypeAlias = Mapping[str, Value]
"""New values by dotted path; None removes a field, and a section with all its fields."""


def splice(page: Page, changes: Changes) -> str:
    """The page's text with `changes` made, proved by reading it back.

    Raises SpliceError if the page cannot be edited line by line or the proof fails, UnwritableText if a value is
    one that no page can hold.
    """
    text = apply_edits(page.text, splice_edits(page, changes))
    _prove(page, _leaves(page, changes), text)
    return text


def splice_edits(page: Page, changes: Changes) -> list[TextEdit]:
    """The edits of whole lines that make `changes`; not yet proved.

    Raises SpliceError if the page cannot be edited line by line, UnwritableText if a value is one that no page can
    hold.
    """
    if page.problems:
        raise SpliceError(f"a page that reads with problems is not edited: {page.problems[0].message}")
    return sorted(_edits(page, _leaves(page, changes)))


def _leaves(page: Page, changes: Changes) -> dict[str, Value]:
    """Changes by field; a section removed becomes its fields removed; what changes nothing is dropped."""
    leaves: dict[str, Value] = {}
    for path, value in changes.items():
        if path in SECTIONS and value is None:
            leaves |= {field.path: None for field in SECTIONS[path].fields}
        elif path in FIELDS:
            leaves[path] = value
        else:
            raise SpliceError(f"{path}: no such field")
    leaves = {path: value for path, value in leaves.items() if not _same(page.values.get(path), value)}
    filled = {FIELDS[path].section for path, value in leaves.items() if value is not None}
    empty = {section for section in filled if section in page.values and not page.values[section]}
    return leaves | dict.fromkeys(empty)  # its line goes, and comes again above its fields


def _same(old: Value, new: Value) -> bool:
    return old == new and type(old) is type(new)


def _edits(page: Page, leaves: Mapping[str, Value]) -> list[TextEdit]:
    style = replace(page.style, spelling={})
    edits = [_edit_present(page, path, value, style) for path, value in leaves.items() if path in page.values]
    added = [path for path, value in leaves.items() if path not in page.values and value is not None]
    removed = {path for path, value in leaves.items() if value is None}
    for section in {path.partition(".")[0] for path in removed if "." in path}:
        present = {path for path in page.values if path.startswith(f"{section}.")}
        if present and present <= removed:
            edits.append(TextEdit(_key_lines(page, section), ""))
    sections = {"", *page.sections()} - removed
    return edits + _insertions(page, {path: leaves[path] for path in sorted(added, key=ORDER.__getitem__)}, sections)


def _insertions(page: Page, added: Mapping[str, Value], sections: set[str]) -> list[TextEdit]:
    """added: in the order of the layout; sections: that are there. Fields that come to the same place are one edit."""
    if not added:
        return []
    present = sorted((path for path in page.values if path in FIELDS), key=ORDER.__getitem__)
    ranks = [ORDER[path] for path in present]
    plain = {(FIELDS[path].key, bool(FIELDS[path].section)) for path in page.style.plain}
    groups: dict[int, list[str]] = {}
    ends: dict[tuple[int, bool], int] = {}  # most fields come behind the same one
    for path, value in added.items():
        field = FIELDS[path]
        at = bisect_left(ranks, ORDER[path])
        place = at, not at or present[at - 1].startswith(f"{field.section}.")
        if place not in ends:
            ends[place] = _end_before(page, present[at - 1], field.section) if at else page.text.index("\n") + 1
        spot = ends[place]
        lines = groups.setdefault(spot, [])
        if field.section not in sections:  # the section's own line, before the first of its fields
            sections.add(field.section)
            lines.append(f"{field.section}:\n")
        # New related titles follow the page's own habit; all else the house's.
        style = Style(plain=frozenset({path})) if (field.key, bool(field.section)) in plain else Style()
        lines.append(emit_field(field, value, style))
    return [TextEdit(Span(spot, spot), "".join(lines)) for spot, lines in groups.items()]


def _end_before(page: Page, path: str, section: str) -> int:
    """Where a field of `section` comes that follows the one at `path`: behind that one's section if it is another's."""
    theirs, _, _ = path.rpartition(".")
    if not theirs or theirs == section or page.canonical:
        return _place(page, path).lines.end
    return max(_place(page, one).lines.end for one in page.values if one.startswith(f"{theirs}."))


def _edit_present(page: Page, path: str, value: Value, style: Style) -> TextEdit:
    place = _place(page, path)
    if page.text[place.end : place.lines.end].strip() not in ("", "'", '"', ":", "}", "]"):
        raise SpliceError(f"{path}: a comment stands behind its value and would be lost")
    if value is None:
        return TextEdit(place.lines, "")
    return TextEdit(place.lines, emit_field(FIELDS[path], value, style, indent=place.column))


class _Place(NamedTuple):
    """Of a field: its whole lines, from its key's to the end of its value's; the column of its key; where key and value
    have ended."""

    lines: Span
    column: int
    end: int


def _place(page: Page, path: str) -> _Place:
    key = page.key_span(path)
    end = max(page.span(path).end, key.end)
    start = page.text.rfind("\n", 0, key.start) + 1
    next_line = page.text.find("\n", end) + 1
    if page.text[start : key.start].strip(" ") or not next_line:
        raise SpliceError(f"{path}: does not stand on lines of its own")
    return _Place(Span(start, next_line), key.start - start, end)


def _key_lines(page: Page, section: str) -> Span:
    key = page.key_span(section)
    return Span(page.text.rfind("\n", 0, key.start) + 1, page.text.find("\n", key.end) + 1)


def _prove(page: Page, leaves: Mapping[str, Value], text: str) -> None:
    """Read the result back: changed fields have the new values, every other value is equal."""
    again = read_text(text)
    if again.problems:
        raise SpliceError(f"the edited page would not read: {again.problems[0].message}")
    wanted = {path: value for path, value in {**page.values, **leaves}.items() if value is not None}
    wrong = [path for path in {*wanted, *again.values} if not _same(wanted.get(path), again.values.get(path))]
    if wrong:
        raise SpliceError(f"{sorted(wrong)[0]}: would not read back as meant")
