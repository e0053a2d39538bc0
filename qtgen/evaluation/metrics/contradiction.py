"""Signs that a candidate says something else than its reference: other numbers, other units, a "not" too many."""

import re
from typing import NamedTuple

from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.semantic import similarities
from qtgen.evaluation.metrics.text import AnalyzedText

SAME_MATTER = 0.6  # similarity from which two sentences are about the same figure
SAME_CLAIM = 0.8  # and from which they would say the same, but for a "not"

_SYMBOLS = {
    "percent": "%", "per cent": "%", "degrees celsius": "°C", "degrees fahrenheit": "°F", "kelvin": "K",
    "kilometres": "km", "kilometers": "km", "metres": "m", "meters": "m", "centimetres": "cm", "centimeters": "cm",
    "millimetres": "mm", "millimeters": "mm", "kilograms": "kg", "grams": "g", "milligrams": "mg", "litres": "l",
    "liters": "l", "millilitres": "ml", "milliliters": "ml", "seconds": "s", "milliseconds": "ms", "minutes": "min",
    "hours": "h", "joules": "J", "kilojoules": "kJ", "watts": "W", "kilowatts": "kW", "volts": "V", "amperes": "A",
    "newtons": "N", "pascals": "Pa", "moles": "mol", "hertz": "Hz",
}  # fmt: skip
_SPELLED = re.compile(rf"(?<=\d)[ -](?:{'|'.join(_SYMBOLS)})\b", re.IGNORECASE)
_UNITS = (*dict.fromkeys(_SYMBOLS.values()), "nm", "µm", "µg", "kPa", "kHz", "MHz", "KB", "MB", "GB")
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_NUMBER = re.compile(
    rf"(?<![\w.,])([-−]?)(\d{{1,3}}(?:[, \u2009\u202f]\d{{3}})+(?!\d)|\d+)(\.\d+)?(?:(?![sS]\b)\s?({_UNIT})(?!\w))?"
)
_POWER = re.compile(r"10\s?(?:\^|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻])|\\times|×")  # figures in another notation are not compared
_NOT = re.compile(r"\b(?:not|no|never|nor|neither|none|cannot|without)\b|n['’]t\b", re.IGNORECASE)
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
    reference has (0 and 1 apart), if a figure has another unit, or if the two say the same but for a negation or an
    opposite. Powers of ten are left out. A flag is a reason to look, not a proof.
    """
    flags = min((_flags(reference, case) for reference in case.references), key=len)
    return Score(len(flags) / len(case.candidate.sentences), flags[0][:240] if flags else "")


def _flags(reference: AnalyzedText, case: Case) -> list[str]:
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
    if near >= SAME_MATTER and amounts(other) and (why := _strange(sentence, other, known)):
        return why
    if near < SAME_CLAIM:
        return ""
    if bool(_NOT.search(sentence)) != bool(_NOT.search(other)):
        return "a negation"
    words, others = set(sentence.lower().split()), set(other.lower().split())
    turned = [w for w in words - others if _OPPOSITE.get(w) in others and _OPPOSITE[w] not in words]
    return f"an opposite ({turned[0]})" if turned else ""


def _strange(sentence: str, other: str, known: set[_Amount]) -> str:
    """The figure that no reference has, or that has another unit there; 0 and 1 alone say nothing."""
    if _POWER.search(sentence) or _POWER.search(other):
        return ""
    units = {number: {one.unit for one in known if one.number == number} for number, _ in known}
    for amount in amounts(sentence):
        if amount.number not in units and not (amount.number in (0, 1) and not amount.unit):
            return f"another number ({amount.number:g}{amount.unit})"
        if amount.unit and "" not in units.get(amount.number, {""}) and amount.unit not in units[amount.number]:
            return f"another unit ({amount.number:g}{amount.unit})"
    return ""


def amounts(text: str) -> list[_Amount]:
    """The figures of a text, each with its unit if it has one that is known, spelled or not."""
    short = _SPELLED.sub(lambda match: " " + _SYMBOLS[match[0][1:].lower()], text)
    return [
        _Amount(float(("-" if sign else "") + re.sub(r"[^\d]", "", whole) + fraction), unit)
        for sign, whole, fraction, unit in _NUMBER.findall(short)
    ]
