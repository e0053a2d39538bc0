"""What reasoning models need from the start, and what takes precedence."""

import json

import pytest

from qtgen.llm.dialect.models import model_dialect
from qtgen.llm.dialect.value import NO_DIALECT, Dialect
from qtgen.llm.endpoint import make_request, request_document, sent_document
from qtgen.llm.factory import endpoints_for
from qtgen.llm.types import Prompt
from qtgen.settings import Settings


def sent(prompt: Prompt, model: str = "gpt-5-mini", **settings: object) -> dict[str, object]:
    given = Settings.model_validate({"model": model, "base_url": "http://x/v1", **settings})
    document = sent_document(prompt, endpoints_for(given)[0])
    return {name: value for name, value in document.items() if name not in ("model", "messages", "response_format")}


@pytest.mark.parametrize(
    "model", ["gpt-5-mini", "gpt-5-mini-2025-08-07", "openai/gpt-5-mini", "openai/gpt-5-mini:free"]
)
def test_a_reasoning_model_gets_what_it_needs(prompt: Prompt, model: str) -> None:
    assert sent(prompt, model) == {"max_completion_tokens": 4_800, "reasoning_effort": "minimal"}


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-5-chat-latest", "o1x", "m", "", "llama-3/o", "deepseek-r1"])
def test_other_models_need_nothing(model: str) -> None:
    assert model_dialect(model) == NO_DIALECT


def test_a_model_without_system_messages_gets_none() -> None:
    assert model_dialect("o1-mini").merge_system


def test_settings_take_precedence(prompt: Prompt) -> None:
    request = {"temperature": 1, "reasoning_effort": "high", "max_tokens": 500}
    assert sent(prompt, request=request) == {"temperature": 1, "max_tokens": 500, "reasoning_effort": "high"}
    own = {"omit": ["reasoning_effort"], "token_factor": 2}
    assert sent(prompt, dialect=own) == {"max_completion_tokens": 2_400}


def test_estimates_know_the_larger_limit_and_the_key_stays(prompt: Prompt) -> None:
    [endpoint] = endpoints_for(Settings(model=("o3",), base_url="http://x/v1"))
    request = make_request(prompt, endpoint)
    assert request.max_answer_tokens == 9_600
    assert json.loads(request.body) == request_document(prompt, endpoint), "the dialect is applied when it is sent"


def test_openai_itself_gets_the_same(prompt: Prompt) -> None:
    [endpoint] = endpoints_for(Settings.model_validate({"model": "gpt-5", "provider": "openai", "api_key": "k"}))
    assert sent_document(prompt, endpoint)["max_completion_tokens"] == 4_800
    assert endpoint.own_dialect == Dialect()
