"""What the pages of a site say of each other, in a few numbers a page: urls, ids and links, not texts.

A page's facts are a run of 64-bit numbers: four for the page itself, then four for each of its links. They are the
same in every process and every run, so they can be kept (`cache.py`).
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from qtgen.page import Page
from qtgen.page.fields import SECTIONS

WIDTH = 4  # numbers an entry: url, text, id, place
_MASK = (1 << 64) - 1
_LINKS = [path for path in SECTIONS if path.startswith("related_")]
# Of the page itself and of each link: its number, and where its url, title, subject and id stand.
_ENTRIES: list[tuple[int, str, str, str, str]] = [
    (number, f"{path}url", f"{path}title", f"{path}subject", f"{path}id")
    for number, path in enumerate(["", *(f"{link}." for link in _LINKS)])
]
_NOTHING = bytes(8 * WIDTH)

# A place: line (28 bits), column (14), length (14), no_index (1), number of the link (7; 0 is the page itself).
_LENGTH, _COLUMN, _LINE = 8, 22, 36
_MOST = (1 << 14) - 1
NO_INDEX = 1 << 7
_NUMBER = NO_INDEX - 1


class Entry(NamedTuple):
    """Which page and which of its links (0: the page itself), and where that url stands: 1-based, in code points."""

    page: int
    link: int
    line: int
    column: int
    end_column: int


def facts(page: Page) -> bytes:
    """The facts of one page. A page without a url or a title has none that others could refer to: zeros."""
    values = page.values
    url, title = values.get("url"), values.get("title")
    if not isinstance(url, str) or not isinstance(title, str):
        return _NOTHING
    text, line, last = page.text, 1, 0
    flag = NO_INDEX if values.get("no_index") is True else 0
    found: list[int] = []
    for low, url_key, title_key, subject_key, id_key in _ENTRIES:
        url = values.get(url_key)
        if not isinstance(url, str):
            continue
        start, end = page.spans[url_key]
        if start < last:  # out of order: count from the beginning
            line, last = 1, 0
        line += text.count("\n", last, start)
        last = start
        column = start - text.rfind("\n", 0, start)
        number = values.get(id_key)
        found += (
            xxh3_64_intdigest(url.encode("utf-8", "surrogatepass")),
            xxh3_64_intdigest(f"{values.get(title_key)}\n{values.get(subject_key)}".encode("utf-8", "surrogatepass")),
            number & _MASK if isinstance(number, int) else _MASK,
            line << _LINE | min(column, _MOST) << _COLUMN | min(end - start, _MOST) << _LENGTH | flag | low,
        )
        flag = 0
    return array("Q", found).tobytes()


_POSSESSIVE = re.compile("['’]s?")
_WORD = re.compile(r"[a-z0-9]+")
_SMALL = frozenset(
    _WORD.findall(
        "a an and are as at be by can could define describe did do does explain for from has have how in into is it "
        "its of on or our should that the their there these they this to was were what when where which who why will "
        "with would you your"
    )
)


def question_words(page: Page) -> frozenset[str]:
    """What a question is about: its words without the small ones, endings of the plural cut."""
    words = _WORD.findall(_POSSESSIVE.sub("", str(page.values.get("title", "")).lower()))
    return frozenset(
        word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words if word not in _SMALL
    )


class Site:
    """The facts of all pages, by column; a row is a page or one of its links, which follow it.

    Memory: 32 bytes a row and 8 a page, and about 150 a page once `by_url` was asked for.
    """

    def __init__(self) -> None:
        self.urls = array("Q")  # the page's own url, or the one linked to; 0: none
        self.texts = array("Q")  # title and subject together
        self.ids = array("Q")
        self.places = array("Q")
        self.starts = array("Q")  # the row of each page
        self.words: list[frozenset[str]] = []  # of each page's question; only where somebody asks for them

    def add(self, of_page: bytes) -> None:
        """Take in a page's facts. Pages are numbered from 0 as they come."""
        self.starts.append(len(self.urls))
        numbers = array("Q", of_page)
        for offset, column in enumerate((self.urls, self.texts, self.ids, self.places)):
            column.extend(numbers[offset::WIDTH])

    @cached_property
    def by_url(self) -> dict[int, int]:
        """The row of the page that has a url; of several the first."""
        found = {self.urls[row]: row for row in reversed(self.starts)}
        found.pop(0, None)
        return found

    def pages(self) -> Iterator[int]:
        """The rows of pages that have a url."""
        return (row for row in self.starts if self.urls[row])

    @cached_property
    def link_rows(self) -> "array[int]":
        """The rows of links."""
        return array("Q", (row for row, place in enumerate(self.places) if place & _NUMBER))

    def links(self) -> Iterator[tuple[int, int]]:
        """Row and url of every link."""
        return zip(self.link_rows, map(self.urls.__getitem__, self.link_rows), strict=True)

    def is_hidden(self, row: int) -> bool:
        """True if the page at `row` says `no_index`."""
        return bool(self.places[row] & NO_INDEX)

    def page_of(self, row: int) -> int:
        """The number of the page that a row belongs to."""
        return bisect_right(self.starts, row) - 1

    def entry(self, row: int) -> Entry:
        place = self.places[row]
        column = place >> _COLUMN & _MOST
        line, length = place >> _LINE, place >> _LENGTH & _MOST
        return Entry(self.page_of(row), place & _NUMBER, line, column, column + length)

    def row_of(self, url: str) -> int | None:
        """The row of the page that has this url."""
        return self.by_url.get(xxh3_64_intdigest(url.encode("utf-8", "surrogatepass")))
