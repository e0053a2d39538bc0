"""The wire: whatever a server sends, a request ends with an answer or with an error that names what to do."""

import asyncio
import gzip
import json

import pytest

from qtgen.errors import Denied, MissingExtra, ProviderError, Retryable, SettingsError, Unreachable
from qtgen.llm.endpoint import Endpoint, make_request
from qtgen.llm.openai import OpenAISender
from qtgen.llm.transport import connection
from qtgen.llm.types import Completion, Prompt
from support.fake_endpoint import completion
from support.raw_server import RawServer, http, raw_server

pytestmark = pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
BODY = json.dumps(completion()).encode()
GOOD = http(BODY)
EVENT = b'data: {"choices": [{"delta": {"content": "hello"}, "finish_reason": "stop"}]}\n\n'


PART_EVENT = b'data: {"choices": [{"delta": {"content": "hello"}}]}\n\n'
EVENT_END = b"data: [DONE]\n\n"


def chunked(*parts: bytes, is_cut: bool = True) -> bytes:
    """Return a response whose connection closes before the last chunk, unless it is not cut."""
    chunks = [f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts]
    return http(b"".join(chunks) + (b"" if is_cut else b"0\r\n\r\n"), "Transfer-Encoding: chunked")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def send_all(prompt: Prompt, endpoint: Endpoint, count: int = 1) -> list[Completion]:
    sender = OpenAISender(endpoint)
    try:
        return [await sender.send(make_request(prompt, endpoint)) for _ in range(count)]
    finally:
        await sender.aclose()


