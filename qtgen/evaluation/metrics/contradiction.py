"""Contradictions: statements that follow the reference, but with another number, a negation or exchanged words.

A correct text in its own words shares few runs of words with the reference. A text that shares long runs and differs in
a single word usually makes another claim. Evidence therefore counts more if a statement follows the reference closely.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.opposites import are_opposites
from qtgen.evaluation.metrics.statements import (
    CONTENT,
    Alignment,
    Edit,
    Statement,
    Statements,
    in_digits,
    is_content,
    is_number,
    key_of,
    weight,
)
from qtgen.evaluation.metrics.text import AnalyzedText, static_model

_FREE, _CLOSE = 0.5, 0.7  # verbatim shares from which evidence begins to count, and counts in full
_MORE_EVIDENCE = 0.1  # by how much each further piece of evidence lowers the two
_MAX_MORE_EVIDENCE = 0.2
_SAME_SUBJECT = 0.5  # share of a statement's words that the passage must have for amounts to be compared
_NEGATED = 0.6  # the same for negations
_MIN_MOVED = 5  # words of a statement in which an order can be wrong; "lower pressure" for "pressure is lower" is right
_OTHER, _OTHER_KNOWN = 0.4, 0.5  # strength of a word in the place of another, and if it is a word of the reference
_SPECIFIC = 3.4  # information from which such a word counts in full; "key" has 2.7, "requires" 3.3, "oxygen" 3.6
_SIMILAR = 0.3  # similarity of two words from which one is a paraphrase of the other
_MAX_REPLACED = 2  # words
_MOST_OF_CLAIM = 1.4  # words of a passage for each word of a claim that it denies
_MOVED, _MOVED_IN_TWO = 0.15, 0.3  # share of a statement in moved words, if the passage is one statement, or two
_COMPLETE = 0.85  # share of a statement's words that the passage has, if words are only moved

_NEGATIONS = {
    "not", "no", "never", "nor", "neither", "none", "cannot", "without", "nothing", "nobody", "nowhere", "lack",
    "lacks", "lacking", "fail", "fails", "failed", "unable", "false", "untrue", "wrong", "hardly", "scarcely",
}  # fmt: skip
_SYMBOLS = {
    "percent": "%", "per cent": "%", "degrees celsius": "°C", "degrees fahrenheit": "°F", "kelvin": "K",
    "kilometres": "km", "kilometers": "km", "metres": "m", "meters": "m", "centimetres": "cm", "centimeters": "cm",
    "millimetres": "mm", "millimeters": "mm", "kilograms": "kg", "grams": "g", "milligrams": "mg", "litres": "l",
    "liters": "l", "millilitres": "ml", "milliliters": "ml", "seconds": "s", "milliseconds": "ms", "minutes": "min",
    "hours": "h", "joules": "J", "kilojoules": "kJ", "watts": "W", "kilowatts": "kW", "volts": "V", "amperes": "A",
    "newtons": "N", "pascals": "Pa", "moles": "mol", "hertz": "Hz", "days": "days", "weeks": "weeks",
    "months": "months", "years": "years", "miles": "miles", "feet": "ft", "inches": "in", "pounds": "lb",
    "tonnes": "t",
}  # fmt: skip
_SPELLED = re.compile(rf"(?<=\d)[ -](?:{'|'.join(_SYMBOLS)})\b", re.IGNORECASE)
_UNITS = (*dict.fromkeys(_SYMBOLS.values()), "nm", "µm", "µg", "kPa", "kHz", "MHz", "KB", "MB", "GB")
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_NUMBER = re.compile(
    rf"(?<![\w.,])([-−]?)(\d{{1,3}}(?:[, \u2009\u202f]\d{{3}})+(?!\d)|\d+)(\.\d+)?(?:(?![sS]\b)\s?({_UNIT})(?!\w))?"
)
_DIGIT = re.compile(r"\d")
_POWER = re.compile(r"10\s?(?:\^|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻])|\\times|×")  # numbers in scientific notation are not compared


class _Amount(NamedTuple):
    """A number with its unit, which is empty if it has none."""

    number: float
    unit: str


class Evidence(NamedTuple):
    """A sign that a statement contradicts its passage. A strength of 1 is enough by itself."""

    strength: float
    reason: str


class Contradiction(NamedTuple):
    """The degree from 0 to 1 to which a statement contradicts the reference, and the strongest sign."""

    statement: Statement
    degree: float
    reason: str


@metric(direction=Direction.LOWER, cost="1 ms")
def contradiction(case: Case) -> Score:
    """Share of the candidate's words in statements that seem to contradict the reference.

    Each statement is aligned with the passage of the reference that it follows most closely. Signs of a contradiction
    are another number or unit, a negation in only one of the two, an opposite, exchanged words, and a word in the place
    of another. They count in full only if the statement follows the passage nearly word for word, because a different
    word means little in a free paraphrase. A wrong statement in other words is never flagged if it has the reference's
    numbers and no negation. Review each flagged statement, because a flag is not a proof.
    """
    found = min((contradictions(case.candidate, reference, case.references) for reference in case.references), key=_sum)
    total = sum(len(item.statement.words) for item in found)
    worst = max(found, key=lambda item: item.degree, default=None)
    note = f"{worst.reason}: {worst.statement.text}"[:240] if worst and worst.degree else ""
    return Score(_sum(found) / total if total else 0.0, note)


def _sum(found: Sequence[Contradiction]) -> float:
    return sum(item.degree * len(item.statement.words) for item in found)


def contradictions(
    text: AnalyzedText, reference: AnalyzedText, references: Sequence[AnalyzedText] = (), *, is_claim: bool = False
) -> list[Contradiction]:
    """Return the degree to which each statement of a text contradicts a reference.

    Args:
        text: The text whose statements are compared.
        reference: The text that they may contradict.
        references: Texts whose amounts are known as well.
        is_claim: Whether `text` is a single claim that the reference makes among others, and in any order.
    """
    own, other = text.statements, reference.statements
    # Few statements need them, and finding the amounts of a whole text takes long.
    known = cache(lambda: {amount for one in {reference, *references} for amount in amounts(one.plain)})
    pairs = zip(own.items, own.aligned_with(other), strict=True)
    return [_compare(statement, alignment, own, other, known, is_claim) for statement, alignment in pairs]


def _compare(
    statement: Statement,
    alignment: Alignment | None,
    own: Statements,
    other: Statements,
    known: Callable[[], set[_Amount]],
    is_claim: bool,
) -> Contradiction:
    if alignment is None or alignment.passage.keys == statement.keys:
        return Contradiction(statement, 0.0, "")
    moved = [] if is_claim else [*_moved(alignment)]
    amount = [*_different_amounts(alignment, known)]
    if not moved and not amount and alignment.most_verbatim + _MAX_MORE_EVIDENCE <= _FREE:
        return Contradiction(statement, 0.0, "")  # no other evidence would count
    signs = [*_negations(alignment, is_claim), *_replacements(alignment, own, other), *moved]
    total = sum(sign.strength for sign in signs)
    more = min(_MAX_MORE_EVIDENCE, _MORE_EVIDENCE * max(0.0, total - 1))
    closeness = 1.0 if moved else (alignment.verbatim + more - _FREE) / (_CLOSE - _FREE)
    degree = min(1.0, total) * max(0.0, min(1.0, closeness))
    degree = max([degree, *(sign.strength for sign in amount)])
    strongest = max([*amount, *signs], key=lambda sign: sign.strength, default=None)
    return Contradiction(statement, degree, strongest.reason if strongest else "")


def _negations(alignment: Alignment, is_claim: bool) -> Iterator[Evidence]:
    """Compare negations within the part of the passage that the statement follows.

    A passage that says much more than a claim may deny something else.
    """
    if alignment.shared <= _NEGATED:
        return
    equal = [edit for edit in alignment.edits if edit.kind == "equal"]
    if not equal:
        return
    words, followed = alignment.statement.words, alignment.passage.words
    if is_claim or not alignment.is_single:
        followed = followed[max(0, equal[0].start - 2) : equal[-1].end + 2]
    if is_claim and len(followed) > _MOST_OF_CLAIM * len(words):
        return
    before, after = _negations_in(followed), _negations_in(words[1:] if words[0] == "no" else words)
    one_more = abs(before - after) == 1 and alignment.is_single and alignment.verbatim >= _CLOSE
    if bool(before) != bool(after) or one_more:
        yield Evidence(1.0, "negation")


def has_negation(words: Sequence[str]) -> bool:
    """Return whether one of the words, in lower case, negates."""
    return _negations_in(words) > 0


def _negations_in(words: Sequence[str]) -> int:
    return sum(word in _NEGATIONS or word.endswith("n't") for word in words)


def _replacements(alignment: Alignment, own: Statements, other: Statements) -> Iterator[Evidence]:
    """Compare words that replace other words."""
    edits = alignment.edits
    for number, edit in enumerate(edits):
        if edit.kind != "replace":
            continue
        old, new = (
            alignment.passage.words[edit.start : edit.end],
            alignment.statement.words[edit.own_start : edit.own_end],
        )
        old_numbers, new_numbers = ([word for word in words if is_number(word)] for words in (old, new))
        if old_numbers and new_numbers:
            if list(map(key_of, old_numbers)) != list(map(key_of, new_numbers)):
                yield Evidence(1.0, f"different number ({new_numbers[0]})")
        elif len(old) == len(new) <= _MAX_REPLACED:
            context = min(_length(edits, number - 1), _length(edits, number + 1))
            for before, after in zip(old, new, strict=True):
                yield from _replaced_word(before, after, context, alignment, own, other)


def _length(edits: Sequence[Edit], number: int) -> int:
    """Return the number of words in an edit; many at the start and at the end of a statement."""
    if not 0 <= number < len(edits):
        return 9
    return edits[number].end - edits[number].start


def _replaced_word(
    before: str, after: str, context: int, alignment: Alignment, own: Statements, other: Statements
) -> Iterator[Evidence]:
    """Assess a word that replaces another one. `context` is the number of words that are the same on both sides."""
    old, new = key_of(before), key_of(after)
    if old == new:
        return
    if are_opposites(before, after):
        yield Evidence(1.0, f"opposite ({after})")
    elif not (is_content(before) and is_content(after)) or _similarity(before, after) > _SIMILAR:
        return
    elif new in alignment.passage.keys and old in own and context >= 1:
        yield Evidence(1.0, f"exchanged ({after} for {before})")
    elif is_number(new) and is_number(old) and context >= 1:
        yield Evidence(1.0, f"different number ({after})")
    elif context >= 2:
        strength = _OTHER_KNOWN if new in other else _OTHER
        yield Evidence(strength * _specificity(before, after), f"other word ({after} for {before})")


def _specificity(before: str, after: str) -> float:
    """Return from 0 to 1 how much two words say: frequent words such as `key` and `main` are often synonyms."""
    return min(1.0, (min(weight(before), weight(after)) - CONTENT) / (_SPECIFIC - CONTENT))


def _similarity(first: str, second: str) -> float:
    one, other = static_model().word_vectors([first, second])
    return float(one @ other)


def _moved(alignment: Alignment) -> Iterator[Evidence]:
    """Find words of the passage that moved away from their neighbours.

    If whole clauses are moved, their words keep their neighbours.
    """
    if alignment.shared <= _COMPLETE or len(alignment.statement.words) < _MIN_MOVED:
        return
    keys, passage = alignment.statement.keys, alignment.passage.keys
    pairs = {*pairwise(passage)}
    in_place = {
        position for edit in alignment.edits if edit.kind == "equal" for position in range(edit.own_start, edit.own_end)
    }
    for position, pair in enumerate(pairwise(keys)):
        if pair in pairs:
            in_place |= {position, position + 1}
    present = set(passage)
    moved = [
        position
        for position, key in enumerate(keys)
        if position not in in_place and key in present and is_content(alignment.statement.words[position])
    ]
    limit = _MOVED if alignment.is_single else _MOVED_IN_TWO
    if sum(alignment.statement.weights[keys[position]] for position in moved) > limit * alignment.statement.weight:
        yield Evidence(1.0, f"other order ({alignment.statement.words[moved[0]]})")


def _different_amounts(alignment: Alignment, known: Callable[[], set[_Amount]]) -> Iterator[Evidence]:
    """Find numbers that no reference has, or that have a different unit there.

    0 and 1 without a unit are too common to count. The passage must have an amount as well.
    """
    text, passage = alignment.statement.text, alignment.passage.text
    if alignment.shared < _SAME_SUBJECT or not (alignment.statement.has_number and alignment.passage.has_number):
        return
    if not amounts(passage) or _POWER.search(text) or _POWER.search(passage):
        return
    strength = 1.0 if alignment.verbatim >= _FREE else 0.5
    units: dict[float, set[str]] = {}
    for number, unit in known():
        units.setdefault(number, set()).add(unit)
    for amount in amounts(text):
        if amount.number not in units:
            if amount.unit or amount.number not in (0, 1):
                yield Evidence(strength, f"different number ({amount.number:g}{amount.unit})")
        elif amount.unit and "" not in units[amount.number] and amount.unit not in units[amount.number]:
            yield Evidence(strength, f"different unit ({amount.number:g}{amount.unit})")


def amounts(text: str) -> list[_Amount]:
    """Return the numbers of a text with their units; spelled numbers and units become digits and symbols."""
    if not _DIGIT.search(digits := in_digits(text)):
        return []
    short = _SPELLED.sub(lambda match: " " + _SYMBOLS[match[0][1:].lower()], digits)
    return [
        _Amount(float(("-" if sign else "") + re.sub(r"[^\d]", "", whole) + fraction), unit)
        for sign, whole, fraction, unit in _NUMBER.findall(short)
    ]
