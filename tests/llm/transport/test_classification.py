"""What errors say and what they mean."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.errors import BadRequest, Denied, EndpointDown, ErrorReply, ProviderError, ProviderUnusable, Retryable
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.transport.classification import Failure, classify
from qtgen.llm.transport.cleaning import Cleaner
from qtgen.llm.transport.error_replies import error_of, read_error, reported_error, status_of
from qtgen.llm.types import Completion

CLEAN = Cleaner(["sk-secret-1"])
LOC = [{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted"}]


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ({"error": {"message": "no", "type": "t", "code": "c", "param": "p"}}, ("no", "t", "c", "p")),
        ([{"error": {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}}],
         ("no", "RESOURCE_EXHAUSTED", "429", "")),
        ({"detail": "Method Not Allowed"}, ("Method Not Allowed", "", "", "")),
        ({"detail": LOC}, ("max_completion_tokens: Extra inputs are not permitted", "", "", "max_completion_tokens")),
        ({"object": "error", "message": "no", "type": "BadRequestError", "param": None, "code": 400},
         ("no", "BadRequestError", "400", "")),
        ({"error": "not enough memory"}, ("not enough memory", "", "", "")),
        ({"error": "Forbidden", "message": "no seat"}, ("no seat", "Forbidden", "", "")),
        ({"errors": [{"message": "one"}, {"message": "two"}]}, ("one", "", "", "")),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": '{"error": {"message": "busy"}}'}}},
         ("Provider returned error: busy", "", "", "")),
        ({"error": {"message": '{"error": {"message": "inner"}}'}}, ("inner", "", "", "")),
        ({"error": {"message": "<html><title>504 &lt;time&gt;</title>"}}, ("504 <time>", "", "", "")),
        ({"code": 7}, ('{"code": 7}', "", "7", "")),
        (b"error code: 520", ("error code: 520", "", "", "")),
        (b"404 page not found", ("404 page not found", "", "", "")),
        (b"<html><head><title>502 Bad Gateway</title>", ("502 Bad Gateway", "", "", "")),
        (b"key sk-secret-1\r\n\x1b[31mred", (r"key *** \x1b[31mred", "", "", "")),
        ({"error": {"message": "half \ud83d"}}, ("half \\ud83d", "", "", "")),
        (b"", ("", "", "", "")),
    ],
)  # fmt: skip
def test_the_words_of_an_error(body: Any, reply: tuple[str, ...]) -> None:
    text = body.decode() if isinstance(body, bytes) else json.dumps(body)
    assert read_error(400, text, CLEAN).reply == ErrorReply(400, *reply)


def test_long_words_are_cut() -> None:
    assert len(read_error(500, "x" * 10_000, CLEAN).reply.message) == 300


def meaning(status: int, body: Any, wait: float | None = None, base: str = "http://h/v1") -> ProviderError | Completion:
    text = body.decode() if isinstance(body, bytes) else json.dumps(body)
    endpoint = Endpoint("openai", "m", base)
    return classify(Failure(read_error(status, text, CLEAN), wait, f"{base}/chat/completions"), endpoint)


def error(message: str, code: Any = None, type_: str = "", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "type": type_, **more}}


def gemini(quota: str) -> list[dict[str, Any]]:
    details = [{"violations": [{"quotaId": quota}]}, {"retryDelay": "26s"}]
    words = "You exceeded your current quota, please check your plan and billing details."
    return [error(words, 429, status="RESOURCE_EXHAUSTED", details=details)]


RPM = "Rate limit reached for m on requests per min (RPM): Limit 3. Please try again in 20s."
RPD = "Rate limit reached for m on requests per day (RPD): Limit 200. Please try again in 7m12s."
POLICY = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (429, error("x", "insufficient_quota"), ProviderUnusable, "no credit left (HTTP 429): x"),
        (429, error("x", None, "insufficient_quota"), ProviderUnusable, "add credit"),
        (429, error("Your account org-x is suspended", None, "exceeded_current_quota_error"), ProviderUnusable, "credit"),
        (400, error("x", "billing_hard_limit_reached"), ProviderUnusable, "no credit left (HTTP 400)"),
        (403, error("billing_not_active"), ProviderUnusable, "credit"),
        (402, b"", ProviderUnusable, "no credit left (HTTP 402)"),
        (400, error("Your credit balance is too low to access the API"), ProviderUnusable, "credit"),
        (429, gemini("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), EndpointDown, "daily limit is used up"),
        (429, gemini("GenerateRequestsPerMinutePerProjectPerModel"), Retryable, "HTTP 429"),
        (429, error(RPD), EndpointDown, "daily limit is used up, which is reset in 10 h (HTTP 429)"),
        (429, error("Rate limit exceeded: free-models-per-day. Add 10 credits"), EndpointDown, "daily limit"),
        (429, error(RPM, "rate_limit_exceeded", "requests"), Retryable, "per min"),
        (413, error("Request too large on tokens per minute (TPM)", "rate_limit_exceeded", "tokens"), Retryable, "413"),
        (413, error("Request Entity Too Large"), BadRequest, "413"),
        *[(status, error("x"), Retryable, f"HTTP {status}: x") for status in
          (408, 409, 421, 423, 425, 499, 500, 503, 520, 524, 529)],
        (501, error("not implemented"), BadRequest, "not implemented"),
        (401, error("no"), Denied, "rejected the key (HTTP 401): no; check the key"),
        (400, error("API key not valid. Please pass a valid API key.", 400, status="INVALID_ARGUMENT"), Denied,
         "rejected the key (HTTP 400)"),
        (500, error("Incorrect API key provided: sk-abc"), Denied, "rejected the key"),
        (401, error("Access denied due to invalid subscription key"), Denied, "the header `api-key`"),
        (403, error("user quota is not enough"), ProviderUnusable, "no credit left"),
        (403, error("no"), Denied, "denied the request (HTTP 403): no; check the key and its permissions"),
        (403, b"<!doctype html><title>Attention</title>", Denied, "a gateway before it, denied the request"),
        (404, error("no such model", "model_not_found"), Denied, "has no model `m` (HTTP 404)"),
        (404, b"404 page not found", Denied, "no model `m` at this address (HTTP 404): 404 page not found"),
        (405, {"detail": "Method Not Allowed"}, Denied, "accepts no requests at http://h/v1/chat/completions"),
        (400, error("This model's maximum context length is 2048 tokens."), BadRequest, "lower `max_tokens`"),
        (400, error("invalid schema"), BadRequest, "HTTP 400): invalid schema"),
        (400, error("x", "json_validate_failed"), Retryable, "HTTP 400"),
        (304, b"", BadRequest, "HTTP 304"),
    ],
)  # fmt: skip
def test_errors_are_classified(status: int, body: Any, kind: type[ProviderError], words: str) -> None:
    found = meaning(status, body, wait=36_000.0)
    assert isinstance(found, ProviderError)
    assert type(found) is kind
    assert words in str(found)
    assert found.reply
    assert found.reply.status == status


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (400, error(POLICY, "content_filter"), "filtered", "content management policy"),
        (400, error("x", "400", innererror={"code": "ResponsibleAIPolicyViolation"}), "filtered", "x"),
        (400, error("Input data may contain inappropriate content.", "data_inspection_failed"), "filtered", "Input"),
        (403, error("Your chosen model requires moderation and your input was flagged", 403), "filtered", "flagged"),
        (400, error("Could not finish the message because max_tokens or model output limit was reached."),
         "truncated", ""),
        (400, error("Failed to generate JSON", "json_validate_failed", failed_generation='{"a": "half'), "ok", '{"a": "half'),
    ],
)  # fmt: skip
def test_errors_that_are_final_responses(status: int, body: Any, kind: str, text: str) -> None:
    found = meaning(status, body)
    assert isinstance(found, Completion)
    assert (found.kind, found.usage.cost_usd) == (kind, None)
    assert text in found.text


def test_the_wait_and_the_kind_of_a_rate_limit() -> None:
    found = meaning(429, error(RPM), wait=20.0)
    assert isinstance(found, Retryable)
    assert (found.kind, found.retry_after) == ("rate-limited", 20.0)


@pytest.mark.parametrize(
    ("base", "remedy"),
    [
        ("http://h", "set `base_url` to http://h/v1"),
        ("http://h/openai/", "set `base_url` to http://h/openai/v1"),
        ("http://h/v1", None), ("http://h/v1beta/openai", None),
        ("http://h/openai/deployments/dep", "check the deployment's name, and `api-version` under `[query]`"),
    ],
)  # fmt: skip
def test_a_404_suggests_a_version(base: str, remedy: str | None) -> None:
    found = meaning(404, b"<html><title>404 Not Found</title>", base=base)
    assert isinstance(found, Denied)
    assert found.remedy == (remedy or "check the model's name and the endpoint's address")


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"choices": None, "error": {"code": 429}}, 429), ({"error": {"code": "502"}}, 502),
        ({"error": {"code": "invalid_api_key"}}, 401), ({"error": {"type": "insufficient_quota"}}, 429),
        ({"error": {"code": None, "status": "RESOURCE_EXHAUSTED"}}, 429), ({"error": "busy"}, 500),
        ({"object": "error", "code": 400, "message": "x"}, 400), ({"type": "error", "error": {"type": "overloaded_error"}}, 503),
        ({"choices": [{"message": {"content": "Half"}}], "error": {"code": 502}}, 502),
        ({"choices": [{"error": {"code": 502}, "message": {"content": "Half"}}]}, 502),
    ],
)  # fmt: skip
def test_errors_in_successful_responses(document: Any, status: int) -> None:
    assert status_of(reported_error(document)) == status


COMPLETE = {"choices": [{"message": {}, "finish_reason": "stop"}], "error": "x"}


@pytest.mark.parametrize("document", [None, [], 7, {}, {"choices": [7]}, COMPLETE])
def test_responses_that_report_no_error(document: Any) -> None:
    assert reported_error(document) is None


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "detail", "loc", "code", "details", "metadata"]), inner)
    ),
    max_leaves=12,
)


@given(documents, st.integers(300, 599))
def test_every_error_is_classified(document: Any, status: int) -> None:
    body = error_of(status, document, CLEAN)
    assert body.reply.message.isprintable()
    found = classify(Failure(body, None, "http://h/v1"), Endpoint("openai", "m", "http://h/v1"))
    assert isinstance(found, ProviderError | Completion)
