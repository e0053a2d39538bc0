"""What a page is about, as one vector: of its question, its answer and its keywords.

A text's static vector is the sum of the vectors of its words, each word taken by itself. That is as good as taking the
tokens of the whole text (docs/linking.md), and a word that was seen before costs a look into a table.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from xxhash import xxh3_128_digest

from qtgen.embeddings.static import StaticModel, normalize_rows
from qtgen.page import Page, decode_answer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.static import TextEmbedder, Vectors

    HalfVectors = NDArray[np.float16]

_APART = bytes(code if chr(code).isalnum() or code > 127 else 32 for code in range(256))  # all else parts words
_MARKS = [mark.encode() for mark in "“”‘’–—…→"]  # that part words too, and stand in many answers
_KNOWN_WORDS = 100_000  # at most; a kilobyte each
_LONGEST = 8_000  # characters that an endpoint is sent of a page


class PageText(NamedTuple):
    """The text of a page that its vector is made of."""

    question: str
    answer: str
    keywords: str


def page_text(page: Page) -> PageText:
    return PageText(*(page.text_of(path) or "" for path in ("title", "answer", "seo.page_keywords")))


class PageEmbedder(Protocol):
    """Pages -> vectors. name: of the way they are made; changes when the vectors do."""

    name: str

    def __call__(self, texts: Sequence[PageText]) -> "Vectors":
        """One row of length 1 a page; zeros for a page without a word."""


def vector_key(meaning: PageEmbedder, text: PageText) -> bytes:
    """Of the vector that a page's text has: the same for the same text, whatever file it stands in."""
    return xxh3_128_digest("\0".join((meaning.name, *text)).encode("utf-8", "surrogatepass"))


class _Vocabulary(dict[bytes, int]):
    """Words -> numbers, given out as words come."""

    def __missing__(self, word: bytes) -> int:
        self[word] = number = len(self)
        return number


class StaticEmbedder:
    """Static embeddings (`embeddings.Static`): no key, no network. Raises SettingsError where they are missing."""

    name = f"{StaticModel.name} by words, 1"

    def __init__(self) -> None:
        self._numbers = _Vocabulary()

    @cached_property
    def _static(self) -> StaticModel:  # half a second, which a run saves that finds all vectors in the cache
        return StaticModel()

    @cached_property
    def _vectors(self) -> "Vectors":
        return self._static.vectors[:0]

    def __call__(self, texts: Sequence[PageText]) -> "Vectors":
        """Question, answer and keywords count the same, however long they are."""
        if len(self._numbers) > _KNOWN_WORDS:
            self._numbers.clear()
            self._vectors = self._vectors[:0]
        of_part = normalize_rows(self._sums([_words(part) for text in texts for part in text]))
        return normalize_rows(of_part.reshape(len(texts), -1, self._static.width).sum(axis=1))

    def _sums(self, texts: Sequence[list[bytes]]) -> "Vectors":
        """Of each text the sum of its words' vectors."""
        import numpy as np

        numbers = np.fromiter(map(self._numbers.__getitem__, chain.from_iterable(texts)), np.int32)
        self._learn()
        return _summed(self._vectors, numbers, [len(text) for text in texts])

    def _learn(self) -> None:
        """Vectors for the words that are new: each the sum of its tokens'."""
        import numpy as np

        new = [word.decode("utf-8", "replace") for word in islice(self._numbers, len(self._vectors), None)]
        if new:
            tokens = self._static.tokens(new)
            learnt = _summed(self._static.vectors, np.concatenate(tokens), [len(of_word) for of_word in tokens])
            self._vectors = np.concatenate([self._vectors, learnt])


def _summed(vectors: "Vectors", numbers: "NDArray[Any]", lengths: list[int]) -> "Vectors":
    """Sums of rows of `vectors`: of as many as the first length says, and so on."""
    import numpy as np
    from scipy.sparse import csr_array

    ends = np.cumsum([0, *lengths], dtype=np.int32)
    chosen = csr_array((np.ones(len(numbers), np.float32), numbers, ends), shape=(len(lengths), len(vectors)))
    return np.asarray(chosen @ vectors, np.float32)


def _words(text: str) -> list[bytes]:
    raw = text.replace("\\n", " ").lower().encode("utf-8", "replace")
    for mark in () if raw.isascii() else _MARKS:
        raw = raw.replace(mark, b" ")
    return raw.translate(_APART).split()


class EndpointEmbedder:
    """Vectors by a model at an endpoint. What `embed` raises goes through: ProviderError."""

    def __init__(self, embed: "TextEmbedder", model: str, address: str | None) -> None:
        self.name = f"{model} at {address or 'OpenAI'}, 1"
        self._embed = embed

    def __call__(self, texts: Sequence[PageText]) -> "Vectors":
        return normalize_rows(
            self._embed([f"{text.question}\n\n{decode_answer(text.answer)}"[:_LONGEST] for text in texts])
        )


class CenteredVectors(NamedTuple):
    """Vectors without what all of them share. rows: of length 1; lengths, shares: that, with the cosine of two rows,
    give the cosine that the whole vectors have (`whole`)."""

    rows: "Vectors"
    lengths: "Vectors"
    shares: "Vectors"

    def full_cosines(self, ones: Any, others: Any, cosines: Any) -> Any:
        """Cosines of whole vectors. ones, others: numbers of rows, in shapes that fit each other."""
        return self.lengths[ones] * self.lengths[others] * cosines + self.shares[ones] + self.shares[others]


def center(vectors: "HalfVectors") -> CenteredVectors:
    """Near is what is nearer than any two pages are, so what these share is taken away.

    Of few pages the mean says little, so less of it is taken away. A page without a word keeps its zeros.
    """
    import numpy as np

    rows = vectors.astype(np.float32)
    np.nan_to_num(rows, copy=False, posinf=0, neginf=0)  # a damaged cache can hold anything
    empty = ~rows.any(axis=1)
    count = len(rows)
    mean = (rows.sum(axis=0, dtype=np.float64) / (count + 100)).astype(np.float32)
    rows -= mean  # in place: a copy of those of 200,000 pages is 200 MB
    rows[empty] = 0
    shares = rows @ mean + mean @ mean / 2
    lengths = np.linalg.norm(rows, axis=1)
    rows /= np.where(lengths > 0, lengths, 1)[:, None]
    return CenteredVectors(rows, lengths, shares)
