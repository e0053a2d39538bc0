"""Statements: the sentences of a text as words, and the passage of another text that each one follows."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from qtgen._util.memo import Memo
from qtgen._util.text import ASCII_LETTERS
from qtgen.evaluation.metrics.text import information, stem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORD = re.compile(r"[^\W\d_]+(?:['’](?:t|s|re|ve|ll|d|m)\b)?|(?<![\w)])[-−]?\d+(?:[.,]\d+)*|\d+(?:[.,]\d+)*")
_MARK_WITHIN_WORDS = re.compile(r"[\d']")
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
CONTENT = 2.6  # information from which a word says something; "which" has 2.3, "between" 2.5, "water" 3.0
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

    weights_of_words: tuple[float, ...]

    @staticmethod
    def of(text: str) -> "Statement":
        """Return the text as one statement. It has no words if the text has none."""
        lower = text.lower()
        found = _WORDS.of(_split(lower))
        if any(word.is_spelled_number for word in found):
            found = _WORDS.of(_WORD.findall(in_digits(lower)))
        words, keys, weights, _ = zip(*found, strict=True) if found else ((), (), (), ())
        return Statement(text, words, keys, weights)

    @cached_property
    def weights(self) -> dict[str, float]:
        """The information of each distinct word, by key."""
        return dict(zip(self.keys, self.weights_of_words, strict=True))

    @cached_property
    def weight(self) -> float:
        """The weight of all words, repeated ones included."""
        return sum(self.weights_of_words)

    @cached_property
    def distinct_weight(self) -> float:
        return sum(self.weights.values())

    @cached_property
    def has_number(self) -> bool:
        return any(map(is_number, self.words))


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
        """Share of the statement, by weight, in runs of words that the passage has in the same order.

        A single word counts as a run only at the start or at the end of both.
        """
        runs = (edit for edit in self.edits if edit.kind == "equal" and self._is_run(edit))
        weights, keys = self.statement.weights, self.statement.keys
        same = sum(weights[key] for run in runs for key in keys[run.own_start : run.own_end])
        return same / self.statement.weight if self.statement.weight else 0.0

    def _is_run(self, edit: Edit) -> bool:
        starts_both = edit.start == edit.own_start == 0
        ends_both = edit.end == len(self.passage.keys) and edit.own_end == len(self.statement.keys)
        return edit.end - edit.start >= _MIN_RUN or starts_both or ends_both


class Statements:
    """The statements of a text."""

    def __init__(self, sentences: Iterable[str]) -> None:
        parts = (part for sentence in sentences for part in _PART.split(sentence))
        self.items = [statement for part in parts if (statement := Statement.of(part)).words]
        self._aligned: dict[Statements, list[Alignment | None]] = {}

    @cached_property
    def keys(self) -> dict[str, int]:
        """A number for each distinct word."""
        keys: dict[str, int] = {}
        for statement in self.items:
            for key in statement.weights:
                keys.setdefault(key, len(keys))
        return keys

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    def aligned_with(self, other: "Statements") -> list[Alignment | None]:
        """Return the passage of another text that each statement follows most closely; None if no word is shared.

        The best passage contains most of the statement and little else.
        """
        if other not in self._aligned:
            self._aligned[other] = [*_align(self.items, other)]
        return self._aligned[other]

    @cached_property
    def _passages(self) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
        """The words and the weight of each passage.

        The passages are the statements, each followed by the pair of it and the next one.
        """
        import numpy as np

        single = np.zeros((len(self.items) + 1, len(self.keys)), np.float32)  # the last row is empty
        places = [self.keys[key] for statement in self.items for key in statement.weights]
        single[np.repeat(np.arange(len(self.items)), [len(statement.weights) for statement in self.items]), places] = (
            1.0
        )
        weights = np.array([*(statement.distinct_weight for statement in self.items), 0.0], np.float32)
        words = np.stack([single[:-1], np.maximum(single[:-1], single[1:])], axis=1)
        said = np.stack([weights[:-1], weights[:-1] + weights[1:]], axis=1)
        return words.reshape(-1, len(self.keys)), said.reshape(-1)


def _align(statements: Sequence[Statement], other: Statements) -> Iterator[Alignment | None]:
    import numpy as np

    if not other.items or not statements:
        yield from (None for _ in statements)
        return
    words, said = other._passages
    wanted = np.zeros((len(statements), words.shape[1]), np.float32)
    known = [
        (row, place, value)
        for row, statement in enumerate(statements)
        for key, value in statement.weights.items()
        if (place := other.keys.get(key)) is not None
    ]
    if known:
        rows, places, values_of_places = zip(*known, strict=True)
        wanted[rows, places] = values_of_places
    own = np.array([statement.distinct_weight for statement in statements], np.float32)
    shared = wanted @ words.T
    best = (shared / np.maximum(own[:, None] + _PASSAGE_WEIGHT * said, 1e-6)).argmax(axis=1)
    for statement, passage, values in zip(statements, best.tolist(), shared, strict=True):
        place, has_two = divmod(passage, 2)
        text = _joined(other.items[place : place + 1 + has_two])
        share = float(values[passage]) / max(statement.distinct_weight, 1e-6)
        yield Alignment(statement, text, share, not has_two, place) if share else None


def _split(lower: str) -> list[str]:
    """Return the words of a text in lower case."""
    if lower.isascii() and not _MARK_WITHIN_WORDS.search(lower):  # this is faster
        return lower.translate(ASCII_LETTERS).split()
    return _WORD.findall(lower)


def in_digits(text: str) -> str:
    """Return a text with spelled numbers up to 99 in digits, except `one`."""
    return _SPELLED_NUMBER.sub(lambda match: str(_NUMBERS[match[0].casefold()]), text)


def _joined(statements: Sequence[Statement]) -> Statement:
    if len(statements) == 1:
        return statements[0]
    first, second = statements
    return Statement(
        f"{first.text} {second.text}",
        first.words + second.words,
        first.keys + second.keys,
        first.weights_of_words + second.weights_of_words,
    )


class _Word(NamedTuple):
    """The properties of a word that statements use."""

    word: str
    key: str
    weight: float
    is_spelled_number: bool


def _describe_word(text: str) -> _Word:
    word = text.replace("’", "'").replace("−", "-").removesuffix("'s")
    return _Word(word, key_of(word), weight(word), bool(_SPELLED_NUMBER.match(text)))


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
    """Return the information of a word. Numbers have a fixed value."""
    return _NUMBER_WEIGHT if is_number(word) else information(word)


def is_content(word: str) -> bool:
    """Return whether a word has a meaning of its own, unlike `of` or `which`."""
    return is_number(word) or information(word) > CONTENT


_MAX_WORDS = 50_000  # that each memo keeps
_WORDS = Memo(_describe_word, _MAX_WORDS)
