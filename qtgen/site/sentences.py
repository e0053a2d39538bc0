"""Which sentences are on many pages: their hashes, of 4 bytes each, instead of their texts."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from qtgen.page import Page
from qtgen.page.sentences import sentence_hashes

_BUCKETS_MIN = 1 << 16


def page_sentences(page: Page) -> bytes:
    """Return the hashes of the longer sentences of a page's answer."""
    return array("I", sentence_hashes(page.text_of("answer") or "")).tobytes()


class SentenceIndex:
    """The hashes of the sentences of all pages.

    Args:
        pages_max: How many pages may have the same sentence.
    """

    def __init__(self, pages_max: int = 10) -> None:
        self.pages_max = pages_max
        self._hashes = array("I")
        self._starts = array("Q")  # the first hash of each page

    def add(self, sentences: Iterable[bytes]) -> None:
        """Add what `page_sentences` returned for pages, which are numbered from 0 in this order."""
        pages = list(sentences)
        counts = (len(page) // self._hashes.itemsize for page in pages[:-1])
        self._starts.extend(accumulate(counts, initial=len(self._hashes)) if pages else ())
        self._hashes.frombytes(b"".join(pages))

    def repeated(self) -> dict[int, list[int]]:
        """Return the hashes that are on more pages than allowed, each with the numbers of its pages."""
        candidates = self._candidates()
        pages: dict[int, list[int]] = {sentence: [] for sentence in sorted(candidates)}
        places = [place for place, sentence in enumerate(self._hashes) if sentence in candidates] if candidates else []
        for place in places:
            page, on_pages = bisect_right(self._starts, place) - 1, pages[self._hashes[place]]
            if not on_pages or on_pages[-1] != page:
                on_pages.append(page)
        return {sentence: on_pages for sentence, on_pages in pages.items() if len(on_pages) > self.pages_max}

    def _candidates(self) -> set[int]:
        """Return the hashes that may be on more pages than allowed.

        Counting in buckets takes a few bytes per sentence. A dict of all sentences would take a hundred.
        """
        hashes, limit = self._hashes, self.pages_max
        mask = max(_BUCKETS_MIN, 1 << len(hashes).bit_length()) - 1
        counts, candidates = array("H", bytes(2 * (mask + 1))), set()
        for sentence in hashes:
            bucket = sentence & mask
            if counts[bucket] < limit:
                counts[bucket] += 1
            else:
                candidates.add(sentence)
        return candidates
