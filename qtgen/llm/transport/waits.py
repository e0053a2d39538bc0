"""Read how long an endpoint asks to wait, from headers, documents and sentences.

Every function takes the time `now` in seconds since 1970, by the endpoint's own clock if it is known, and returns
seconds from then on. None means that a value says nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

_MAX_WAIT = 366 * 86_400.0  # seconds; what is longer is no wait
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e12  # numbers from here on are points in time
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
_UNIT_SECONDS = {"ms": 0.001, "mil": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_UNIT = r"(?:milliseconds?|msecs?|ms|minutes?|mins?|m|seconds?|secs?|s|hours?|hrs?|h|days?|d)"
_PART = rf"[0-9]{{1,9}}(?:\.[0-9]{{1,9}})?\s*{_UNIT}(?![a-z])"
_DURATION = re.compile(rf"{_PART}(?:\s*(?:,|and)?\s*{_PART})*", re.IGNORECASE)
_PARTS = re.compile(rf"([0-9]+(?:\.[0-9]+)?)\s*({_UNIT})", re.IGNORECASE)
_SENTENCE = re.compile(
    rf"\b(?:again|retry|retrying|wait|available|resets?)\b[^0-9]{{0,40}}?(?<![0-9.])({_DURATION.pattern})",
    re.IGNORECASE,
)
RESETS = ("x-ratelimit-reset", "ratelimit-reset")
"""Headers that tell when a limit is reset, without naming the limit."""
LIMITED = ("requests", "tokens")
"""What the limits of `x-ratelimit-…` headers count."""


def clock_of(headers: Mapping[str, str], now: float) -> float:
    """Return the time by the response's own `Date`, or `now` if it has none."""
    date = _date(headers.get("date", ""))
    return now if date is None else date


def requested_wait(headers: Mapping[str, str], document: Any, message: str, now: float) -> float | None:
    """Return the seconds that an endpoint asks to wait before the next attempt.

    Args:
        headers: The response's headers, with names in lower case.
        document: The error's document: `RetryInfo` and `metadata.headers` count.
        message: The error's message, such as "try again in 20s".
    """
    inner = _inner_headers(document)
    sources: tuple[Callable[[], float | None], ...] = (
        lambda: _retry_after(headers, now),
        lambda: _retry_info(document),
        lambda: _reset(headers, now),
        lambda: _retry_after(inner, now),
        lambda: _reset(inner, now),
        lambda: wait_in_words(message),
    )
    return next((seconds for read in sources if (seconds := read()) is not None), None)


def wait_in_words(message: str) -> float | None:
    """Return the wait that a sentence names: "try again in 1m30s", "retry after 6 seconds"."""
    found = _SENTENCE.search(message)
    return duration(found[1]) if found else None


@lru_cache(maxsize=256)
def number(text: str) -> float | None:
    """Return a decimal number that is not negative; exponents, `nan` and `inf` are none."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=256)
def duration(text: str) -> float | None:
    """Return the seconds of a duration such as `6m0s`, `1h2m3.4s`, `200ms` or `6 seconds`."""
    text = text.strip()
    if not _DURATION.fullmatch(text):
        return None
    return _plausible(sum(float(amount) * _unit_seconds(unit) for amount, unit in _PARTS.findall(text)))


def wait_until(text: str, now: float) -> float | None:
    """Return the seconds until a reset: a number of seconds, a duration, a date, or seconds or milliseconds since 1970.

    What has passed is 0.
    """
    value = number(text)
    if value is None:
        seconds = duration(text)
        if seconds is not None:
            return seconds
        date = _date(text)
        return None if date is None else _plausible(max(0.0, date - now))
    if value >= _EPOCH_MILLISECONDS:
        return _plausible(max(0.0, value / 1_000 - now))
    if value >= _EPOCH_SECONDS:
        return _plausible(max(0.0, value - now))
    return _plausible(value)


def _unit_seconds(unit: str) -> float:
    unit = unit.lower()
    return _UNIT_SECONDS[unit[:3] if unit.startswith("mil") else "ms" if unit.startswith("ms") else unit[0]]


def _plausible(seconds: float) -> float | None:
    return seconds if 0 <= seconds <= _MAX_WAIT else None


def _date(text: str) -> float | None:
    """Return an HTTP or ISO date in seconds since 1970. A date without a time zone is in UTC."""
    if not text:
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(text.strip())
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    milliseconds = number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return _plausible(milliseconds / 1_000)
    return wait_until(headers.get("retry-after", ""), now)


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """Return the wait until the limits that are used up are reset."""
    waits = []
    for name in LIMITED:
        left = number(headers.get(f"x-ratelimit-remaining-{name}", "0"))
        seconds = wait_until(headers.get(f"x-ratelimit-reset-{name}", ""), now)
        if not left and seconds is not None:
            waits.append(seconds)
    if waits:
        return max(waits)
    return next((seconds for name in RESETS if (seconds := wait_until(headers.get(name, ""), now)) is not None), None)


def _retry_info(document: Any) -> float | None:
    """Return the delay of Google's `RetryInfo`."""
    for detail in details_of(document):
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and (seconds := duration(delay)) is not None:
            return seconds
    return None


def details_of(document: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of an error's `details`."""
    details = document.get("details") if isinstance(document, dict) else None
    yield from (detail for detail in (details if isinstance(details, list) else ()) if isinstance(detail, dict))


def _inner_headers(document: Any) -> dict[str, str]:
    """Return the headers of the upstream provider, which a router reports in `metadata.headers`."""
    metadata = document.get("metadata") if isinstance(document, dict) else None
    headers = metadata.get("headers") if isinstance(metadata, dict) else None
    if not isinstance(headers, dict):
        return {}
    return {str(name).lower(): str(value) for name, value in headers.items()}
