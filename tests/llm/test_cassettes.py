"""Strict replay: only exactly recorded requests are answered, each recording once."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qtgen._util import extras
from qtgen.errors import CassetteError, MissingExtra
from qtgen.llm import cassettes
from qtgen.llm.cassettes import (
    CassetteMiss,
    Recordings,
    ReplaySender,
    only_successes,
    recording,
    replaying,
    without_secrets,
)
from qtgen.llm.client import Client
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.openai import OpenAISender
from qtgen.llm.pacing import AdaptiveLimiter, Pacer
from qtgen.llm.types import Prompt
from support.fake_endpoint import FakeEndpoint
from support.senders import ScriptedSender, answer, request

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])


def body(question: str, **parameters: Any) -> bytes:
    messages = [{"role": "system", "content": "Answer.\nBriefly."}, {"role": "user", "content": question}]
    return json.dumps({"messages": messages, **parameters}).encode()


def recordings(*bodies: bytes) -> Recordings:
    return Recordings(SimpleNamespace(requests=[SimpleNamespace(body=body) for body in bodies]))


def test_each_recording_is_played_once() -> None:
    left = recordings(body("<question>Why  is\nthe sky blue?</question>"), body("Why?"))
    left.take(body("Why?"))
    assert left.unused == ["Why is the sky blue?"]
    with pytest.raises(CassetteMiss, match=r"it was sent more often than it was recorded: Why\?"):
        left.take(body("Why?"))
    assert left.missed == ["it was sent more often than it was recorded: Why?"]


def test_a_miss_shows_what_changed_against_the_most_similar_recording() -> None:
    left = recordings(body("Why is the sky blue?", temperature=0.2), body("How do magnets work?", temperature=0.2))
    with pytest.raises(CassetteMiss) as caught:
        left.take(body("Why is the sky blue now?", temperature=0.3))
    difference = "temperature: 0.2 -> 0.3; user message: Why is the sky [-blue?-] {+blue now?+}"
    assert str(caught.value) == f"there is no recording of this request: {difference}; record the responses again"
    assert left.missed == [difference]
    assert caught.value.body == body("Why is the sky blue now?", temperature=0.3)


def test_requests_that_are_no_json_are_compared_as_text() -> None:
    with pytest.raises(CassetteMiss, match="the cassette is empty"):
        recordings().take(b"\xff")
    left = recordings(b"one\ntwo", b'{"messages": 1}')
    with pytest.raises(CassetteMiss, match=r"request: one \[-two-\] \{\+three\+\}"):
        left.take(b"one\nthree")
    assert left.unused == ["b'one\\ntwo'", "b'{\"messages\": 1}'"]


def test_only_recorded_requests_reach_the_transport() -> None:
    async def main() -> None:
        inner = ScriptedSender(answer())
        sender = ReplaySender(inner, recordings(b"known"))
        assert (await sender.send(request("known"))).text == "answer"
        with pytest.raises(CassetteMiss):
            await sender.send(request("unknown"))
        assert len(inner.requests) == 1

    asyncio.run(main())


def test_no_header_that_may_hold_a_secret_is_recorded() -> None:
    headers = {"Authorization": "Bearer sk-1", "X-Gateway-Key": "gw", "cookie": "c", "content-type": "application/json"}
    recorded = without_secrets(SimpleNamespace(headers=headers, uri="http://127.0.0.1:9/v1", port=9))
    assert (recorded.headers, recorded.uri) == ({"content-type": "application/json"}, "http://127.0.0.1:8080/v1")


@pytest.mark.parametrize(
    ("uri", "recorded"),
    [
        ("http://me:s3cret@h:9/v1/x?key=s3cret#s3cret", "http://h:8080/v1/x"),
        ("https://h/openai/deployments/d/chat/completions?api-version=1&k=s3cret", None),
        ("http://[::1]:9/v1?s3cret", "http://[::1]:8080/v1"),
    ],
)
def test_no_part_of_an_address_that_may_hold_a_secret_is_recorded(uri: str, recorded: str | None) -> None:
    found = without_secrets(SimpleNamespace(headers={}, uri=uri)).uri
    assert found == (recorded or "https://h/openai/deployments/d/chat/completions")


def test_only_successes_are_recorded() -> None:
    headers = {"Content-Type": ["application/json"], "Set-Cookie": ["x"], "openai-organization": ["me"]}
    response = {"status": {"code": 200}, "headers": headers, "body": {}}
    assert only_successes(response)["headers"] == {"Content-Type": ["application/json"]}
    assert only_successes({**response, "status": {"code": 503}}) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "nothing is recorded yet"), ("a: [", "this is not a cassette"), ("[1]", "this is not a cassette")],
)
def test_a_cassette_that_cannot_be_played(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "cassette.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CassetteError, match=words) as caught, replaying(path):
        pass
    assert caught.value.path == path


def test_a_recording_is_replayed_without_the_endpoint(server: FakeEndpoint, prompt: Prompt, tmp_path: Path) -> None:
    endpoint = Endpoint("openai", "m", server.base_url, "sk-secret-canary", headers={"X-Gateway": "gw-secret-canary"})
    path = tmp_path / "suite" / "cassette.yaml"

    async def record() -> str:
        sender = OpenAISender(endpoint)
        with recording(path):
            completion = await Client(sender, endpoint, Pacer(AdaptiveLimiter(1))).complete(prompt)
        await sender.aclose()
        return completion.text

    async def replay() -> str:
        with replaying(path) as left:
            async with cassettes.strict_client(endpoint, left) as client:
                text = (await client.complete(prompt)).text
                with pytest.raises(CassetteMiss):
                    await client.complete(prompt)
                assert left.unused == []
                return text

    assert asyncio.run(record()) == "hello"
    assert "canary" not in path.read_text()
    assert len(server.requests) == 1
    assert asyncio.run(replay()) == "hello"
    assert len(server.requests) == 1


def test_a_recording_that_fails_keeps_the_old_cassette(tmp_path: Path) -> None:
    path = tmp_path / "cassette.yaml"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), recording(path):
        raise ZeroDivisionError
    assert [file.name for file in tmp_path.iterdir()] == ["cassette.yaml"]
    assert path.read_text() == "old"


def test_recording_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "missing", lambda *modules: modules[0])
    with pytest.raises(MissingExtra) as caught:
        cassettes.recorder()
    assert (caught.value.extra, caught.value.module) == ("evals", "vcr")
