"""The layout while it is inferred: fields with their settings, and what is known about their values."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qtgen.page.profile import Kind
from qtgen.site.inference.findings import MAX_DOUBTS, Finding, Place, Standing, as_candidate, shown, standing_of
from qtgen.site.inference.observe import Items, LongText, Node, Observed


class Member(NamedTuple):
    """One of the maps that a level of the layout describes: the front matter of a page, or a map in it.

    Attributes:
        page: The number of the page.
        prefix: The dotted path of the map, and a dot; empty for the front matter.
        node: The map.
    """

    page: int
    prefix: str
    node: Node


class Value(NamedTuple):
    """A value with its place."""

    page: int
    path: str
    value: Observed


@dataclass(slots=True, eq=False)
class Draft:
    """A field while it is inferred.

    Attributes:
        key: The key; of numbered maps, without the number.
        path: The dotted path of the field, without numbers.
        values: All its values.
        of: The number of maps that could have it.
        in_list: Whether it is in a list of maps, or in numbered maps, so that a page can have it several times.
        settings: Its settings in `site.toml`, in order.
        notes: Comments about it.
        candidates: Statements that are comments, as settings with the numbers of pages for and against them.
        fields: The fields of a map, or of the maps of a list.
    """

    key: str
    path: str
    values: list[Value]
    of: int
    in_list: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    candidates: list[tuple[dict[str, Any], int, int]] = field(default_factory=list)
    fields: list["Draft"] = field(default_factory=list)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types that `site.toml` allows."""
        kinds = self.settings.get("type", Kind.TEXT.value)
        return (kinds,) if isinstance(kinds, str) else tuple(kinds)

    @property
    def is_text(self) -> bool:
        """Whether it is a text, on most pages at least."""
        return self.kinds[0] == Kind.TEXT

    @property
    def is_required(self) -> bool:
        """Whether `site.toml` requires it."""
        return self.settings.get("required", True) is not False

    @property
    def is_usual(self) -> bool:
        """Whether nearly every page has it, so that new pages get it too."""
        return self.is_required or len(self.values) >= (1 - MAX_DOUBTS) * self.of

    def walk(self) -> Iterator["Draft"]:
        """Yield the field, then the fields in it."""
        yield self
        for inner in self.fields:
            yield from inner.walk()


@dataclass(slots=True, eq=False)
class LayoutDraft:
    """A layout while it is inferred.

    Attributes:
        number: Its number among the layouts of the site, from 0.
        pages: The numbers of its pages.
        members: The front matter of each of them.
        fields: The fields at the top level.
        settings: The settings of the layout itself.
        roles: The fields with a role.
        notes: Comments about it.
        findings: What was found.
        order_is_asserted: Whether the order of the keys is asserted.
    """

    number: int
    pages: list[int]
    members: list[Member]
    fields: list[Draft] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    order_is_asserted: bool = True

    def walk(self) -> Iterator[Draft]:
        """Yield every field."""
        for draft in self.fields:
            yield from draft.walk()

    def report(
        self, path: str, kind: str, statement: str, agree: int, against: list[Place], standing: Standing | None
    ) -> Standing | None:
        """Keep a finding, unless it has no standing. Return the standing."""
        if standing is not None:
            self.findings.append(Finding(self.number, path, kind, standing, statement, agree, tuple(against)))
        return standing

    def propose(
        self,
        draft: Draft,
        kind: str,
        setting: dict[str, Any],
        agree: int,
        against: list[Place],
        doubts: float = MAX_DOUBTS,
    ) -> bool:
        """Keep a candidate for a field, unless too many pages disagree. Return whether it was kept."""
        standing = as_candidate(standing_of(agree, len(against), doubts))
        if standing is None:
            return False
        statement = ", ".join(_stated(key, value) for key, value in setting.items())
        self.report(draft.path, kind, statement, agree, against, standing)
        draft.candidates.append((setting, agree, len(against)))
        return True


def _stated(key: str, value: object) -> str:
    match value:
        case list():
            text = ", ".join(map(shown, value))
        case dict():
            text = ", ".join(f"{name}={shown(its)}" for name, its in value.items())
        case _:
            text = shown(value)
    return f"{key}={text}" if key in ("min", "max") else text


_KINDS: dict[type, str] = {
    str: Kind.TEXT.value,
    LongText: Kind.TEXT.value,
    bool: Kind.BOOL.value,
    int: Kind.INT.value,
    float: Kind.FLOAT.value,
    dt.date: Kind.DATE.value,
    dt.datetime: Kind.DATETIME.value,
    Items: Kind.LIST.value,
    Node: Kind.MAP.value,
    type(None): "null",
}


def kind_of(value: Observed) -> str:
    """Return the type of a value as in `site.toml`, or `null`."""
    return _KINDS[type(value)]


def length_of(value: Observed) -> int:
    """Return the number of characters of a text, else 0."""
    return value.length if isinstance(value, LongText) else len(value) if isinstance(value, str) else 0


def frequencies(values: list[Value]) -> Counter[tuple[str, Observed]]:
    """Return how often each single value occurs. The type is part of the key, because `1 == True`."""
    return Counter((kind_of(value.value), value.value) for value in values if not isinstance(value.value, Node | Items))
