"""Embeddings from a server on a free loopback port."""

import socket
from typing import Any

import pytest

from qtgen.errors import ProviderError, Retryable, Unreachable
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.openai_embeddings import OpenAIEmbeddings
from support.fake_endpoint import FakeEndpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
ERROR = {"error": {"message": "the reason", "code": None}}


def test_embeddings_are_returned_in_the_order_of_the_texts(server: FakeEndpoint) -> None:
    rows = [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1.0, 0.0]}]
    server.response = (200, {"content-type": "application/json"}, {"data": rows})
    embed = OpenAIEmbeddings(Endpoint("openai", "m", server.base_url, "sk-1", headers={"X-Team": "editors"}))
    assert embed(["one", "two"]).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert server.requests[0][0]["x-team"] == "editors"


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
def test_a_response_without_vectors_is_malformed(server: FakeEndpoint, payload: Any) -> None:
    server.response = (200, {"content-type": "application/json"}, payload)
    with pytest.raises(Retryable, match="vectors") as caught:
        OpenAIEmbeddings(Endpoint("openai", "m", server.base_url, "sk-1"))(["one", "two"])
    assert caught.value.kind == "malformed"


def test_embeddings_report_a_wrong_key(server: FakeEndpoint) -> None:
    server.response = (401, {}, ERROR)
    with pytest.raises(ProviderError, match="rejected the key"):
        OpenAIEmbeddings(Endpoint("openai", "m", server.base_url, "sk-1"))(["one"])


def test_an_address_without_a_server_is_shown_without_its_query() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    embed = OpenAIEmbeddings(Endpoint("openai", "m", f"http://127.0.0.1:{port}/v1?key=query-secret"))
    with pytest.raises(Unreachable) as caught:
        embed(["one"])
    assert str(caught.value) == f"nothing answers at http://127.0.0.1:{port}/v1 (connection refused)"
