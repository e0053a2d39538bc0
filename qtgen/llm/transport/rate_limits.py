"""Read the rate limits that a response's headers report."""

from collections.abc import Mapping

from qtgen.llm.transport import waits
from qtgen.llm.types import Limits

_MINUTE = 61.0  # seconds; a limit that is reset later is not one per minute
_MAX_LIMIT = 10**12


def limits_from(headers: Mapping[str, str], prompt_tokens: int, now: float) -> Limits | None:
    """Return the limits of the `x-ratelimit-…` headers, None if there are none.

    Zero, negative and absurd values are unknown. So are limits that are not per minute, and token limits below what the
    request itself has used.

    Args:
        headers: The response's headers, with names in lower case.
        prompt_tokens: Tokens that the request used at least.
    """
    if "ratelimit" not in " ".join(headers):
        return None
    requests_left, requests_reset, requests = _limit(headers, "-requests", 1, now)
    tokens_left, tokens_reset, tokens = _limit(headers, "-tokens", prompt_tokens, now)
    if requests_left is None and requests_reset is None:
        requests_left, requests_reset, _ = _limit(headers, "", 1, now)
    found = Limits(requests_left, requests_reset, tokens_left, tokens_reset, requests, tokens)
    return None if found == Limits() else found


def _limit(headers: Mapping[str, str], name: str, used: int, now: float) -> tuple[int | None, float | None, int | None]:
    """Return what is left of a limit, the seconds until it is reset, and the limit itself if it is one per minute."""

    def value(kind: str) -> str:
        return headers.get(f"x-ratelimit-{kind}{name}") or ("" if name else headers.get(f"ratelimit-{kind}", ""))

    written = value("limit")
    limit = _whole(written)
    if written and limit is not None and limit < max(1, used):
        return None, None, None
    reset = waits.wait_until(value("reset"), now) if value("reset") else None
    is_per_minute = reset is None or reset <= _MINUTE
    return _whole(value("remaining")), reset, limit if is_per_minute else None


def _whole(text: str) -> int | None:
    amount = waits.number(text)
    return int(amount) if amount is not None and amount <= _MAX_LIMIT else None
