"""Read the figures of a text with their units, in any spelling: `1,000`, `one thousand`, `$2.5bn`, `3½`."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from qtgen.generation.grounding.units import UNITS, Unit, unit_after


class Figure(NamedTuple):
    """A figure of a text.

    Args:
        values: Its value, or two values if a comma can separate thousands or decimals, as in `1,000`.
        unit: Its unit, if it has one.
        step: The place value of its last significant digit, for rounded figures: 1000 in `7000`.
        place: The place value of its last digit: 1 in `7000`.
        digits: The number of its significant digits.
        start: Where it begins.
        end: Where it ends, with its unit.
        is_word: True if it is spelled in words.
        parts: The figures that `10:30` or `1/2` consists of, or none.
    """

    values: tuple[float, ...]
    unit: Unit | None
    step: float
    place: float
    digits: int
    start: int
    end: int
    is_word: bool = False
    parts: tuple[float, ...] = ()


_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SHORT_SCALES = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "tn": 1e12, "b": 1e9}
_WORDS = {word: float(value) for value, word in enumerate(_ONES.split())}
_WORDS |= {word: 10.0 * value for value, word in enumerate(_TENS.split(), 2)} | {"dozen": 12.0}
_ORDINALS = {
    "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "twenty-first": 21, "thirtieth": 30,
}  # fmt: skip
_FRACTIONS = {
    "half": 0.5, "halves": 0.5, "third": 1 / 3, "thirds": 1 / 3, "quarter": 0.25, "quarters": 0.25, "fourths": 0.25,
    "fifth": 0.2, "fifths": 0.2, "tenth": 0.1, "tenths": 0.1,
}  # fmt: skip
_SIGNS = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3, "⅕": 0.2, "⅛": 0.125}

_COMPOSITE = re.compile(r"(?<![\w.,/:])\d{1,9}(?:[:/]\d{1,9}){1,4}(?![\w/:])|(?<![\w.])\d{1,9}(?:\.\d{1,9}){2,5}(?!\w)")
_DIGITS = re.compile(
    r"(?<![\w.,])(?<![A-Za-z]-)(?<![A-Za-z]:)(?<![A-Za-z]')(?P<currency>(?:US)?[$€£¥₹]\s?)?"
    r"(?P<whole>\d{1,3}(?:,\d{3}){1,12}(?!\d)|\d{1,3}(?:[ '’]\d{3}){1,12}(?!\d)|\d{1,40}(?!\d))"
    r"(?P<decimals>[.,]\d{1,40})?(?P<sign>[½¼¾⅓⅔⅕⅛])?"
    r"(?P<power>\s?[x×]\s?10\^?(?P<exponent>-?\d{1,3}|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4}))?"
    r"(?P<scale>[ -]?(?:hundred|thousand|million|billion|trillion)\b|(?:bn|mn|tn|k)\b|(?(currency)[mb]\b|(?!)))?"
    r"(?P<ordinal>st|nd|rd|th)?(?![^\W\d_]*\d)"
)
_BARE_SIGN = re.compile(r"(?<!\w)[½¼¾⅓⅔⅕⅛]")
_NUMBER_WORD = "|".join(sorted([*_WORDS, *_SCALES], key=len, reverse=True))
_SPELLED = re.compile(
    rf"\b(?:an?\s+(?={'|'.join(_SCALES)}|dozen))?(?:{_NUMBER_WORD})\b"
    rf"(?:(?:[ -]|\s+and\s+)(?:{_NUMBER_WORD})\b){{0,12}}(?P<half>\s+and\s+a\s+(?:half|quarter))?",
    re.IGNORECASE,
)
_FRACTION = re.compile(
    rf"\b(?:(?:a|an|one|two|three|four|five|six|seven|eight|nine)[ -])?(?:{'|'.join(_FRACTIONS)})\b", re.IGNORECASE
)
_ORDINAL = re.compile(rf"\b(?:{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})\b", re.IGNORECASE)
_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def read_figures(text: str) -> list[Figure]:
    """Return the figures of a normalized text, in order, without fractions in words such as `two thirds`."""
    figures: list[Figure] = []
    taken = _Taken()
    for match in _COMPOSITE.finditer(text):
        taken.add(match)
        figures.append(_composite(match))
    for match in _DIGITS.finditer(text):
        if taken.is_free(match):
            taken.add(match)
            figures.append(_in_digits(text, match))
    figures += [_in_words(text, match) for match in _SPELLED.finditer(text) if taken.is_free(match)]
    figures += [_simple(float(_ORDINALS[match.group().lower()]), match) for match in _ORDINAL.finditer(text)]
    return sorted(figures, key=lambda figure: figure.start)


def read_fractions(text: str) -> Iterator[float]:
    """Yield the fractions of a normalized text that are spelled in words or as one character (`½`)."""
    for match in _FRACTION.finditer(text):
        *counts, name = re.split(r"[ -]", match.group().lower())
        yield (_WORDS.get(counts[0], 1.0) if counts else 1.0) * _FRACTIONS[name]
    yield from (_SIGNS[match.group()] for match in _BARE_SIGN.finditer(text))


class _Taken:
    """The places of a text that a figure already covers."""

    def __init__(self) -> None:
        self._places: set[int] = set()

    def add(self, match: re.Match[str]) -> None:
        self._places.update(range(match.start(), match.end()))

    def is_free(self, match: re.Match[str]) -> bool:
        return self._places.isdisjoint(range(match.start(), match.end()))


def _simple(value: float, match: re.Match[str]) -> Figure:
    return Figure((value,), None, 1.0, 1.0, 2, match.start(), match.end(), is_word=True)


def _composite(match: re.Match[str]) -> Figure:
    parts = tuple(map(float, re.split(r"[.:/]", match.group())))
    return Figure((), None, 1.0, 1.0, 9, match.start(), match.end(), parts=parts)


def _in_digits(text: str, match: re.Match[str]) -> Figure:
    whole, decimals = match["whole"], match["decimals"] or ""
    digits = re.sub(r"\D", "", whole)
    factor = _SCALES.get((match["scale"] or "").strip(" -")) or _SHORT_SCALES.get(match["scale"] or "", 1.0)
    if match["power"]:
        factor *= 10.0 ** max(-200, min(200, int(match["exponent"].translate(_SUPERSCRIPTS).lstrip("^") or "0")))
    value = float(f"{digits}.{decimals[1:] or 0}") + _SIGNS.get(match["sign"] or "", 0.0)
    values = [value * factor]
    if "," in whole and whole.count(",") == 1 and not decimals:
        values.append(float(whole.replace(",", ".")) * factor)
    elif decimals.startswith(".") and len(decimals) == 4 and len(whole) <= 3:
        values.append(float(digits + decimals[1:]) * factor)
    written = (digits + decimals[1:]).lstrip("0")
    zeros = 0 if decimals else len(written) - len(written.rstrip("0"))
    place = factor * 10.0 ** -len(decimals[1:])
    step = place * 10.0**zeros
    significant = max(1, len(written) - zeros)
    unit, end = unit_after(text, match.end(), is_word=False)
    if currency := match["currency"]:
        unit = UNITS[currency.strip().removeprefix("US")]
        end = match.end()
    return Figure(tuple(values), unit, step, place, significant, match.start(), end)


def _in_words(text: str, match: re.Match[str]) -> Figure:
    total, group = 0.0, 0.0
    for word in re.findall(_NUMBER_WORD, match.group().removesuffix(match["half"] or ""), re.IGNORECASE):
        word = word.lower()
        if word in _WORDS:
            group += _WORDS[word]
        elif word == "hundred":
            group = (group or 1.0) * 100.0
        else:
            total, group = total + (group or 1.0) * _SCALES[word], 0.0
    value = total + group
    if match["half"]:
        value += 0.5 if match["half"].endswith("half") else 0.25
    unit, end = unit_after(text, match.end(), is_word=True)
    digits = f"{value:.0f}"
    zeros = len(digits) - len(digits.rstrip("0"))
    step = 10.0**zeros if value else 1.0
    return Figure((value,), unit, step, 1.0, max(1, len(digits) - zeros), match.start(), end, is_word=True)
