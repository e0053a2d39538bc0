"""Texts -> vectors. Static embeddings come with a package: no key, no network, the same on every machine."""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtgen.errors import SettingsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    TextEmbedder = Callable[[Sequence[str]], Vectors]  # one row a text


class StaticModel:
    """wordllama's token vectors (MIT), 256 dimensions; a text's is their sum. Raises SettingsError without it."""

    name = "wordllama-256"

    def __init__(self) -> None:
        model = _model()
        self.vectors: Vectors = model.embedding
        self.width: int = self.vectors.shape[1]
        self._tokenizer: Any = model.tokenizer
        self._tokenizer.no_padding()
        self._words: dict[str, Vectors] = {}

    def tokens(self, texts: Sequence[str]) -> "list[NDArray[np.intp]]":
        """The numbers of the tokens of each text."""
        import numpy as np

        encoded = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [np.asarray(one.ids, np.intp) for one in encoded]

    def embed(self, tokens: "Sequence[NDArray[np.intp]]") -> "Vectors":
        """One row of length 1 a text, of its tokens; zeros where it has none."""
        import numpy as np

        lengths = np.array([len(one) for one in tokens], np.intp)
        sums = np.zeros((len(tokens), self.width), np.float32)
        if lengths.any():
            starts = np.cumsum(lengths) - lengths
            sums[lengths > 0] = np.add.reduceat(self.vectors[np.concatenate(tokens)], starts[lengths > 0])
        return normalize_rows(sums)

    def word_vector(self, word: str) -> "Vectors":
        """The direction of one word."""
        if word not in self._words:
            self._words[word] = self.embed(self.tokens([word]))[0]
        return self._words[word]


def normalize_rows(rows: "Vectors") -> "Vectors":
    """Rows of length 1; a row of zeros stays one."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    shortened: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return shortened


@cache
def _model() -> Any:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    try:
        import wordllama
    except ImportError:
        raise SettingsError("embeddings need the `evals` extra: pip install 'qtgen[evals]'") from None
    finally:
        root.setLevel(level)  # the package sets the program's log to INFO
        root.handlers[:] = handlers
    where = Path(wordllama.__file__).parent  # the model lies beside the package's code
    return wordllama.WordLlama.load(cache_dir=where, disable_download=True)
