"""Signs that a candidate contradicts its reference: different numbers or units, a negation, an opposite."""

import re
from typing import NamedTuple

from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.semantic import sentence_similarities
from qtgen.evaluation.metrics.text import AnalyzedText

SAME_TOPIC = 0.6  # similarity from which two sentences are about the same quantity
SAME_CLAIM = 0.8  # similarity from which two sentences make the same claim, apart from a negation or an opposite

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
_DIGIT = re.compile(r"\d")
_POWER = re.compile(r"10\s?(?:\^|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻])|\\times|×")  # numbers in scientific notation are not compared
_NOT = re.compile(r"\b(?:not|no|never|nor|neither|none|cannot|without)\b|n['’]t\b", re.IGNORECASE)
_OPPOSITE_PAIRS = (
    "increase decrease|increases decreases|increased decreased|higher lower|more less|rises falls|raise lower"
    "|positive negative|before after|above below|larger smaller|gain loss|gains loses|faster slower|true false"
    "|inside outside|maximum minimum|hot cold|absorbs releases|oxidation reduction|attract repel|attracts repels"
)
_OPPOSITES = {word: other for pair in _OPPOSITE_PAIRS.split("|") for word, other in (pair.split(), pair.split()[::-1])}


class _Amount(NamedTuple):
    """A number with its unit, which is empty if it has none."""

    number: float
    unit: str


@metric(direction=Direction.LOWER)
def contradiction(case: Case) -> Score:
    """Share of the candidate's sentences that seem to contradict the reference.

    Each sentence is compared with the most similar sentence of the reference. The metric flags it in three cases: both
    contain numbers and the sentence has a number that no reference has (except 0 and 1); a number has a different
    unit; or the two make the same claim except for a negation or an opposite. Powers of ten are ignored. Review each
    flagged sentence, because a flag is not a proof.
    """
    flags = min((_flagged_sentences(reference, case) for reference in case.references), key=len)
    return Score(len(flags) / len(case.candidate.sentences), flags[0][:240] if flags else "")


def _flagged_sentences(reference: AnalyzedText, case: Case) -> list[str]:
    known = {amount for text in case.references for amount in amounts(text.plain)}
    similarities = sentence_similarities(case.candidate, reference)
    flagged = []
    for number, sentence in enumerate(case.candidate.sentences):
        nearest = int(similarities[number].argmax())
        similarity = float(similarities[number, nearest])
        if reason := _objection(sentence, reference.sentences[nearest], similarity, known):
            flagged.append(f"{reason}: {sentence}")
    return flagged


def _objection(sentence: str, reference: str, similarity: float, known: set[_Amount]) -> str:
    """Return how a sentence contradicts the nearest sentence of the reference, or an empty text."""
    if similarity >= SAME_TOPIC and amounts(reference) and (reason := _different_amount(sentence, reference, known)):
        return reason
    if similarity < SAME_CLAIM:
        return ""
    if bool(_NOT.search(sentence)) != bool(_NOT.search(reference)):
        return "negation"
    words, reference_words = set(sentence.lower().split()), set(reference.lower().split())
    opposites = [
        word
        for word in words - reference_words
        if (opposite := _OPPOSITES.get(word)) in reference_words and opposite not in words
    ]
    return f"opposite ({opposites[0]})" if opposites else ""


def _different_amount(sentence: str, reference: str, known: set[_Amount]) -> str:
    """Return the first amount whose number no reference has, or that has a different unit there.

    0 and 1 without a unit are too common to count.
    """
    if _POWER.search(sentence) or _POWER.search(reference):
        return ""
    units = {number: {amount.unit for amount in known if amount.number == number} for number, _ in known}
    for amount in amounts(sentence):
        if amount.number not in units and not (amount.number in (0, 1) and not amount.unit):
            return f"different number ({amount.number:g}{amount.unit})"
        if amount.unit and "" not in units.get(amount.number, {""}) and amount.unit not in units[amount.number]:
            return f"different unit ({amount.number:g}{amount.unit})"
    return ""


def amounts(text: str) -> list[_Amount]:
    """Return the numbers of a text with their units; spelled units become symbols."""
    if not _DIGIT.search(text):
        return []
    short = _SPELLED.sub(lambda match: " " + _SYMBOLS[match[0][1:].lower()], text)
    return [
        _Amount(float(("-" if sign else "") + re.sub(r"[^\d]", "", whole) + fraction), unit)
        for sign, whole, fraction, unit in _NUMBER.findall(short)
    ]
