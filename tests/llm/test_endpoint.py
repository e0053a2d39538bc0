"""Requests as bytes, the identity of an endpoint, and what attempts cost."""

import json
from dataclasses import replace
from typing import Any

import pytest

from qtgen.errors import BadRequest, Retryable
from qtgen.llm.endpoint import Endpoint, make_request, max_answer_tokens, request_digest, request_document
from qtgen.llm.types import AnswerFormat, Message, Prompt, PromptStyle, Usage

PROMPT = Prompt(
    "p", 1, "points", (Message("user", "Why?"),), {"type": "object"}, {"max_tokens": 9}, "d", "w" * 16, "s" * 16
)


def place(address: str | None, provider: str = "openai") -> str:
    return Endpoint(provider, "m", address).place


def test_the_spelling_of_an_address_does_not_change_the_endpoint() -> None:
    normal = "https://api.example.com/v1"
    assert place("https://API.example.com:443/v1/") == place(normal) == normal
    assert place("http://127.0.0.1:8080/v1") != place("http://127.0.0.1:8081/v1")
    assert place(None) == ""
    assert place(None, "echo") == "echo"


def test_local_models_are_told_apart_by_their_contents_and_not_by_their_port() -> None:
    assert place("http://127.0.0.1:8080/v1", "local") == place("http://127.0.0.1:9/v1", "local") == "local"
    assert Endpoint("local", "m", identity="abc").place == "local abc"


def test_the_digest_of_a_request_is_what_ledgers_already_hold() -> None:
    """Another digest would make every recorded answer unreachable, and pay for it again."""
    digest = request_digest("https://api.example.com/v1", b"{}").hex()
    assert digest == "8e32c3508bc7a3ad1bcbc16c32ca5fdb8c6fcb4db6af6bc766549441d80665d2"


def test_a_request_has_the_bytes_and_the_facts_of_its_prompt() -> None:
    request = make_request(PROMPT, Endpoint("openai", "m", "http://x/v1", extra={"seed": 1}))
    assert json.loads(request.body)["seed"] == 1
    assert request.key[1:] == ("m", "p", "wwwwwwwwssssssss", len(request.body))
    assert (request.max_answer_tokens, request.parameters) == (9, {"max_tokens": 9})


def test_openai_itself_has_another_name_for_the_token_limit(prompt: Prompt) -> None:
    assert "max_completion_tokens" in request_document(prompt, Endpoint("openai", "m"))
    assert "max_tokens" in request_document(prompt, Endpoint("openai", "m", "http://x/v1"))


def test_string_lengths_can_be_left_out_of_the_schema(prompt: Prompt) -> None:
    assert "minLength" in json.dumps(request_document(prompt, Endpoint("openai", "m")))
    assert "minLength" not in json.dumps(request_document(prompt, Endpoint("openai", "m", schema_lengths=False)))


def test_a_property_is_kept_even_if_its_name_is_that_of_a_string_length() -> None:
    names = {"minLength": {"type": "integer"}, "text": {"type": "string", "minLength": 1}}
    asked = replace(PROMPT, style=PromptStyle(AnswerFormat.JSON_SCHEMA), schema={"type": "object", "properties": names})
    document = request_document(asked, Endpoint("openai", "m", schema_lengths=False))
    properties = document["response_format"]["json_schema"]["schema"]["properties"]
    assert properties == {"minLength": {"type": "integer"}, "text": {"type": "string"}}


def in_format(name: str, **changes: Any) -> Prompt:
    return replace(PROMPT, style=PromptStyle(AnswerFormat(name)), **changes)


def test_each_format_is_requested_in_its_own_way() -> None:
    plain, with_grammar = Endpoint("openai", "m", "http://x/v1"), Endpoint("local", "m", sends_grammar=True)
    markdown = in_format("markdown", grammar="root ::= [a-z]+")
    assert request_document(in_format("json_schema"), plain)["response_format"]["type"] == "json_schema"
    for endpoint in (plain, with_grammar):
        document = request_document(in_format("json_object"), endpoint)
        assert document["response_format"] == {"type": "json_object"}
        assert "grammar" not in document
        assert "response_format" not in request_document(markdown, endpoint)
    assert "grammar" not in request_document(markdown, plain)
    assert request_document(markdown, with_grammar)["grammar"] == "root ::= [a-z]+"
    assert "grammar" not in request_document(in_format("markdown"), with_grammar)


def test_the_key_of_a_request_differs_by_format_and_by_sample() -> None:
    endpoint = Endpoint("openai", "m", "http://x/v1", sends_grammar=True)
    prompts = [in_format(name) for name in AnswerFormat]
    prompts += [in_format("markdown", grammar="root ::= [a-z]+"), *(replace(PROMPT, sample=n) for n in (1, 2))]
    keys = {make_request(prompt, endpoint).key.digest for prompt in prompts}
    assert len(keys) == len(prompts)
    assert make_request(replace(PROMPT, sample=0), endpoint).key == make_request(PROMPT, endpoint).key


def test_another_sample_has_another_seed_if_there_is_one() -> None:
    third = replace(PROMPT, sample=2)
    seeded = Endpoint("openai", "m", "http://x/v1", extra={"seed": 7})
    assert [request_document(prompt, seeded)["seed"] for prompt in (PROMPT, third)] == [7, 9]
    assert request_document(third, Endpoint("openai", "m")) == request_document(PROMPT, Endpoint("openai", "m"))


@pytest.mark.parametrize(
    ("document", "tokens"),
    [({}, 0), ({"max_tokens": 5}, 5), ({"max_tokens": 5, "max_completion_tokens": 7}, 7), ({"max_tokens": 5, "n": 3}, 15),
     ({"max_tokens": "many"}, 0), ({"max_tokens": "12"}, 12)],
)  # fmt: skip
def test_the_longest_answer(document: dict[str, object], tokens: int) -> None:
    assert max_answer_tokens(document) == tokens


def test_what_a_failed_attempt_may_have_cost() -> None:
    priced, free = (Endpoint("openai", "m", price_input=price, price_output=price) for price in (1.0, 0.0))
    assert priced.usage_of(Retryable("x", kind="dropped")).cost_usd is None
    assert free.usage_of(Retryable("x", kind="dropped")).cost_usd == 0.0
    assert priced.usage_of(Retryable("x", kind="unavailable")) == Usage(), "a server error is a response, and is free"
    assert priced.usage_of(Retryable("x", kind="malformed", usage=Usage(1, 1, 0, 0.5))).cost_usd == 0.5
    assert priced.usage_of(BadRequest("x")) == Usage()


def test_a_key_is_not_part_of_what_an_endpoint_prints() -> None:
    endpoint = Endpoint("openai", "m", api_key="sk-secret", headers={"X-Key": "literal-secret"})
    assert "secret" not in repr(endpoint)
