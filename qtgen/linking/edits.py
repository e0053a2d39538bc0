"""What changes in a page's related articles: from links before and after to new values of its fields."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from qtgen.linking.catalog import Catalog
from qtgen.linking.existing import FREE
from qtgen.page import Value
from qtgen.page.fields import RELATED_MAX


class LinkResult(NamedTuple):
    """What happened to the links of one page, or would happen.

    Attributes:
        added: Number of free slots that got a link.
        replaced: Number of links that got another target.
        corrected: Number of links whose id, title or subject were corrected.
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
        added, replaced, corrected, removed: As in `LinkResult`.
    """

    path: str
    changes: dict[str, Value]
    targets: tuple[str, ...]
    digest: int
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
        outdated: By slot, whether a link that stays needs its id, title or subject corrected.
    """
    changes: dict[str, Value] = {}
    counts: Counter[str] = Counter()
    targets: list[str] = []
    for slot, (old, new) in enumerate(zip(before, after, strict=True)):
        if kind := _kind_of_change(old, new, outdated[slot]):
            counts[kind] += 1
            changes |= _link_fields(catalog, slot, new)
            targets += [catalog.paths[new]] if new >= 0 and new not in before else []
    kinds = {kind: counts[kind] for kind in ("added", "replaced", "corrected", "removed")}
    return LinkEdit(catalog.paths[number], changes, tuple(targets), catalog.digests[number], **kinds)


def keep_slots(before: list[int], after: list[int]) -> list[int]:
    """Return the links of `after` by slot: links of `before` keep their slots, others take free ones, without gaps."""
    slots = [link if link >= 0 and link in after else FREE for link in before]
    new = iter([link for link in after if link >= 0 and link not in slots])
    filled = [link if link >= 0 else next(new, FREE) for link in slots]
    links = [link for link in filled if link >= 0]
    return links + [FREE] * (RELATED_MAX - len(links))


def _kind_of_change(old: int, new: int, outdated: bool) -> str:
    """Return which count of `LinkResult` a slot's change belongs to; empty if the slot does not change."""
    if old == new:
        return "corrected" if outdated else ""
    if old == FREE:
        return "added"
    return "replaced" if new >= 0 else "removed"


def _link_fields(catalog: Catalog, slot: int, target: int) -> dict[str, Value]:
    """Return the fields of a link to a page, or the removal of the link if `target` is `FREE`."""
    section = f"related_article{slot + 1}"
    if target < 0:
        return {section: None}
    values: dict[str, Value] = {
        "id": catalog.ids[target],
        "title": catalog.titles[target],
        "subject": catalog.subjects[target],
        "url": catalog.urls[target],
    }
    return {f"{section}.{key}": value for key, value in values.items() if value not in (None, "")}
