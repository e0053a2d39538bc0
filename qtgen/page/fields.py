"""The rows of a compiled layout: the fields and maps of a page, in order."""

import datetime as dt
from dataclasses import dataclass, field
from typing import TypeAlias

from qtgen.page.profile import FieldSpec, Kind

Constant: TypeAlias = str | int | float | bool | dt.date
"""A value of a profile, with the type of its field."""


@dataclass(frozen=True, slots=True)
class Field:
    """A key with a scalar value or a list.

    Attributes:
        path: The dotted path: `seo.title`.
        spec: The definition of the key in the profile.
        kind: The type of the value, the first one if there are several.
        doc: What the value is, for the docs and the schemas.
        example: An example of the value, as pages write it.
        folded: True if the house style writes the value folded (`>-`, on the next line).
        required: Whether every page, or every page with the section, has the key.
        constant: The only value that the key may have, or None.
        section: The path of the map that the key is in; empty at the top level.
        key: The last part of the path.
    """

    path: str
    spec: FieldSpec
    kind: Kind
    doc: str
    example: str
    folded: bool
    required: bool
    constant: Constant | None
    section: str = field(init=False)
    key: str = field(init=False)

    def __post_init__(self) -> None:  # computed once, because every page needs them hundreds of times
        section, _, key = self.path.rpartition(".")
        object.__setattr__(self, "section", section)
        object.__setattr__(self, "key", key)


@dataclass(frozen=True, slots=True)
class Section:
    """A key with a map of fields.

    Attributes:
        path: The dotted path; a numbered map has its number at the end.
        spec: The definition of the key in the profile.
        doc: What the map is.
        fields: Its fields and maps, in order.
        indent: The column of its keys in the house style.
        folded_indent: The column of the folded lines of its fields.
        required: Whether every page, or every page with the outer map, has the key.
        number: The number of a numbered map, from 1; 0 for any other map.
    """

    path: str
    spec: FieldSpec
    doc: str
    fields: tuple["Field | Section", ...]
    indent: int
    folded_indent: int
    required: bool = True
    number: int = 0

    @property
    def key(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


Row: TypeAlias = Field | Section


def spell_bool(value: bool, true: str) -> str:
    """Return a boolean as a layout spells it, whose word for true is given: `true` or `True`."""
    return true if value else {"true": "false", "True": "False"}[true]
