"""The transport, against a server on a free loopback port: every failure by its kind, and no secret in any message."""

import asyncio
import json
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
import pytest

from qtgen.errors import BadRequest, Denied, ProviderError, ProviderUnusable, Retryable, SettingsError, Unreachable
from qtgen.llm.endpoint import Endpoint, make_request, request_document
from qtgen.llm.openai import OpenAISender
from qtgen.llm.transport import addresses
from qtgen.llm.types import Completion, Prompt
from support.fake_endpoint import FakeEndpoint, Response, completion

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])


def send(prompt: Prompt, endpoint: Endpoint) -> Completion:
    async def once() -> Completion:
        sender = OpenAISender(endpoint)
        try:
            return await sender.send(make_request(prompt, endpoint))
        finally:
            await sender.aclose()

    return asyncio.run(once())


def test_a_completion_has_usage_and_cost(server: FakeEndpoint, prompt: Prompt) -> None:
    server.response = (200, {"x-request-id": "r-7"}, completion())
    endpoint = Endpoint("openai", "m", server.base_url, "sk-1", price_input=2.0, price_output=8.0, price_cached=1.0)
    found = send(prompt, endpoint)
    assert (found.text, found.model, found.request_id, found.kind) == ("hello", "m-1", "r-7", "ok")
    assert found.usage.cost_usd == pytest.approx((600 * 2 + 400 * 1 + 100 * 8) / 1e6)
    headers, body = server.requests[0]
    assert headers["authorization"] == "Bearer sk-1"
    assert json.loads(body) == json.loads(json.dumps(request_document(prompt, endpoint)))


