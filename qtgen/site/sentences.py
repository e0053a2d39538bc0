"""Find sentences that are on many pages, by hashes of 4 bytes instead of texts."""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, compress

from qtgen.page import Page
from qtgen.page.sentences import sentence_hashes

_BUCKETS_MIN = 1 << 16  # the number of values of half a hash


def page_sentences(page: Page) -> bytes:
    """Return the hashes of the longer sentences of a page's answer."""
    answer = page.text_of(page.layout.roles.answer or "") or ""
    return array("I", sentence_hashes(answer, page.layout.codec)).tobytes()


class SentenceIndex:
    """The hashes of the sentences of all pages.

    Args:
        pages_max: Maximum number of pages with the same sentence.
    """

    def __init__(self, pages_max: int = 10) -> None:
        self.pages_max = pages_max
        self._hashes = array("I")
        self._starts = array("Q")  # the first hash of each page

    def add(self, sentences: Iterable[bytes]) -> None:
        """Add the results of `page_sentences`. Pages are numbered from 0 in this order."""
        pages = list(sentences)
        self.add_block(b"".join(pages), [*map(len, pages)])

    def add_block(self, sentences: bytes, sizes: Sequence[int]) -> None:
        """Add the sentences of pages that follow each other in memory, given how many bytes each page has."""
        counts = (size // self._hashes.itemsize for size in sizes[:-1])
        self._starts.extend(accumulate(counts, initial=len(self._hashes)) if sizes else ())
        self._hashes.frombytes(sentences)

    def repeated(self) -> dict[int, list[int]]:
        """Return the hashes that are on more pages than allowed, each with the numbers of its pages."""
        places: dict[int, list[int]] = {}
        for place in self._candidates():
            places.setdefault(self._hashes[place], []).append(place)
        pages = {sentence: self._pages(places[sentence]) for sentence in sorted(places)}
        return {sentence: on_pages for sentence, on_pages in pages.items() if len(on_pages) > self.pages_max}

    def _pages(self, places: Iterable[int]) -> list[int]:
        return [*dict.fromkeys(bisect_right(self._starts, place) - 1 for place in places)]

    def _candidates(self) -> Iterable[int]:
        """Return the places of hashes that may be on more pages than allowed.

        Counting in buckets takes a few bytes per sentence. A dict of all sentences would take about a hundred.
        """
        hashes, limit = self._hashes, self.pages_max
        if len(hashes) <= _BUCKETS_MIN * limit // 2:  # few buckets reach the limit by chance
            halves = array("H", hashes.tobytes())[::2]
            often = {half for half, count in Counter(halves).items() if count > limit}
            return compress(range(len(hashes)), map(often.__contains__, halves))
        mask = max(_BUCKETS_MIN, 1 << len(hashes).bit_length()) - 1
        counts, candidates = array("H", bytes(2 * (mask + 1))), set()
        for sentence in hashes:
            bucket = sentence & mask
            if counts[bucket] < limit:
                counts[bucket] += 1
            else:
                candidates.add(sentence)
        return compress(range(len(hashes)), map(candidates.__contains__, hashes))
