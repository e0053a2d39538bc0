"""Static embeddings of texts. They come with a package: no key, no network, the same vectors on every machine."""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtgen._util.extras import require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    TextEmbedder = Callable[[Sequence[str]], Vectors]
    """Texts to vectors, one row per text."""


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
        self._word_vectors: dict[str, Vectors] = {}

    def tokens(self, texts: Sequence[str]) -> "list[NDArray[np.intp]]":
        """Return the token numbers of each text."""
        import numpy as np

        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [np.asarray(encoding.ids, np.intp) for encoding in encodings]

    def embed(self, tokens: "Sequence[NDArray[np.intp]]") -> "Vectors":
        """Return a row of length 1 for each text, given its tokens; a row of zeros for a text without tokens."""
        import numpy as np

        lengths = np.array([len(numbers) for numbers in tokens], np.intp)
        sums = np.zeros((len(tokens), self.width), np.float32)
        if lengths.any():
            starts = np.cumsum(lengths) - lengths
            sums[lengths > 0] = np.add.reduceat(self.vectors[np.concatenate(tokens)], starts[lengths > 0])
        return normalize_rows(sums)

    def word_vector(self, word: str) -> "Vectors":
        """Return the vector of one word, with length 1."""
        if word not in self._word_vectors:
            self._word_vectors[word] = self.embed(self.tokens([word]))[0]
        return self._word_vectors[word]


def normalize_rows(rows: "Vectors") -> "Vectors":
    """Return the rows scaled to length 1. A row of zeros stays as it is."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    normalized: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
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
