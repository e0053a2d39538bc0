"""The helpers that users test their own code with."""

import asyncio
import json
import socket

import pytest

from qtgen.errors import Truncated
from qtgen.generation.answer_parts import PointsAnswer
from qtgen.llm.types import Message, Prompt
from qtgen.testing import NetworkBlocked, ScriptedProvider, block_network, points_answer
from support import parse_json

PROMPT = Prompt("explain", 1, "points", (Message("user", "Why?"),), {}, {}, "d", "w", "s")


def test_a_scripted_provider_follows_its_script() -> None:
    provider = ScriptedProvider("first", Truncated("cut off"), "second")
    assert asyncio.run(provider.complete(PROMPT)).text == "first"
    with pytest.raises(Truncated, match="cut off"):
        asyncio.run(provider.complete(PROMPT))
    completion = asyncio.run(provider.complete(PROMPT))
    assert (completion.text, completion.model, completion.request_id) == ("second", "scripted-1", "request-3")
    assert provider.prompts == [PROMPT] * 3
    with pytest.raises(AssertionError, match="no answer for request 4"):
        asyncio.run(provider.complete(PROMPT))


def test_a_scripted_provider_keeps_what_became_of_its_answers() -> None:
    provider = ScriptedProvider("bad")
    completion = asyncio.run(provider.complete(PROMPT))
    provider.reject(completion)
    provider.forget(completion)
    assert (provider.rejected, provider.forgotten) == (1, ["bad"])


def test_the_points_answer_is_valid() -> None:
    answer = parse_json("points", points_answer()).fields
    assert isinstance(answer, PointsAnswer)
    assert answer.markdown().startswith("Osmosis moves water")
    assert json.loads(points_answer(summary="Short."))["summary"] == "Short."


def test_connections_to_other_machines_are_blocked() -> None:
    with block_network(), socket.socket() as sock:
        for connect in (sock.connect, sock.connect_ex):
            with pytest.raises(NetworkBlocked, match=r"192\.0\.2\.1:80"):
                connect(("192.0.2.1", 80))
            with pytest.raises(NetworkBlocked):
                connect(("example.invalid", 80))


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
@pytest.mark.parametrize("allowed", [True, False])
def test_loopback_is_allowed_unless_asked_otherwise(allowed: bool) -> None:
    guard = block_network(allow_loopback=allowed)
    with socket.create_server(("127.0.0.1", 0)) as server, guard, socket.socket() as client:
        if allowed:
            client.connect(server.getsockname())
            assert client.getpeername() == server.getsockname()
        else:
            with pytest.raises(NetworkBlocked):
                client.connect_ex(("127.0.0.1", server.getsockname()[1]))


def test_the_guard_ends_with_its_block() -> None:
    connect = socket.socket.connect
    with block_network():
        assert socket.socket.connect is not connect
    assert socket.socket.connect is connect
