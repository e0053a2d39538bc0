"""Candidates of known quality for the questions of `tests/fixtures/orderings.toml`.

Some candidates of a question are in the file. This module computes the other ones, the same way in every run.
"""

import json
import random
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "fixtures" / "orderings.toml"
REPEATS = 20
CHUNK = 20  # characters of a "word" of glued text

CORRECT = ("exact", "paraphrase", "extra", "half")
"""Kinds that the score must rank above every wrong kind."""

UNRANKED = ("otherwords", "onesent", "shuffled_sents", "truncated")
"""Kinds that are neither right nor wrong, or that no offline score can know to be right."""

WRITTEN = (
    "paraphrase", "otherwords", "extra", "wrongnumber", "negated", "swapped", "wrongwords", "foreign",
)  # fmt: skip

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(`$*])")
_LIST_ITEM = re.compile(r"(?:[-*]|\d+\.) ")
_BLOCK = re.compile(r"(?:[-*] |\d+\. |```|\$\$)")
_FUNCTION_WORDS = frozenset((
    "a", "an", "the", "and", "or", "but", "so", "as", "at", "by", "for", "from", "in", "into", "of", "on", "onto",
    "to", "with", "than", "that", "this", "these", "those", "there", "it", "its", "they", "them", "their", "he",
    "his", "she", "her", "is", "are", "was", "were", "be", "been", "has", "have", "had", "if", "then", "when",
    "while", "where", "which", "who", "will", "would",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate for a question. The id is the question's id and the kind of candidate: `pendulum/half`."""

    id: str
    question: str
    reference: str
    candidate: str
    split: str

    @property
    def topic(self) -> str:
        return self.id.partition("/")[0]

    @property
    def kind(self) -> str:
        return self.id.partition("/")[2]

    def as_dict(self) -> dict[str, str]:
        """Return the JSON object that `qtgen eval score` reads, and the split."""
        return {name: getattr(self, name) for name in ("id", "question", "reference", "candidate", "split")}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Texts that computed candidates contain besides the question's own texts."""

    other_reference: str
    off_topic: str
    filler: str
    refusal: str
    injection: str


Question = Mapping[str, str]
Maker = Callable[[Question, Surroundings, random.Random], str]


def rows(path: Path = FILE) -> Iterator[Row]:
    """Yield all candidates, question by question, in a fixed order of kinds."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    questions: list[Question] = [
        {name: text.strip() for name, text in question.items()} for question in data["questions"]
    ]
    for index, question in enumerate(questions):
        surroundings = _surroundings(data["texts"], questions, index)
        for kind, make in KINDS.items():
            row_id = f"{question['id']}/{kind}"
            candidate = make(question, surroundings, random.Random(row_id))
            yield Row(row_id, question["question"], question["reference"], candidate, question["split"])


def read_rows(path: Path, split: str) -> list[Row]:
    """Return the rows of a file of JSON lines. `split` is for rows that have none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Row(**{"split": split, **json.loads(line)}) for line in lines if line.strip()]


def sentences(text: str) -> list[str]:
    """Return the sentences of a text. A list item, a formula and a block of code count as one sentence each."""
    return [text[start:end].strip() for start, end in _spans(text)]


def first_half(text: str) -> str:
    """Return the first half of the sentences, with the line breaks between them."""
    spans = _spans(text)
    return text[: spans[_half(spans) - 1][1]].strip()


def _surroundings(texts: Mapping[str, Any], questions: list[Question], index: int) -> Surroundings:
    # The lists have equal lengths. Steps of different sizes keep the same texts from always occurring together.
    def pick(name: str, step: int) -> str:
        choices = texts[name]
        return str(choices[(index + index // len(choices) * step) % len(choices)]).strip()

    return Surroundings(
        other_reference=questions[(index + 1) % len(questions)]["reference"],
        off_topic=pick("off_topic", 0),
        filler=pick("filler", 1),
        refusal=pick("refusals", 2),
        injection=pick("injections", 3),
    )


def _spans(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for block in re.finditer(r"```.*?```|\$\$.*?\$\$|[^\n]+", text, re.DOTALL):
        starts = [0]
        if not _BLOCK.match(block[0]):
            starts += [match.end() for match in _SENTENCE_END.finditer(block[0])]
        ends = [*starts[1:], len(block[0])]
        spans += [(block.start() + start, block.start() + end) for start, end in zip(starts, ends, strict=True)]
    return spans


def _half(units: list[Any]) -> int:
    return max(len(units) // 2, 1)


def _join(*texts: str) -> str:
    joined = texts[0]
    for before, text in pairwise(texts):
        joined += _separator(before, text) + text
    return joined


def _separator(before: str, after: str) -> str:
    last_line = before.rsplit("\n", 1)[-1]
    if _LIST_ITEM.match(last_line) and _LIST_ITEM.match(after):
        return "\n"
    return "\n\n" if "\n" in before or before.endswith(":") or _BLOCK.match(last_line) or _BLOCK.match(after) else " "


def _words(text: str) -> list[str]:
    stripped = (word.strip("*.,:;()!?`$\"'-") for word in text.split())
    return [word for word in stripped if word]


def _shuffled_words(words: list[str], rng: random.Random) -> str:
    return " ".join(rng.sample(words, len(words)))


def _shuffled_sentences(question: Question, _: Surroundings, rng: random.Random) -> str:
    units = sentences(question["reference"])
    shuffled = units
    while shuffled == units:
        shuffled = rng.sample(units, len(units))
    return _join(*shuffled)


def _soup(question: Question, _: Surroundings, rng: random.Random) -> str:
    words = [word for word in _words(question["reference"]) if word.lower() not in _FUNCTION_WORDS]
    return _shuffled_words(words, rng)


def _glued(question: Question) -> str:
    return re.sub(r"[^a-z]", "", question["reference"].lower())


def _glued_chunks(question: Question, _: Surroundings, _rng: random.Random) -> str:
    glued = _glued(question)
    return " ".join(glued[start : start + CHUNK] for start in range(0, len(glued), CHUNK))


def _half_then_wrong(question: Question, _: Surroundings, _rng: random.Random) -> str:
    kept = _half(sentences(question["reference"]))
    return _join(first_half(question["reference"]), *sentences(question["negated"])[kept:])


def _truncated(question: Question, _: Surroundings, _rng: random.Random) -> str:
    reference = question["reference"]
    return reference[: len(reference) * 2 // 3].rsplit(maxsplit=1)[0]


def _written(kind: str) -> Maker:
    return lambda question, _, _rng: question[kind]


KINDS: Mapping[str, Maker] = {
    "exact": lambda question, _, _rng: question["reference"],
    "paraphrase": _written("paraphrase"),
    "otherwords": _written("otherwords"),
    "extra": _written("extra"),
    "half": lambda question, _, _rng: first_half(question["reference"]),
    "onesent": lambda question, _, _rng: sentences(question["reference"])[0],
    "padded": lambda question, around, _rng: _join(question["reference"], around.filler),
    "shuffled_sents": _shuffled_sentences,
    "wrongnumber": _written("wrongnumber"),
    "negated": _written("negated"),
    "swapped": _written("swapped"),
    "wrongwords": _written("wrongwords"),
    "soup": _soup,
    "wordshuffle": lambda question, _, rng: _shuffled_words(_words(question["reference"]), rng),
    "question": lambda question, _, _rng: question["question"],
    "question20": lambda question, _, _rng: " ".join([question["question"]] * REPEATS),
    "rep_sent": lambda question, _, _rng: " ".join(sentences(question["reference"])[:1] * REPEATS),
    "offtopic": lambda _, around, _rng: around.off_topic,
    "otherref": lambda _, around, _rng: around.other_reference,
    "foreign": _written("foreign"),
    "glued": lambda question, _, _rng: _glued(question),
    "glued_chunks": _glued_chunks,
    "inject": lambda _, around, _rng: around.injection,
    "inject_plus": lambda question, around, _rng: f"{around.injection} {question['question']}",
    "refusal": lambda _, around, _rng: around.refusal,
    "half_then_wrong": _half_then_wrong,
    "bothsides": lambda question, _, _rng: _join(question["reference"], question["negated"]),
    "truncated": _truncated,
    "copy_plus_offtopic": lambda question, around, _rng: _join(question["reference"], around.off_topic),
}
"""How each kind of candidate is made, by the kind's name."""

WRONG = tuple(kind for kind in KINDS if kind not in (*CORRECT, *UNRANKED))
"""Kinds that the score must rank below every correct kind."""
