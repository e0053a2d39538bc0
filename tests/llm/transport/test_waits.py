"""How long an endpoint asks to wait, in every form."""

from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.llm.transport.waits import clock_of, duration, requested_wait, wait_in_words, wait_until

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0), ("1.5", 1.5), (" 2 ", 2.0), ("20s", 20.0), ("1m30s", 90.0), ("0", 0.0), ("350ms", 0.35),
        ("-5", None), ("nan", None), ("inf", None), ("1e400", None), ("soon", None), ("", None), ("9" * 40, None),
        (formatdate(NOW + 3, usegmt=True), 3.0), (formatdate(NOW - 3_600, usegmt=True), 0.0),
        (formatdate(NOW + 2), 2.0), ("Wed, 99 Foo 2015", None), ("1790000005", 5.0), ("²", None),
    ],
)  # fmt: skip
def test_retry_after(value: str, seconds: float | None) -> None:
    assert requested_wait({"retry-after": value}, None, "", NOW) == (
        seconds if seconds is None else pytest.approx(seconds)
    )


@pytest.mark.parametrize(
    ("headers", "document", "message", "seconds"),
    [
        ({"retry-after-ms": "350.7", "retry-after": "1"}, None, "", 0.3507),
        ({"retry-after-ms": "soon", "retry-after": "1"}, None, "", 1),
        ({"retry-after": "3"}, {"details": [{"retryDelay": "26s"}]}, "try again in 20s", 3),
        ({}, {"details": [{"@type": "x"}, {"retryDelay": "26.5s"}]}, "try again in 20s", 26.5),
        ({"x-ratelimit-reset": "1790000005000"}, None, "try again in 20s", 5),
        ({"x-ratelimit-reset": "1790000005"}, None, "", 5),
        ({"ratelimit-reset": "12"}, None, "", 12),
        ({"x-ratelimit-reset": "2026-09-21T14:13:25Z"}, None, "", 5),
        ({"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "6m0s"}, None, "", 360),
        ({"x-ratelimit-reset-requests": "2m", "x-ratelimit-remaining-requests": "9",
          "x-ratelimit-reset-tokens": "7.66s", "x-ratelimit-remaining-tokens": "0"}, None, "", 7.66),
        ({}, {"metadata": {"headers": {"X-RateLimit-Reset": "1790000005000"}}}, "", 5),
        ({}, {"metadata": {"headers": {"Retry-After": "4"}}}, "try again in 20s", 4),
        ({}, {"metadata": "x", "details": "y"}, "nothing", None),
        ({"retry-after": "-5"}, None, "Please try again in 20s.", 20),
    ],
)  # fmt: skip
def test_the_first_source_counts(headers: dict[str, str], document: Any, message: str, seconds: float | None) -> None:
    found = requested_wait(headers, document, message, NOW)
    assert found == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Please try again in 20s.", 20), ("Please retry after 6 seconds.", 6), ("Try again in 1h2m3.4s", 3723.4),
        ("Please wait 30 seconds before retrying", 30), ("Expected available in 3 seconds.", 3),
        ("Please retry in 26.123s", 26.123), ("try again in 7m12s", 432), ("retry after 1 minute and 5 seconds", 65),
        ("Please try again in 350ms.", 0.35), ("try again in 5 more tries", None), ("Limit 3, used 3 per 60 s", None),
        ("try again later", None),
    ],
)  # fmt: skip
def test_waits_in_words(message: str, seconds: float | None) -> None:
    assert wait_in_words(message) == (seconds if seconds is None else pytest.approx(seconds))


def test_dates_are_compared_with_the_endpoint_s_own_clock() -> None:
    headers = {"date": formatdate(NOW + 1_200, usegmt=True), "retry-after": formatdate(NOW + 1_202, usegmt=True)}
    assert requested_wait(headers, None, "", clock_of(headers, NOW)) == 2
    assert clock_of({"date": "yesterday"}, NOW) == NOW


@given(st.text(max_size=60), st.floats(min_value=0, max_value=4e9))
def test_any_text_gives_a_plausible_wait_or_none(text: str, now: float) -> None:
    headers = {"retry-after": text, "x-ratelimit-reset": text, "retry-after-ms": text, "date": text}
    for wait in (requested_wait(headers, {"details": [{"retryDelay": text}]}, text, now), wait_until(text, now)):
        assert wait is None or 0 <= wait <= 366 * 86_400
    assert clock_of(headers, now) is not None


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_durations_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert duration(f"{hours}h{minutes}m{seconds}s") == hours * 3_600 + minutes * 60 + seconds
