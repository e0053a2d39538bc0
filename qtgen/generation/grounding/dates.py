"""Read the dates of a text in their usual spellings. Parts of a date that are not given are None."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from qtgen.generation.grounding.units import unit_after


class Date(NamedTuple):
    """A date. `alternative` is the day and the month in the other reading of a date such as `3/4/2020`."""

    year: int | None
    month: int | None
    day: int | None
    start: int
    end: int
    alternative: tuple[int, int] | None = None
    decade: bool = False
    century: bool = False


_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = _MONTH_NAMES.split()
_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)} | {
    name[:3]: number for number, name in enumerate(_MONTHS, 1)
}
_NUMBERS["sept"] = 9
_MONTH = (
    r"(?P<month>Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)|Apr(?:il|\.)?|May|June?\.?|July?\.?|Aug(?:ust|\.)?"
    + (r"|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)")
)
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>1\d{3}|20\d\d|21\d\d)"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\w/-]){_YEAR}[-/.](?P<month>[01]?\d)[-/.](?P<day>[0-3]?\d)(?![\w/-])",
        rf"(?<![\w/.-])(?P<day>[0-3]?\d)(?P<mark>[-/.])(?P<month>[0-3]?\d)(?P=mark){_YEAR}(?![\w/-])",
        rf"\b{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?(?!\w)",
        rf"\b{_MONTH} {_DAY}(?:(?:,? of|,)? {_YEAR})?(?![\w:.]\d|\d)",
        rf"\b{_MONTH},?(?: of)? {_YEAR}(?!\d)",
        r"(?<![\w.,$€£])(?P<year>1\d{2}0|20\d0)'?(?P<decade>s)\b",
        r"\b(?P<century>1\d|2[01]|[5-9])th[ -]century\b",
        rf"(?<![\w.,$€£/:-]){_YEAR}(?![\w%°/:]|[.,]\d| ?%| (?:percent|per cent|°))",
    )
)
_ORDINALS = (
    "fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth"
    " eighteenth nineteenth twentieth twenty-first"
)
_CENTURIES = {
    name: number
    for number, name in enumerate(
        _ORDINALS.split(),
        5,
    )
}
_SPELLED_CENTURY = re.compile(rf"\b(?P<name>{'|'.join(_CENTURIES)})[ -]century\b", re.IGNORECASE)


def read_dates(text: str) -> list[Date]:
    """Return the dates of a normalized text, in order. A year from 1000 to 2199 alone is a date."""
    dates: list[Date] = []
    taken: set[int] = set()
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            date = None if _is_amount(text, match) else _date(match)
            if date and taken.isdisjoint(range(*match.span())):
                taken.update(range(*match.span()))
                dates.append(date)
    dates += _spelled_centuries(text)
    return sorted(dates, key=lambda date: date.start)


def _is_amount(text: str, match: re.Match[str]) -> bool:
    """Return whether four digits are an amount, such as `1500 km`, instead of a year."""
    if not match.group().isdigit():
        return False
    unit, _ = unit_after(text, match.end(), is_word=False)
    return unit is not None and not (len(unit.name) == 1 and unit.name.isupper())  # in 1858 J. Speke


def _date(match: re.Match[str]) -> Date | None:
    found = match.groupdict()
    start, end = match.span()
    if found.get("century"):
        return Date(100 * (int(found["century"]) - 1), None, None, start, end, century=True)
    year = int(found["year"]) if found.get("year") else None
    day = int(found["day"]) if found.get("day") else None
    name = found.get("month")
    month = _NUMBERS.get(name.rstrip(".").lower()) or int(name) if name else None
    alternative = None
    if found.get("mark") and month and day:
        if month > 12:
            month, day = day, month
        elif day <= 12:
            alternative = (day, month)
    if (month and month > 12) or (day and not 1 <= day <= 31):
        return None
    return Date(year, month, day, start, end, alternative, bool(found.get("decade")))


def _spelled_centuries(text: str) -> Iterator[Date]:
    for match in _SPELLED_CENTURY.finditer(text):
        yield Date(100 * (_CENTURIES[match["name"].lower()] - 1), None, None, *match.span(), century=True)


class DateIndex:
    """The dates of a source, for lookups."""

    def __init__(self, dates: list[Date], numbers: set[float]) -> None:
        self._years = {date.year for date in dates if date.year and not date.decade and not date.century}
        self._years |= {int(number) for number in numbers if 1000 <= number < 2200 and number == int(number)}
        self._decades = {date.year for date in dates if date.decade}
        self._centuries = {date.year for date in dates if date.century}
        self._days = {pair for date in dates if date.month and date.day for pair in _readings(date)}
        self._months = {month for date in dates for month in (date.month, (date.alternative or (None,))[0]) if month}

    def contains(self, date: Date) -> bool:
        """Return whether every part of a date is in the source. The day and the year may be in different places."""
        if date.century:
            return self._has_century(date.year or 0)
        if date.decade:
            year = date.year or 0
            return year in self._decades or any(year + offset in self._years for offset in range(10))
        if date.year and date.year not in self._years:
            return False
        if date.month and date.day:
            return not self._days.isdisjoint(_readings(date))
        return not date.month or date.month in self._months

    def _has_century(self, first: int) -> bool:
        known = (year for years in (self._years, self._decades) for year in years if year)
        return first in self._centuries or any(first <= year <= first + 100 for year in known)


def _readings(date: Date) -> set[tuple[int, int]]:
    own = (date.month or 0, date.day or 0)
    return {own, date.alternative} if date.alternative else {own}
