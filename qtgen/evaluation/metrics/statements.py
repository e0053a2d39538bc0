"""Statements: the sentences of a text as words, and the passage of another text that each one follows."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from typing import NamedTuple

from qtgen.evaluation.metrics.text import information, stem

_WORD = re.compile(r"(?<![\w)])[-−]?\d+(?:[.,]\d+)*|\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’](?:t|s|re|ve|ll|d|m)\b)?")
_PART = re.compile(r";\s+")  # ends a statement within a sentence
_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_UNITS = f"{_SMALL} seventeen eighteen nineteen".split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NUMBERS = {word: value for value, word in enumerate(_UNITS) if word != "one"}  # it is more often a pronoun
_NUMBERS |= {word: 10 * value for value, word in enumerate(_TENS, 2)}
_NUMBERS |= {
    f"{word}-{unit}": 10 * tens + value
    for tens, word in enumerate(_TENS, 2)
    for value, unit in enumerate(_UNITS[1:10], 1)
}
_SPELLED_NUMBER = re.compile(rf"\b(?:{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})\b", re.IGNORECASE)
_NUMBER_WEIGHT = 5.0
_CONTENT = 2.6  # information from which a word says something; "which" has 2.3, "between" 2.5, "water" 3.0
_PASSAGE_WEIGHT = 0.35  # of what a passage says and the statement does not
_MIN_STEM = 3  # letters
_MIN_RUN = 2  # words in a row that follow the passage


class Edit(NamedTuple):
    """A part of an alignment, as `SequenceMatcher.get_opcodes` gives it: two ranges, and how they differ."""

    kind: str
    start: int
    end: int
    own_start: int
    own_end: int


@dataclass(frozen=True)
class Statement:
    """A sentence, or a part of one that ends in a semicolon.

    `words` are in lower case. `keys` are their stems, and numbers without separators: words with the same key are the
    same.
    """

    text: str
    words: tuple[str, ...]
    keys: tuple[str, ...]

    @staticmethod
    def of(text: str) -> "Statement":
        """Return the statement that a text makes; it has no words if the text has none."""
        words = tuple(_normalized(word) for word in _WORD.findall(in_digits(text.lower())))
        return Statement(text, words, tuple(map(key_of, words)))

    @cached_property
    def weights(self) -> dict[str, float]:
        """How much each distinct word says, by key."""
        return {key: weight(word) for key, word in zip(self.keys, self.words, strict=True)}

    @cached_property
    def weight(self) -> float:
        """The weight of all words, repeated ones included."""
        return sum(map(self.weights.__getitem__, self.keys))

    @cached_property
    def distinct_weight(self) -> float:
        return sum(self.weights.values())


@dataclass(frozen=True)
class Alignment:
    """A statement and the passage that it follows most closely, one or two statements of the other text.

    `shared` is the share of the statement's distinct words, by weight, that the passage has. `is_single` says whether
    the passage is one statement.
    """

    statement: Statement
    passage: Statement
    shared: float
    is_single: bool

    @cached_property
    def edits(self) -> list[Edit]:
        """How the statement is made from the passage."""
        matcher = SequenceMatcher(None, self.passage.keys, self.statement.keys, autojunk=False)
        return [Edit(*operation) for operation in matcher.get_opcodes()]

    @cached_property
    def verbatim(self) -> float:
        """Share of the statement, by weight, in runs of words that the passage has in the same order."""
        runs = (edit for edit in self.edits if edit.kind == "equal" and edit.end - edit.start >= _MIN_RUN)
        weights, keys = self.statement.weights, self.statement.keys
        same = sum(weights[key] for run in runs for key in keys[run.own_start : run.own_end])
        return same / self.statement.weight if self.statement.weight else 0.0


class Statements:
    """The statements of a text, and where each of its words occurs."""

    def __init__(self, sentences: Iterable[str]) -> None:
        parts = (part for sentence in sentences for part in _PART.split(sentence))
        self.items = [statement for part in parts if (statement := Statement.of(part)).words]
        self.positions: dict[str, list[int]] = defaultdict(list)
        for position, statement in enumerate(self.items):
            for key in set(statement.keys):
                self.positions[key].append(position)

    def __contains__(self, key: str) -> bool:
        return key in self.positions

    def align(self, statement: Statement) -> Alignment | None:
        """Return the passage of this text that a statement follows most closely, or None if no word is shared.

        The best passage has much of what the statement says, and little else.
        """
        shared: dict[tuple[int, int], float] = defaultdict(float)
        for key, value in statement.weights.items():
            for span in self._spans_with(key):
                shared[span] += value
        if not shared or not statement.distinct_weight:
            return None

        def closeness(span: tuple[int, int]) -> float:
            said = sum(self.items[position].distinct_weight for position in range(*span))
            return shared[span] / (statement.distinct_weight + _PASSAGE_WEIGHT * said)

        best = max(sorted(shared), key=closeness)
        share, is_single = shared[best] / statement.distinct_weight, best[1] - best[0] == 1
        return Alignment(statement, _joined(self.items[slice(*best)]), share, is_single)

    def _spans_with(self, key: str) -> set[tuple[int, int]]:
        """Return the ranges of one or two statements in which a word occurs."""
        last = len(self.items)
        spans = set()
        for position in self.positions.get(key, ()):
            spans.add((position, position + 1))
            if position:
                spans.add((position - 1, position + 1))
            if position + 1 < last:
                spans.add((position, position + 2))
        return spans


def in_digits(text: str) -> str:
    """Return a text with spelled numbers up to 99 in digits, except `one`."""
    return _SPELLED_NUMBER.sub(lambda match: str(_NUMBERS[match[0].lower()]), text)


def _joined(statements: Sequence[Statement]) -> Statement:
    if len(statements) == 1:
        return statements[0]
    first, second = statements
    return Statement(f"{first.text} {second.text}", first.words + second.words, first.keys + second.keys)


def _normalized(word: str) -> str:
    word = word.replace("’", "'").replace("−", "-")
    return word.removesuffix("'s")


@lru_cache(maxsize=200_000)
def key_of(word: str) -> str:
    """Return the stem of a word without a final `e`, and a number without separators of thousands."""
    if is_number(word):
        return re.sub(r",(?=\d{3}(?!\d))", "", word)
    key = stem(word)
    return key[:-1] if key.endswith("e") and len(key) > _MIN_STEM else key


def is_number(word: str) -> bool:
    """Return whether a word, or its key, is a number."""
    return word[-1].isdigit()


def weight(word: str) -> float:
    """Return how much a word says: its information, and a fixed value for a number."""
    return _NUMBER_WEIGHT if is_number(word) else information(word)


def is_content(word: str) -> bool:
    """Return whether a word says something by itself."""
    return is_number(word) or information(word) > _CONTENT
