"""What changes in a page's links: from links before and after to new values of its fields."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from qtgen.linking.catalog import Catalog
from qtgen.linking.existing import FREE
from qtgen.page import Layout, Profile, Value
from qtgen.page.layout import LinkFields
from qtgen.page.profile import Kind


class LinkResult(NamedTuple):
    """What happened to the links of one page, or would happen.

    Attributes:
        added: Number of free slots that got a link.
        replaced: Number of links that got another target.
        corrected: Number of links whose copies of the target's fields (id, title, subject) were corrected.
        removed: Number of links that were removed.
        error: Why the page was not changed; empty if it was.
    """

    path: str
    added: int
    replaced: int
    corrected: int
    removed: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class LinkEdit:
    """A planned change of one page's links.

    Attributes:
        changes: New values by field, as `splice` takes them.
        targets: Files of the pages that it newly links to.
        digest: Digest of the page for which the change was planned.
        profile: The layout of the site.
        added, replaced, corrected, removed: As in `LinkResult`.
    """

    path: str
    changes: dict[str, Value]
    targets: tuple[str, ...]
    digest: int
    profile: Profile
    added: int
    replaced: int
    corrected: int
    removed: int

    def result(self, error: str = "") -> LinkResult:
        """Return the result of making this change."""
        return LinkResult(self.path, self.added, self.replaced, self.corrected, self.removed, error)


def make_edit(catalog: Catalog, number: int, before: list[int], after: list[int], outdated: list[bool]) -> LinkEdit:
    """Return the change of a page.

    Args:
        number: The page's number in the catalog.
        before, after: Numbers of the pages that it links to, by slot.
        outdated: By slot, whether a link that stays needs its copies of the target's fields corrected.
    """
    links = catalog.layout(number).links
    if links is None:
        raise ValueError("a page without links has no links to change")
    change = _change_maps if links.form == "numbered" else _change_list
    changes, counts = change(catalog, number, links, before, after, outdated)
    kinds = {kind: counts[kind] for kind in ("added", "replaced", "corrected", "removed")}
    targets = tuple(catalog.paths[new] for new in after if new >= 0 and new not in before)
    return LinkEdit(catalog.paths[number], changes, targets, catalog.digests[number], catalog.profile, **kinds)


def _change_maps(
    catalog: Catalog, number: int, links: LinkFields, before: list[int], after: list[int], outdated: list[bool]
) -> tuple[dict[str, Value], Counter[str]]:
    """Return the changed fields of numbered maps, and the numbers of changes by kind."""
    changes: dict[str, Value] = {}
    counts: Counter[str] = Counter()
    maps = _link_maps(catalog.layout(number))
    for slot, (old, new) in enumerate(zip(before, after, strict=True)):
        if kind := _kind_of_change(old, new, outdated[slot]):
            counts[kind] += 1
            section, keys, paths = maps[slot]
            if new < 0:
                changes[section] = None
            else:
                changes.update(zip(paths, _link_values(catalog, links, new, keys).values(), strict=True))
    return changes, counts


class _LinkMap(NamedTuple):
    """A numbered map of a link: its path, and the keys and paths of its fields that a link sets."""

    section: str
    keys: tuple[str, ...]
    paths: tuple[str, ...]


@cache
def _link_maps(layout: Layout) -> tuple[_LinkMap, ...]:
    """Return the maps of the links of a page, by slot."""
    links = layout.links
    if links is None:
        return ()
    maps = []
    for section in (links.path(number) for number in range(1, links.max + 1)):
        paths = [field.path for field in layout.sections[section].fields]
        keys = {path.rpartition(".")[2]: path for path in paths}
        used = {key: path for key, path in keys.items() if key in links.copies or key == links.key}
        maps.append(_LinkMap(section, tuple(used), tuple(used.values())))
    return tuple(maps)


def _change_list(
    catalog: Catalog, number: int, links: LinkFields, before: list[int], after: list[int], outdated: list[bool]
) -> tuple[dict[str, Value], Counter[str]]:
    """Return the new value of a list of links, and the numbers of changes by kind.

    Items whose links stay are kept with all that they hold, and so are items beyond the most links of a page.
    """
    field = catalog.layout(number).fields[links.field]
    old = catalog.page(number).values.get(links.field)
    items: list[object] = old if isinstance(old, list) else []
    keys = [inner.key for inner in field.spec.fields]
    new_items: list[object] = []
    counts: Counter[str] = Counter()
    for target in (link for link in after if link >= 0):
        slot = before.index(target) if target in before else None
        if slot is not None and not outdated[slot]:
            new_items.append(items[slot])
            continue
        values = _link_values(catalog, links, target, keys)
        counts["added" if slot is None else "corrected"] += 1
        if links.form == "keys":
            new_items.append(_key_value(catalog, target))
            continue
        kept = items[slot] if slot is not None else {}
        merged: dict[str, Value] = {**(kept if isinstance(kept, dict) else {}), **values}
        new_items.append({key: value for key, value in merged.items() if value is not None})
    lost = sum(link != FREE and link not in after for link in before)
    counts["replaced"] = min(lost, counts["added"])
    counts["added"] -= counts["replaced"]
    counts["removed"] = lost - counts["replaced"]
    new_items += items[len(before) :]
    return {links.field: new_items if new_items or field.required else None}, counts


def _link_values(catalog: Catalog, links: LinkFields, target: int, keys: Sequence[str]) -> dict[str, Value]:
    """Return the values of the map of a link to a page, in the order of the keys. Missing ones are None."""
    values = {key: catalog.copied_value(target, name) for key, name in links.copies.items()}
    values[links.key] = _key_value(catalog, target)
    return {key: None if values[key] == "" else values[key] for key in keys if key in values}


def _key_value(catalog: Catalog, number: int) -> Value:
    """Return the key of a page as links to it spell it."""
    key = catalog.urls[number]
    return int(key) if _has_number_key(catalog.layout(number)) else key


@cache
def _has_number_key(layout: Layout) -> bool:
    field = layout.fields.get(layout.roles.key or "")
    return field is not None and field.kind is Kind.INT


def keep_slots(before: list[int], after: list[int]) -> list[int]:
    """Return the links of `after` by slot: links of `before` keep their slots, others take free ones, without gaps."""
    slots = [link if link >= 0 and link in after else FREE for link in before]
    new = iter([link for link in after if link >= 0 and link not in slots])
    filled = [link if link >= 0 else next(new, FREE) for link in slots]
    links = [link for link in filled if link >= 0]
    return links + [FREE] * (len(before) - len(links))


def _kind_of_change(old: int, new: int, outdated: bool) -> str:
    """Return which count of `LinkResult` a slot's change belongs to; empty if the slot does not change."""
    if old == new:
        return "corrected" if outdated else ""
    if old == FREE:
        return "added"
    return "replaced" if new >= 0 else "removed"
