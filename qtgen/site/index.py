"""What the pages of a site say of each other, in a few numbers a page: urls, ids and links, not texts.

A page's facts are a run of 64-bit numbers: four for the page itself, then four for each of its links. They are the
same in every process and every run, so they can be kept (`cache.py`).
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, chain, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from xxhash import xxh3_64_intdigest

from qtgen.page import Page, Value
from qtgen.page.fields import FIELDS, SECTIONS
from qtgen.page.lines import is_folded, value_column, value_lines

WIDTH = 4  # numbers an entry: url, text, id, place
_MASK = (1 << 64) - 1
NO_ID = _MASK
_NOTHING = bytes(8 * WIDTH)

# A place, from the right: the number of the link (3 bits; 0 is the page itself), no_index, whether the rest is known,
# which of three fields are folded, length of the title (14), length of the url (14), line of the url (28).
_NUMBER = (1 << 3) - 1
_NO_INDEX, _KNOWN = 1 << 3, 1 << 4
_FOLDS, _TITLE, _URL, _LINE = 5, 8, 22, 36
_THREE, _MOST = (1 << 3) - 1, (1 << 14) - 1


class _Keys(NamedTuple):
    """Of the page itself, or of a link: where its values stand among the page's."""

    number: int
    url: str
    title: str
    subject: str
    id: str

    def may_fold(self) -> tuple[str, str, str]:
        """The fields whose folding decides where url, title and id stand."""
        return (self.url, self.subject, self.title) if self.number else (self.url, self.url, "_schema")


_ENTRIES = [
    _Keys(number, *(f"{section}{key}" for key in ("url", "title", "subject", "id")))
    for number, section in enumerate(["", *(f"{path}." for path in SECTIONS if path.startswith("related_"))])
]


def page_facts(page: Page) -> bytes:
    """The facts of one page. A page without a url or a title has none that others could refer to: zeros."""
    values = page.values
    if page.canonical and len(page.text) <= _MOST:
        places, get = _of_layout(tuple(values), page.style.plain, page.style.folded)
        found = _rows(places, get(values))
    elif isinstance(values.get("url"), str) and isinstance(values.get("title"), str):
        entries = [keys for keys in _ENTRIES if isinstance(values.get(keys.url), str)]
        found = _rows([keys.number for keys in entries], [values.get(path) for keys in entries for path in keys[1:]])
    else:
        return _NOTHING
    if values.get("no_index") is True:
        found[WIDTH - 1] |= _NO_INDEX
    return array("Q", found).tobytes()


def _rows(places: Sequence[int], values: Sequence[Any]) -> list[int]:
    """values: url, title, subject and id of each entry, one after the other."""
    found: list[int] = []
    four = iter(values)
    for place, url, title, subject, number in zip(places, four, four, four, four):  # noqa: B905 - strict costs
        found += (
            digest(url),
            title_digest(title, subject),
            number & _MASK if isinstance(number, int) else _MASK,
            place | len(title) << _TITLE | len(url) << _URL if place & _KNOWN else place,
        )
    return found


def title_digest(title: object, subject: object) -> int:
    return digest(f"{title}\n{subject}")


def digest(text: str) -> int:
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))  # half a surrogate pair can be spelled in YAML


@lru_cache(maxsize=4096)  # a site uses a few dozen combinations
def _of_layout(
    paths: tuple[str, ...], plain: frozenset[str], folded: frozenset[str]
) -> tuple[list[int], Callable[[Mapping[str, Value]], Sequence[Value]]]:
    """Of each entry of a canonical page as much of its place as does not depend on the values; and how to get those."""
    lines = value_lines(paths, plain, folded)
    entries = [keys for keys in _ENTRIES if keys.url in lines]
    places = []
    for keys in entries:
        folds = sum(is_folded(FIELDS[path], plain, folded) << bit for bit, path in enumerate(keys.may_fold()))
        places.append(keys.number | _KNOWN | folds << _FOLDS | lines[keys.url] << _LINE)
    return places, itemgetter(*(path for keys in entries for path in keys[1:]))


