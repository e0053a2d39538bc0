"""The built-in providers, opened as the commands open them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from qtgen._util import extras
from qtgen.errors import MissingExtra
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.factory import embeddings, endpoints_for, needs_fetch, open_clients
from qtgen.llm.local import download, server
from qtgen.llm.types import Prompt
from qtgen.settings import Settings
from support.fake_endpoint import FakeEndpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])


def complete(settings: Settings, prompt: Prompt) -> list[str]:
    async def main() -> list[str]:
        async with open_clients(settings) as clients:
            return [(await client.complete(prompt)).text for client in clients]

    return asyncio.run(main())


def test_openai_sends_to_each_model_at_the_address(server: FakeEndpoint, prompt: Prompt) -> None:
    settings = Settings(
        base_url=server.base_url, api_key=SecretStr("sk-1"), model=("a", "b"), headers={"X-Team": "editors"}
    )
    assert complete(settings, prompt) == ["hello", "hello"]
    assert [b'"model":"a"' in server.requests[0][1], b'"model":"b"' in server.requests[1][1]] == [True, True]
    assert server.requests[0][0]["x-team"] == "editors"


def test_local_sends_to_the_server_that_it_starts_and_stops_it(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    fake: FakeEndpoint = request.getfixturevalue("server")
    events: list[Any] = []

    @contextmanager
    def serve(model: Path | None, *, slots: int) -> Iterator[Endpoint]:
        events.append(slots)
        yield Endpoint("local", "tiny", fake.base_url)
        events.append("ended")

    monkeypatch.setattr(server, "serve", serve)
    assert complete(Settings(provider="local"), prompt) == ["hello"]
    assert complete(Settings(provider="local", concurrency=3), prompt) == ["hello"]
    assert events == [2, "ended", 3, "ended"]


@pytest.mark.parametrize(("provider", "extra"), [("openai", "generate"), ("local", "local")])
def test_a_missing_extra_is_named(provider: str, extra: str, prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "missing", lambda *modules: modules[0])
    with pytest.raises(MissingExtra) as caught:
        complete(Settings(provider=provider, base_url="http://127.0.0.1:9/v1"), prompt)
    assert caught.value.extra == extra


def test_the_settings_add_to_the_request_fields_of_a_local_model() -> None:
    (shipped,) = endpoints_for(Settings(provider="local"))
    (changed,) = endpoints_for(Settings(provider="local", request={"seed": 3, "min_p": 0.1}))
    assert changed.extra == {**shipped.extra, "seed": 3, "min_p": 0.1}


def test_the_embedded_model_is_fetched_only_if_it_will_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "find", lambda environ: None)
    assert needs_fetch(Settings())
    assert not needs_fetch(Settings(local_model=Path("x.gguf")))
    assert not needs_fetch(Settings(base_url="http://x/v1"))
    monkeypatch.setattr(download, "find", lambda environ: Path("there"))
    assert not needs_fetch(Settings())


def test_embeddings_use_the_endpoint_in_the_settings(server: FakeEndpoint) -> None:
    server.response = (200, {"content-type": "application/json"}, {"data": [{"index": 0, "embedding": [1.0, 0.0]}]})
    embed = embeddings(Settings(base_url=server.base_url), "e-1")
    assert embed(["one"]).tolist() == [[1.0, 0.0]]
    assert b'"e-1"' in server.requests[0][1]
