"""The endpoint's failures, each by its kind, against a server on a free loopback port."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from qtgen.errors import (
    BadRequest,
    BudgetReached,
    EndpointDown,
    Filtered,
    ProviderError,
    ProviderUnusable,
    Refused,
    Retryable,
    SettingsError,
    Truncated,
    Unreachable,
)
from qtgen.generation.prompts import PromptLibrary
from qtgen.generation.types import Question
from qtgen.llm import client, pacing
from qtgen.llm.budget import Budget
from qtgen.llm.client import Client
from qtgen.llm.endpoint import Endpoint, request, request_body
from qtgen.llm.factory import chosen, endpoints_for, remote_endpoint
from qtgen.llm.openai import OpenAIEmbeddings, OpenAISender
from qtgen.llm.pacing import Pace, Pacer
from qtgen.llm.types import Completion, Prompt, Usage
from qtgen.settings import Settings
from support import Scripted, points_json

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
Answer = tuple[int, dict[str, str], Any]


def completion(content: str | None = "hello", finish: str = "stop", **message: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}
    choice = {"finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
    return {"id": "c-1", "model": "m-1", "choices": [choice], "usage": usage}


class Endpoints:
    """A server that gives one scripted answer, and keeps the requests."""

    def __init__(self) -> None:
        self.answer: Answer = (200, {}, completion())
        self.requests: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status, headers, payload = outer.answer
                data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def endpoints() -> Iterator[Endpoints]:
    made = Endpoints()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def prompt(library: PromptLibrary) -> Prompt:
    return library.render(Question("What is osmosis?", "Biology"))


def ask(prompt: Prompt, endpoint: Endpoint) -> Completion:
    async def once() -> Completion:
        sender = OpenAISender(endpoint)
        try:
            return await sender.send(request_body(prompt, endpoint))
        finally:
            await sender.close()

    return asyncio.run(once())


def test_a_completion_with_its_usage_and_price(endpoints: Endpoints, prompt: Prompt) -> None:
    endpoints.answer = (200, {"x-request-id": "r-7"}, completion())
    priced = Endpoint("openai", "m", endpoints.base_url, "sk-1", price_input=2.0, price_output=8.0, price_cached=1.0)
    done = ask(prompt, priced)
    assert (done.text, done.model, done.request_id) == ("hello", "m-1", "r-7")
    assert done.usage.cost_usd == pytest.approx((600 * 2 + 400 * 1 + 100 * 8) / 1e6)
    headers, body = endpoints.requests[0]
    assert headers["authorization"] == "Bearer sk-1"
    assert json.loads(body) == json.loads(json.dumps(request(prompt, priced)))


def test_without_a_price_the_cost_is_unknown(endpoints: Endpoints, prompt: Prompt) -> None:
    assert ask(prompt, Endpoint("openai", "m", endpoints.base_url)).usage.cost_usd is None


@pytest.mark.parametrize(
    "usage", [None, [1], {}, {"prompt_tokens": 10**30, "completion_tokens": 1}, {"prompt_tokens": -1}, "much"]
)
def test_what_nobody_counted_costs_unknown_and_not_nothing(endpoints: Endpoints, prompt: Prompt, usage: Any) -> None:
    endpoints.answer = (200, {}, {**completion(), "usage": usage})
    priced = Endpoint("openai", "m", endpoints.base_url, price_input=2.0, price_output=8.0)
    done = ask(prompt, priced)
    assert (done.text, done.usage.cost_usd) == ("hello", None)
    assert ask(prompt, Endpoint("local", "m", endpoints.base_url, price_input=0, price_output=0)).usage.cost_usd == 0


@pytest.mark.parametrize("value", ["9" * 5_000, "1.2.3s", "\xb2", "-1", "99999999999999999999h"])
def test_odd_limits_do_not_cost_an_answer(endpoints: Endpoints, prompt: Prompt, value: str) -> None:
    names = ("remaining-requests", "reset-requests", "limit-tokens", "remaining-tokens", "reset-tokens")
    endpoints.answer = (200, {f"x-ratelimit-{name}": value for name in names}, completion())
    assert ask(prompt, Endpoint("openai", "m", endpoints.base_url)).text == "hello"


def test_half_a_character_arrives_as_its_escape(endpoints: Endpoints, prompt: Prompt) -> None:
    endpoints.answer = (200, {}, {**completion('{"a": "\ud83d"}'), "id": "\ud83d", "model": "\ud83d"})
    done = ask(prompt, Endpoint("openai", "m", endpoints.base_url))
    assert done.text == '{"a": "\\ud83d"}'
    assert f"{done.request_id}{done.model}".encode()


ERROR = {"error": {"message": "said why", "code": None}}


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((401, {}, ERROR), ProviderUnusable, "refused the key (HTTP 401); check OPENAI_API_KEY: said why"),
        ((404, {}, ERROR), ProviderUnusable, "no model `m` at this address (HTTP 404)"),
        (
            (400, {}, {"error": {"message": "triggered", "code": "content_filter"}}),
            Filtered,
            "filter stopped the question",
        ),
        ((402, {}, ERROR), ProviderUnusable, "no credit is left"),
        ((429, {}, {"error": {"message": "x", "code": "insufficient_quota"}}), ProviderUnusable, "no credit is left"),
        ((400, {}, {"error": {"message": "bad schema"}}), BadRequest, "schema_lengths = false"),
        ((401, {}, {"error": {"message": "no: Bearer sk-secret"}}), ProviderUnusable, "no: Bearer ***"),
        ((200, {}, {"choices": [{"message": None}]}), Retryable, "has not the form of a completion"),
        ((200, {}, {"choices": [{"message": {"content": ["x"]}}]}), Retryable, "content is list"),
        ((200, {}, [1]), Retryable, "has not the form"),
        ((400, {}, {"error": {"message": "half \ud83d"}}), BadRequest, "half \\ud83d"),
        ((200, {}, {**completion(), "choices": "\ud83d"}), Retryable, "has not the form"),
        ((429, {"retry-after": "7"}, ERROR), Retryable, "HTTP 429: said why"),
        ((503, {}, b"<html>"), Retryable, "HTTP 503"),
        ((200, {}, b"not json"), Retryable, "is not JSON"),
        ((200, {}, {"choices": []}), Retryable, "has not the form of a completion"),
        ((200, {}, completion(None, refusal="I will not")), Refused, "I will not"),
        ((200, {}, completion("x", "content_filter")), Refused, "content filter"),
        ((200, {}, completion("x", "length")), Truncated, "cut off"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else None,
)
def test_failures_by_their_kind(
    endpoints: Endpoints, prompt: Prompt, answer: Answer, kind: type[ProviderError], words: str
) -> None:
    endpoints.answer = answer
    with pytest.raises(kind) as caught:
        ask(prompt, Endpoint("openai", "m", endpoints.base_url, "sk-secret"))
    assert words in str(caught.value)
    assert "sk-secret" not in str(caught.value)
    assert len(endpoints.requests) == 1, "the client's own retries are off"
    if isinstance(caught.value, Truncated):
        assert caught.value.usage.prompt_tokens == 1_000


def test_a_key_too_short_to_be_one_masks_no_words(endpoints: Endpoints, prompt: Prompt) -> None:
    endpoints.answer = (200, {}, completion("x", "length"))
    with pytest.raises(Truncated, match="raise --max-tokens"):
        ask(prompt, Endpoint("openai", "m", endpoints.base_url, "x"))


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"retry-after": "7"}, 7.0), ({"retry-after-ms": "250"}, 0.25), ({}, None)]
)
def test_how_long_the_endpoint_asks_to_wait(
    endpoints: Endpoints, prompt: Prompt, headers: dict[str, str], seconds: float | None
) -> None:
    endpoints.answer = (429, headers, ERROR)
    with pytest.raises(Retryable) as caught:
        ask(prompt, Endpoint("openai", "m", endpoints.base_url))
    assert caught.value.retry_after == seconds


def test_an_endpoint_that_is_not_there(endpoints: Endpoints, prompt: Prompt) -> None:
    closed = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = closed.server_port
    closed.server_close()
    with pytest.raises(Unreachable, match=f"nothing answers at http://127.0.0.1:{port}"):
        ask(prompt, Endpoint("openai", "m", f"http://127.0.0.1:{port}/v1"))


def retry(
    prompt: Prompt, *script: str | Exception, tries: int = 3
) -> tuple[Callable[[], Completion], list[float], Scripted]:
    waited: list[float] = []
    inner = Scripted(*script)
    clients: list[Client] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def complete() -> Completion:
        endpoint = Endpoint("scripted", inner.model)
        if not clients:
            clients.append(Client(inner, endpoint, Pacer(Pace(4)), tries=tries, sleep=sleep))
        clients[0].pacer = Pacer(Pace(4))
        return await clients[0].complete(prompt)

    return lambda: asyncio.run(complete()), waited, inner


def test_what_passes_is_tried_again_after_the_time_asked_for(prompt: Prompt) -> None:
    complete, waited, inner = retry(prompt, Retryable("x", retry_after=3.5), Retryable("y"), points_json())
    assert complete().text == points_json()
    assert len(inner.asked) == 3
    assert waited[0] == 3.5
    assert 0 <= waited[1] <= 60


def test_tries_are_bounded_and_a_refusal_is_not_tried_again(prompt: Prompt) -> None:
    complete, waited, _ = retry(prompt, *[Retryable("x")] * 3)
    with pytest.raises(Retryable):
        complete()
    assert len(waited) == 2
    complete, waited, _ = retry(prompt, Refused("no"))
    with pytest.raises(Refused):
        complete()
    assert waited == []


def test_refusals_for_a_limit_use_up_no_try_of_other_failures(prompt: Prompt) -> None:
    refusals = [Retryable("slow down", kind="rate-limited", retry_after=0.0)] * 5
    complete, _, inner = retry(prompt, *refusals, Retryable("HTTP 500"), *refusals, points_json(), tries=2)
    assert complete().text == points_json()
    assert len(inner.asked) == 12
    complete, _, _ = retry(prompt, *refusals, Retryable("HTTP 500"), Retryable("HTTP 500"), tries=2)
    with pytest.raises(Retryable, match="HTTP 500"):
        complete()


def test_an_endpoint_that_never_answered_ends_the_run_but_one_that_did_may_come_back(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_PROBES", (0.01, 0.01))
    complete, _, _ = retry(prompt, *[Unreachable("nothing answers at x")] * 3)
    with pytest.raises(ProviderUnusable, match="is the endpoint running"):
        complete()
    complete, _, inner = retry(prompt, points_json(), *[Unreachable("x")] * 9, points_json())
    complete()
    assert complete().text == points_json()
    assert len(inner.asked) == 11, "an outage uses up no tries"
    monkeypatch.setattr(client, "_LONGEST_OUTAGE", 0.06)
    complete, _, inner = retry(prompt, points_json(), *[Unreachable("nothing answers at x")] * 99)
    complete()
    with pytest.raises(EndpointDown, match=r"^nothing answers at x, .* the same command goes on from here$"):
        complete()
    assert len(inner.asked) < 20


def test_a_longer_pause_than_a_run_stands_still_for_ends_it_once_what_is_in_flight_is_answered(prompt: Prompt) -> None:
    refusal = Retryable("HTTP 429: no more today", kind="rate-limited", retry_after=86_400.0)

    class Slow(Scripted):
        async def send(self, body: Any) -> Completion:
            self.asked.append(body)
            if len(self.asked) == 2:
                await asyncio.sleep(0.05)
                raise refusal
            await asyncio.sleep(0.3)
            return Completion("answer", self.model, Usage())

    done: list[str] = []

    async def each() -> None:
        asked = Client(Slow(), Endpoint("scripted", "m"), Pacer(Pace(4)))
        tasks = [asyncio.create_task(asked.complete(prompt)) for _ in range(6)]
        finished, waiting = await asyncio.wait(tasks, timeout=2.0)
        for task in waiting:
            task.cancel()
        done.extend(str(task.exception() or "answer") for task in finished)

    asyncio.run(each())
    assert sorted(done) == [
        "HTTP 429: no more today; it asks to wait 24 h: the same command goes on from here then",
        *["answer"] * 3,
    ]


def test_a_request_that_is_not_taken_ends_the_run_only_if_none_was(prompt: Prompt) -> None:
    complete, _, _ = retry(prompt, BadRequest("too long"))
    with pytest.raises(ProviderUnusable, match="too long"):
        complete()
    complete, _, _ = retry(prompt, points_json(), BadRequest("too long"))
    complete()
    with pytest.raises(BadRequest):
        complete()


def test_one_request_that_is_not_taken_proves_nothing_while_others_are_in_flight(prompt: Prompt) -> None:
    class Slow(Scripted):
        async def send(self, body: Any) -> Completion:
            await asyncio.sleep(0.01)
            return await super().send(body)

    async def complete(*script: str | Exception, cap: int) -> list[BaseException | Completion]:
        client = Client(Slow(*script), Endpoint("scripted", "m"), Pacer(Pace(cap)))
        return await asyncio.gather(*(client.complete(prompt) for _ in script), return_exceptions=True)

    found = asyncio.run(complete(BadRequest("too long"), points_json(), BadRequest("too long"), cap=4))
    assert [type(one) for one in found] == [BadRequest, Completion, BadRequest]
    found = asyncio.run(complete(*[BadRequest("no such field")] * 6, cap=3))
    assert [type(one) for one in found[:3]] == [BadRequest, BadRequest, ProviderUnusable]
    found = asyncio.run(complete(Refused("no"), BadRequest("too long"), cap=1))
    assert [type(one) for one in found] == [Refused, BadRequest], "a refusal is an answer"


def test_what_every_try_took_is_told(prompt: Prompt) -> None:
    async def complete(*script: str | Exception, tries: int = 3) -> Completion:
        async def no_wait(_: float) -> None: ...

        endpoint = Endpoint("scripted", "m", price_input=1.0, price_output=1.0)
        client = Client(Scripted(*script), endpoint, Pacer(Pace(4)), tries=tries, sleep=no_wait)
        return await client.complete(prompt)

    odd = Retryable("x", kind="malformed", usage=Usage(10, 5, 0, 0.5))
    done = asyncio.run(complete(odd, odd, points_json()))
    assert (done.usage, done.lost) == (Usage(100, 50, 0, 0.25), Usage(20, 10, 0, 1.0))
    assert asyncio.run(complete(Retryable("x", kind="dropped"), points_json())).lost.cost_usd is None
    with pytest.raises(Truncated) as cut:
        asyncio.run(complete(odd, Truncated("cut", usage=Usage(1, 1, 0, 0.1))))
    assert cut.value.completion.lost == Usage(10, 5, 0, 0.5)
    assert cut.value.completion.usage == Usage(1, 1, 0, 0.1)
    with pytest.raises(Retryable) as failed:
        asyncio.run(complete(odd, odd, tries=2))
    assert failed.value.usage == Usage(20, 10, 0, 1.0)


def test_a_budget_counts_what_is_really_asked_for(prompt: Prompt) -> None:
    async def spent(extra: dict[str, Any], base_url: str | None = None) -> float:
        budget = Budget(1.0)
        endpoint = Endpoint("scripted", "m", base_url, extra=extra, price_input=0.0, price_output=10.0)
        client = Client(Scripted(Retryable("x", kind="dropped")), endpoint, Pacer(Pace(4)), tries=1, budget=budget)
        with pytest.raises((Retryable, BudgetReached)):
            await client.complete(prompt)
        return budget.spent

    assert asyncio.run(spent({})) == pytest.approx(1_200 * 10 / 1e6)
    assert asyncio.run(spent({"max_tokens": 60_000})) == pytest.approx(60_000 * 10 / 1e6)
    assert asyncio.run(spent({"max_completion_tokens": 60_000}, "http://x/v1")) == pytest.approx(60_000 * 10 / 1e6)
    assert asyncio.run(spent({"n": 4})) == pytest.approx(4 * 1_200 * 10 / 1e6)
    assert asyncio.run(spent({"n": 100})) == 0.0, "it is not sent"


def test_an_endpoint_is_the_same_however_its_address_is_written() -> None:
    def place(address: str | None, provider: str = "openai") -> str:
        return Endpoint(provider, "m", address).place

    assert (
        place("https://API.example.com:443/v1/") == place("https://api.example.com/v1") == "https://api.example.com/v1"
    )
    assert place("http://127.0.0.1:8080/v1") != place("http://127.0.0.1:8081/v1")
    assert place("http://127.0.0.1:8080/v1", "local") == place("http://127.0.0.1:9/v1", "local") == "local"
    assert place(None) == ""


def test_what_is_asked_of_this_machine_goes_through_no_proxy(
    endpoints: Endpoints, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert ask(prompt, Endpoint("openai", "m", endpoints.base_url)).text == "hello"


def test_the_provider_in_force() -> None:
    assert chosen(Settings()) == "local"
    assert chosen(Settings(base_url="http://x/v1")) == "openai"
    assert chosen(Settings(api_key="sk-1")) == "openai"  # type: ignore[arg-type]
    assert chosen(Settings(api_key="sk-1", provider="local")) == "local"  # type: ignore[arg-type]
    assert endpoints_for(Settings())[0].cost(1, 1, 0) == 0.0
    with pytest.raises(SettingsError, match="needs OPENAI_API_KEY"):
        remote_endpoint(Settings(provider="openai"))


def test_openais_own_endpoint_knows_another_name_for_the_limit(prompt: Prompt) -> None:
    assert "max_completion_tokens" in request(prompt, Endpoint("openai", "m"))
    assert "max_tokens" in request(prompt, Endpoint("openai", "m", "http://x/v1"))
    assert "minLength" not in json.dumps(request(prompt, Endpoint("openai", "m", schema_lengths=False)))


def test_a_key_is_never_part_of_what_an_endpoint_prints() -> None:
    assert "sk-secret" not in repr(Endpoint("openai", "m", api_key="sk-secret"))


def test_every_request_is_a_span_without_its_text(prompt: Prompt) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    complete, _, _ = retry(prompt, Retryable("no: sk-secret", kind="unavailable"), points_json())
    complete()
    first, second = kept.get_finished_spans()
    assert [span.name for span in (first, second)] == ["chat scripted-1"] * 2
    assert first.attributes is not None
    assert second.attributes is not None
    assert first.attributes["error.type"] == "unavailable"
    assert second.attributes["gen_ai.usage.output_tokens"] == 50
    assert second.attributes["gen_ai.request.max_tokens"] == 1200
    everything = first.to_json() + second.to_json()
    assert "osmosis" not in everything.lower()


def test_what_a_request_cost_that_nothing_was_heard_of_is_unknown(prompt: Prompt) -> None:
    async def spent(error: Exception) -> tuple[float, list[float | None]]:
        budget, seen = Budget(1.0), []

        class Desk:
            async def claim(self, _: object) -> None: ...
            async def answered(self, *_: object) -> None: ...
            def dropped(self, _: object) -> None: ...
            def tried(self, one: Any) -> None:
                seen.append(one.usage.cost_usd)

        endpoint = Endpoint("scripted", "m", price_input=1.0, price_output=1.0)
        desk: Any = Desk()
        client = Client(Scripted(error), endpoint, Pacer(Pace(4)), tries=1, desk=desk, budget=budget)
        with pytest.raises(Retryable):
            await client.complete(prompt)
        return budget.spent, seen

    dropped, seen = asyncio.run(spent(Retryable("x", kind="dropped")))
    assert dropped > 0.001, "the budget counts the most it can have been"
    assert seen == [None]
    odd, seen = asyncio.run(spent(Retryable("x", kind="malformed")))
    assert (odd, seen) == (dropped, [None])
    odd, seen = asyncio.run(spent(Retryable("x", kind="malformed", usage=Usage(1, 1, 0, 0.5))))
    assert (odd, seen) == (0.5, [0.5])
    refused, seen = asyncio.run(spent(Retryable("x", kind="unavailable")))
    assert (refused, seen) == (0.0, [0.0]), "an error of the server is an answer, and costs nothing"


@pytest.mark.parametrize(
    "payload",
    [
        {"data": [{"index": 0, "embedding": [1.0, 2.0]}, {"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": ["a", "b"]}, {"index": 1, "embedding": [1.0, 2.0]}]},
        {"data": [{"index": 0, "embedding": [0.0, 0.0]}, {"index": 1, "embedding": [1.0, 2.0]}]},
        {"data": [{"index": 0}, {"index": 1}]},
        {"data": [{"index": 0, "embedding": [1.0, 2.0]}]},
        {"data": None},
        {"data": []},
        {},
        b"<html>",
    ],
)
def test_what_is_no_list_of_vectors_is_said_so(endpoints: Endpoints, payload: Any) -> None:
    endpoints.answer = (200, {"content-type": "application/json"}, payload)
    with pytest.raises(Retryable, match="vectors") as found:
        OpenAIEmbeddings(Endpoint("openai", "m", endpoints.base_url, "sk-1"))(["one", "two"])
    assert found.value.kind == "malformed"
