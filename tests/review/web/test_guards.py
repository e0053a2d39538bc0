"""What every request passes: host, origin, content type, size, cookie; and the headers of every reply."""

import asyncio
from collections.abc import Iterable

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from qtgen.errors import UsageError
from qtgen.review.web.access import Access, LinkAccess, proxy_access
from qtgen.review.web.guards import (
    MAX_BODY,
    BodyLimit,
    Readers,
    ReplyHeaders,
    SameOrigin,
    allowed_hosts,
    is_same_origin,
)
from support.asgi import Headers, call

ACCESS = LinkAccess("Ada", b"s" * 32)
COOKIE = ("cookie", ACCESS.cookie.partition(";")[0])
JSON = ("content-type", "application/json")
SAME = ("sec-fetch-site", "same-origin")


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, message: str) -> None:
    await PlainTextResponse(message, status)(scope, receive, send)


async def echo(request: Request) -> Response:
    return JSONResponse({"size": len(await request.body()), "who": request.scope["viewer"].name})


def app(*, read_only: bool = False, access: Access = ACCESS) -> Starlette:
    middleware = [
        Middleware(ReplyHeaders),
        Middleware(
            TrustedHostMiddleware, allowed_hosts=allowed_hosts("127.0.0.1", ["review.example"]), www_redirect=False
        ),
        Middleware(SameOrigin, refuse=refuse),
        Middleware(BodyLimit, refuse=refuse),
        Middleware(Readers, refuse=refuse, access=access, read_only=read_only),
    ]
    routes = [Route("/", echo), Route("/api/x", echo, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])]
    return Starlette(routes=routes, middleware=middleware)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8000", 200),
        ("localhost:8000", 200),
        ("LOCALHOST", 200),
        ("[::1]", 200),
        ("[::1]:8000", 200),
        ("review.example", 200),
        ("review.example:443", 200),
        ("www.review.example", 400),
        ("evil.example", 400),
        ("127.0.0.1.evil.example", 400),
        ("localhost.evil.example:8000", 400),
        ("evil.example:80@127.0.0.1", 400),
        ("127.0.0.1, evil.example", 400),
        ("[::2]:8000", 400),
        ("::1", 400),
        ("0.0.0.0", 400),
        ("", 400),
    ],
)
def test_host(host: str, status: int) -> None:
    assert call(app(), "GET", "/", [("host", host), COOKIE]).status == status


@pytest.mark.parametrize(
    "name", ["*", "*.example.org", "a*b", "", "example.org:8080", "http://example.org", "a/b", "."]
)
def test_allowed_host_must_be_a_name(name: str) -> None:
    with pytest.raises(UsageError, match="is not the name of a host; give the name alone"):
        allowed_hosts("127.0.0.1", ["review.example", name])


def test_part_of_a_body_is_no_request() -> None:
    sent: list[Message] = []
    incoming: list[Message] = [
        {"type": "http.request", "body": b"{}", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    asyncio.run(BodyLimit(echo, refuse)(scope, receive, send))  # type: ignore[arg-type]  # it is never called
    assert sent == []


def test_hosts_of_other_addresses() -> None:
    assert allowed_hosts("10.0.0.1", []) == ["127.0.0.1", "localhost", "[::1]", "10.0.0.1"]
    assert allowed_hosts("fd00::1", [])[-1] == "[fd00::1]"
    assert allowed_hosts("0.0.0.0", ["a.example"]) == ["127.0.0.1", "localhost", "[::1]", "a.example"]
    assert "[::]" not in allowed_hosts("::", [])


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": ""}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"}, False),
        ({"origin": "http://127.0.0.1:8000"}, True),
        ({"origin": "https://127.0.0.1:8000"}, True),
        ({"origin": "http://127.0.0.1"}, False),
        ({"origin": "http://127.0.0.1:9000"}, False),
        ({"origin": "http://127.0.0.1:8000.evil.example"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "file://127.0.0.1:8000"}, False),
        ({"referer": "http://127.0.0.1:8000/"}, False),
        ({}, False),
    ],
)
def test_origin(headers: dict[str, str], same: bool) -> None:
    assert is_same_origin({"host": "127.0.0.1:8000", **headers}) is same
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        reply = call(app(), method, "/api/x", [*headers.items(), COOKIE, JSON], [b"{}"])
        assert reply.status == (200 if same else 403)


