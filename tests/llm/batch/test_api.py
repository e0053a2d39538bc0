"""The operations of the Batch API, against an endpoint that keeps files and batches on disk."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from qtgen.errors import Denied, ProviderError, Retryable, SettingsError, Unreachable
from qtgen.llm.batch.api import BatchApi
from qtgen.llm.batch.results import split_lines
from qtgen.llm.endpoint import Endpoint
from support.batch_endpoint import BatchEndpoint, batch_endpoint
from support.fake_endpoint import FakeEndpoint

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
T = TypeVar("T")


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[BatchEndpoint]:
    with batch_endpoint(tmp_path / "provider") as endpoint:
        yield endpoint


def use(endpoint: Endpoint, work: Callable[[BatchApi], Awaitable[T]]) -> T:
    async def run() -> T:
        api = BatchApi(endpoint)
        try:
            return await work(api)
        finally:
            await api.aclose()

    return asyncio.run(run())


def at(provider: BatchEndpoint) -> Endpoint:
    return Endpoint("openai", "m", provider.address, "sk-secret-key")


def put(path: Path, lines: int = 3) -> Path:
    body = '{"model":"m","messages":[{"role":"user","content":"What is osmosis?"}]}'
    row = '{"custom_id":"%064d","method":"POST","url":"/v1/chat/completions","body":%s}\n'
    path.write_text("".join(row % (number, body) for number in range(lines)))
    return path


def test_a_batch_from_upload_to_results(provider: BatchEndpoint, tmp_path: Path) -> None:
    path = put(tmp_path / "in.jsonl")
    provider.faults.validating = 1

    async def work(api: BatchApi) -> list[object]:
        file = await api.upload(path, "batch")
        created = await api.create(file.id, "ledger-id", "24h")
        states = [created.state, (await api.retrieve(created.id)).state]
        done = await api.retrieve(created.id)
        lines = [line async for line in split_lines(api.content(done.result_files[0]))]
        await api.delete_file(file.id)
        return [file.size, *states, done.state, done.completed, len(lines)]

    assert use(at(provider), work) == [path.stat().st_size, "validating", "validating", "completed", 3, 3]
    assert provider.file("file-000001") == path.read_bytes()


def test_a_batch_is_found_by_its_metadata_or_its_file_on_any_page(provider: BatchEndpoint, tmp_path: Path) -> None:
    provider.faults.page = 2

    async def work(api: BatchApi) -> list[str | None]:
        files = [(await api.upload(put(tmp_path / f"{number}.jsonl"), "batch")).id for number in range(5)]
        for number, file in enumerate(files):
            provider.faults.no_metadata = number == 1
            await api.create(file, f"id-{number}", "24h")
        found = [await api.find("id-0", None), await api.find("id-1", files[1]), await api.find("id-9", "file-9")]
        return [remote.id if remote else None for remote in found]

    assert use(at(provider), work) == ["batch_000001", "batch_000002", None]


def test_a_lost_reply_and_a_lost_upload_are_errors_that_may_be_repeated(
    provider: BatchEndpoint, tmp_path: Path
) -> None:
    path = put(tmp_path / "in.jsonl", 2_000)
    provider.faults.cut_uploads = 1
    with pytest.raises(Retryable):
        use(at(provider), lambda api: api.upload(path, "batch"))
    provider.faults.lost = {"POST /batches": 1}

    async def create(api: BatchApi) -> object:
        return await api.create((await api.upload(path, "batch")).id, "ledger-id", "24h")

    with pytest.raises(Retryable) as caught:
        use(at(provider), create)
    assert caught.value.kind == "dropped"
    assert provider.calls["POST /batches"] == 1, "the client must not retry by itself"
    assert len(provider.batches()) == 1


def test_a_download_that_breaks_off_is_an_error(provider: BatchEndpoint, tmp_path: Path) -> None:
    path = put(tmp_path / "in.jsonl", 500)

    async def read(api: BatchApi) -> int:
        file = await api.upload(path, "batch")
        provider.faults.short_downloads = 1
        return len([chunk async for chunk in api.content(file.id)])

    with pytest.raises(Retryable):
        use(at(provider), read)


def test_what_the_endpoint_rejects_is_an_error_without_secrets(provider: BatchEndpoint, tmp_path: Path) -> None:
    path = put(tmp_path / "in.jsonl")
    with pytest.raises(ProviderError, match="Invalid purpose"):
        use(at(provider), lambda api: api.upload(path, "other"))
    with pytest.raises(ProviderError, match="no such file"):
        use(at(provider), lambda api: api.create("file-9", "id", "24h"))
    with pytest.raises(ProviderError, match="no such batch"):
        use(at(provider), lambda api: api.retrieve("batch_000009"))
    provider.faults.broken = {"POST /batches": [401, 503]}
    with pytest.raises(Denied):
        use(at(provider), lambda api: api.create("file-9", "id", "24h"))
    with pytest.raises(Retryable):
        use(at(provider), lambda api: api.create("file-9", "id", "24h"))


def test_an_endpoint_without_a_batch_api_says_so(server: FakeEndpoint, tmp_path: Path) -> None:
    server.response = (404, {}, {"detail": "Not Found"})
    with pytest.raises(Denied) as caught:
        use(Endpoint("openai", "m", server.base_url), lambda api: api.upload(put(tmp_path / "in.jsonl"), "batch"))
    assert "no Batch API" in str(caught.value.remedy)
    server.response = (200, {}, b"<html><title>Log in</title></html>")
    with pytest.raises(Retryable, match="web page"):
        use(Endpoint("openai", "m", server.base_url), lambda api: api.cancel("batch_1"))
    server.response = (200, {}, {"object": "nothing"})
    with pytest.raises(Retryable, match="describes no batch"):
        use(Endpoint("openai", "m", server.base_url), lambda api: api.cancel("batch_1"))


def test_headers_query_and_the_missing_key_are_those_of_live_requests(server: FakeEndpoint, tmp_path: Path) -> None:
    server.response = (200, {}, {"id": "file-1", "bytes": 5})
    endpoint = Endpoint(
        "openai", "m", server.base_url, headers={"X-Team": "blue", "Content-Type": "a/b"}, query={"api-version": "1"}
    )
    use(endpoint, lambda api: api.upload(put(tmp_path / "in.jsonl"), "batch"))
    headers, body = server.requests[-1]
    assert headers["x-team"] == "blue"
    assert "authorization" not in headers
    assert headers["content-type"].startswith("multipart/form-data")
    assert b'name="purpose"\r\n\r\nbatch' in body


def test_nothing_listens_and_a_bad_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreachable):
        use(Endpoint("openai", "m", "http://127.0.0.1:9/v1"), lambda api: api.retrieve("batch_1"))
    monkeypatch.setenv("HTTPS_PROXY", "socks4://127.0.0.1:9")
    with pytest.raises(SettingsError, match="socks4"):
        use(Endpoint("openai", "m", "https://llm.example/v1"), lambda api: api.retrieve("batch_1"))


def test_lines_are_split_however_the_chunks_fall() -> None:
    async def chunks(parts: list[bytes]) -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    async def lines(parts: list[bytes], most: int = 100) -> list[bytes]:
        return [line async for line in split_lines(chunks(parts), most)]

    text = b"alpha\n\r\nbeta\n\ngamma"
    for size in range(1, len(text) + 1):
        parts = [text[start : start + size] for start in range(0, len(text), size)]
        assert asyncio.run(lines(parts)) == [b"alpha", b"beta", b"gamma"]
    assert asyncio.run(lines([b"x" * 60, b"x" * 60, b"\ny\n"])) == [b"x" * 100, b"y"]
