"""Static embeddings of texts. They come with a package: no key, no network, the same vectors on every machine."""

import logging
import re
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtgen._util.extras import require

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
        self._chunk_tokens: dict[str, list[int]] = {}
        self._word_rows: dict[str, int] = {}

    def tokens(self, texts: Sequence[str]) -> "list[NDArray[np.intp]]":
        """Return the token numbers of each text."""
        import numpy as np

        return [np.asarray(numbers, np.intp) for numbers in self._encode(list(texts))]

    def _encode(self, texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def tokens_of_prose(self, texts: Sequence[str]) -> "list[NDArray[np.intp]]":
        """Return the same as `tokens`, faster for texts whose words occur often.

        No token of the model reaches across a space, so each word with the spaces before it is tokenized once.
        """
        import numpy as np

        if any(_SPECIAL.search(text) for text in texts):
            return self.tokens(texts)
        chunks = [_CHUNK.findall(f" {text}") if text else [] for text in texts]
        known = self._chunk_tokens
        used = set(chain.from_iterable(chunks))
        if new := used.difference(known):
            if len(known) + len(new) > _MAX_CHUNKS:
                known.clear()
                new = used
            # The tokenizer puts a space before each text, and returns nothing for an empty one.
            known.update(zip(new, self._encode([chunk[1:] for chunk in new]), strict=True))
            known[" "] = known["▁"] = [self._tokenizer.token_to_id("▁")]
        return [np.array(list(chain.from_iterable(map(known.__getitem__, line))), np.intp) for line in chunks]

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
        rows = self._word_rows
        if new := [word for word in dict.fromkeys(words) if word not in rows]:
            if len(rows) + len(new) > _MAX_WORDS:
                rows.clear()
                new = list(dict.fromkeys(words))
            if len(new) > _MAX_WORDS:
                return self.embed(self.tokens(words))
            self._word_table[len(rows) : len(rows) + len(new)] = self.embed(self.tokens(new))
            rows.update(zip(new, range(len(rows), len(rows) + len(new)), strict=True))
        vectors: Vectors = self._word_table[[rows[word] for word in words]]
        return vectors

    @cached_property
    def _word_table(self) -> "Vectors":
        """The remembered vectors of words. The rows that are not used yet take no memory."""
        import numpy as np

        return np.empty((_MAX_WORDS, self.width), np.float32)


def normalize_rows(rows: "Vectors") -> "Vectors":
    """Return the rows scaled to length 1. A row of zeros stays as it is."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    normalized: Vectors = rows / lengths
    return normalized


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
