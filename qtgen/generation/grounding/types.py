"""The result of a grounding check: sentences with their support, and items that are not in the source."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# With these thresholds, a source about something else supports at most 3% of the sentences
# (docs/explanation/grounding.md). The first applies to words alone, the second to the mean of words and meaning.
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
        kind: What it is. `UNIT` is a figure that has only other units in the source.
        text: The item as the answer spells it, on one line.
        offset: Where it begins in the answer.
        length: Its length in the answer.
        detail: What the source contains instead, if that is known.
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
        support: How well the source's words support it, from 0 to 1.
        similarity: The cosine to the most similar sentence of the source, or None if it was not measured.
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
        """Whether the source contains enough of the sentence's words."""
        return self.support >= _SUPPORTED


@dataclass(frozen=True, slots=True)
class GroundingReport:
    """How far a source supports an answer.

    Args:
        sentences: The answer's claims. Empty if only one of the two texts is in English.
        items: Items that are not in the source, in the order of the answer.
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
        """The share of sentences that are supported by words alone. It does not depend on the method."""
        if not self.sentences:
            return None
        return sum(sentence.has_words for sentence in self.sentences) / len(self.sentences)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as a JSON object for provenance."""
        supported = self.supported
        return {
            "supported": None if supported is None else round(supported, 3),
            "sentences": len(self.sentences),
            "unsupported_items": len(self.items),
            "method": self.method,
        }
