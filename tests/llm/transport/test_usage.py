"""Tokens and costs, in every form that endpoints report them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.llm.endpoint import Endpoint
from qtgen.llm.transport.usage import read_usage
from qtgen.llm.types import Usage

PRICED = Endpoint("openai", "m", price_input=1.0, price_output=2.0)


def read(reported: Any, headers: dict[str, str] | None = None) -> Usage:
    return read_usage(reported, PRICED, headers or {}, has_text=True)


@pytest.mark.parametrize(
    ("reported", "prompt", "completion", "reasoning"),
    [
        ({"prompt_tokens": 700, "completion_tokens": 300, "total_tokens": 1000}, 700, 300, 0),
        ({"prompt_tokens": 700, "completion_tokens": 300, "total_tokens": 1500}, 700, 800, 0),
        ({"prompt_tokens": 700, "completion_tokens": 300, "total_tokens": 0}, 700, 300, 0),
        ({"prompt_tokens": "700", "completion_tokens": "300", "total_tokens": "1000"}, 700, 300, 0),
        ({"prompt_tokens": 700.0, "completion_tokens": 300.0, "prompt_tokens_details": None}, 700, 300, 0),
        ({"prompt_tokens": 700, "total_tokens": 1000}, 700, 300, 0),
        ({"completion_tokens": 300, "total_tokens": 1000}, 700, 300, 0),
        ({"input_tokens": 700, "output_tokens": 300}, 700, 300, 0),
        ({"input_tokens": 600, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 20,
          "output_tokens": 300}, 700, 300, 0),
        ({"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 700, "output_tokens": 300}, 700, 300, 0),
        ({"prompt_tokens": 700, "completion_tokens": 300, "completion_tokens_details": {"reasoning_tokens": 250}},
         700, 300, 250),
        ({"prompt_tokens": 700, "completion_tokens": 300, "reasoning_tokens": 900}, 700, 1200, 900),
    ],
)  # fmt: skip
def test_tokens(reported: dict[str, Any], prompt: int, completion: int, reasoning: int) -> None:
    usage = read(reported)
    assert (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens) == (prompt, completion, reasoning)
    cached = usage.cached_tokens
    assert usage.cost_usd == pytest.approx(((prompt - cached) + cached + completion * 2) / 1e6)


@pytest.mark.parametrize(
    "reported",
    [
        None, [], "much", {}, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": 0, "completion_tokens": 9}, {"prompt_tokens": 9, "completion_tokens": 0},
        {"prompt_tokens": -1, "completion_tokens": 300, "total_tokens": 299},
        {"prompt_tokens": 700, "completion_tokens": -1, "total_tokens": 900},
        {"prompt_tokens": True, "completion_tokens": True}, {"prompt_tokens": float("inf"), "completion_tokens": 1},
    ],
)  # fmt: skip
def test_missing_and_impossible_counts_mean_an_unknown_cost(reported: Any) -> None:
    assert read(reported).cost_usd is None


@pytest.mark.parametrize(
    ("reported", "headers", "cost"),
    [
        ({"cost": 0.01234}, {}, 0.01234), ({"cost": "0.5"}, {}, 0.5), ({"total_cost": 0.5}, {}, 0.5),
        ({"cost": {"total_cost": 0.5}}, {}, 0.5), ({"cost_in_usd": 0.5}, {}, 0.5), ({"cost": 0}, {}, 0.0),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, {}, 0.21),
        ({"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.2}}, {}, 0.01),
        ({}, {"x-litellm-response-cost": "0.25"}, 0.25), ({}, {"x-litellm-response-cost": "0.0"}, None),
        ({"cost": -1}, {}, None), ({"cost": "dear"}, {}, None), ({}, {}, None),
    ],
)  # fmt: skip
def test_the_cost_that_the_provider_reports(
    reported: dict[str, Any], headers: dict[str, str], cost: float | None
) -> None:
    usage = read({"prompt_tokens": 700, "completion_tokens": 300, **reported}, headers)
    assert usage.reported_usd == (cost if cost is None else pytest.approx(cost))
    assert usage.charged_usd == pytest.approx(max(0.0013, cost or 0))


def test_the_charged_cost_is_the_larger_one() -> None:
    assert Usage(cost_usd=None, reported_usd=None).charged_usd is None
    assert Usage(cost_usd=None, reported_usd=0.1).charged_usd == 0.1
    assert Usage(cost_usd=0.3, reported_usd=0.1).charged_usd == 0.3
    total = Usage(1, 2, 0, 0.3, 1, 0.5) + Usage(1, 2, 0, 0.1)
    assert total == Usage(2, 4, 0, 0.4, 1, 0.5)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.sampled_from(["cost", "prompt_tokens", "cached_tokens", "total_cost"]), inner),
    max_leaves=5,
)
NAMES = ("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "prompt_tokens_details", "cost")


@given(st.dictionaries(st.sampled_from(NAMES), json_values))
def test_no_reported_usage_gives_a_negative_cost(reported: dict[str, Any]) -> None:
    usage = read(reported)
    assert min(usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) >= 0
    assert usage.charged_usd is None or usage.charged_usd >= 0
