"""One text as metrics see it. Every view is computed once, when a metric first asks for it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, cached_property, lru_cache
from itertools import compress, repeat
from operator import mul
from typing import TYPE_CHECKING

from qtgen._util.memo import Memo
from qtgen._util.text import ASCII_LETTERS_AND_DIGITS
from qtgen.embeddings.static import StaticModel, directions, normalize_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.static import TextEmbedder, Vectors
    from qtgen.evaluation.metrics.statements import Statements

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
# Markdown that only lays a text out: marks at the start of a line, fences, table rules, emphasis, dollars.
_LEADING_MARKS = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|[-*+][ \t]+|\d{1,3}[.)][ \t]+|>[ \t]*|```.*$|\|?[ \t:|-]{3,}$)", re.MULTILINE
)
_INLINE_MARKS = re.compile(r"\*\*|__|`|\$|\*(?:(?<=\s\*)|(?=\s))|\|")  # each begins with a mark, which is fast
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_FOREIGN = re.compile("[^\0-\u024f]")  # beyond the Latin letters
_MAX_WORDS = 100_000  # that each memo keeps, in about 15 MB
_ENDINGS = ("ing", "ed", "es", "s")


class AnalyzedText:
    """A text with its words, sentences and vectors.

    Args:
        text: Markdown. Half of a surrogate pair, which JSON can express and UTF-8 cannot, is an unknown character.
        embed: Embeds whole texts and sentences instead of the static model. Word and token vectors are always static.
    """

    def __init__(self, text: str, embed: "TextEmbedder | None" = None) -> None:
        self.text = text if text.isascii() else _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
        self._embed = embed

    def with_same_embedder(self, text: str) -> "AnalyzedText":
        """Return another text that is embedded in the same way."""
        return AnalyzedText(text, self._embed)

    @cached_property
    def plain(self) -> str:
        """The text without Markdown marks."""
        return _INLINE_MARKS.sub(" ", _LEADING_MARKS.sub("", self.text)).strip()

    @cached_property
    def words(self) -> list[str]:
        lower = self.plain.lower()
        if lower.isascii():  # this is faster
            return lower.translate(ASCII_LETTERS_AND_DIGITS).split()
        return _WORD.findall(lower)

    @cached_property
    def stems(self) -> list[str]:
        return _STEMS.of(self.words)

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each stem occurs."""
        return Counter(self.stems)

    @cached_property
    def sentences(self) -> list[str]:
        """At least one sentence, which may be empty. The end of a line ends a sentence."""
        import sentencex

        lines = (line.strip() for line in self.plain.splitlines())
        sentences = (sentence.strip() for line in lines if line for sentence in sentencex.segment("en", line))
        return [sentence for sentence in sentences if _WORD.search(sentence)] or [""]

    @cached_property
    def statements(self) -> "Statements":
        """The sentences as words that can be aligned with those of another text."""
        from qtgen.evaluation.metrics.statements import Statements  # it uses this module

        return Statements(self.sentences)

    @cached_property
    def _sentence_tokens(self) -> "list[NDArray[np.intp]]":
        """Token numbers of each sentence."""
        return static_model().tokens_of_prose(self.sentences)

    @cached_property
    def vector(self) -> "Vectors":
        """The vector of the whole text."""
        rows = self._embedded if self._embed else normalize_rows(self._sentence_sums.sum(axis=0, keepdims=True))
        vector: Vectors = rows[0]
        return vector

    @cached_property
    def sentence_vectors(self) -> "Vectors":
        """One row per sentence."""
        return self._embedded[1:] if self._embed else normalize_rows(self._sentence_sums)

    @cached_property
    def _sentence_sums(self) -> "Vectors":
        """The sum of each sentence's token vectors."""
        import numpy as np

        rows, places = self._token_rows
        sentences = np.repeat(np.arange(len(self._sentence_tokens)), [len(tokens) for tokens in self._sentence_tokens])
        shape = len(self._sentence_tokens), len(rows)
        counts = np.bincount(sentences * len(rows) + places, minlength=shape[0] * shape[1])
        sums: Vectors = counts.reshape(shape).astype(np.float32) @ rows
        return sums

    @cached_property
    def _token_rows(self) -> "tuple[Vectors, NDArray[np.intp]]":
        """The vectors of the distinct tokens, and the row of each token of the text."""
        import numpy as np

        numbers, places = np.unique(np.concatenate(self._sentence_tokens), return_inverse=True)
        return static_model().vectors[numbers], places

    @cached_property
    def _embedded(self) -> "Vectors":
        """Rows of the text and of its sentences, from a single call of the embedder."""
        assert self._embed  # noqa: S101 - callers check it
        return normalize_rows(self._embed([self.plain or " ", *(sentence or " " for sentence in self.sentences)]))

    @cached_property
    def sentence_lengths(self) -> "NDArray[np.float64]":
        """Number of words of each sentence, at least 1."""
        import numpy as np

        return np.array([max(1, len(sentence.split())) for sentence in self.sentences], float)

    @cached_property
    def tokens(self) -> "tuple[Vectors, Vectors]":
        """Unit vectors of the distinct tokens, and the lengths the vectors had: rare tokens have long ones."""
        rows, _ = self._token_rows
        return directions(rows)

    @cached_property
    def key_vector(self) -> "Vectors":
        """The sum of the words' unit vectors, weighted by count and by `information`."""
        import numpy as np

        weights = np.array(INFORMATION.of(self.counts))
        is_known = weights > 0
        words = list(compress(self.counts, is_known.tolist()))
        if not words:
            return np.zeros(static_model().width, np.float32)
        weights *= np.fromiter(self.counts.values(), float, len(weights))
        known = weights[is_known].astype(np.float32)
        vector: Vectors = normalize_rows(known[None, :] @ static_model().word_vectors(words))[0]
        return vector

    def is_english(self) -> bool:
        """Return whether the text looks English. A text with fewer than 20 Latin words counts as English."""
        foreign = 0 if self.plain.isascii() else sum(map(str.isalpha, _FOREIGN.findall(self.plain)))
        if foreign and foreign > 0.5 * sum(map(str.isalpha, self.plain)):
            return False
        words: list[str] = []
        for word in self.words:
            words += (word,) if word.isalpha() else _LETTERS.findall(word)
        if len(words) < 20:
            return True
        english = _mean_frequency(words, "en")
        if english > 3.6:
            return True
        return english > 2.0 and all(_mean_frequency(words, other) < english + 0.5 for other in _OTHER_LANGUAGES)


