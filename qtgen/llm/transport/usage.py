"""Read what a response used and what it cost, in every form that endpoints report it."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from qtgen.llm.endpoint import Endpoint
from qtgen.llm.types import Usage

_MAX_TOKENS = 2**31
_PROMPT = ("prompt_tokens", "input_tokens")
_COMPLETION = ("completion_tokens", "output_tokens")
_CACHED = (
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "prompt_cache_hit_tokens",
    "cache_read_input_tokens",
)
_BESIDE_INPUT = ("cache_read_input_tokens", "cache_creation_input_tokens")  # not part of Anthropic's `input_tokens`
_REASONING = (
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "reasoning_tokens",
)
_COST = ("cost", "total_cost", "cost_usd", "total_cost_usd", "cost_in_usd", "cost.total_cost")
_COST_HEADER = "x-litellm-response-cost"


def read_usage(reported: Any, endpoint: Endpoint, headers: Mapping[str, str], *, has_text: bool) -> Usage:
    """Return the usage that a response reports. Its cost is unknown if the counts are missing or impossible.

    Args:
        reported: The response's `usage`.
        headers: The response's headers, with names in lower case.
        has_text: Whether the response contains an answer, so that it cannot have cost no tokens.
    """
    usage = reported if isinstance(reported, dict) else {}
    prompt, completion = _tokens(usage)
    cost = _reported_cost(usage, headers)
    reasoning = _first(usage, _REASONING) or 0
    if completion is not None and reasoning > completion:  # some endpoints do not count it as output
        completion += reasoning
    if not prompt or completion is None or (has_text and not completion):
        unpriced = 0.0 if endpoint.is_free else None
        return Usage(prompt or 0, completion or 0, 0, unpriced, reasoning, cost)
    cached = min(_first(usage, _CACHED) or 0, prompt)
    return Usage(prompt, completion, cached, endpoint.cost(prompt, completion, cached), reasoning, cost)


def _tokens(usage: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return the tokens sent and received.

    The total counts where it is larger than the sum, because some endpoints leave reasoning out of the output.
    """
    prompt, completion = _first(usage, _PROMPT), _first(usage, _COMPLETION)
    if prompt is not None and "prompt_tokens" not in usage and "total_tokens" not in usage:
        prompt += sum(_count(usage.get(name)) or 0 for name in _BESIDE_INPUT)
    total = _count(usage.get("total_tokens"))
    if total is None:
        return prompt, completion
    if prompt is not None and not _is_negative(usage, _COMPLETION):
        return prompt, max(completion or 0, total - prompt) if total >= prompt else completion
    if prompt is None and completion is not None and not _is_negative(usage, _PROMPT):
        return max(0, total - completion), completion
    return prompt, completion


def _is_negative(usage: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Return True if a count is given and impossible, so that nothing can be concluded from the others."""
    return any(usage.get(name) is not None and _count(usage.get(name)) is None for name in names)


def _first(usage: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    """Return the first count that is not zero, because some endpoints fill the fields of two protocols."""
    counts = [count for name in names if (count := _count(_member(usage, name))) is not None]
    return next((count for count in counts if count), 0 if counts else None)


def _member(usage: Mapping[str, Any], path: str) -> Any:
    outer, _, inner = path.partition(".")
    value = usage.get(outer)
    if not inner:
        return value
    return value.get(inner) if isinstance(value, dict) else None


def _amount(value: Any) -> float | None:
    """Return a number that is finite and not negative, even if it is written as text."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if isfinite(amount) and amount >= 0 else None


def _count(value: Any) -> int | None:
    """Return a count that is possible and that the ledger can hold."""
    if type(value) is int:
        return value if 0 <= value < _MAX_TOKENS else None
    amount = _amount(value)
    return int(amount) if amount is not None and amount < _MAX_TOKENS else None


def _reported_cost(usage: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    """Return the cost in US dollars that the provider itself reports."""
    cost = next((amount for name in _COST if (amount := _amount(_member(usage, name))) is not None), None)
    if cost is not None:
        upstream = _amount(_member(usage, "cost_details.upstream_inference_cost"))
        return cost + upstream if upstream and usage.get("is_byok") is True else cost
    return _amount(headers.get(_COST_HEADER)) or None  # a proxy writes 0 if it does not know the price
