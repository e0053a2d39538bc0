"""Vectors of pages: what a page is about, from its question, its answer and its keywords.

The static vector of a text is the sum of its words' vectors, with each word tokenized by itself. That is as good as
tokenizing the whole text (docs/explanation/linking.md), and a word that occurred before costs one look-up.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from xxhash import xxh3_128_digest

from qtgen._util.credentials import masked_address
from qtgen.embeddings.static import StaticModel, normalize_rows
from qtgen.page import Page, decode_answer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.static import TextEmbedder, Vectors

    HalfVectors = NDArray[np.float16]

# Every byte that cannot be part of a word, as a space.
_WORD_BYTES = bytes(code if chr(code).isalnum() or code > 127 else 32 for code in range(256))
_SEPARATORS = [mark.encode() for mark in "“”‘’–—…→"]  # the frequent ones that are not ASCII
_MAX_KNOWN_WORDS = 100_000  # a word takes a kilobyte
_FIRST_WORDS = 4_096  # Initial capacity in words. It doubles when it is full.
_ROWS_PER_BLOCK = 1 << 17  # rows of 256 16-bit floats, which take 64 MB; the C library keeps what is below 32 MB
_BLOCK = 4_096  # rows
_MAX_SENT = 8_000  # characters of a page that an endpoint gets


class PageText(NamedTuple):
    r"""The texts of a page that its vector is made from, in the same form for all sites.

    Args:
        answer: With the two characters `\n` for each line break.
        keywords: Separated by commas.
    """

    question: str
    answer: str
    keywords: str


def page_text(page: Page) -> PageText:
    """Return the texts of a page that its vector is made from."""
    layout = page.layout
    question, answer = page.text_of(layout.roles.question), page.text_of(layout.roles.answer or "")
    return PageText(question or "", layout.codec.on_one_line(answer or ""), _keywords(page))


def _keywords(page: Page) -> str:
    value = page.values.get(page.layout.keywords or "")
    if isinstance(value, list):
        return ", ".join(item for item in value if isinstance(item, str))
    return value if isinstance(value, str) else ""


class PageEmbedder(Protocol):
    """A way to turn pages into vectors. Its name changes whenever its vectors do."""

    name: str

    def __call__(self, texts: Sequence[PageText]) -> "Vectors":
        """Return a row of length 1 for each page; a row of zeros for a page without words."""


class _HasName(Protocol):
    """An embedder or its class."""

    @property
    def name(self) -> str:
        """The name of its vectors."""


def vector_key(embedder: "_HasName | type[StaticEmbedder]", text: PageText) -> bytes:
    """Return the cache key of a page's vector. It depends on the embedder and the text, not on the file or the layout.

    So a new layout with the same texts costs no new vectors.
    """
    return xxh3_128_digest("\0".join((embedder.name, *text)).encode("utf-8", "surrogatepass"))


class _Vocabulary(dict[bytes, int]):
    """Numbers of words, in the order in which the words are first looked up."""

    def __missing__(self, word: bytes) -> int:
        self[word] = number = len(self)
        return number


class StaticEmbedder:
    """Vectors from static embeddings: no key, no network. Raises MissingExtra if they are not installed."""

    name = f"{StaticModel.name} by words, 1"

    def __init__(self) -> None:
        self._numbers = _Vocabulary()
        self._known = 0  # rows of `_word_vectors` that are filled

    @cached_property
    def _model(self) -> StaticModel:  # loaded late: it takes half a second, and a full cache makes it unnecessary
        return StaticModel()

    @cached_property
    def _word_vectors(self) -> "Vectors":
        import numpy as np

        return np.empty((_FIRST_WORDS, self._model.width), np.float32)

    def __call__(self, texts: Sequence[PageText]) -> "Vectors":
        """Return a row of length 1 for each page. Question, answer and keywords have equal weight, however long."""
        if len(self._numbers) > _MAX_KNOWN_WORDS:
            self._numbers.clear()
            self._known = 0
        parts = normalize_rows(self._sum_words([_words(part) for text in texts for part in text]))
        return normalize_rows(parts.reshape(len(texts), -1, self._model.width).sum(axis=1))

    def _sum_words(self, texts: Sequence[list[bytes]]) -> "Vectors":
        import numpy as np

        numbers = np.fromiter(map(self._numbers.__getitem__, chain.from_iterable(texts)), np.int32)
        self._add_new_words()
        return _sum_groups(self._word_vectors[: self._known], numbers, [len(text) for text in texts])

    def _add_new_words(self) -> None:
        import numpy as np

        new = [word.decode("utf-8", "replace") for word in islice(self._numbers, self._known, None)]
        if not new:
            return
        tokens = self._model.tokens(new)
        first, self._known = self._known, self._known + len(new)
        if self._known > len(self._word_vectors):
            larger = np.empty((max(self._known, 2 * len(self._word_vectors)), self._model.width), np.float32)
            larger[:first] = self._word_vectors[:first]
            self._word_vectors = larger
        lengths = [len(numbers) for numbers in tokens]
        self._word_vectors[first : self._known] = _sum_groups(self._model.vectors, np.concatenate(tokens), lengths)


def _sum_groups(vectors: "Vectors", numbers: "NDArray[Any]", lengths: list[int]) -> "Vectors":
    """Return the sums of rows of `vectors`: one for the first `lengths[0]` row numbers, and so on."""
    import numpy as np
    from scipy.sparse import csr_array

    ends = np.cumsum([0, *lengths], dtype=np.int32)
    selection = csr_array((np.ones(len(numbers), np.float32), numbers, ends), shape=(len(lengths), len(vectors)))
    return np.asarray(selection @ vectors, np.float32)


def _words(text: str) -> list[bytes]:
    raw = text.replace("\\n", " ").lower().encode("utf-8", "replace")
    for separator in () if raw.isascii() else _SEPARATORS:
        raw = raw.replace(separator, b" ")
    return raw.translate(_WORD_BYTES).split()


class EndpointEmbedder:
    """Vectors from a model at an endpoint, of the question and the answer. Raises what `embed` raises."""

    def __init__(self, embed: "TextEmbedder", model: str, address: str | None) -> None:
        self.name = f"{model} at {masked_address(address) if address else 'OpenAI'}, 1"
        self._embed = embed

    def __call__(self, texts: Sequence[PageText]) -> "Vectors":
        """Return a row of length 1 for each page."""
        documents = [f"{text.question}\n\n{decode_answer(text.answer)}"[:_MAX_SENT] for text in texts]
        return normalize_rows(self._embed(documents))


class CenteredVectors(NamedTuple):
    """Vectors without the part that all of them share.

    Args:
        rows: The rest of each vector, scaled to length 1.
        lengths: The lengths of the rests before they were scaled.
        shares: What each vector adds to a cosine because of the shared part.
    """

    rows: "Vectors"
    lengths: "Vectors"
    shares: "Vectors"

    def full_cosines(self, first: Any, second: Any, cosines: Any) -> Any:
        """Return the cosines of the original vectors.

        Args:
            first: Numbers of rows.
            second: Numbers of rows, in a shape that fits that of `first`.
            cosines: The cosines of these rows.
        """
        return self.lengths[first] * self.lengths[second] * cosines + self.shares[first] + self.shares[second]


class VectorBlocks:
    """Rows of many pages in large blocks. A block is freed as soon as its rows are taken.

    The process could not return smaller blocks to the system.
    """

    def __init__(self) -> None:
        self._blocks: list[HalfVectors] = []
        self._filled = 0  # rows of the last block
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def append(self, rows: "HalfVectors") -> None:
        """Add rows at the end."""
        import numpy as np

        self._rows += len(rows)
        while len(rows):
            if not self._blocks or self._filled == len(self._blocks[-1]):
                self._blocks.append(np.empty((_ROWS_PER_BLOCK, rows.shape[1]), np.float16))
                self._filled = 0
            some = rows[: _ROWS_PER_BLOCK - self._filled]
            self._blocks[-1][self._filled : self._filled + len(some)] = some
            self._filled += len(some)
            rows = rows[len(some) :]

    def take(self, places: "NDArray[np.int32]") -> "Vectors":
        """Return all rows as 32-bit floats, and forget them.

        Args:
            places: The number of each row in the result.
        """
        import numpy as np

        rows = np.empty((len(places), self._blocks[0].shape[1] if self._blocks else 0), np.float32)
        start, self._rows = 0, 0
        while self._blocks:
            block = self._blocks.pop(0)
            for first in range(0, min(len(block), len(rows) - start), _BLOCK):
                some = block[first : first + _BLOCK][: len(rows) - start]
                rows[places[start : start + len(some)]] = some
                start += len(some)
        return rows


def center(vectors: "HalfVectors | Vectors") -> CenteredVectors:
    """Subtract from each vector what all of them share, so that near means nearer than any two pages are.

    The mean of few pages says little, so less of it is subtracted then. A page without words keeps its zeros. Vectors
    of 32-bit floats are changed in place, because a copy takes 200 MB for 200,000 pages.
    """
    import numpy as np

    rows = vectors.astype(np.float32, copy=False)
    count = len(rows)
    is_empty = np.empty(count, bool)
    for start in range(0, count, _BLOCK):  # in blocks, because numpy's temporary arrays are as large as their input
        block = rows[start : start + _BLOCK]
        np.nan_to_num(block, copy=False, posinf=0, neginf=0)  # a damaged cache can hold anything
        is_empty[start : start + _BLOCK] = ~block.any(axis=1)
    mean = (rows.sum(axis=0, dtype=np.float64) / (count + 100)).astype(np.float32)
    rows -= mean
    rows[is_empty] = 0
    shares = rows @ mean + mean @ mean / 2
    lengths = np.empty(count, np.float32)
    for start in range(0, count, _BLOCK):
        block = rows[start : start + _BLOCK]
        lengths[start : start + _BLOCK] = norms = np.linalg.norm(block, axis=1)
        block /= np.where(norms > 0, norms, 1)[:, None]
    return CenteredVectors(rows, lengths, shares)
