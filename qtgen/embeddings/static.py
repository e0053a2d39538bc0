"""Static embeddings of texts. They come with a package: no key, no network, the same vectors on every machine."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtgen._util.extras import require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    TextEmbedder = Callable[[Sequence[str]], Vectors]
    """Texts to vectors, one row per text."""


# A space, more spaces, and the word after them. The tokenizer reads ▁ as a space.
_CHUNK = re.compile("[ ▁]([ ▁]*[^ ▁]*)")
_SPECIAL = re.compile("</?s>|<unk>")  # the tokenizer takes these out of a text before it reads the words
_MAX_CHUNKS = 100_000  # The cache of chunk tokens is cleared at this size (about 20 MB).
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
        self._chunk_tokens: dict[str, list[int]] = {}
        self._word_rows: dict[str, int] = {}

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
        lines = [_split(text) for text in texts]
        known = self._chunk_tokens
        if len(known) > _MAX_CHUNKS:
            known.clear()
        known.update(self._encode_chunks(set(chain.from_iterable(lines)).difference(known)))
        numbers: list[int] = []
        ends = [0]
        for line in lines:
            numbers.extend(chain.from_iterable(map(known.__getitem__, line)))
            ends.append(len(numbers))
        every = np.array(numbers, np.intp)
        return [every[start:end] for start, end in pairwise(ends)]

    def _encode_chunks(self, chunks: Iterable[str]) -> dict[str, list[int]]:
        """Return the tokens of each chunk. Those without spaces are tokenized in one go."""
        found: dict[str, list[int]] = {}
        plain = []
        for chunk in chunks:
            if not chunk:
                found[chunk] = [self._tokenizer.token_to_id("▁")]
            elif chunk[0] in " ▁":
                found[chunk] = self._encode(chunk).ids
            else:
                plain.append(chunk)
        if plain:
            encoding = self._encode(" ".join(plain))
            numbers, pieces = encoding.ids, encoding.tokens
            starts = [place for place, piece in enumerate(pieces) if piece[0] == "▁"]
            for chunk, start, end in zip(plain, starts, (*starts[1:], len(pieces)), strict=True):
                found[chunk] = numbers[start:end]
        return found

    def _encode(self, text: str) -> Any:
        return self._tokenizer.encode(text, add_special_tokens=False)

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
        rows = self._word_rows
        if len(rows) + len(words) > _MAX_WORDS:
            rows.clear()
        if new := [word for word in dict.fromkeys(words) if word not in rows]:
            places = range(len(rows), len(rows) + len(new))
            self._word_table[places.start : places.stop] = self.embed(self.tokens_of_prose(new))
            rows.update(zip(new, places, strict=True))
        vectors: Vectors = self._word_table[list(map(rows.__getitem__, words))]
        return vectors

    def word_vector(self, word: str) -> "Vectors":
        """Return the vector of one word, with length 1."""
        vector: Vectors = self.word_vectors([word])[0]
        return vector

    @cached_property
    def _word_table(self) -> "Vectors":
        """The remembered vectors of words. The rows that are not used yet take no memory."""
        import numpy as np

        return np.empty((_MAX_WORDS, self.width), np.float32)


def _split(text: str) -> list[str]:
    """Return the words of a text, each without the space before it and with all further ones.

    The tokenizer puts a space before each text, and so before each of the words.
    """
    if "  " in text or "▁" in text or text[:1] in ("", " "):
        return _CHUNK.findall(f" {text}") if text else []
    return text.split(" ")


def normalize_rows(rows: "Vectors") -> "Vectors":
    """Return the rows scaled to length 1. A row of zeros stays as it is."""
    return directions(rows)[0]


def directions(rows: "Vectors") -> "tuple[Vectors, Vectors]":
    """Return the rows scaled to length 1, and the length that each one had. A row of zeros stays as it is."""
    lengths = row_lengths(rows)
    divisors = lengths.copy()
    divisors[divisors == 0] = 1
    return rows / divisors[:, None], lengths


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