def test_the_client_sends_every_request(server: FakeEndpoint, prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    endpoint = Endpoint("openai", "m", server.base_url, "sk-1", headers={"X-Team": "editors"})
    sent: list[Any] = []
    post = openai.AsyncOpenAI.post

    async def counted(client: openai.AsyncOpenAI, path: str, **arguments: Any) -> Any:
        sent.append(arguments["content"])
        return await post(client, path, **arguments)

    monkeypatch.setattr(openai.AsyncOpenAI, "post", counted)

    async def main() -> None:
        sender = OpenAISender(endpoint)
        for number in range(3):
            await sender.send(make_request(replace(prompt, parameters={"seed": number}), endpoint))
        await sender.aclose()

    asyncio.run(main())
    assert sent == [body for _, body in server.requests]
    assert len(sent) == 3
    names = ("authorization", "openai-organization", "x-team")
    assert {tuple(headers[name] for name in names) for headers, _ in server.requests} == {
        ("Bearer sk-1", "org-1", "editors")
    }


def test_headers_are_those_that_the_client_has_chosen(server: FakeEndpoint, prompt: Prompt) -> None:
    own = {"Accept": "text/plain", "User-Agent": "editors/1", "Authorization": "Basic Zm9v"}
    send(prompt, Endpoint("openai", "m", server.base_url, "sk-1", headers=own))
    send(prompt, Endpoint("openai", "m", server.base_url))
    (first, _), (second, _) = server.requests
    assert [first[name.lower()] for name in own] == [*own.values()]
    assert (second["accept"], second["accept-encoding"]) == ("application/json", "gzip, deflate")
    assert second["user-agent"].startswith("qtgen/")
    assert "authorization" not in second
    assert not {"connection", "cookie"} & {*first, *second}
    chosen_by_the_client = {name for name in first if name.startswith("x-stainless-")}
    assert {"x-stainless-lang", "x-stainless-retry-count"} <= chosen_by_the_client


def test_without_a_price_the_cost_is_unknown(server: FakeEndpoint, prompt: Prompt) -> None:
    assert send(prompt, Endpoint("openai", "m", server.base_url)).usage.cost_usd is None


@pytest.mark.parametrize(
    "usage", [None, [1], {}, {"prompt_tokens": 10**30, "completion_tokens": 1}, {"prompt_tokens": -1}, "much"]
)
def test_unusable_usage_means_an_unknown_cost(server: FakeEndpoint, prompt: Prompt, usage: Any) -> None:
    server.response = (200, {}, {**completion(), "usage": usage})
    found = send(prompt, Endpoint("openai", "m", server.base_url, price_input=2.0, price_output=8.0))
    assert (found.text, found.usage.cost_usd) == ("hello", None)
    assert send(prompt, Endpoint("local", "m", server.base_url, price_input=0, price_output=0)).usage.cost_usd == 0


def test_reported_rate_limits_are_read(server: FakeEndpoint, prompt: Prompt) -> None:
    values = {
        "remaining-requests": "0", "reset-requests": "6m0s", "limit-requests": "500",
        "remaining-tokens": "120", "reset-tokens": "1.5s", "limit-tokens": "90000",
    }  # fmt: skip  # the requests are not those of a minute
    server.response = (200, {f"x-ratelimit-{name}": value for name, value in values.items()}, completion())
    assert send(prompt, Endpoint("openai", "m", server.base_url)).limits == (0, 360.0, 120, 1.5, None, 90_000)


@pytest.mark.parametrize("value", ["9" * 5_000, "1.2.3s", "\xb2", "-1", "99999999999999999999h"])
def test_malformed_rate_limits_do_not_cost_an_answer(server: FakeEndpoint, prompt: Prompt, value: str) -> None:
    names = ("remaining-requests", "reset-requests", "limit-tokens", "remaining-tokens", "reset-tokens")
    server.response = (200, {f"x-ratelimit-{name}": value for name in names}, completion())
    assert send(prompt, Endpoint("openai", "m", server.base_url)).text == "hello"


def test_lone_surrogates_arrive_as_escapes(server: FakeEndpoint, prompt: Prompt) -> None:
    server.response = (200, {}, {**completion('{"a": "\ud83d"}'), "id": "\ud83d", "model": "\ud83d"})
    found = send(prompt, Endpoint("openai", "m", server.base_url))
    assert found.text == '{"a": "\\ud83d"}'
    assert f"{found.request_id}{found.model}".encode()


ERROR = {"error": {"message": "the reason", "code": None}}


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        ((401, {}, ERROR), Denied, "the endpoint rejected the key (HTTP 401): the reason"),
        ((404, {}, ERROR), Denied, "no endpoint at http://127.0.0.1:"),
        ((402, {}, ERROR), ProviderUnusable, "no credit left"),
        ((429, {}, {"error": {"message": "x", "code": "insufficient_quota"}}), ProviderUnusable, "no credit left"),
        ((400, {}, {"error": {"message": "bad schema"}}), BadRequest, "bad schema"),
        ((401, {}, {"error": {"message": "no: Bearer sk-secret"}}), Denied, "no: Bearer ***"),
        ((403, {}, {"error": {"message": "gateway: gw-secret-1"}}), Denied, "gateway: ***"),
        ((200, {}, {"choices": [{"message": None}]}), Retryable, "does not have the form of a completion"),
        ((200, {}, {"choices": [{"message": {"content": 7}}]}), Retryable, "content is int"),
        ((200, {}, {"choices": [{"message": {"sk-secret": 1}}], "usage": 0}), Completion, ""),
        ((200, {}, {"choices": {"sk-secret": 1}}), Retryable, "does not have the form"),
        ((200, {}, [1]), Retryable, "does not have the form"),
        ((400, {}, {"error": {"message": "half \ud83d"}}), BadRequest, "half \\ud83d"),
        ((200, {}, {**completion(), "choices": "\ud83d"}), Retryable, "does not have the form"),
        ((429, {"retry-after": "7"}, ERROR), Retryable, "HTTP 429: the reason"),
        ((503, {}, b"<html>"), Retryable, "HTTP 503"),
        ((200, {}, b"not json"), Retryable, "is not JSON"),
        ((200, {}, b"[" * 100_000), Retryable, "is not JSON"),
        ((200, {}, {"choices": []}), Retryable, "does not have the form of a completion"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else None,
)
def test_failures_by_kind(
    server: FakeEndpoint,
    prompt: Prompt,
    response: Response,
    kind: type[Any],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "gw-secret-1")
    server.response = response
    endpoint = Endpoint("openai", "m", server.base_url, "sk-secret", headers={"X-Gateway": "$GATEWAY_KEY"})
    if kind is Completion:
        assert send(prompt, endpoint).text == ""
        return
    with pytest.raises(kind) as caught:
        send(prompt, endpoint)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value) + repr(caught.value.args)
    assert len(server.requests) == 1, "the client's own retries are off"


