"""An OpenAI-compatible endpoint whose every byte a quirk decides."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from support.quirks import Case, Endpoint
from support.threaded_server import serving

USAGE = {"prompt_tokens": 700, "completion_tokens": 300, "total_tokens": 1000}
_SIDES = ("Basic idea", "How it works", "Where it is used", "Common mistakes")


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    Attributes:
        number: 1 for the first request that the endpoint received.
        attempt: 1 for the first request about this question.
    """

    path: str
    headers: dict[str, str]
    document: dict[str, Any]
    question: str
    number: int
    attempt: int

    def completion(self, content: str | None = None, finish: str | None = "stop", **fields: Any) -> dict[str, Any]:
        """Return a completion: a good answer by default."""
        message = {"role": "assistant", "content": json.dumps(page(self.question)) if content is None else content}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        model = self.document.get("model")
        return {"id": "1", "object": "chat.completion", "model": model, "choices": [choice], "usage": USAGE, **fields}


class Connection:
    """Where a quirk writes its response."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.is_open = True

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send(self, status: int, body: bytes, *headers: str, content_type: str = "application/json") -> None:
        lines = (f"HTTP/1.1 {status} X", f"content-type: {content_type}", f"content-length: {len(body)}", *headers)
        await self.raw("\r\n".join((*lines, "", "")).encode("latin-1") + body)

    async def json(self, status: int, document: object, *headers: str) -> None:
        await self.send(status, json.dumps(document).encode(), *headers)

    async def good(self, request: Request, *headers: str) -> None:
        await self.json(200, request.completion(), *headers)

    def close(self) -> None:
        self.is_open = False
        self.writer.close()


Quirk = Callable[[Request, Connection], Awaitable[None]]


@dataclass(slots=True)
class _State:
    quirk: Quirk
    endpoint: Endpoint
    attempts: Counter[str] = field(default_factory=Counter)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer)
        while connection.is_open:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = [line.partition(":") for line in head[1:] if line]
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            await self.quirk(self._request(head[0].split(" ")[1], headers, body), connection)

    def _request(self, path: str, headers: dict[str, str], body: bytes) -> Request:
        document = json.loads(body or b"{}")
        said = "".join(message["content"] for message in document.get("messages", ()))
        question = said.rpartition("<question>")[2].partition("</question>")[0].strip()
        self.attempts[question] += 1
        self.endpoint.requests.append(document)
        return Request(path, headers, document, question, len(self.endpoint.requests), self.attempts[question])


@contextlib.contextmanager
def quirky_endpoint(quirk: Quirk, case: Case) -> Iterator[Endpoint]:
    """Serve a quirk until the block ends."""
    endpoint = Endpoint(0)
    with serving(_State(quirk, endpoint).serve, case.speed) as server:
        endpoint.port = server.port
        yield endpoint


def page(question: str) -> dict[str, Any]:
    """Return an answer to a question that has no fault."""
    thing = question.strip("?").lower()[:40]
    return {
        "introduction": f"This explains {thing} in plain words for a student, with its causes and its effects.",
        "points": [
            {
                "heading": side,
                "explanation": f"Seen from the side of its {side.lower()}, {thing} follows from simple facts that "
                f"anybody can check, and part {number} of the lesson shows them.",
            }
            for number, side in enumerate(_SIDES, 1)
        ],
        "worked_example": None,
        "summary": f"The main thing to keep of {thing} is how its parts act together and where that is used.",
        "page_description": f"Learn what {thing} is, how it works, where it is used and what to look out for.",
        "page_keywords": ["basic idea", "working principle", "practical use", "common mistakes", "study help"],
    }


def error(message: str, type_: str = "invalid_request_error", **fields: Any) -> dict[str, Any]:
    """Return an error in OpenAI's form."""
    return {"error": {"message": message, "type": type_, "param": None, "code": None, **fields}}
