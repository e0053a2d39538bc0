"""What a check of grounding returns: sentences with their support, and items that the source does not contain."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# From these values, at most 3% of the sentences are supported by a source about something else
# (docs/explanation/grounding.md): by words alone, and by the mean of words and meaning.
_SUPPORTED = 0.40
_SUPPORTED_MEAN = 0.41


class Kind(StrEnum):
    """The kinds of items that must occur in the source."""

    FIGURE = "figure"
    DATE = "date"
    UNIT = "unit"
    NAME = "name"
    QUOTATION = "quotation"


@dataclass(frozen=True, slots=True)
class Item:
    """A part of an answer that the source does not contain.

    Args:
        kind: What it is. `UNIT` is a figure that the source has with another unit only.
        text: The item as the answer spells it, on one line.
        offset: Where it begins in the answer.
        length: Its length in the answer.
        detail: What the source has instead, if that is known.
    """

    kind: Kind
    text: str
    offset: int
    length: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer that makes a claim.

    Args:
        text: The sentence without Markdown marks.
        offset: Where it begins in the answer.
        support: The share of its words that the source has, from 0 to 1.
        similarity: The cosine of the most similar sentence of the source, or None if it was not measured.
    """

    text: str
    offset: int
    support: float
    similarity: float | None = None

    @property
    def is_supported(self) -> bool:
        """Whether the source supports the sentence, by its words and, if measured, its meaning."""
        if self.similarity is None:
            return self.has_words
        return (self.support + self.similarity) / 2 >= _SUPPORTED_MEAN

    @property
    def has_words(self) -> bool:
        """Whether the source has enough of the sentence's words."""
        return self.support >= _SUPPORTED


@dataclass(frozen=True, slots=True)
class GroundingReport:
    """How far an answer rests on its source.

    Args:
        sentences: The answer's claims. Empty if the source is in another language than the answer.
        items: What the source does not contain, in the order of the answer.
        method: How support was measured: `lexical`, or `lexical+embedding`.
    """

    sentences: Sequence[Sentence]
    items: Sequence[Item]
    method: str

    @property
    def supported(self) -> float | None:
        """The share of supported sentences, or None if there are none."""
        if not self.sentences:
            return None
        return sum(sentence.is_supported for sentence in self.sentences) / len(self.sentences)

    @property
    def with_words(self) -> float | None:
        """The share of sentences whose words the source has: the same whether meaning was measured or not."""
        if not self.sentences:
            return None
        return sum(sentence.has_words for sentence in self.sentences) / len(self.sentences)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as provenance keeps it."""
        supported = self.supported
        return {
            "supported": None if supported is None else round(supported, 3),
            "sentences": len(self.sentences),
            "unsupported_items": len(self.items),
            "method": self.method,
        }