@pytest.mark.parametrize(
    ("response", "kind", "words", "tokens"),
    [
        ((200, {}, completion(None, refusal="I will not")), "refused", "the model declined: I will not", 1_000),
        ((200, {}, completion("x", "content_filter")), "filtered", "content filter stopped the answer", 1_000),
        ((200, {}, completion('{"a": 1}', "length")), "truncated", '{"a": 1}', 1_000),
        ((200, {}, completion("so far", "max_tokens")), "truncated", "so far", 1_000),
        ((200, {}, completion([{"type": "refusal", "refusal": "no"}])), "refused", "the model declined: no", 1_000),
        (
            (400, {}, {"error": {"message": "triggered by sk-secret", "code": "content_filter"}}),
            "filtered",
            "content filter stopped the question: triggered by ***",
            0,
        ),
    ],
    ids=["refusal", "filtered answer", "cut off", "another word for it", "refusal in a part", "filtered question"],
)
def test_final_responses_that_are_no_answer(
    server: FakeEndpoint, prompt: Prompt, response: Response, kind: str, words: str, tokens: int
) -> None:
    server.response = response
    found = send(prompt, Endpoint("openai", "m", server.base_url, "sk-secret"))
    assert (found.kind, found.usage.prompt_tokens, found.usage.cost_usd) == (kind, tokens, None)
    assert words in found.text


@pytest.mark.parametrize(
    ("finish", "kind"),
    [
        ("MAX_TOKENS", "truncated"), ("max_output_tokens", "truncated"), ("token_limit", "truncated"),
        ("SAFETY", "filtered"), ("RECITATION", "filtered"), ("PROHIBITED_CONTENT", "filtered"),
        (None, "ok"), ("eos", "ok"), ("STOP", "ok"), ("end_turn", "ok"), (7, "ok"),
    ],
)  # fmt: skip
def test_finish_reasons(server: FakeEndpoint, prompt: Prompt, finish: Any, kind: str) -> None:
    server.response = (200, {}, completion("text", finish))
    assert send(prompt, Endpoint("openai", "m", server.base_url)).kind == kind


def test_an_error_within_an_answer_keeps_what_was_used(server: FakeEndpoint, prompt: Prompt) -> None:
    answer = completion("half", "error")
    answer["choices"][0]["error"] = {"code": 502, "message": "Upstream provider disconnected"}
    server.response = (200, {}, answer)
    with pytest.raises(Retryable, match="HTTP 502: Upstream provider disconnected") as caught:
        send(prompt, Endpoint("openai", "m", server.base_url))
    assert (caught.value.kind, caught.value.usage.prompt_tokens) == ("unavailable", 1_000)


def events(*documents: dict[str, Any], mark: str = "") -> bytes:
    return "".join([*(f"data: {json.dumps(document)}\n\n" for document in documents), mark]).encode()


