"""Comparisons of pages besides links: values that must be unique, and references outside links.

Only some profiles have such fields. A page's values are 64-bit numbers, two for each: which field it is,
and the hash of the value.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from qtgen.page import Page
from qtgen.page.compile import layouts_of
from qtgen.page.layout import Layout
from qtgen.page.profile import FieldSpec, Profile
from qtgen.site.index import digest

_ITEM_BITS = 32  # of a number; the others are the field
_ITEM_MASK = (1 << _ITEM_BITS) - 1
_SIZE = 8  # bytes of a number


@dataclass(frozen=True, slots=True)
class ValueFields:
    """The fields of a profile whose values are compared between pages.

    Attributes:
        paths: The paths, in order. The number of a field is its place here.
        unique: The fields whose values must differ.
        references: Fields whose values, or items, refer to another page, with the field of that page.
    """

    paths: tuple[str, ...]
    unique: tuple[str, ...]
    references: tuple[tuple[str, str], ...]


@cache
def value_fields(profile: Profile) -> ValueFields:
    """Return the fields of a profile whose values are compared between pages. Links are not among them."""
    unique: dict[str, None] = {}
    references: dict[tuple[str, str], None] = {}
    for layout in layouts_of(profile):
        for path, spec in _specs(layout):
            if spec.unique:
                unique[path] = None
            if spec.ref and not _is_link(layout, path):
                references[path, spec.ref] = None
    targets = [target for _, target in references]
    paths = dict.fromkeys([*unique, *(path for path, _ in references), *targets])
    return ValueFields(tuple(paths), tuple(unique), tuple(references))


def _specs(layout: Layout) -> Iterator[tuple[str, FieldSpec]]:
    """Yield the fields of a layout, and the keys of maps in lists under the path of the list."""
    for path, field in layout.fields.items():
        yield path, field.spec
        for inner in field.spec.fields:
            yield f"{path}.*.{inner.key}", inner


def _is_link(layout: Layout, path: str) -> bool:
    """Return whether a field is a part of a link, whose targets the site index finds."""
    links = layout.links
    outer = path.partition(".*.")[0]
    return links is not None and layout.roles.key is not None and outer in layout.link_paths


def has_values(profile: Profile) -> bool:
    """Return whether values of pages are compared, besides their keys, titles and links."""
    return bool(value_fields(profile).paths)


def with_values(facts: bytes, page: Page) -> bytes:
    """Return the facts of a page, followed by its values that are compared and by how many bytes these have."""
    paths = value_fields(page.layout.profile).paths
    numbers = array("Q")
    for number, path in enumerate(paths):
        for item, text in items_of(page, path):
            numbers.extend((number << _ITEM_BITS | item, digest(text)))
    values = numbers.tobytes()
    return facts + values + len(values).to_bytes(_SIZE, "little")


def split_values(facts: bytes) -> tuple[bytes, bytes]:
    """Split the result of `with_values` into the facts and the values."""
    size = int.from_bytes(facts[-_SIZE:], "little")
    end = len(facts) - _SIZE
    return facts[: end - size], facts[end - size : end]


def items_of(page: Page, path: str) -> Iterator[tuple[int, str]]:
    """Yield the values of a field as texts, each with its number: one, or the items of a list from 0."""
    outer, _, key = path.partition(".*.")
    value = page.values.get(outer)
    if key:
        maps = enumerate(value if isinstance(value, list) else ())
        value = [item.get(key) if isinstance(item, dict) else None for _, item in maps]
    elif isinstance(value, str) and (separator := _separator(page.layout, outer)):
        value = [part.strip() for part in value.split(separator.strip() or separator)]
    for number, item in enumerate(value if isinstance(value, list) else [value]):
        if item not in (None, "") and not isinstance(item, list | dict):
            yield number, str(item)


def _separator(layout: Layout, path: str) -> str | None:
    return layout.fields[path].spec.separator if path in layout.fields else None


def place_pattern(path: str, number: int) -> str:
    """Return the path of a value. If the field is no list, its values have this path too, and no page has it."""
    outer, _, key = path.partition(".*.")
    return f"{outer}.{number}.{key}" if key else f"{outer}.{number}"


class SiteValues:
    """The values of all pages that are compared. Pages are numbered from 0, in the order in which they are added.

    Args:
        profile: The layout of the site.
    """

    def __init__(self, profile: Profile) -> None:
        self.fields = value_fields(profile)
        self._pages, self._places, self._hashes = array("Q"), array("Q"), array("Q")
        self._count = 0

    def add(self, values: Iterable[bytes]) -> None:
        """Add the values of pages."""
        for page in values:
            numbers = array("Q", page)
            self._places.extend(numbers[::2])
            self._hashes.extend(numbers[1::2])
            self._pages.extend([self._count] * (len(numbers) // 2))
            self._count += 1

    def _of(self, path: str) -> Iterator[tuple[int, int, int]]:
        """Yield the page, the item and the hash of each value of a field."""
        number = self.fields.paths.index(path)
        for page, place, value in zip(self._pages, self._places, self._hashes, strict=True):
            if place >> _ITEM_BITS == number:
                yield page, place & _ITEM_MASK, value

    def duplicates(self) -> Iterator[tuple[str, list[int]]]:
        """Yield each field whose values must differ, with the pages whose value another page has too."""
        for path in self.fields.unique:
            values = {(page, value) for page, _, value in self._of(path)}
            count = Counter(value for _, value in values)
            if pages := sorted({page for page, value in values if count[value] > 1}):
                yield path, pages

    def dangling(self) -> Iterator[tuple[str, str, int, list[int]]]:
        """Yield references that name no page: field, field of the target, number of the item, and pages."""
        for path, target in self.fields.references:
            known = {value for _, _, value in self._of(target)}
            pages_of: dict[int, list[int]] = {}
            for page, item, value in self._of(path):
                if value not in known:
                    pages_of.setdefault(item, []).append(page)
            for item, pages in sorted(pages_of.items()):
                yield path, target, item, pages
