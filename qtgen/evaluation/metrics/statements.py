"""Statements: the sentences of a text as words, and the passage of another text that each one follows."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import NamedTuple

from qtgen._util.memo import Memo
from qtgen.evaluation.metrics.text import information, stem

_WORD = re.compile(r"[^\W\d_]+(?:['’](?:t|s|re|ve|ll|d|m)\b)?|(?<![\w)])[-−]?\d+(?:[.,]\d+)*|\d+(?:[.,]\d+)*")
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
_SPELLED_NUMBER = re.compile(  # 28 alternatives instead of 100
    rf"\b(?=[efnostz])(?:(?:{'|'.join(_TENS)})(?:-(?:{'|'.join(_UNITS[1:10])}))?|{'|'.join(set(_UNITS) - {'one'})})\b",
    re.IGNORECASE,
)
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
        lower = text.lower()
        found = _WORD.findall(lower)
        if not all(map(_IS_NO_NUMBER.__getitem__, found)):
            found = _WORD.findall(in_digits(lower))
        words = tuple(_NORMALIZED.of(found))
        return Statement(text, words, tuple(_KEYS.of(words)))

    @cached_property
    def weights(self) -> dict[str, float]:
        """How much each distinct word says, by key."""
        return dict(zip(self.keys, _WEIGHTS.of(self.words), strict=True))

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
    the passage is one statement, and `place` which one it is, or the first of two.
    """

    statement: Statement
    passage: Statement
    shared: float
    is_single: bool
    place: int

    @cached_property
    def most_verbatim(self) -> float:
        """The highest possible value of `verbatim`: the share of the statement in words that the passage has."""
        weights, present = self.statement.weights, set(self.passage.keys)
        same = sum(weights[key] for key in self.statement.keys if key in present)
        return same / self.statement.weight if self.statement.weight else 0.0

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
        self._aligned: dict[Statements, list[Alignment | None]] = {}

    @cached_property
    def positions(self) -> dict[str, list[int]]:
        """The statements in which each word occurs."""
        positions: dict[str, list[int]] = defaultdict(list)
        for position, statement in enumerate(self.items):
            for key in statement.weights:
                positions[key].append(position)
        return positions

    def __contains__(self, key: str) -> bool:
        return key in self.positions

    def aligned_with(self, other: "Statements") -> list[Alignment | None]:
        """Return the passage of another text that each statement follows most closely, or None."""
        if other not in self._aligned:
            self._aligned[other] = [other.align(statement) for statement in self.items]
        return self._aligned[other]

    def align(self, statement: Statement) -> Alignment | None:
        """Return the passage of this text that a statement follows most closely, or None if no word is shared.

        The best passage has much of what the statement says, and little else.
        """
        if not statement.distinct_weight:
            return None
        last = len(self.items)
        shared: list[float | None] = [None] * (2 * last)  # by the statements from n to n, and from n to n + 1
        for key, value in statement.weights.items():
            previous = -1
            for position in self.positions.get(key, ()):
                shared[2 * position] = (shared[2 * position] or 0.0) + value
                if position > previous + 1:
                    shared[2 * position - 1] = (shared[2 * position - 1] or 0.0) + value
                if position + 1 < last:
                    shared[2 * position + 1] = (shared[2 * position + 1] or 0.0) + value
                previous = position
        own = statement.distinct_weight
        closeness = [
            (value / (own + _PASSAGE_WEIGHT * said), -number, value)
            for number, (value, said) in enumerate(zip(shared, self._weights_of_spans, strict=True))
            if value is not None
        ]
        if not closeness:
            return None
        _, number, value = max(closeness)
        start, has_two = divmod(-number, 2)
        passage = self.items[start : start + 1 + has_two]
        return Alignment(statement, _joined(passage), value / own, not has_two, start)

    @cached_property
    def _weights_of_spans(self) -> list[float]:
        """The weight of what each statement says, and of what each statement and the next one say."""
        weights = [statement.distinct_weight for statement in self.items]
        pairs = (first + second for first, second in zip(weights, [*weights[1:], 0.0], strict=False))
        return [weight for both in zip(weights, pairs, strict=True) for weight in both]


def in_digits(text: str) -> str:
    """Return a text with spelled numbers up to 99 in digits, except `one`."""
    return _SPELLED_NUMBER.sub(lambda match: str(_NUMBERS[match[0].casefold()]), text)


def _joined(statements: Sequence[Statement]) -> Statement:
    if len(statements) == 1:
        return statements[0]
    first, second = statements
    return Statement(f"{first.text} {second.text}", first.words + second.words, first.keys + second.keys)


def _normalized(word: str) -> str:
    word = word.replace("’", "'").replace("−", "-")
    return word.removesuffix("'s")


def _is_no_number(word: str) -> bool:
    """Return whether a word, with an ending such as `'s`, is no spelled number."""
    return not _SPELLED_NUMBER.match(word)


def key_of(word: str) -> str:
    """Return the stem of a word without a final `e`, and a number without separators of thousands."""
    return _KEYS[word]


def _key_of(word: str) -> str:
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


_MAX_WORDS = 50_000  # that each memo keeps
_IS_NO_NUMBER, _NORMALIZED = Memo(_is_no_number, _MAX_WORDS), Memo(_normalized, _MAX_WORDS)
_KEYS, _WEIGHTS = Memo(_key_of, _MAX_WORDS), Memo(weight, _MAX_WORDS)