@pytest.mark.parametrize(
    ("before", "price", "cost"),
    [
        ([{"choices": [{"delta": {"content": "half"}}]}], 1.0, None),
        ([{"choices": [{"delta": {"reasoning_content": "hm"}}]}], 1.0, None),
        ([{"choices": [{"delta": {"content": "half"}}]}], 0.0, 0.0),
        ([{"choices": [{"delta": {"role": "assistant", "content": ""}}]}], 1.0, 0.0),
        ([], 1.0, 0.0),
    ],
)  # fmt: skip
def test_an_error_in_a_stream_costs_what_is_unknown(
    server: FakeEndpoint, prompt: Prompt, before: list[Any], price: float, cost: float | None
) -> None:
    server.response = (200, {}, events(*before, {"error": {"message": "Upstream died", "code": 502}}))
    endpoint = Endpoint("openai", "m", server.base_url, price_input=price, price_output=price)
    with pytest.raises(Retryable, match="HTTP 502: Upstream died") as caught:
        send(prompt, endpoint)
    assert endpoint.usage_of(caught.value).cost_usd == cost


def test_a_request_above_a_limit_is_given_up_at_the_third_time(server: FakeEndpoint, prompt: Prompt) -> None:
    words = "Request too large for m on tokens per min (TPM): Limit 1000, Requested 1932."
    server.response = (429, {}, {"error": {"message": words, "code": "rate_limit_exceeded"}})
    endpoint = Endpoint("openai", "m", server.base_url)

    async def kinds(*prompts: Prompt) -> list[str]:
        sender, found = OpenAISender(endpoint), []
        for one in prompts:
            with pytest.raises(ProviderError) as caught:
                await sender.send(make_request(one, endpoint))
            found.append(caught.value.kind)
        await sender.aclose()
        return found

    other = replace(prompt, sample=1)
    found = asyncio.run(kinds(prompt, prompt, other, prompt))
    assert found == ["rate-limited", "rate-limited", "rate-limited", "bad-request"]


def test_values_in_the_query_of_the_address_are_masked(server: FakeEndpoint, prompt: Prompt) -> None:
    words = "no key=query-secret, query%2Dsecret, tok-secret; version 2024-06-01"
    server.response = (403, {}, {"error": {"message": words}})
    base = f"{server.base_url}?key=query%2Dsecret&api-version=2024-06-01&tok-secret"
    with pytest.raises(Denied) as caught:
        send(prompt, Endpoint("openai", "m", base))
    assert "no key=***, ***, ***; version 2024-06-01" in str(caught.value)


def test_a_web_page_costs_nothing_and_names_its_title(server: FakeEndpoint, prompt: Prompt) -> None:
    server.response = (200, {}, b"<html><head><title>Sign in</title></head></html>")
    with pytest.raises(Retryable, match="is a web page with the title `Sign in`; check `base_url`") as caught:
        send(prompt, Endpoint("openai", "m", server.base_url))
    assert caught.value.usage.cost_usd == 0


def test_another_model_with_another_price_is_reported_once(
    server: FakeEndpoint, prompt: Prompt, caplog: pytest.LogCaptureFixture
) -> None:
    server.response = (200, {}, {**completion(), "model": "gpt-4o-2024-08-06"})
    endpoint = Endpoint("openai", "m", server.base_url, price_input=1.0, price_output=2.0)

    async def twice() -> None:
        sender = OpenAISender(endpoint)
        for _ in range(2):
            await sender.send(make_request(prompt, endpoint))
        await sender.aclose()

    asyncio.run(twice())
    [record] = caplog.records
    assert "answers with gpt-4o-2024-08-06, whose price differs from that of m" in record.getMessage()


def test_parameters_of_the_address_are_sent(server: FakeEndpoint, prompt: Prompt) -> None:
    found = addresses.endpoint_url(server.base_url + "/?a=1", {"a": "2", "api-version": "2024-06-01"})
    assert found == f"{server.base_url}/chat/completions?a=1&api-version=2024-06-01"
    assert addresses.endpoint_url("http://h/v1/chat/completions", {}) == "http://h/v1/chat/completions"
    endpoint = Endpoint("openai", "m", server.base_url, query={"api-version": "2024-06-01"})
    assert send(prompt, endpoint).text == "hello"