def exchange(
    prompt: Prompt, *answers: bytes, count: int = 1, path: str = "/v1", keep_open: bool = False, pause: float = 0.0,
    timeout: float = 20.0,
) -> tuple[list[Completion], list[bytes]]:  # fmt: skip
    """Send requests to a raw server and return the completions and the requests that it got."""

    async def run() -> tuple[list[Completion], list[bytes]]:
        async with raw_server(*answers, keep_open=keep_open, pause=pause) as server:
            endpoint = Endpoint("openai", "m", server.address + path, "sk-secret-1", timeout=timeout)
            return await send_all(prompt, endpoint, count), server.requests

    return asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + GOOD,
        b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY,
        http(f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
        http(f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n", "Transfer-Encoding: chunked"),
        http(BODY, f"Content-Length: {len(BODY) + 9}"),
        http(gzip.compress(BODY), "Content-Encoding: gzip"),
        http(gzip.compress(BODY)),
        http(EVENT, "X-Long: " + "x" * 60_000),
        http(b"\n\n: OPENROUTER PROCESSING\n\n" + BODY),
        chunked(PART_EVENT, is_cut=False),
        chunked(PART_EVENT, EVENT_END),
        chunked(EVENT),
        http(PART_EVENT),
    ],
    ids=[
        "no reason",
        "end mark, cut",
        "reason, cut",
        "no reason or length",
        "plain",
        "hints",
        "http10",
        "chunked",
        "no last chunk",
        "short",
        "gzip",
        "unlabelled",
        "stream",
        "comments",
    ],
)
def test_an_answer_arrives(prompt: Prompt, answer: bytes) -> None:
    [found], _ = exchange(prompt, answer)
    assert (found.text, found.kind) == ("hello", "ok")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Bad Header: 1\r\n\r\n", "malformed", "not valid HTTP (Invalid header token"),
        (http(BODY, f"Content-Length: {len(BODY)}", "Content-Length: 7"), "malformed", "not valid HTTP"),
        (http(BODY, f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"), "malformed", "not valid HTTP"),
        (http(BODY, "X-Long: " + "x" * 100_000), "malformed", "not valid HTTP"),
        (http(BODY, *(f"X-{number}: 1" for number in range(3_000))), "malformed", "not valid HTTP"),
        (b"\x15\x03\x01\x00\x02\x02P", "malformed", "not valid HTTP"),
        (b"HTTP/9.9 two hundred\r\n\r\n", "malformed", "not valid HTTP"),
        (http(BODY[:50], f"Content-Length: {len(BODY)}"), "dropped", "the connection was lost (the response is incomplete)"),
        (chunked(PART_EVENT, EVENT_END)[:-8], "dropped", "the connection was lost (the response is incomplete)"),
        (chunked(PART_EVENT), "dropped", "the connection was lost (the response is incomplete)"),
        (http(f"{len(BODY):x}\r\n".encode() + BODY[:50], "Transfer-Encoding: chunked"), "dropped", "incomplete"),
        (http(b"zz\r\n" + BODY, "Transfer-Encoding: chunked"), "malformed", "not valid HTTP"),
        (b"", "dropped", "the server closed it before it answered"),
        (b"HTTP/1.1 200", "dropped", "the connection was lost"),
        (http(gzip.compress(BODY)[:40], "Content-Encoding: gzip"), "malformed", "is compressed and incomplete"),
        (http(b"\x1f\x8bno gzip", "Content-Encoding: gzip"), "malformed", "cannot be decompressed"),
        (http(b"\x0b\x02\x80{}\x03", "Content-Encoding: br"), "malformed", "the content encoding `br`"),
        (http(b"Bad gateway"), "malformed", "is not JSON: `Bad gateway`"),
        (http(b""), "malformed", "is empty"),
    ],
)  # fmt: skip
def test_a_response_without_an_answer_is_retryable(prompt: Prompt, answer: bytes, kind: str, words: str) -> None:
    with pytest.raises(Retryable) as caught:
        exchange(prompt, answer)
    assert caught.value.kind == kind
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    is_http = "not valid HTTP" not in words
    assert is_http or str(caught.value).endswith("; check the port, and whether the address begins with http or https")


def test_a_connection_is_used_again(prompt: Prompt) -> None:
    found, requests = exchange(prompt, GOOD, count=3, keep_open=True)
    assert [one.text for one in found] == ["hello"] * 3
    assert len(requests) == 3


def test_the_size_of_a_response_is_bounded(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_BODY", 2**20)
    for status in ("200 OK", "500 Oops"):
        with pytest.raises(Retryable, match="the endpoint's response is larger than 1 MiB"):
            exchange(prompt, http(b" " * 2**21, status=status))


def test_the_time_limit_bounds_the_whole_request(prompt: Prompt) -> None:
    with pytest.raises(Retryable, match=r"^no complete answer within 0.3 s; raise `timeout`$") as caught:
        exchange(prompt, b"".join([http(b"", "Content-Length: 9999"), b" " * 999]), pause=0.001, timeout=0.3)
    assert caught.value.kind == "timeout"


def test_a_cancelled_request_is_cancelled(prompt: Prompt) -> None:
    async def run() -> None:
        async with raw_server(http(b"", "Content-Length: 9"), keep_open=True) as server:
            endpoint = Endpoint("openai", "m", server.address)
            task = asyncio.create_task(send_all(prompt, endpoint))
            while not server.requests:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())


def test_a_server_without_tls_and_a_missing_server_have_different_messages(prompt: Prompt) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await send_all(prompt, Endpoint("openai", "m", f"https://127.0.0.1:{port}/v1"))

    with pytest.raises(Unreachable, match=r"no secure connection to https://127\.0\.0\.1:") as caught:
        asyncio.run(run())
    assert str(caught.value).endswith("(wrong version number); check whether the address begins with http or https")
    assert caught.value.remedy == "check whether the address begins with http or https"


# --- redirects -------------------------------------------------------------------------------------------------------


def redirect(status: int, location: str) -> bytes:
    return http(b"", f"Location: {location}", status=f"{status} Moved")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_repeats_the_request_and_is_remembered(prompt: Prompt, status: int) -> None:
    found, requests = exchange(prompt, redirect(status, "/other?x=1"), GOOD, count=2, keep_open=True)
    assert [one.text for one in found] == ["hello"] * 2
    lines = [request.split(b"\r\n")[0] for request in requests]
    assert lines == [b"POST /v1/chat/completions HTTP/1.1", *[b"POST /other?x=1 HTTP/1.1"] * 2]
    assert all(request.endswith(requests[0].partition(b"\r\n\r\n")[2]) for request in requests)
    assert all(b"Bearer sk-secret-1" in request for request in requests)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (redirect(301, "https://other.example/v1/chat/completions"), "set `base_url` to https://other.example/v1"),
        (redirect(302, "http://127.0.0.1:1/v1/chat/completions"), "set `base_url` to http://127.0.0.1:1/v1"),
        (redirect(302, "https://login.example/?key=1"), "redirects to https://login.example/ (HTTP 302); check"),
        (redirect(303, "/v1/other"), "/v1/other (HTTP 303)"),
        (redirect(307, "/v1/chat/completions"), "in a loop"),
        (redirect(307, "ftp://127.0.0.1/"), "redirects to no address"),
        (redirect(307, "http://[bad"), "redirects to no address"),
        (http(b"", status="301 Moved"), "redirects to no address"),
    ],
)
def test_other_redirects_are_denied_with_the_address_to_set(prompt: Prompt, answer: bytes, words: str) -> None:
    with pytest.raises(Denied) as caught:
        exchange(prompt, answer)
    assert words in str(caught.value)
    assert caught.value.setting == "base_url"


def test_a_chain_of_redirects_ends(prompt: Prompt) -> None:
    with pytest.raises(Denied, match="in a loop"):
        exchange(prompt, *(redirect(307, f"/{number}") for number in range(20)), keep_open=True)


# --- addresses and proxies -------------------------------------------------------------------------------------------


def test_a_query_of_the_base_url_stays_after_the_path(prompt: Prompt) -> None:
    _, [request] = exchange(prompt, GOOD, path="/openai/deployments/dep?api-version=2024-06-01")
    assert request.startswith(b"POST /openai/deployments/dep/chat/completions?api-version=2024-06-01 HTTP/1.1\r\n")


