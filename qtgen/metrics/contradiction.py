"""Signs that a candidate says something else than its reference: other numbers, other units, a "not" too many."""

import re
from typing import NamedTuple

from qtgen.metrics.base import Case, Direction, Score, metric
from qtgen.metrics.meaning import similarities
from qtgen.metrics.texts import Reading

SAME_MATTER = 0.6  # similarity from which two sentences are about the same figure
SAME_CLAIM = 0.8  # and from which they would say the same, but for a "not"

_NUMBER = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?\s?(%|°C|°F|[a-zA-Zµ]{1,4}\b)?")
_NOT = re.compile(r"\b(?:not|no|never|nor|neither|none|cannot|without)\b|n['’]t\b", re.IGNORECASE)
_LENGTH_AND_MASS = ("mm", "cm", "m", "km", "g", "kg", "mg", "µg", "l", "ml", "mol")
_OTHER_UNITS = ("s", "ms", "h", "J", "kJ", "W", "kW", "V", "A", "N", "Pa", "kPa", "K", "%", "°C", "°F", "Hz", "kHz")
_UNITS = frozenset((*_LENGTH_AND_MASS, *_OTHER_UNITS, "MHz", "KB", "MB", "GB"))
_PAIRS = (
    "increase decrease|increases decreases|increased decreased|higher lower|more less|rises falls|raise lower"
    "|positive negative|before after|above below|larger smaller|gain loss|gains loses|faster slower|true false"
    "|inside outside|maximum minimum|hot cold|absorbs releases|oxidation reduction|attract repel|attracts repels"
)
_OPPOSITE = {word: other for pair in _PAIRS.split("|") for word, other in (pair.split(), pair.split()[::-1])}


class _Amount(NamedTuple):
    number: float
    unit: str


@metric(direction=Direction.LOWER)
def contradiction(case: Case) -> Score:
    """Share of the candidate's sentences that seem to contradict the reference.

    A sentence is held against the nearest of the reference. It is flagged if both have figures and it has one that no
    reference has, if a figure has another unit, or if the two say the same but for a negation or an opposite. A flag
    is a reason to look, not a proof.
    """
    flags = min((_flags(reference, case) for reference in case.references), key=len)
    return Score(len(flags) / len(case.candidate.sentences), flags[0][:240] if flags else "")


def _flags(reference: Reading, case: Case) -> list[str]:
    known = {amount for one in case.references for amount in amounts(one.plain)}
    near = similarities(case.candidate, reference)
    found = []
    for number, sentence in enumerate(case.candidate.sentences):
        best = int(near[number].argmax())
        why = _objection(sentence, reference.sentences[best], float(near[number, best]), known)
        if why:
            found.append(f"{why}: {sentence}")
    return found


def _objection(sentence: str, other: str, near: float, known: set[_Amount]) -> str:
    if near >= SAME_MATTER and (said := amounts(sentence)) and amounts(other):
        strange = [amount for amount in said if amount not in known and amount.number > 1]
        if strange:
            same = [a for a in known if a.number == strange[0].number and a.unit and strange[0].unit]
            return f"{'another unit' if same else 'another number'} ({strange[0].number:g}{strange[0].unit})"
    if near < SAME_CLAIM:
        return ""
    if bool(_NOT.search(sentence)) != bool(_NOT.search(other)):
        return "a negation"
    words, others = set(sentence.lower().split()), set(other.lower().split())
    turned = [w for w in words - others if _OPPOSITE.get(w) in others and _OPPOSITE[w] not in words]
    return f"an opposite ({turned[0]})" if turned else ""


def amounts(text: str) -> list[_Amount]:
    """The figures of a text, each with its unit if it has one that is known."""
    return [
        _Amount(float(whole.replace(",", "") + fraction), unit if unit in _UNITS else "")
        for whole, fraction, unit in _NUMBER.findall(text)
    ]