def test_a_key_that_is_too_short_to_be_one_masks_no_words(server: FakeEndpoint, prompt: Prompt) -> None:
    server.response = (200, {}, completion(None, refusal="an example"))
    assert send(prompt, Endpoint("openai", "m", server.base_url, "x")).text.endswith("an example")


PART = {"type": "text", "text": "the "}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": [PART, {"type": "output_text", "text": "answer"}, {"type": "image_url"}, 7]}, "the answer"),
        ({"content": [{"type": "thinking", "thinking": [PART]}, PART, "answer"]}, "the answer"),
        ({"content": "", "reasoning_content": "hm"}, "<think>\nhm"),
        ({"content": " \n", "reasoning": "hm"}, "<think>\nhm"),
        ({"content": "answer", "reasoning_content": "hm"}, "answer"),
        ({"content": None, "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}]}, '{"a": 1}'),
        ({"content": None, "tool_calls": [{"function": {"arguments": {"a": "é"}}}]}, '{"a": "é"}'),
        ({"content": None, "function_call": {"name": "f", "arguments": '{"a": 1}'}}, '{"a": 1}'),
        ({"content": None, "tool_calls": [None], "reasoning": 7}, ""),
        ({"content": [], "tool_calls": {}, "function_call": "f"}, ""),
        ({}, ""),
    ],
)
def test_an_answer_is_found_wherever_a_server_puts_it(
    server: FakeEndpoint, prompt: Prompt, message: dict[str, Any], text: str
) -> None:
    server.response = (200, {}, {**completion(), "choices": [{"finish_reason": "stop", "message": message}]})
    found = send(prompt, Endpoint("openai", "m", server.base_url))
    assert (found.text, found.kind) == (text, "ok")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(server: FakeEndpoint, prompt: Prompt, headers: dict[str, str], seconds: float | None) -> None:
    server.response = (429, headers, ERROR)
    with pytest.raises(Retryable) as caught:
        send(prompt, Endpoint("openai", "m", server.base_url))
    assert caught.value.retry_after == seconds
    assert caught.value.kind == "rate-limited"


def test_nothing_listens_at_the_address(prompt: Prompt) -> None:
    closed = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = closed.server_port
    closed.server_close()
    with pytest.raises(Unreachable, match=rf"^nothing answers at http://127.0.0.1:{port}/v1 \(connection refused\)$"):
        send(prompt, Endpoint("openai", "m", f"http://127.0.0.1:{port}/v1"))


def test_a_response_that_never_comes(prompt: Prompt) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(Retryable, match=r"^no answer within 0.05 s; raise `timeout`$") as caught:
            send(prompt, Endpoint("openai", "m", address, timeout=0.05))
    assert caught.value.kind == "timeout"


def test_a_connection_that_is_lost(prompt: Prompt) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(100_000)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(Retryable, match="the connection was lost") as caught:
            send(prompt, Endpoint("openai", "m", f"http://127.0.0.1:{server.getsockname()[1]}/v1"))
        thread.join()
    assert caught.value.kind == "dropped"


def test_own_headers_are_sent_with_variables_of_the_environment(
    server: FakeEndpoint, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "gw-secret-1")
    headers = {"X-Gateway": "$GATEWAY_KEY", "Authorization": "Token ${GATEWAY_KEY}"}
    endpoint = Endpoint("openai", "m", server.base_url, "sk-1", headers=headers)
    send(prompt, endpoint)
    sent, _ = server.requests[0]
    assert (sent["x-gateway"], sent["authorization"]) == ("gw-secret-1", "Token gw-secret-1")
    assert "GATEWAY" not in repr(endpoint)
    monkeypatch.delenv("GATEWAY_KEY")
    with pytest.raises(SettingsError, match=r"`headers\.X-Gateway`: the environment variable GATEWAY_KEY is not set"):
        send(prompt, endpoint)


def test_requests_to_this_machine_use_no_proxy(
    server: FakeEndpoint, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert send(prompt, Endpoint("openai", "m", server.base_url)).text == "hello"
