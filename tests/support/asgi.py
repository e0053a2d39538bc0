"""Call an ASGI app in this process, with headers, a peer and a body as a hostile client would send them."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Message, Scope

Headers = Sequence[tuple[str, str]]


class Reply(NamedTuple):
    """What the app replied."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(
    app: ASGIApp,
    method: str,
    target: str,
    headers: Headers = (),
    body: Iterable[bytes] = (b"",),
    peer: str | None = "127.0.0.1",
) -> Reply:
    """Send one request. `Host` is 127.0.0.1:8000 unless the headers name another one."""
    url = urlsplit(target)
    names = {name.lower() for name, _ in headers}
    sent = [*headers, *([] if "host" in names else [("host", "127.0.0.1:8000")])]
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote(url.path), "raw_path": url.path.encode(), "query_string": url.query.encode(), "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent],
        "client": (peer, 50_000) if peer else None, "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    return asyncio.run(_call(app, scope, list(body)))


async def _call(app: ASGIApp, scope: Scope, chunks: list[bytes]) -> Reply:
    status, headers, body = 0, {}, bytearray()

    async def receive() -> Message:
        if not chunks:
            return {"type": "http.disconnect"}
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            headers.update({name.decode(): value.decode() for name, value in message["headers"]})
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return Reply(status, headers, bytes(body))
