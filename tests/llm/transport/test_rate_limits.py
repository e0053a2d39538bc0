"""The limits that headers report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.llm.transport.rate_limits import limits_from

NOW = 1_790_000_000.0
KINDS = ("limit-requests", "remaining-requests", "reset-requests", "limit-tokens", "remaining-tokens", "reset-tokens")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (("500", "499", "120ms", "90000", "89000", "1.5s"), (499, 0.12, 89_000, 1.5, 500, 90_000)),
        (("14400", "14370", "2m59.56s", "18000", "17997", "7.66s"), (14_370, 179.56, 17_997, 7.66, None, 18_000)),
        (("0", "0", "1760000000", "", "", ""), None),
        (("", "0", "1760000000", "", "", ""), (0, 0.0, None, None, None, None)),
        (("", "0", "1", "", "", ""), (0, 1.0, None, None, None, None)),
        (("10", "-1", "", "-1", "-1", ""), (None, None, None, None, 10, None)),
        (("unlimited", "many", "tomorrow", "", "", ""), None),
        (("999999999999999", "999999999999999", "999999999d", "1", "1", "6m0s"), None),
        (("60", "59", "1s", "500", "500", "1s"), (59, 1.0, None, None, 60, None)),
    ],
)  # fmt: skip
def test_limits(values: tuple[str, ...], found: tuple[object, ...] | None) -> None:
    headers = {f"x-ratelimit-{kind}": value for kind, value in zip(KINDS, values, strict=True) if value}
    limits = limits_from(headers, 700, NOW)
    assert (limits and tuple(limits)) == (
        found and tuple(None if value is None else pytest.approx(value) for value in found)
    )


def test_limits_without_a_name_apply_to_requests() -> None:
    headers = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790000005000"}
    assert limits_from(headers, 1, NOW) == (0, 5.0, None, None, None, None)
    assert limits_from({"ratelimit-remaining": "3", "ratelimit-reset": "9"}, 1, NOW) == (3, 9.0, None, None, None, None)
    assert limits_from({"content-type": "x"}, 1, NOW) is None


@given(st.lists(st.text(max_size=20), min_size=6, max_size=6), st.integers(0, 10**6))
def test_any_headers_give_positive_limits_or_none(values: list[str], used: int) -> None:
    limits = limits_from({f"x-ratelimit-{kind}": value for kind, value in zip(KINDS, values, strict=True)}, used, NOW)
    for number in limits or ():
        assert number is None or number >= 0
    assert limits is None or (limits.requests_per_minute != 0 and limits.tokens_per_minute != 0)
