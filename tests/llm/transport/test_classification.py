"""What errors say and what they mean."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtgen.errors import BadRequest, Denied, EndpointDown, ErrorReply, ProviderError, ProviderUnusable, Retryable
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.transport.classification import classify, is_oversized
from qtgen.llm.transport.cleaning import Cleaner
from qtgen.llm.transport.error_replies import Failure, error_of, read_error, reported_error, status_of
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
    for text in ("x" * 20_000, json.dumps(error("x" * 20_000))):
        found = read_error(500, text, CLEAN)
        assert (len(found.reply.message), len(found.words.strip())) == (300, 10_000)


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
        (404, b"404 page not found", Denied,
         "there is no endpoint at http://h/v1/chat/completions (HTTP 404): 404 page not found; correct `base_url`"),
        (404, error("models/m is not found for API version v1beta", 404), Denied, "has no model `m` (HTTP 404)"),
        (404, error("No endpoints found that can handle the requested parameters.", 404), Denied, "has no model `m`"),
        (404, {"detail": "Not Found"}, Denied, "there is no endpoint at http://h/v1/chat/completions"),
        (401, error("Insufficient Balance"), ProviderUnusable, "no credit left (HTTP 401)"),
        (500, error("insufficient balance"), ProviderUnusable, "no credit left"),
        (403, error("Key limit exceeded (total limit). Manage it"), ProviderUnusable, "no credit left"),
        (402, error("This request requires more credits, or fewer max_tokens"), ProviderUnusable, "no credit left"),
        (403, error("Your account has no credits."), ProviderUnusable, "no credit left"),
        (429, error("Your account org-x<ak-y> is suspended, please check your plan and billing details"),
         ProviderUnusable, "no credit left"),
        *[(status, error(f"Your account {verb} for violating our usage policies."), ProviderUnusable,
           f"the account is blocked (HTTP {status}): Your account {verb}") for status, verb in
          ((400, "was flagged"), (403, "has been suspended"), (401, "has been deactivated"), (429, "is disabled"))],
        (400, error("Organization has been restricted. Please contact support", "organization_restricted"),
         ProviderUnusable, "ask the provider"),
        (403, error("The account associated with this API key has been temporarily suspended for abuse"),
         ProviderUnusable, "the account is blocked"),
        (403, error("Account suspended", "403"), ProviderUnusable, "the account is blocked"),
        (403, error("Your account is not active, please check your billing details."), ProviderUnusable, "no credit"),
        (403, error("Insufficient permissions; access is restricted to members"), Denied, "denied the request"),
        (403, error("Repeated attempts may get your account suspended"), Denied, "denied the request"),
        (403, error("Consumer 'project_number:7' has been suspended."), ProviderUnusable, "the account is blocked"),
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
    assert found.remedy == (remedy or "correct `base_url`")


@pytest.mark.parametrize("base", ["http://h", "http://h/v1", "http://h/openai/v1", "http://user:pass-word@h"])
def test_the_words_of_azure_suggest_a_deployment(base: str) -> None:
    found = meaning(404, error("Resource not found", "404"), base=base)
    assert "set `base_url` to the form http://h/openai/deployments/NAME, and `api-version`" in str(found)


QUOTA = "You exceeded your current quota, please check your plan and billing details."
SHORT = "Rate limit reached for m on requests per day (RPD): Limit 10000, Used 10000, Requested 1. Please try again in 8.64s."


@pytest.mark.parametrize(
    ("body", "wait", "kind"),
    [
        (error(f"{QUOTA} Please retry in 2.4s.", 429, status="RESOURCE_EXHAUSTED"), 2.4, Retryable),
        (error(QUOTA), 599.0, Retryable), (error(QUOTA), 600.0, ProviderUnusable), (error(QUOTA), None, ProviderUnusable),
        (error(QUOTA, "insufficient_quota"), 2.4, ProviderUnusable),
        (error("x", None, "exceeded_current_quota_error"), 2.4, ProviderUnusable),
        (error("x", "billing_hard_limit_reached"), 2.4, ProviderUnusable),
        (error("Insufficient balance. Please recharge."), 2.4, ProviderUnusable),
        (gemini("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), 26.0, EndpointDown),
        (gemini("GenerateRequestsPerMinutePerProjectPerModel"), 26.0, Retryable),
        (error(SHORT, "rate_limit_exceeded", "requests"), 9.0, Retryable),
        (error(SHORT, "rate_limit_exceeded", "requests"), 3_600.0, EndpointDown),
        (error("Your account is temporarily blocked"), 5.0, Retryable),
    ],
)  # fmt: skip
def test_a_limit_that_passes_soon_ends_no_run(body: Any, wait: float | None, kind: type[ProviderError]) -> None:
    found = meaning(429, body, wait=wait)
    assert type(found) is kind
    if isinstance(found, Retryable):
        assert (found.kind, found.retry_after) == ("rate-limited", wait)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (429, "Slow down. Your account is not suspended."), (429, "The account has not been deactivated"),
        (429, "We ask for more credits of patience"), (429, "This needs more credits of patience"),
        (429, "The budget limit for the minute is reached"), (429, "The token budget of this minute is exceeded"),
        (429, "Rate limit exceeded: free-models-per-min. Add 10 credits to raise it"),
        (429, "You get 3 requests, no credit card required"), (429, "Your account is restricted to 3 requests"),
        (429, "If your account is suspended, contact us"),
    ],
)  # fmt: skip
def test_words_that_resemble_those_of_a_blocked_account(status: int, words: str) -> None:
    assert isinstance(meaning(status, error(words)), Retryable)


@pytest.mark.parametrize(
    "question", ["What is a credit limit?", "What are insufficient funds?", "When is an account suspended?"]
)
def test_a_question_in_the_words_of_an_error_says_nothing_about_the_account(question: str) -> None:
    assert type(meaning(400, error(f"Invalid input: '{question}' is not allowed"))) is BadRequest
    assert type(meaning(403, error(f"Blocked: {question}"))) is Denied


OVERSIZED = "Request too large for m on tokens per min (TPM): Limit 6,000, Requested 12328, please reduce it"
USED = "Rate limit reached for m on tokens per min (TPM): Limit 90000, Used 88000, Requested 3000."


def test_a_request_above_a_limit_is_rejected_at_the_third_time() -> None:
    for status in (413, 429):
        body = read_error(status, json.dumps(error(OVERSIZED, "rate_limit_exceeded", "tokens")), CLEAN)
        assert is_oversized(body)
        kinds = [classify(Failure(body, None, "http://h", count), Endpoint("openai", "m")) for count in range(3)]
        assert [type(kind) for kind in kinds] == [Retryable, Retryable, BadRequest]
        assert "Requested 12328, please reduce it; lower `max_tokens`, or shorten the context" in str(kinds[2])
    assert not is_oversized(read_error(429, json.dumps(error(USED)), CLEAN))
    assert not is_oversized(read_error(400, json.dumps(error(OVERSIZED)), CLEAN))


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
