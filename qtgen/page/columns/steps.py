"""The lines of a canonical page, in order, as bytes to compare: what the scanner's pattern says, step by step."""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from qtgen.page.document import Value
from qtgen.page.fields import Constant, Field, Section
from qtgen.page.layout import Layout
from qtgen.page.profile import Kind
from qtgen.page.scan import CONVERT, SCALAR
from qtgen.page.spelling import is_plain_safe, spell


class FieldStep(NamedTuple):
    """A line with a value, or two lines if the value is folded.

    Attributes:
        path: The path of the field.
        kind: The type of the value.
        section: The path of the optional map that the field is in. It is empty if there is none.
        required: Whether the field must follow, if its map is there.
        plain: The bytes before a value on the line of its key.
        folded: The bytes before a folded value, over two lines. They are empty if the type has no folded form.
        value: The only value that is accepted, as the house style writes it; empty if it can be any. It follows
            `folded` if `is_folded` is true.
        is_folded: Whether the house style folds the value.
    """

    path: str
    kind: Kind
    section: str
    required: bool
    plain: bytes
    folded: bytes
    value: bytes
    is_folded: bool


class SectionStep(NamedTuple):
    """The line with the key of a map.

    Attributes:
        path: The path of the map.
        after: The path of the optional map that must precede it; empty if there is none.
        required: Whether every page has the map.
        line: The line.
    """

    path: str
    after: str
    required: bool
    line: bytes


Step = FieldStep | SectionStep


def has_columns(layout: Layout) -> bool:
    """Return whether pages of a layout can be read by column: it has a scanner, and a constant body."""
    return layout.scan is not None and layout.body is not None


@cache
def steps_of(layout: Layout) -> tuple[Step, ...]:
    """Return the steps of a layout that has columns, in the order of a page."""
    steps: list[Step] = []
    previous: Section | None = None
    for row in layout.rows:
        if isinstance(row, Field):
            steps.append(_field_step(row, layout, ""))
            previous = None
            continue
        follows = row.number and previous and previous.number and previous.spec.key == row.spec.key
        after = previous.path if previous and follows else ""
        steps.append(SectionStep(row.path, after, row.required, f"{row.path}:\n".encode()))
        section = "" if row.required else row.path
        steps += [_field_step(field, layout, section) for field in row.fields if isinstance(field, Field)]
        previous = row
    return tuple(steps)


def _field_step(field: Field, layout: Layout, section: str) -> FieldStep:
    head = f"{' ' * layout.key_indent(field)}{field.key}:"
    folded = f"{head} >-\n{' ' * layout.folded_indent(field)}" if field.kind is Kind.TEXT else ""
    value = "" if field.constant is None else _canonical(field.constant, field, layout.spec.booleans)
    return FieldStep(
        field.path,
        field.kind,
        section,
        field.required,
        f"{head} ".encode(),
        folded.encode(),
        value.encode(),
        field.folded,
    )


def _canonical(constant: Constant, field: Field, true: str) -> str:
    """Return a constant as canonical pages write it; empty if there is no such form."""
    if field.kind is not Kind.TEXT:
        text = spell(constant, true)
        return text if scalar(text.encode(), field.kind, true) == constant else ""
    text = str(constant)
    is_safe = text[:1] not in ("", " ") and "\n" not in text if field.folded else is_plain_safe(text)
    return text if is_safe else ""


@lru_cache(maxsize=4096)  # a site has few different days, scores and flags
def scalar(text: bytes, kind: Kind, true: str) -> Value:
    """Return the value of a number, a day or a flag, or None if it is not spelled as the site does.

    Args:
        true: How the layout spells the boolean: `true` or `True`.
    """
    try:
        written = text.decode("ascii")
    except UnicodeDecodeError:
        return None
    if not re.fullmatch(SCALAR[kind], f" {written}\n"):
        return None
    value = CONVERT[kind](written)
    return value if not isinstance(value, str) and spell(value, true) == written else None
