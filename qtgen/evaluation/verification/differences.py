"""Differences between two JSON values, each with its place and both values."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isclose
from typing import Any

_LAST_DIGIT = 1.01e-5  # values have five decimals, and the last one depends on the machine
_EXCERPT = 60  # characters of a text that a message shows

Json = Any


@dataclass(frozen=True, slots=True)
class Difference:
    """A place in which a report differs from its evidence, or cannot be proved.

    Args:
        place: The place in the report's JSON, such as `items[3].metrics.rouge_l`.
        item: The id of the item, or None.
        message: What is wrong, as a clause.
        is_proved: False if there is no evidence for this part. It may be right.
    """

    place: str
    item: str | None
    message: str
    is_proved: bool = True


def compared(
    stored: Json, expected: Json, place: str, item: str | None, source: str, *, exact: bool = True
) -> Iterator[Difference]:
    """Yield the places in which two JSON values differ."""
    if isinstance(stored, Mapping) and isinstance(expected, Mapping):
        for name in {**expected, **stored}:
            yield from compared(stored.get(name), expected.get(name), f"{place}.{name}", item, source, exact=exact)
    elif isinstance(stored, list | tuple) and isinstance(expected, list | tuple) and len(stored) == len(expected):
        for index, pair in enumerate(zip(stored, expected, strict=True)):
            yield from compared(*pair, f"{place}[{index}]", item, source, exact=exact)
    elif not _same(stored, expected, exact=exact):
        yield Difference(place, item, versus(stored, expected, source))


def _same(stored: Json, expected: Json, *, exact: bool) -> bool:
    numbers = [value for value in (stored, expected) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < 2:
        return bool(stored == expected)
    return isclose(*numbers, rel_tol=1e-9, abs_tol=1e-12 if exact else _LAST_DIGIT)


def versus(stored: Json, expected: Json, source: str) -> str:
    """Return both values as one clause. Long texts are shortened to the part around the first difference."""
    if isinstance(stored, str) and isinstance(expected, str):
        pairs = enumerate(zip(stored, expected, strict=False))
        first = next((index for index, (one, other) in pairs if one != other), min(len(stored), len(expected)))
        start = max(0, first - _EXCERPT // 3)
        stored, expected = _excerpt(stored, start), _excerpt(expected, start)
    return f"the report has {show_value(stored)}, {source} {show_value(expected)}"


def _excerpt(text: str, start: int) -> str:
    end = start + _EXCERPT
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def show_value(value: Json) -> str:
    """Return a value for a message, shortened if it is long."""
    if value is None:
        return "nothing"
    text = f"{value:.7g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 2 * _EXCERPT else f"{text[: 2 * _EXCERPT]}…"
