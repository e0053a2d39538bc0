"""Senders and requests for tests of the client's layers."""

import asyncio
from collections.abc import Callable
from typing import Any

from qtgen.llm.endpoint import Endpoint
from qtgen.llm.sender import Request, RequestKey
from qtgen.llm.types import Completion, Usage

FREE = Endpoint("scripted", "m", price_input=0.0, price_output=0.0)
PRICED = Endpoint("scripted", "m", price_input=1.0, price_output=1.0)
USAGE = Usage(100, 50, 0, 0.25)


def request(name: str = "question", max_answer_tokens: int = 1_000, size: int = 400) -> Request:
    """Return a request that is identified by its name."""
    key = RequestKey(name.encode(), "m", "explain", "template", size)
    return Request(key, name.encode(), {"max_tokens": max_answer_tokens}, max_answer_tokens)


def answer(text: str = "answer", **fields: Any) -> Completion:
    return Completion(text, "m-1", **{"usage": USAGE, "request_id": "r-1", **fields})


class ScriptedSender:
    """Returns (or raises) what it was given, in order, and keeps the requests that reached it."""

    def __init__(self, *script: Completion | Exception) -> None:
        self.script = list(script)
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Completion:
        self.requests.append(request)
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


class SlowSender:
    """Takes `seconds` for each request, and then does what `respond` says for the request with that number.

    Attributes:
        sent: Names of the requests that reached it, in order.
        finished: How many of them were answered.
    """

    def __init__(self, seconds: float, respond: Callable[[int], Completion | Exception] = lambda _: answer()) -> None:
        self.seconds, self.respond = seconds, respond
        self.sent: list[str] = []
        self.finished = 0

    async def send(self, request: Request) -> Completion:
        self.sent.append(request.body.decode())
        number = len(self.sent)
        await asyncio.sleep(self.seconds)
        step = self.respond(number)
        if isinstance(step, Exception):
            raise step
        self.finished += 1
        return step
