"""Sentences on many pages: which ones are found, and by both ways of counting."""

from array import array

import pytest

from qtgen.site import sentences
from qtgen.site.sentences import SentenceIndex


@pytest.mark.parametrize("buckets", [1 << 16, 1], ids=["few sentences", "many sentences"])
def test_a_sentence_counts_once_per_page(monkeypatch: pytest.MonkeyPatch, buckets: int) -> None:
    monkeypatch.setattr(sentences, "_BUCKETS_MIN", buckets)
    pages = [[7, 1 << 31 | 7, number + 100] for number in range(4)] + [[9, 9, 9, 9], [], [7, 9]]
    index = SentenceIndex(4)
    for part in (pages[:2], [], pages[2:]):
        index.add(array("I", page).tobytes() for page in part)
    assert index.repeated() == {7: [0, 1, 2, 3, 6]}
    index.pages_max = 1
    assert index.repeated() == {7: [0, 1, 2, 3, 6], 9: [4, 6], 1 << 31 | 7: [0, 1, 2, 3]}
