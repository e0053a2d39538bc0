"""Find the lines and columns of the places that disagree, by reading their pages again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qtgen.page.document import Page, Position
from qtgen.page.profile import BODY_FIELD
from qtgen.site.inference.collect import read_open
from qtgen.site.inference.findings import Finding, Place
from qtgen.site.inference.infer import Inferred
from qtgen.site.inference.observe import generic

_AT_KEY = frozenset({"key", "order"})


class LocatedPlace(NamedTuple):
    """A place that disagrees, as editors find it.

    Attributes:
        path: The path of the file.
        line: The line, 1-based.
        column: The column in code points, 1-based.
        field: The dotted path of the value, with the numbers of items.
        value: What is there, for people; empty if nothing is there.
    """

    path: str
    line: int
    column: int
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class LocatedFinding:
    """A finding with its places."""

    finding: Finding
    places: Sequence[LocatedPlace]


def locate(inferred: Inferred) -> list[LocatedFinding]:
    """Return the findings with the places that disagree. Reads each of their pages once."""
    by_page: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, finding in enumerate(inferred.findings):
        for index, place in enumerate(finding.against):
            by_page[place.page].append((number, index))
    located: list[dict[int, LocatedPlace]] = [{} for _ in inferred.findings]
    for page_number in sorted(by_page):
        path = inferred.files[page_number]
        page = read_open(path)
        for number, index in by_page[page_number]:
            finding = inferred.findings[number]
            place = finding.against[index]
            position = _position(page, place, finding, inferred.orders)
            located[number][index] = LocatedPlace(path, *position, place.path, place.value)
    return [
        LocatedFinding(finding, [places[index] for index in sorted(places)])
        for finding, places in zip(inferred.findings, located, strict=True)
    ]


def _position(page: Page, place: Place, finding: Finding, orders: Mapping[tuple[int, str], Sequence[str]]) -> Position:
    """Return the position of a place, or the position where a missing value belongs."""
    keys = page.key_spans or {}
    if place.path in page.spans and finding.kind not in _AT_KEY:
        return page.position(page.spans[place.path][0])
    if place.path in keys:
        return page.position(keys[place.path].start)
    section, _, key = place.path.rpartition(".")
    order = orders.get((finding.layout, generic(section)), ())
    if place.path != BODY_FIELD and key in order:
        prefix = f"{section}." if section else ""
        later = (f"{prefix}{name}" for name in order[order.index(key) + 1 :])
        following = next((path for path in later if path in keys), section)
        if following in keys or following in page.spans:
            return page.position((keys.get(following) or page.spans[following])[0])
        return page.position(_closing_line(page))
    return Position(1, 1)


def _field(section: str) -> str:
    return generic(section)


def _closing_line(page: Page) -> int:
    start = page.spans[BODY_FIELD][0] if BODY_FIELD in page.spans else len(page.text)
    return page.text.rfind("\n---", 0, start) + 1
