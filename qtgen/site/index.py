"""What the pages of a site say about each other: urls, ids and links, as a few numbers per page instead of texts.

The facts of a page are 64-bit numbers: four for the page itself, then four for each of its links. They are the same in
every process and every run, so the validator's cache can keep them.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, chain, compress, pairwise, repeat
from operator import eq, itemgetter
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_64_intdigest

from qtgen.page import Layout, Page, Profile, Value, layouts_of
from qtgen.page.lines import is_folded, value_lines
from qtgen.site.entries import Place, fact_fields, foldable, key_text, links_on, place_of
from qtgen.site.names import CaseIndex
from qtgen.site.sentences import SentenceIndex
from qtgen.site.similarity import WordSets

if TYPE_CHECKING:
    from qtgen.site.values import SiteValues

WIDTH = 4  # numbers per entry: url (the key of the page), title (with all else that links copy), id, location
_MASK = (1 << 64) - 1
NO_ID = _MASK
NOT_COPIED = 1 << 63
"""Instead of an id or the hash of copies: the link does not copy it, so it agrees with every target."""

_NO_FACTS = bytes(8 * WIDTH)

# A location packs these numbers, from the lowest bit: the number of the link (3 bits; 0 is the page itself), whether
# the page is hidden (1), whether the rest is known (1), which of three fields are folded (3), the length of the title
# (14), the length of the url (14), the line of the url (28).
_LINK_NUMBER = (1 << 3) - 1
HIDDEN, KNOWN = 1 << 3, 1 << 4
FOLDS_SHIFT, TITLE_SHIFT, URL_SHIFT, LINE_SHIFT = 5, 8, 22, 36
_THREE_BITS, MAX_LENGTH = (1 << 3) - 1, (1 << 14) - 1
_FORM = (1 << TITLE_SHIFT) - 1  # the bits that determine where values are, apart from lines


def page_facts(page: Page) -> bytes:
    """Return the facts of a page. They are zeros if it has no key or title that others could refer to."""
    values = page.values
    known = None
    if page.canonical and len(page.text) <= MAX_LENGTH:
        known = _canonical_entries(page.layout, tuple(values), page.style.plain, page.style.folded)
    if known is None:
        return _facts_of_any_page(page)
    locations, get, hidden = known
    numbers = _entry_numbers(locations, get(values))
    if values.get(hidden) is True:
        numbers[WIDTH - 1] |= HIDDEN
    return array("Q", numbers).tobytes()


def _facts_of_any_page(page: Page) -> bytes:
    """Return the facts of a page in any form, without the places of its values."""
    values, fields = page.values, fact_fields(page.layout)
    key = key_text(values.get(fields.key), may_be_number=fields.has_number_key)
    if key is None or not isinstance(values.get(fields.title), str):
        return _NO_FACTS
    location = HIDDEN if values.get(fields.hidden) is True else 0
    numbers = [digest(key), _copies_digest(map(values.get, fields.copied)), _id_number(values.get(fields.id)), location]
    for link in links_on(page) if page.layout.links else ():
        if link.key is not None:
            copies = _copies_digest(map(link.fields.get, fields.copies)) if fields.copies else NOT_COPIED
            number = _id_number(link.fields.get(fields.copied_id)) if fields.copied_id else NOT_COPIED
            numbers += digest(link.key), copies, number, link.number
    return array("Q", numbers).tobytes()


def _entry_numbers(locations: Sequence[int], values: Sequence[Any]) -> list[int]:
    """Return the four numbers of each entry.

    Args:
        values: The key, title, subject and id of each entry, one after the other.
    """
    numbers: list[int] = []
    rest = iter(values)
    for location, key, title, subject, number in zip(locations, rest, rest, rest, rest):  # noqa: B905 - strict is slow
        numbers += (
            digest(key),
            title_digest(title, subject),
            number & _MASK if isinstance(number, int) else NO_ID,
            location | len(title) << TITLE_SHIFT | len(key) << URL_SHIFT,
        )
    return numbers


def _id_number(value: object) -> int:
    return value & _MASK if isinstance(value, int) else NO_ID


def _copies_digest(values: Iterable[object]) -> int:
    """Return a 64-bit hash of the values that links copy. For a title and a subject it is their `title_digest`."""
    return digest("\n".join(map(str, values)))


def title_digest(title: object, subject: object) -> int:
    """Return a 64-bit hash of a title and a subject."""
    return digest(f"{title}\n{subject}")


def digest(text: str) -> int:
    """Return a 64-bit hash of a text."""
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))  # YAML can spell half of a surrogate pair


@lru_cache(maxsize=4096)  # a site uses a few dozen combinations
def _canonical_entries(
    layout: Layout, paths: tuple[str, ...], plain: frozenset[str], folded: frozenset[str]
) -> tuple[list[int], Callable[[Mapping[str, Value]], Sequence[Value]], str] | None:
    """Return the facts of a canonical page that do not depend on its values, or None if the layout has no places.

    That are the locations of its entries, a function that gets the values of the entries, and the path of what tells
    whether the page is hidden.
    """
    fields = fact_fields(layout)
    if not fields.entries:
        return None
    lines = value_lines(layout, (path for path in paths if path in layout.fields), plain, folded)
    entries = [entry for entry in fields.entries if entry.key in lines]
    locations = []
    for entry in entries:
        names = enumerate(foldable(layout, entry))
        folds = sum(is_folded(layout.fields[path], plain, folded) << bit for bit, path in names)
        locations.append(entry.number | KNOWN | folds << FOLDS_SHIFT | lines[entry.key] << LINE_SHIFT)
    return locations, itemgetter(*(path for entry in entries for path in entry[1:])), fields.hidden


class SiteIndex:
    """The facts of all pages, by column. A row is a page or one of its links, which follow it.

    It takes 32 bytes per row and 8 per page, and once the targets of links are needed, 16 more per link and about 150
    more per page. The hashes of sentences take 4 bytes each.

    Args:
        sentence_pages_max: Maximum number of pages with the same sentence.
    """

    def __init__(self, sentence_pages_max: int = 10) -> None:
        self.urls = array("Q")  # hashes of the page's own url, or of the one that it links to; 0 if there is none
        self.titles = array("Q")  # hashes of title and subject together
        self.ids = array("Q")
        self.locations = array("Q")
        self.starts = array("Q")  # the first row of each page
        self.selected: int | None = None  # how many pages the user selected, if the rest is only there for comparison
        self.question_words = WordSets()  # of each page; filled only if a rule needs it
        self.names = CaseIndex()  # of the files; filled only by the validator
        self.sentences = SentenceIndex(sentence_pages_max)  # of the answers; filled only if a rule needs it
        self.values: SiteValues | None = None  # filled only by the validator, if the profile has such fields

    def add(self, facts: Iterable[bytes]) -> None:
        """Add the facts of pages, which are numbered from 0 in this order."""
        pages = list(facts)
        self.add_block(b"".join(pages), [*map(len, pages)])

    def add_block(self, facts: bytes, sizes: Sequence[int]) -> None:
        """Add the facts of pages that follow each other in memory, given how many bytes each page has."""
        row_counts = (size // (8 * WIDTH) for size in sizes[:-1])
        self.starts.extend(accumulate(row_counts, initial=len(self.urls)) if sizes else ())
        numbers = array("Q", facts)
        for offset, column in enumerate((self.urls, self.titles, self.ids, self.locations)):
            column.extend(numbers[offset::WIDTH])

    @cached_property
    def row_by_url(self) -> dict[int, int]:
        """The row of the page that has a url, by the url's hash. If several pages have it, the first one counts."""
        rows = dict(zip(map(self.urls.__getitem__, reversed(self.starts)), reversed(self.starts), strict=True))
        rows.pop(0, None)
        return rows

    @cached_property
    def page_rows(self) -> "array[int]":
        """The rows of pages that have a url."""
        return array("Q", (row for row in self.starts if self.urls[row]))

    def row_ranges(self) -> Iterator[tuple[int, int]]:
        """Yield the half-open range of rows of each page and its links."""
        return pairwise(chain(self.starts, [len(self.urls)]))

    @cached_property
    def link_rows(self) -> "array[int]":
        """The rows of links."""
        return array("Q", compress(range(len(self.urls)), self._are_links))

    @cached_property
    def _are_links(self) -> bytearray:
        """For each row, whether it is a link."""
        are_links = bytearray(b"\1") * len(self.urls)
        for row in self.starts:
            are_links[row] = 0
        return are_links

    def of_links(self, column: "array[int]") -> Iterator[int]:
        """Yield the numbers of a column in `link_rows`."""
        return compress(column, self._are_links)

    @cached_property
    def self_links(self) -> set[int]:
        """The rows of links that lead to their own page."""
        own = map(self.urls.__getitem__, self.starts)
        link_counts = [end - start - 1 for start, end in self.row_ranges()]
        own_urls = chain.from_iterable(map(repeat, own, link_counts))
        return set(compress(self.link_rows, map(eq, self.of_links(self.urls), own_urls)))

    @cached_property
    def link_targets(self) -> "array[int]":
        """The row of the page that each of `link_rows` leads to; -1 if there is no such page."""
        return array("q", map(self.row_by_url.get, self.of_links(self.urls), repeat(-1)))

    @cached_property
    def hidden_rows(self) -> list[int]:
        """The rows of pages that have a url and that search engines must not show."""
        return [*filter(self.is_hidden, self.page_rows)]

    def is_hidden(self, row: int) -> bool:
        """Return True if search engines must not show the page at `row`."""
        return bool(self.locations[row] & HIDDEN)

    def page_number(self, row: int) -> int:
        """Return the number of the page that a row belongs to."""
        return bisect_right(self.starts, row) - 1

    def link_number(self, row: int) -> int:
        """Return the number of the link on its page; 0 for the page itself."""
        return self.locations[row] & _LINK_NUMBER

    def locations_of(
        self, rows: Iterable[int], key_of: Callable[[int], str], profile: Profile
    ) -> Iterator[tuple[int, tuple[int, int, int, int] | None]]:
        """For each row, yield its link number (0 for the page itself) and the position of one of its values.

        A position is start line, start column, end line and end column. Lines and columns are 1-based, and columns are
        code points. The position is None if only the page itself shows it.

        Args:
            key_of: Returns the path of a field of the page for 0, and the key in the map of a link for its number.
            profile: The layout of the site.
        """
        places: dict[int, Place | None] = {}  # by the lowest bits of locations
        for row in rows:
            location = self.locations[row]
            form = location & _FORM
            if form not in places:
                places[form] = _place_of(form, key_of(form & _LINK_NUMBER), profile)
            place = places[form]
            if place is None:
                yield form & _LINK_NUMBER, None
                continue
            part, above, line, column = place
            line = line or (location >> LINE_SHIFT) - above
            if part == "id":
                end = column + len(str(self._signed_id(row)))
            else:
                end = column + (location >> (URL_SHIFT if part == "key" else TITLE_SHIFT) & MAX_LENGTH)
            yield form & _LINK_NUMBER, (line, column, line, end)

    def _signed_id(self, row: int) -> int:
        number = self.ids[row]
        return number - (1 << 64) if number >> 63 else number

    def row_of_url(self, url: str) -> int | None:
        """Return the row of the page that has this url, or None."""
        return self.row_by_url.get(digest(url))

    def can_change_url(self, old: str, new: str) -> bool:
        """Return True if no page links to the url `old` and none has the url `new`."""
        return digest(new) not in self.row_by_url and digest(old) not in self._linked_urls

    @cached_property
    def _linked_urls(self) -> set[int]:
        return {self.urls[row] for row in self.link_rows}


def _place_of(form: int, key: str, profile: Profile) -> Place | None:
    """Return the place of a value, given the lowest bits of a location."""
    layouts = layouts_of(profile)
    if not form & KNOWN or len(layouts) > 1:
        return None
    return place_of(layouts[0], form & _LINK_NUMBER, form >> FOLDS_SHIFT & _THREE_BITS, key)