_OTHER_LANGUAGES = ("cs", "da", "de", "es", "fi", "fr", "hu", "it", "nb", "nl", "pl", "pt", "ro", "sv", "tr")


@lru_cache(maxsize=1)
def static_model() -> StaticModel:
    """Return the static embeddings, loaded once per process."""
    return StaticModel()


def stem(word: str) -> str:
    """Return a word without a plural or verb ending, if at least three letters remain."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def information(word: str) -> float:
    """Return how informative a word is: 8 minus its Zipf frequency in English, at least 0.

    The Zipf frequency (wordfreq) is log10 of the uses in a billion words. A number counts as a rare word.
    """
    return INFORMATION[word]


def _information(word: str) -> float:
    return 5.0 if word.isdigit() else max(0.0, 8.0 - _zipf_frequencies("en")[word])


_STEMS = Memo(stem, _MAX_WORDS)
INFORMATION = Memo(_information, _MAX_WORDS)
"""The information of words, for many at once."""


def _mean_frequency(words: Sequence[str], language: str) -> float:
    return sum(_zipf_frequencies(language).of(words)) / len(words)


@cache
def _zipf_frequencies(language: str) -> Memo[float]:
    from wordfreq import get_frequency_dict, zipf_frequency

    listed = get_frequency_dict(language, "best")  # wordfreq keeps it under these very arguments
    known: dict[float | None, float] = {}

    def frequency(word: str) -> float:
        """Return the same as `zipf_frequency`, faster for a word of plain letters, which is listed as it is."""
        if not (word.isascii() and word.isalpha() and word.islower()):
            return zipf_frequency(word, language)
        share = listed.get(word)
        value = known.get(share)
        if value is None:
            value = known[share] = zipf_frequency(word, language)
        return value

    return Memo(frequency, _MAX_WORDS)


def recall(wanted: Counter[str], given: Counter[str]) -> float:
    """Return the share of the wanted words that are given, each weighted by `information`; 0 if none is wanted."""
    weights = INFORMATION.of(wanted)
    total = sum(map(mul, wanted.values(), weights))
    shared = sum(map(mul, map(min, wanted.values(), map(given.get, wanted, repeat(0))), weights))
    return shared / total if total else 0.0


def ngrams(words: Sequence[str], length: int) -> Iterable[tuple[str, ...]]:
    """Return all runs of `length` consecutive words."""
    return zip(*(words[start:] for start in range(length)), strict=False)
