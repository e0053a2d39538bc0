"""Texts -> vectors. Static embeddings come with a package: no key, no network, the same on every machine."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from qtgen.errors import SettingsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """`name` is part of what a score depends on."""

    name: str

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """One row of length 1 a text; zeros where there is nothing to embed."""


class Static:
    """wordllama's 256-dimensional token vectors (MIT), whose mean is the text's. Raises SettingsError without it."""

    name = "wordllama-256"

    def __init__(self) -> None:
        self._model = _model()
        self._table: Vectors = self._model.embedding
        self.width: int = self._table.shape[1]
        self._words: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        if not texts:
            return np.zeros((0, self.width), np.float32)
        # The package divides by the length, which is 0 for an empty text, so it is not asked to.
        rows = np.asarray(self._model.embed([text or " " for text in texts], norm=False), np.float32)
        return unit(np.nan_to_num(rows))

    def tokens(self, text: str) -> "NDArray[np.intp]":
        """The different tokens of a text, by number."""
        import numpy as np

        return np.unique(np.asarray(self._model.tokenizer.encode(text, add_special_tokens=False).ids, np.intp))

    def token_vectors(self, numbers: "NDArray[np.intp]") -> "tuple[Vectors, Vectors]":
        """Directions of length 1, and the lengths that were taken off: rare and telling tokens have long vectors."""
        import numpy as np

        rows = self._table[numbers].astype(np.float32)
        return unit(rows), np.linalg.norm(rows, axis=1)

    def word(self, word: str) -> "Vectors":
        """The direction of one word."""
        if word not in self._words:
            numbers = self._model.tokenizer.encode(word, add_special_tokens=False).ids
            whole: Vectors = self._table[numbers].astype("float32").sum(axis=0, keepdims=True)
            self._words[word] = unit(whole)[0]
        return self._words[word]


def unit(rows: "Vectors") -> "Vectors":
    """Rows of length 1; a row of zeros stays one."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    shortened: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return shortened


@cache
def _model() -> Any:
    try:
        import wordllama
    except ImportError:
        raise SettingsError("embeddings need the `evals` extra: pip install 'qtgen[evals]'") from None
    where = Path(wordllama.__file__).parent  # the model lies beside the package's code
    return wordllama.WordLlama.load(cache_dir=where, disable_download=True)
