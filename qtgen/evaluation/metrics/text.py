"""One text as metrics look at it. Every view is made once, when a metric first asks for it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from qtgen.embeddings.static import StaticModel, normalize_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.static import TextEmbedder, Vectors

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
# What only lays a text out: marks at the start of a line, fences, rows of a table, emphasis, dollars.
_LEADING = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|[-*+][ \t]+|\d{1,3}[.)][ \t]+|>[ \t]*|```.*$|\|?[ \t:|-]{3,}$)", re.MULTILINE
)
_MARKS = re.compile(r"\*\*|__|`|\$|(?<=\s)\*|\*(?=\s)|\|")
_ENDINGS = ("ing", "ed", "es", "s")


class AnalyzedText:
    """A text with its words, sentences and vectors. embed: makes the vectors of the text and its sentences, where it
    is not the static embeddings that do; those of its words are always static."""

    def __init__(self, text: str, embed: "TextEmbedder | None" = None) -> None:
        self.text = text
        self._embed = embed

    def same(self, text: str) -> "AnalyzedText":
        """Another text, embedded in the same way."""
        return AnalyzedText(text, self._embed)

    @cached_property
    def plain(self) -> str:
        """Without the marks of markdown."""
        return _MARKS.sub(" ", _LEADING.sub("", self.text)).strip()

    @cached_property
    def words(self) -> list[str]:
        return _WORD.findall(self.plain.lower())

    @cached_property
    def stems(self) -> list[str]:
        return [stem(word) for word in self.words]

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.stems)

    @cached_property
    def sentences(self) -> list[str]:
        """At least one, which may be empty. A line of the text ends a sentence."""
        import sentencex

        lines = (line.strip() for line in self.plain.splitlines())
        found = (sentence.strip() for line in lines if line for sentence in sentencex.segment("en", line))
        return [sentence for sentence in found if _WORD.search(sentence)] or [""]

    @cached_property
    def _tokens(self) -> "list[NDArray[np.intp]]":
        """Of each sentence; tokenizing is what takes most of the time, so it is done once."""
        return static().tokens(self.sentences)

    @cached_property
    def vector(self) -> "Vectors":
        """Of the whole text."""
        import numpy as np

        rows = self._embedded if self._embed else static().embed([np.concatenate(self._tokens)])
        whole: Vectors = rows[0]
        return whole

    @cached_property
    def sentence_vectors(self) -> "Vectors":
        """One row a sentence."""
        return self._embedded[1:] if self._embed else static().embed(self._tokens)

    @cached_property
    def _embedded(self) -> "Vectors":
        """Of the text and its sentences, by one call."""
        assert self._embed  # noqa: S101
        return normalize_rows(self._embed([self.plain or " ", *(sentence or " " for sentence in self.sentences)]))

    @cached_property
    def sentence_lengths(self) -> "NDArray[np.float64]":
        """Words of each sentence."""
        import numpy as np

        return np.array([max(1, len(sentence.split())) for sentence in self.sentences], float)

    @cached_property
    def tokens(self) -> "tuple[Vectors, Vectors]":
        """Directions of the different tokens of the text, and the lengths that their vectors had: rare and telling
        tokens have long ones."""
        import numpy as np

        rows = static().vectors[np.unique(np.concatenate(self._tokens))]
        return normalize_rows(rows), np.linalg.norm(rows, axis=1)

    @cached_property
    def key_vector(self) -> "Vectors":
        """The words' directions added up, each as often as it stands there and by how telling it is."""
        import numpy as np

        known = [word for word in self.counts if information(word) > 0]
        if not known:
            return np.zeros(static().width, np.float32)
        weights = np.array([self.counts[word] * information(word) for word in known], np.float32)
        whole: Vectors = normalize_rows(weights[None, :] @ np.stack([static().word_vector(word) for word in known]))[0]
        return whole

    def is_english(self) -> bool:
        """Whether the words are such as English has. Texts of under 20 Latin words count as English."""
        letters = [char for char in self.plain if char.isalpha()]
        if sum(char > "\u024f" for char in letters) > 0.5 * len(letters):
            return False
        words = _LETTERS.findall(self.plain.lower())
        if len(words) < 20:
            return True
        english = _commonness(words, "en")
        return english > 3.6 or (english > 2.0 and all(_commonness(words, other) < english + 0.5 for other in _OTHERS))


_OTHERS = ("cs", "da", "de", "es", "fi", "fr", "hu", "it", "nb", "nl", "pl", "pt", "ro", "sv", "tr")


@lru_cache(maxsize=1)
def static() -> StaticModel:
    return StaticModel()


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Endings of the plural and of verbs cut, if three letters are left."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=200_000)
def information(word: str) -> float:
    """How telling a word is: 8 less its Zipf frequency in English (wordfreq), the log10 of uses in 1e9 words.

    A number, which no list can hold, counts as a rare word.
    """
    return 5.0 if word.isdigit() else max(0.0, 8.0 - _zipf(word, "en"))


def _commonness(words: Sequence[str], language: str) -> float:
    return sum(_zipf(word, language) for word in words) / len(words)


@lru_cache(maxsize=400_000)
def _zipf(word: str, language: str) -> float:
    from wordfreq import zipf_frequency

    return zipf_frequency(word, language)


def recall(of: Counter[str], by: Counter[str]) -> float:
    """Share of the words of one text that the other has too, each by how telling it is."""
    total = sum(times * information(word) for word, times in of.items())
    shared = sum(min(times, by[word]) * information(word) for word, times in of.items())
    return shared / total if total else 0.0


def ngrams(words: Sequence[str], length: int) -> Iterable[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(length)), strict=False)
