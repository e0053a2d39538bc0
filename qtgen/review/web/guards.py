"""What every request passes before it reaches a screen: pure ASGI middlewares, and the headers of every reply.

The order matters: first the headers of the reply, then the host, the origin, the body, and at last the reviewer.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qtgen.errors import UsageError
from qtgen.review.types import Viewer
from qtgen.review.web.access import Access

MAX_BODY = 2 * 1024 * 1024  # bytes
SAFE_METHODS = frozenset({"GET", "HEAD"})
_OPEN_PATHS = ("/enter", "/preview")  # the link that lets a browser enter, and the frame, which holds no text
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""The content security policy of the screens."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""The headers of every screen."""
STATIC_HEADERS = {
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "access-control-allow-origin": "*",  # without it, the preview's frame, which has no origin, gets no fonts
    "cache-control": "no-cache",
}
"""The headers of scripts, styles and fonts."""

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")

Refuse: TypeAlias = Callable[[Scope, Receive, Send, int, str], Awaitable[None]]
"""Replies with a status and one sentence, as HTML or as JSON."""


class ReplyHeaders:
    """Adds the headers of every reply. A reply that has one of them already keeps its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        defaults = STATIC_HEADERS if scope["path"].startswith("/static/") else HEADERS

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in defaults.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class SameOrigin:
    """Lets unsafe methods pass only if the app's own pages send them, as JSON."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self.app, self.refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            headers = Headers(scope=scope)
            if not is_same_origin(headers):
                message = "This request comes from another site; send it from the app's own pages."
                await self.refuse(scope, receive, send, 403, message)
                return
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                message = "The body is not JSON; send it with the content type application/json."
                await self.refuse(scope, receive, send, 415, message)
                return
        await self.app(scope, receive, send)


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Return whether a page of this server sent the request. Old browsers send only `Origin`."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(headers.get("origin", ""))
    host = headers.get("host", "")
    return origin.scheme in ("http", "https") and bool(host) and origin.netloc.lower() == host.lower()


class BodyLimit:
    """Reads the body of a request, and refuses one that is too large, also if its size is not announced."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self.app, self.refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        try:
            body = await _read_body(receive, Headers(scope=scope).get("content-length", ""))
        except ClientDisconnect:
            return  # a part of a body is no request
        if body is None:
            await self.refuse(scope, receive, send, 413, "The body is larger than 2 MiB; shorten the text.")
            return
        await self.app(scope, _replay(body, receive), send)


async def _read_body(receive: Receive, announced: str) -> bytes | None:
    """Return the body, or None if it is too large. The rest of such a body is not read. Raises ClientDisconnect."""
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > MAX_BODY:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


class Readers:
    """Lets only reviewers pass, and puts the `Viewer` into the scope. On a read-only server nobody changes anything."""

    def __init__(self, app: ASGIApp, refuse: Refuse, access: Access, *, read_only: bool) -> None:
        self.app, self.refuse, self.access, self.read_only = app, refuse, access, read_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        name = self.access.reviewer(scope)
        if name is None:
            await self.refuse(scope, receive, send, 403, self.access.refusal(scope))
            return
        scope["viewer"] = Viewer(name, may_write=not self.read_only)
        if self.read_only and scope["method"] not in SAFE_METHODS:
            message = "This server is read-only; decide on a server that may write."
            await self.refuse(scope, receive, send, 403, message)
            return
        await self.app(scope, receive, send)


def _is_open(path: str) -> bool:
    """Return whether a path needs no cookie: it serves code and styles, and nothing of the pages.

    The frame of the preview has no origin, so browsers send no cookie with what it loads.
    """
    return path in _OPEN_PATHS or path.startswith("/static/")


def is_api(path: str) -> bool:
    """Return whether a program reads the reply, and not a person."""
    return path.startswith("/api/")


def json_bytes(value: object) -> bytes:
    """Return a value as JSON, whatever characters its texts hold."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False).encode()


def allowed_hosts(host: str, more: Iterable[str]) -> list[str]:
    """Return the names that a `Host` header may have. Any port is allowed, because the browser knows the port.

    Raises UsageError for a pattern, an address with a port, and anything else that is no name of a host.
    """
    more = [*more]
    for name in more:
        if not _HOST.fullmatch(name):
            remedy = "give the name alone, such as review.example.org"
            raise UsageError(f"{name!r} is not the name of a host", setting="allow_host", remedy=remedy)
    names = ["127.0.0.1", "localhost", "[::1]"]
    bound = f"[{host}]" if ":" in host else host
    if bound not in (*names, "0.0.0.0", "[::]"):  # noqa: S104 - nobody opens these two
        names.append(bound)
    return [*names, *more]
