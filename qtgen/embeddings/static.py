"""Static embeddings of texts. They come with a package: no key, no network, the same vectors on every machine."""

import logging
import re
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtgen._util.extras import require
from qtgen._util.memo import Memo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    TextEmbedder = Callable[[Sequence[str]], Vectors]
    """Texts to vectors, one row per text."""


# A space with the characters after it. The tokenizer reads ▁ as a space.
_CHUNK = re.compile("[ ▁]+[^ ▁]*")
_SPECIAL = re.compile("</?s>|<unk>")  # the tokenizer takes these out of a text before it reads the words
_MAX_CHUNKS = 100_000  # whose tokens are remembered, in about 20 MB
_MAX_WORDS = 65_536  # whose vectors are remembered, in 64 MB


class StaticModel:
    """The token vectors of wordllama (MIT), with 256 dimensions. The vector of a text is the sum of its tokens'.

    Raises MissingExtra if wordllama is not installed.
    """

    name = "wordllama-256"

    def __init__(self) -> None:
        model = _load()
        self.vectors: Vectors = model.embedding
        self.width: int = self.vectors.shape[1]
        self._tokenizer: Any = model.tokenizer
        self._tokenizer.no_padding()
        self._chunk_tokens = Memo(self._encode_chunk, _MAX_CHUNKS)
        self._word_rows = Memo(self._add_word, _MAX_WORDS)

    def tokens(self, texts: Sequence[str]) -> "list[NDArray[np.intp]]":
        """Return the token numbers of each text."""
        import numpy as np

        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.asarray(encoding.ids, np.intp) for encoding in encodings]

    def tokens_of_prose(self, texts: Sequence[str]) -> "list[NDArray[np.intp]]":
        """Return the same as `tokens`, faster for texts whose words occur often.

        No token of the model reaches across a space, so each word with the spaces before it is tokenized once.
        """
        import numpy as np

        if any(_SPECIAL.search(text) for text in texts):
            return self.tokens(texts)
        known = self._chunk_tokens
        chunks = (_CHUNK.findall(f" {text}") if text else [] for text in texts)
        lines = [list(chain.from_iterable(map(known.__getitem__, line))) for line in chunks]
        every = np.array(list(chain.from_iterable(lines)), np.intp)
        ends = [*accumulate(map(len, lines))]
        return [every[start:end] for start, end in pairwise((0, *ends))]

    def _encode_chunk(self, chunk: str) -> list[int]:
        if len(chunk) == 1:
            return [self._tokenizer.token_to_id("▁")]
        # The tokenizer puts a space before each text.
        numbers: list[int] = self._tokenizer.encode(chunk[1:], add_special_tokens=False).ids
        return numbers

    def embed(self, tokens: "Sequence[NDArray[np.intp]]") -> "Vectors":
        """Return a row of length 1 for each text, given its tokens; a row of zeros for a text without tokens."""
        import numpy as np

        lengths = np.array([len(numbers) for numbers in tokens], np.intp)
        sums = np.zeros((len(tokens), self.width), np.float32)
        if lengths.any():
            starts = np.cumsum(lengths) - lengths
            sums[lengths > 0] = np.add.reduceat(self.vectors[np.concatenate(tokens)], starts[lengths > 0])
        return normalize_rows(sums)

    def word_vectors(self, words: Sequence[str]) -> "Vectors":
        """Return a row of length 1 for each word."""
        if len(words) > _MAX_WORDS:
            return self.embed(self.tokens(words))
        if len(self._word_rows) + len(words) > _MAX_WORDS:
            self._word_rows.clear()
        vectors: Vectors = self._word_table[self._word_rows.of(words)]
        return vectors

    def word_vector(self, word: str) -> "Vectors":
        """Return the vector of one word, with length 1."""
        vector: Vectors = self.word_vectors([word])[0]
        return vector

    def _add_word(self, word: str) -> int:
        """Put the vector of a word into the table and return its row."""
        row = len(self._word_rows)
        self._word_table[row] = self.embed(self.tokens([word]))[0]
        return row

    @cached_property
    def _word_table(self) -> "Vectors":
        """The remembered vectors of words. The rows that are not used yet take no memory."""
        import numpy as np

        return np.empty((_MAX_WORDS, self.width), np.float32)


def normalize_rows(rows: "Vectors") -> "Vectors":
    """Return the rows scaled to length 1. A row of zeros stays as it is."""
    lengths = row_lengths(rows)
    lengths[lengths == 0] = 1
    normalized: Vectors = rows / lengths[:, None]
    return normalized


def row_lengths(rows: "Vectors") -> "Vectors":
    """Return the length of each row, faster than `numpy.linalg.norm`."""
    import numpy as np

    lengths: Vectors = np.sqrt(np.add.reduce(rows * rows, axis=1))
    return lengths


@cache
def _load() -> Any:
    require("Comparing texts by their meaning", "evals", "wordllama")
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    try:
        import wordllama
    finally:  # importing the package sets the level of the root logger to INFO
        root.setLevel(level)
        root.handlers[:] = handlers
    folder = Path(wordllama.__file__).parent  # the model is beside the package's code
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
