"""Infer the type of a field."""

from collections import Counter

from qtgen.page.profile import Kind
from qtgen.site.inference.drafts import Draft, LayoutDraft, Value, kind_of
from qtgen.site.inference.findings import MIN_PAGES, Place, Standing, shown, standing_of, standing_with_outliers
from qtgen.site.inference.observe import Items, Node

_NULL = "null"


def decide_kinds(layout: LayoutDraft, draft: Draft) -> None:
    """Set the type of a field, and report the values of another type."""
    counts = Counter(kind_of(value.value) for value in draft.values)
    _count_numbers_as_one(counts)
    usual, unusual = _divided(counts)
    exceptions = _exceptions(counts, unusual)
    if unusual:
        _report(layout, draft, counts, usual)
    allowed = _possible([kind for kind in counts if kind not in exceptions], counts)
    if allowed[0] == Kind.LIST and _has_maps(draft):
        allowed = [Kind.LIST.value]  # a profile cannot have a list of maps as one of several types
    if not unusual:
        _report(layout, draft, counts, allowed)
    if allowed != [Kind.TEXT.value]:
        draft.settings["type"] = allowed[0] if len(allowed) == 1 else allowed
    if [*usual] != allowed and unusual:
        setting = {"type": usual[0] if len(usual) == 1 else usual}
        agree = sum(counts[kind] for kind in usual)
        draft.candidates.append((setting, agree, sum(counts.values()) - agree))
    _report_items(layout, draft)


def _count_numbers_as_one(counts: Counter[str]) -> None:
    """Count whole numbers as numbers if most are not whole. `7` is a valid value of a float."""
    if counts[Kind.FLOAT] and standing_of(counts[Kind.INT], counts[Kind.FLOAT]) is None:
        counts[Kind.FLOAT] += counts[Kind.INT]
        counts[Kind.INT] = 0
    for kind in [kind for kind, count in counts.items() if not count]:
        del counts[kind]


def _exceptions(counts: Counter[str], unusual: list[str]) -> list[str]:
    """Return the unusual types that the layout does not allow."""
    total = counts.total()
    against = sum(counts[kind] for kind in unusual)
    if standing_with_outliers(total - against, against) is Standing.ASSERTED:
        return unusual
    return [kind for kind in unusual if standing_of(total - counts[kind], counts[kind]) is Standing.ASSERTED]


def _divided(counts: Counter[str]) -> tuple[list[str], list[str]]:
    """Return the usual types, and those so rare that they may be mistakes."""
    total = sum(counts.values())
    unusual = [kind for kind, count in counts.items() if kind == _NULL or standing_of(total - count, count) is not None]
    usual = [kind for kind, _ in counts.most_common() if kind not in unusual]
    return (usual, unusual) if usual else ([kind for kind in counts if kind != _NULL] or [Kind.TEXT.value], [])


def _possible(kinds: list[str], counts: Counter[str]) -> list[str]:
    """Return the types that a profile can allow together, the most frequent one first."""
    kinds = sorted((kind for kind in kinds if kind != _NULL), key=lambda kind: -counts[kind])
    if not kinds:
        return [Kind.TEXT.value]
    if kinds[0] == Kind.MAP:
        return [Kind.MAP.value]
    return [str(kind) for kind in kinds if kind != Kind.MAP] or [Kind.TEXT.value]


def _has_maps(draft: Draft) -> bool:
    lists = [value.value for value in draft.values if isinstance(value.value, Items)]
    return any(isinstance(item, Node) for inner in lists for item in inner.items)


def _report(layout: LayoutDraft, draft: Draft, counts: Counter[str], kinds: list[str]) -> None:
    allowed = {*kinds, Kind.INT} if Kind.FLOAT in kinds else {*kinds}
    against = [Place(*value[:2], _described(value)) for value in draft.values if kind_of(value.value) not in allowed]
    agree = sum(counts.values()) - len(against)
    standing = standing_with_outliers(agree, len(against))
    if standing is None and against:
        standing = Standing.CANDIDATE  # only empty values, which no type allows
    layout.report(draft.path, "type", " or ".join(kinds), agree, against, standing)


def _described(value: Value) -> str:
    kind = kind_of(value.value)
    return kind if kind in (Kind.LIST, Kind.MAP) else f"{shown(value.value)} ({kind})"


def _report_items(layout: LayoutDraft, draft: Draft) -> None:
    """Report the items of lists that have an unusual type. No setting defines the type of items."""
    items = [
        Value(page, f"{path}.{number}", item)
        for page, path, value in draft.values
        if isinstance(value, Items)
        for number, item in enumerate(value.items)
    ]
    counts = Counter(kind_of(item.value) for item in items)
    usual, unusual = _divided(counts)
    if unusual and len(items) >= MIN_PAGES:
        against = [Place(*item[:2], _described(item)) for item in items if kind_of(item.value) in unusual]
        agree = len(items) - len(against)
        layout.report(draft.path, "items", f"items are {' or '.join(usual)}", agree, against, Standing.CANDIDATE)