class SiteIndex:
    """The facts of all pages, by column; a row is a page or one of its links, which follow it.

    Memory: 32 bytes a row and 8 a page; once it is asked what links lead to, 16 a link and about 150 a page more.
    """

    def __init__(self) -> None:
        self.urls = array("Q")  # the page's own url, or the one linked to; 0: none
        self.titles = array("Q")  # title and subject together
        self.ids = array("Q")
        self.locations = array("Q")
        self.starts = array("Q")  # the row of each page
        self.selected: int | None = None  # how many of the pages are asked about, where the others are only their site
        self.question_words: list[frozenset[str]] = []  # of each page's question; only where somebody asks for them

    def add(self, of_pages: Iterable[bytes]) -> None:
        """Take in the facts of pages, which are numbered from 0 as they come."""
        of_each = list(of_pages)
        rows = (len(one) // (8 * WIDTH) for one in of_each[:-1])
        self.starts.extend(accumulate(rows, initial=len(self.urls)) if of_each else ())
        numbers = array("Q", b"".join(of_each))
        for offset, column in enumerate((self.urls, self.titles, self.ids, self.locations)):
            column.extend(numbers[offset::WIDTH])

    @cached_property
    def row_by_url(self) -> dict[int, int]:
        """The row of the page that has a url; of several the first."""
        found = {self.urls[row]: row for row in reversed(self.starts)}
        found.pop(0, None)
        return found

    @cached_property
    def page_rows(self) -> "array[int]":
        """The rows of pages that have a url."""
        return array("Q", (row for row in self.starts if self.urls[row]))

    def row_ranges(self) -> Iterator[tuple[int, int]]:
        """The rows of each page and its links: first, and one behind the last."""
        return pairwise(chain(self.starts, [len(self.urls)]))

    @cached_property
    def link_rows(self) -> "array[int]":
        """The rows of links."""
        return array("Q", (row for row, place in enumerate(self.locations) if place & _NUMBER))

    @cached_property
    def self_links(self) -> set[int]:
        """The rows of links that lead to their own page."""
        found: set[int] = set()
        for start, end in self.row_ranges():
            own, links = self.urls[start], self.urls[start + 1 : end]
            if own in links:
                found |= {start + 1 + at for at, url in enumerate(links) if url == own}
        return found

    @cached_property
    def link_targets(self) -> "array[int]":
        """The row of the page that each of `links` leads to; -1: there is none."""
        find, urls = self.row_by_url.get, self.urls
        return array("q", (find(urls[row], -1) for row in self.link_rows))

    def is_hidden(self, row: int) -> bool:
        """True if the page at `row` says `no_index`."""
        return bool(self.locations[row] & _NO_INDEX)

    def page_number(self, row: int) -> int:
        """The number of the page that a row belongs to."""
        return bisect_right(self.starts, row) - 1

    def link_number(self, row: int) -> int:
        """The number of the link on its page; 0: the page itself."""
        return self.locations[row] & _NUMBER

    def location_of(self, row: int, key: str) -> tuple[int, int, int, int] | None:
        """Where a row's `url`, `id` or `title` begins and ends: line and column, 1-based, in code points.

        None where the facts do not tell, and the page must be read for it.
        """
        place = self.locations[row]
        if not place & _KNOWN or (key == "title" and not place & _NUMBER):
            return None
        above, column = _from_url(place & _NUMBER, place >> _FOLDS & _THREE, key)
        line = (place >> _LINE) - above if above >= 0 else -above
        length = len(str(self._id(row))) if key == "id" else place >> (_URL if key == "url" else _TITLE) & _MOST
        return line, column, line, column + length

    def _id(self, row: int) -> int:
        number = self.ids[row]
        return number - (1 << 64) if number >> 63 else number

    def row_of_url(self, url: str) -> int | None:
        """The row of the page that has this url."""
        return self.row_by_url.get(digest(url))

    def can_change_url(self, old: str, new: str) -> bool:
        """Whether a page can change its url and no error comes of it: none links to the old, and none has the new."""
        return digest(new) not in self.row_by_url and digest(old) not in self._linked_to

    @cached_property
    def _linked_to(self) -> set[int]:
        return {self.urls[row] for row in self.link_rows}


@lru_cache
def _from_url(number: int, folds: int, key: str) -> tuple[int, int]:
    """How many lines above its url a value stands (negative: the line itself), and its column."""
    keys = _ENTRIES[number]
    is_folded = {path: bool(folds >> bit & 1) for bit, path in enumerate(keys.may_fold())}
    field = FIELDS[getattr(keys, key)]
    column = value_column(field, is_folded.get(field.path, False))
    if not number:
        return (-3 - is_folded["_schema"], column) if key == "id" else (0, column)
    below = [FIELDS[path] for path in (keys.id, keys.title, keys.subject, keys.url)]
    return sum(1 + is_folded[one.path] for one in below[below.index(field) + 1 :]), column
