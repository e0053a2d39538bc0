"""Infer which fields name other pages, and which repeat a field of the page that a link leads to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qtgen.page.profile import Kind
from qtgen.site.inference.columns import Columns
from qtgen.site.inference.drafts import Draft, LayoutDraft, Value
from qtgen.site.inference.findings import MAX_DOUBTS, MIN_PAGES, Place, Standing, shown, standing_of
from qtgen.site.inference.observe import LongText, Observed
from qtgen.site.inference.values import items_of

_UNIQUE = 0.95
_HITS = 0.9  # the share of values that name a page, if nothing else shows that they are links
_MOST_LINKS = 7
_Link = tuple[int, str]  # the number of the page, and the path of the map


@dataclass(frozen=True, slots=True)
class Target:
    """A field by which pages can be named.

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
        is_asserted: Whether `site.toml` says so; else it is a candidate.
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
        for inner in draft.fields:
            if inner.kinds != (Kind.TEXT,) or len(inner.values) < MIN_PAGES:
                continue
            for target in self._targets:
                hits = self._hits(inner.values, target)
                if len(hits) >= MIN_PAGES and self._decide_copies(layout, draft, inner, target, hits):
                    inner.settings["ref"] = target.path
                    most = draft.settings.get("repeat") or _most_items(draft)
                    return SiteLinks(draft.key, min(most, _MOST_LINKS), is_asserted=True)
        return None

    def _hits(self, values: Sequence[Value], target: Target) -> list[tuple[Value, int]]:
        """Return the values that name another page, with its number."""
        return [
            (value, row)
            for value in values
            if isinstance(value.value, str) and (row := target.rows.get(value.value, value.page)) != value.page
        ]

    def _decide_copies(
        self, layout: LayoutDraft, draft: Draft, key: Draft, target: Target, hits: list[tuple[Value, int]]
    ) -> bool:
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
        best: tuple[str, list[Place]] | None = None
        for path in sorted(self._values, key=lambda path: path != inner.key):
            agree, against = _compared(values, self._values[path])
            is_copy = agree >= MIN_PAGES and len(against) <= MAX_DOUBTS * (agree + len(against))
            if is_copy and (best is None or len(against) < len(best[1])):
                best = path, against
        return best

    def _propose_reference(self, layout: LayoutDraft, draft: Draft) -> SiteLinks | None:
        """Propose that the values of a field name pages. Return the links if it is a list of keys of pages."""
        items = [item for item in items_of(draft) if isinstance(item.value, str | LongText)]
        for target in self._targets:
            hits = len(self._hits(items, target))
            if target.path == draft.path or hits < MIN_PAGES or hits < _HITS * len(items):
                continue
            against = [
                Place(item.page, item.path, shown(item.value)) for item in items if item.value not in target.rows
            ]
            if layout.propose(draft, "reference", {"ref": target.path}, len(items) - len(against), against):
                is_list = Kind.LIST in draft.kinds and target.path == layout.roles.get("key")
                return SiteLinks(draft.key, min(_most_items(draft), _MOST_LINKS), False) if is_list else None
        return None


def _link_of(value: Value) -> _Link:
    return value.page, value.path.rpartition(".")[0]


def _compared(values: Sequence[tuple[Value, int]], column: Mapping[int, Observed]) -> tuple[int, list[Place]]:
    agree, against = 0, []
    for value, row in values:
        expected = column.get(row)
        if expected == value.value:
            agree += 1
        elif expected is not None:
            against.append(Place(*value[:2], f"{shown(value.value)}, expected {shown(expected)}"))
    return agree, against


def _most_items(draft: Draft) -> int:
    return max((len(getattr(value.value, "items", ())) for value in draft.values), default=1) or 1
