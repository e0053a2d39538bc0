"""Pairs of a better and a worse candidate, and how many of them the scores rank rightly."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from support.orderings import CORRECT, WRONG, Row

OTHER_WORDS_ABOVE = (
    "offtopic", "glued", "glued_chunks", "question", "question20", "otherref", "refusal", "inject", "inject_plus", "foreign",
)  # fmt: skip
"""Kinds that a right answer in other words must rank above."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two candidates for one question, of which the first is better, and their scores."""

    better: Row
    worse: Row
    scores: tuple[float, float]

    @property
    def margin(self) -> float:
        """By how much the better candidate has the higher score. A negative margin is a wrong order."""
        return self.scores[0] - self.scores[1]

    @property
    def is_right(self) -> bool:
        return self.margin > 0


def pairs(scores: Mapping[Row, float], better: Collection[str] = CORRECT, worse: Collection[str] = WRONG) -> list[Pair]:
    """Return the pairs of a better and a worse candidate for the same question.

    Args:
        scores: The score of each candidate.
        better: Kinds of the better candidates.
        worse: Kinds of the worse candidates.
    """
    topics: dict[tuple[str, str], list[Row]] = {}
    for row in scores:
        topics.setdefault((row.split, row.topic), []).append(row)
    return [
        Pair(first, second, (scores[first], scores[second]))
        for candidates in topics.values()
        for first in candidates
        if first.kind in better
        for second in candidates
        if second.kind in worse
    ]


def share_right(some: Collection[Pair]) -> float:
    """Return the share of pairs in which the better candidate has the higher score. A tie is not right."""
    return sum(pair.is_right for pair in some) / len(some)
