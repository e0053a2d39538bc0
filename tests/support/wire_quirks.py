"""Quirks of the connection, and outages."""

import asyncio
import gzip
import json
from collections.abc import Callable

from support.quirk_registry import add, quirk
from support.quirky_endpoint import Connection, Quirk, Request

# --- HTTP that is not quite HTTP -------------------------------------------------------------------------------------


def _good_bytes(request: Request) -> bytes:
    return json.dumps(request.completion()).encode()


def _first(raw: Callable[[bytes], bytes]) -> Quirk:
    """Return a quirk that answers the first request about a question with these bytes, and closes."""

    async def respond(request: Request, connection: Connection) -> None:
        if request.attempt > 1:
            await connection.good(request)
            return
        await connection.raw(raw(_good_bytes(request)))
        connection.close()

    return respond


_OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
for _name, _raw in {
    "two_content_lengths": lambda body: _OK + b"content-length: %d\r\ncontent-length: 7\r\n\r\n" % len(body) + body,
    "content_length_with_chunks": lambda body: (
        _OK + b"content-length: 7\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    ),
    "a_header_over_the_limit": lambda body: (
        _OK + b"x-debug: " + b"x" * 300_000 + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    ),
    "a_header_without_a_colon": lambda body: _OK + b"nonsense\r\ncontent-length: %d\r\n\r\n" % len(body) + body,
    "a_nul_in_a_header": lambda body: _OK + b"x-y: a\0b\r\ncontent-length: %d\r\n\r\n" % len(body) + body,
    "a_negative_content_length": lambda body: _OK + b"content-length: -5\r\n\r\n" + body,
    "a_status_that_is_no_number": lambda body: b"HTTP/1.1 OK 200\r\ncontent-length: %d\r\n\r\n" % len(body) + body,
    "a_short_body": lambda body: _OK + b"content-length: %d\r\n\r\n" % (len(body) + 50) + body,
    "a_bad_chunk": lambda body: _OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n" + body,
    "bytes_of_another_protocol": lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9,
}.items():
    add(_name, _first(_raw), most=12)


@quirk(most=12, cost=None, words=("6 written", "6 lost the connection"))
async def a_stream_that_is_cut(request: Request, connection: Connection) -> None:
    """Whether the first answer to a question was complete cannot be known, and it may be billed."""
    if request.attempt > 1:
        await connection.good(request)
        return
    text = request.completion()["choices"][0]["message"]["content"]
    event = b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    await connection.raw(head + b"%x\r\n%b\r\n" % (len(event), event))
    connection.close()


@quirk(most=12)
async def junk_between_answers(request: Request, connection: Connection) -> None:
    await connection.good(request)
    if request.number % 2:
        await asyncio.sleep(0.2)
        await connection.raw(b"\r\nnot a response\r\n")


@quirk(pages=0, questions=2, exit_codes=(1, 2), most=10, speed=100, words=("x-snappy",))
async def unknown_content_encoding(request: Request, connection: Connection) -> None:
    await connection.send(200, _good_bytes(request)[::-1], "content-encoding: x-snappy")


@quirk(most=12)
async def half_of_a_gzip(request: Request, connection: Connection) -> None:
    body = gzip.compress(_good_bytes(request))
    half = body if request.attempt > 1 else body[: len(body) // 2]
    await connection.send(200, half, "content-encoding: gzip")


@quirk(pages=0, exit_codes=(1, 2), most=18, settings="timeout = 10", words=("timeout",))
async def a_byte_now_and_then(request: Request, connection: Connection) -> None:
    body = _good_bytes(request)
    await connection.raw(_OK + b"content-length: %d\r\n\r\n" % len(body))
    for byte in body:
        await connection.raw(bytes([byte]))
        await asyncio.sleep(1)


# --- outages ---------------------------------------------------------------------------------------------------------


def _outage(status: int, body: bytes, content_type: str) -> Quirk:
    began: list[float] = []

    async def respond(request: Request, connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if request.number == 1:
            began.clear()
        if request.number == 4:
            began.append(now)
        if began and now < began[0] + 40:
            await connection.send(status, body, content_type=content_type)
        else:
            await connection.good(request)

    return respond


for _status, _title in ((502, "Bad Gateway"), (503, "Service Temporarily Unavailable"), (504, "Gateway Time-out")):
    _body = f"<html><head><title>{_status} {_title}</title></head><body><center>nginx</center></body></html>"
    add(
        f"outage_{_status}",
        _outage(_status, _body.encode(), "text/html"),
        pages=15,
        questions=15,
        most=60,
        words=("endpoint down, next attempt in",),
    )
