"""An endpoint that answers most requests, damages some, and is down for a while in the middle of the run."""

import asyncio
import gzip
import json
import random

from support.quirky_endpoint import Connection, Request, error

OUTAGE_SECONDS = 25.0
_MAX_FAULTS = 3  # per question, so that five tries are enough
_PAGE = "<html><head><title>{0}</title></head><body><center>nginx</center></body></html>"


class MixedFaults:
    """A quirk. The same questions get the same faults in every run.

    Args:
        outage_from: Number of the request with which the outage begins.
        share: Share of the requests that get a fault.

    Attributes:
        answered: The questions that got a whole answer, in the order of the answers.
        faults: Number of responses with a fault.
    """

    def __init__(self, outage_from: int, share: float = 0.2) -> None:
        self.answered: list[str] = []
        self.faults = 0
        self._outage_from, self._share = outage_from, share
        self._outage_until = 0.0
        self._faults = (
            self._rate_limited, self._server_error, self._gateway_error, self._dropped, self._cut_off, self._bad_header,
            self._error_in_success, self._broken_gzip, self._junk, self._spurious_401,
        )  # fmt: skip

    async def __call__(self, request: Request, connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if request.number == self._outage_from:
            self._outage_until = now + OUTAGE_SECONDS
        chance = random.Random(f"{request.question} {request.attempt}")
        if now < self._outage_until:
            await connection.send(503, _PAGE.format("503 Service Unavailable").encode(), content_type="text/html")
        elif request.attempt <= _MAX_FAULTS and chance.random() < self._share:
            self.faults += 1
            await chance.choice(self._faults)(request, connection)
        else:
            await asyncio.sleep(chance.uniform(0.5, 3))
            self.answered.append(request.question)
            await connection.good(request)

    async def _rate_limited(self, _: Request, connection: Connection) -> None:
        await connection.json(429, error("slow down", "requests"), "retry-after: 2")

    async def _server_error(self, _: Request, connection: Connection) -> None:
        await connection.json(500, error("The server had an error", "server_error"))

    async def _gateway_error(self, _: Request, connection: Connection) -> None:
        await connection.send(502, _PAGE.format("502 Bad Gateway").encode(), content_type="text/html")

    async def _dropped(self, _: Request, connection: Connection) -> None:
        connection.close()

    async def _cut_off(self, request: Request, connection: Connection) -> None:
        body = json.dumps(request.completion()).encode()
        await connection.raw(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body[:99])
        connection.close()

    async def _bad_header(self, _: Request, connection: Connection) -> None:
        await connection.raw(b"HTTP/1.1 200 OK\r\nbad header: 1\r\ncontent-length: 2\r\n\r\n{}")
        connection.close()

    async def _error_in_success(self, _: Request, connection: Connection) -> None:
        await connection.json(200, {"error": {"message": "Provider returned error", "code": 502}})

    async def _broken_gzip(self, request: Request, connection: Connection) -> None:
        body = gzip.compress(json.dumps(request.completion()).encode())
        await connection.send(200, body[:99], "content-encoding: gzip")

    async def _junk(self, _: Request, connection: Connection) -> None:
        await connection.raw(b"\x15\x03\x01\x00\x02\x02P")
        connection.close()

    async def _spurious_401(self, request: Request, connection: Connection) -> None:
        if request.attempt == 1:
            await connection.json(401, error("Could not validate credentials"))
        else:
            await self._server_error(request, connection)
