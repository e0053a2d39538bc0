"""Infer which fields refer to other pages, and which fields of a link repeat a field of its target."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qtgen.page.profile import Kind
from qtgen.site.inference.columns import Columns
from qtgen.site.inference.drafts import Draft, LayoutDraft, Value
from qtgen.site.inference.findings import MIN_PAGES, Place, Standing, shown, standing_of
from qtgen.site.inference.observe import LongText, Observed
from qtgen.site.inference.values import items_of

_UNIQUE = 0.95
_HITS = 0.9  # the share of values that refer to a page, if nothing else shows that they are links
_MAX_DIFFERENCES = 0.2  # the share of links that may differ from their page: copies get stale
_TRIED = 300
_COMMA = ", "  # between the keys in one text
_MOST_LINKS = 7
_Link = tuple[int, str]  # the number of the page, and the path of the map


@dataclass(frozen=True, slots=True)
class Target:
    """A field that links can refer to.

    Attributes:
        path: The field.
        rows: The row of each page, by the text of its value: its number among all pages of the site.
    """

    path: str
    rows: Mapping[str, int]


@dataclass(slots=True)
class SiteLinks:
    """The links of a site.

    Attributes:
        field: The key that has them.
        max: The most links of a page.
        is_asserted: Whether `site.toml` contains it. Otherwise it is a candidate.
    """

    field: str
    max: int
    is_asserted: bool


def targets_of(layouts: Sequence[tuple[LayoutDraft, Columns]]) -> list[Target]:
    """Return the fields whose values differ on nearly all pages: those with the role of the key first."""
    rows: dict[str, dict[str, int]] = {}
    counts: Counter[str] = Counter()
    keys = [layout.roles["key"] for layout, _ in layouts if "key" in layout.roles]
    for layout, columns in layouts:
        drafts = {draft.path: draft for draft in layout.fields}
        for path, column in columns.columns.items():
            draft = drafts.get(path)
            if draft is None or draft.kinds not in ((Kind.TEXT,), (Kind.INT,)) or len(draft.values) < MIN_PAGES:
                continue
            known = rows.setdefault(path, {})
            for page, value in zip(columns.pages, column, strict=True):
                if isinstance(value, str | int) and not isinstance(value, bool):
                    counts[path] += 1
                    known[str(value)] = page
    found = [Target(path, known) for path, known in rows.items() if len(known) >= _UNIQUE * counts[path]]
    return sorted(found, key=lambda target: target.path not in keys)


class LinkSearch:
    """Looks for links among the fields of a layout.

    Args:
        targets: The fields by which pages can be named.
        values: The values of every page by dotted path.
    """

    def __init__(self, targets: Sequence[Target], values: Mapping[str, Mapping[int, Observed]]) -> None:
        self._targets, self._values = targets, values

    def decide(self, layout: LayoutDraft) -> SiteLinks | None:
        """Set or propose `ref` and `copy`. Return the links of the layout, or None if it has none."""
        found = None
        for draft in layout.fields:
            if draft.fields and draft.in_list is False and (draft.settings.get("repeat") or "list" in draft.kinds):
                found = self._decide_maps(layout, draft) or found
        for draft in layout.fields:
            if not draft.fields and not draft.settings.keys() & {"const", "value", "source"}:
                found = found or self._propose_reference(layout, draft)
        return found

    def _decide_maps(self, layout: LayoutDraft, draft: Draft) -> SiteLinks | None:
        """Set which key of a link identifies its page, and which keys repeat a field of that page."""
        keys = [inner for inner in draft.fields if inner.kinds == (Kind.TEXT,) and len(inner.values) >= MIN_PAGES]
        for target in self._targets:
            for key in keys:
                hits = self._hits(key.values, target)
                if len(hits) >= MIN_PAGES and self._decide_copies(layout, draft, key, hits):
                    key.settings["ref"] = target.path
                    most = draft.settings.get("repeat") or _most_items(draft)
                    return SiteLinks(draft.key, min(most, _MOST_LINKS), is_asserted=True)
        return None

    def _hits(self, values: Sequence[Value], target: Target) -> list[tuple[Value, int]]:
        """Return the values that refer to another page, with its number."""
        return [
            (value, row)
            for value in values
            if isinstance(value.value, str) and (row := target.rows.get(value.value, value.page)) != value.page
        ]

    def _decide_copies(self, layout: LayoutDraft, draft: Draft, key: Draft, hits: list[tuple[Value, int]]) -> bool:
        """Set which other keys of a link repeat a field of its page. Return whether any does."""
        rows = {_link_of(value): row for value, row in hits}
        others = [inner for inner in draft.fields if inner is not key and not inner.fields]
        copies = {inner.key: best for inner in others if (best := self._copied(inner, rows)) is not None}
        for inner in others:
            if inner.key not in copies:
                continue
            path, against = copies[inner.key]
            agree = len(rows) - len(against)
            inner.settings["copy"] = path
            standing = standing_of(agree, len(against)) or Standing.CANDIDATE
            layout.report(inner.path, "copy", f"`{path}` of the page that the link names", agree, against, standing)
        return bool(copies)

    def _copied(self, inner: Draft, rows: Mapping[_Link, int]) -> tuple[str, list[Place]] | None:
        """Return the field of the target that a key repeats, with the places that differ."""
        values = [(value, rows[link]) for value in inner.values if (link := _link_of(value)) in rows]
        agreeing = {path: _agreement(values[:_TRIED], self._values[path]) for path in self._values}
        likely = [path for path, agree in agreeing.items() if 2 * agree > min(len(values), _TRIED)]
        likely.sort(key=lambda path: path != inner.key)  # of equal ones, that with the same name
        path = max(likely, key=lambda path: _agreement(values, self._values[path]), default=None)
        if path is None:
            return None
        column = self._values[path]
        against = [
            Place(*value[:2], f"{shown(value.value)}, expected {shown(column[row])}")
            for value, row in values
            if row in column and column[row] != value.value
        ]
        return (path, against) if len(against) <= _MAX_DIFFERENCES * len(values) else None

    def _propose_reference(self, layout: LayoutDraft, draft: Draft) -> SiteLinks | None:
        """Propose that a field refers to pages. Return the links if it is a list of keys of pages."""
        items = [item for item in items_of(draft) if isinstance(item.value, str | LongText)]
        parts = [item._replace(value=part) for item in items for part in _parts(item.value)]
        for target in self._targets:
            for values in (items, parts) if len(parts) > len(items) else (items,):
                hits = len(self._hits(values, target))
                if target.path != draft.path and hits >= MIN_PAGES and hits >= _HITS * len(values):
                    return self._propose(layout, draft, target, values)
        return None

    def _propose(self, layout: LayoutDraft, draft: Draft, target: Target, values: Sequence[Value]) -> SiteLinks | None:
        against = [Place(*value[:2], shown(value.value)) for value in values if value.value not in target.rows]
        layout.propose(draft, "reference", {"ref": target.path}, len(values) - len(against), against, 1 - _HITS)
        is_list = Kind.LIST in draft.kinds and target.path == layout.roles.get("key")
        return SiteLinks(draft.key, min(_most_items(draft), _MOST_LINKS), is_asserted=False) if is_list else None


def _parts(value: Observed) -> list[str]:
    return value.split(_COMMA) if isinstance(value, str) else []


def _link_of(value: Value) -> _Link:
    return value.page, value.path.rpartition(".")[0]


def _agreement(values: Sequence[tuple[Value, int]], column: Mapping[int, Observed]) -> int:
    return sum(column.get(row) == value.value for value, row in values)


def _most_items(draft: Draft) -> int:
    return max((len(getattr(value.value, "items", ())) for value in draft.values), default=1) or 1