def test_origin_does_not_matter_for_reading() -> None:
    assert call(app(), "GET", "/", [COOKIE, ("sec-fetch-site", "cross-site")]).status == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=application/json", 415),
        ("application/jsonx", 415),
        ("", 415),
        (None, 415),
    ],
)
def test_content_type(content_type: str | None, status: int) -> None:
    headers: Headers = [COOKIE, SAME, *([("content-type", content_type)] if content_type is not None else [])]
    assert call(app(), "POST", "/api/x", headers, [b"{}"]).status == status


@pytest.mark.parametrize(
    ("chunks", "announced", "status"),
    [
        ([b"x" * MAX_BODY], str(MAX_BODY), 200),
        ([b"x" * 1_000] * 2_097, None, 200),
        ([b"x" * (MAX_BODY + 1)], str(MAX_BODY + 1), 413),
        ([b"x" * 65_536] * 33, None, 413),  # chunked: nothing announces the size
        ([b"x" * 65_536] * 33, "10", 413),  # announces less than it sends
        ([b""], "9" * 30, 413),
        ([b""], "many", 200),
        ([b""], None, 200),
    ],
)
def test_size(chunks: Iterable[bytes], announced: str | None, status: int) -> None:
    headers = [COOKIE, SAME, JSON, *([("content-length", announced)] if announced else [])]
    reply = call(app(), "POST", "/api/x", headers, chunks)
    assert reply.status == status
    if status == 200:
        assert reply.json["size"] == sum(map(len, chunks))
    else:
        assert reply.text == "The body is larger than 2 MiB; shorten the text."


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", [COOKIE], 200),
        ("/", [], 403),
        ("/", [("cookie", "x=1")], 403),
        ("/api/x", [], 403),
        ("/static", [], 403),
        ("/static/../", [], 404),  # below the open path, and no file
        ("/enter", [], 404),
        ("/enter/x", [], 403),
        ("//enter", [], 403),
    ],
)
def test_cookie(path: str, headers: Headers, status: int) -> None:
    assert call(app(), "GET", path, headers).status == status


def test_proxy_is_believed_only_from_its_address() -> None:
    proxied = app(access=proxy_access("X-User", ["10.0.0.5"]))
    user = ("x-user", "ada")
    assert call(proxied, "GET", "/", [user], peer="10.0.0.5").json["who"] == "ada"
    for headers in ([user], [user, ("x-forwarded-for", "10.0.0.5")], [user, ("forwarded", "for=10.0.0.5")], [COOKIE]):
        assert call(proxied, "GET", "/", headers, peer="10.0.0.6").status == 403
    assert call(proxied, "GET", "/", [user, ("x-user", "eve")], peer="10.0.0.5").status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_read_only_server_refuses_every_unsafe_method(method: str) -> None:
    reply = call(app(read_only=True), method, "/api/x", [COOKIE, SAME, JSON], [b"{}"])
    assert reply.status == 403
    assert reply.text == "This server is read-only; decide on a server that may write."
    assert call(app(read_only=True), "GET", "/api/x", [COOKIE]).status == 200


@pytest.mark.parametrize("target", ["/", "/missing", "/api/x"])
def test_headers_of_every_reply(target: str) -> None:
    for headers in ([COOKIE], []):
        reply = call(app(), "GET", target, headers)
        policy = dict(part.split(" ", 1) for part in reply.headers["content-security-policy"].split("; "))
        assert policy["frame-ancestors"] == "'none'"
        assert policy["require-trusted-types-for"] == "'script'"
        assert "unsafe" not in reply.headers["content-security-policy"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cache-control"] == "no-store"


def test_headers_of_a_refused_host() -> None:
    assert call(app(), "GET", "/", [("host", "evil.example")]).headers["x-content-type-options"] == "nosniff"