def through_proxy(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch, *answers: bytes, base: str = "http://llm.example/v1",
    login: str = "me:pa%40ss-word@", scheme: str = "http",
) -> tuple[Completion, RawServer]:  # fmt: skip
    async def run() -> tuple[Completion, RawServer]:
        async with raw_server(*answers) as server:
            monkeypatch.setenv("ALL_PROXY", f"{scheme}://{login}127.0.0.1:{server.port}")
            [found] = await send_all(prompt, Endpoint("openai", "m", base, "sk-secret-1"))
            return found, server

    return asyncio.run(run())


def test_requests_go_through_the_proxy_with_its_login(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    found, server = through_proxy(prompt, monkeypatch, GOOD)
    assert found.text == "hello"
    assert server.requests[0].startswith(b"POST http://llm.example/v1/chat/completions HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cGFAc3Mtd29yZA==" in server.requests[0]
    _, server = through_proxy(prompt, monkeypatch, GOOD, login="")
    assert b"proxy-authorization" not in server.requests[0].lower()


@pytest.mark.parametrize("login", ["", "me:pa%40ss-word@"])
def test_a_tunnel_is_opened_without_the_key(prompt: Prompt, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    requests: list[bytes] = []

    async def run() -> None:
        async with raw_server(http(b"", status="503 No")) as server:
            monkeypatch.setenv("ALL_PROXY", f"http://{login}127.0.0.1:{server.port}")
            try:
                await send_all(prompt, Endpoint("openai", "m", "https://llm.example/v1", "sk-secret-1"))
            finally:
                requests.extend(server.requests)

    with pytest.raises(Retryable):
        asyncio.run(run())
    assert requests[0].startswith(b"CONNECT llm.example:443 HTTP/1.1\r\n")
    assert b"secret" not in requests[0]
    assert (b"Proxy-Authorization: Basic bWU6cGFAc3Mtd29yZA==" in requests[0]) == bool(login)


@pytest.mark.parametrize(
    ("base", "answer", "kind", "words"),
    [
        ("http", http(b"login", status="407 Proxy Authentication Required"), Denied, "requires a login (HTTP 407: login)"),
        ("https", http(b"", status="407 Proxy Authentication Required"), Denied, "requires a login (HTTP 407"),
        ("https", http(b"", status="403 Forbidden"), Denied, "refuses to connect to https://llm.example/v1 (HTTP 403"),
        ("https", http(b"", status="502 Bad Gateway"), Retryable, "cannot reach https://llm.example/v1 (HTTP 502"),
        ("https", b"", ProviderError, ""),
    ],
)  # fmt: skip
def test_a_proxy_that_refuses_is_named_without_its_password(
    prompt: Prompt, monkeypatch: pytest.MonkeyPatch, base: str, answer: bytes, kind: type[ProviderError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        through_proxy(prompt, monkeypatch, answer, base=f"{base}://llm.example/v1")
    message = str(caught.value)
    assert words in message
    assert "pass" not in message.lower().replace("user:password@host", "")
    if words:
        assert "ALL_PROXY" in message
        assert "http://127.0.0.1:" in message


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks4"])
def test_a_proxy_that_is_not_there(prompt: Prompt, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:1")
    with pytest.raises(
        Unreachable, match=rf"the proxy {scheme}://127.0.0.1:1 \(ALL_PROXY\) does not connect"
    ) as caught:
        asyncio.run(send_all(prompt, Endpoint("openai", "m", "http://llm.example/v1")))
    assert "check ALL_PROXY" in str(caught.value)


@pytest.mark.parametrize("scheme", ["socks", "socks5", "socks5h"])
def test_requests_go_through_a_socks_proxy(prompt: Prompt, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    greetings: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greetings.append(await reader.readexactly(3))
        writer.write(b"\x05\x00")
        head = await reader.readexactly(5)
        greetings.append(head + await reader.readexactly(head[4] + 2))
        writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
        writer.write(GOOD)
        await writer.drain()
        writer.close()

    async def run() -> list[Completion]:
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            return await send_all(prompt, Endpoint("openai", "m", "http://llm.example/v1"))

    assert asyncio.run(run())[0].text == "hello"
    assert greetings[1] == b"\x05\x01\x00\x03\x0bllm.example\x00\x50"


def test_a_socks_proxy_without_its_extra(prompt: Prompt, monkeypatch: pytest.MonkeyPatch) -> None:
    from qtgen._util import extras

    monkeypatch.setattr(extras, "missing", lambda *modules: modules[0])
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(MissingExtra) as caught:
        OpenAISender(Endpoint("openai", "m", "http://llm.example/v1"))
    assert (caught.value.extra, "ALL_PROXY" in str(caught.value)) == ("socks", True)


@pytest.mark.parametrize("base", ["http://exa mple/v1", "http://h..example/v1", f"http://{'a' * 70}.example/v1"])
def test_an_address_that_cannot_be_used_is_a_settings_error(base: str) -> None:
    with pytest.raises(SettingsError) as caught:
        OpenAISender(Endpoint("openai", "m", base))
    assert caught.value.setting == "base_url"
