"""The registry of the project's own quirks. Importing `own_quirks` fills it."""

import json
from collections.abc import Callable
from typing import Any

from support.quirks import Case
from support.quirky_endpoint import Connection, Quirk, Request

QUIRKS: dict[str, Quirk] = {}
CASES: list[Case] = []


def quirk(**expected: Any) -> Callable[[Quirk], Quirk]:
    """Register a quirk with what a run against it has to do, by the fields of `Case`."""

    def register(function: Quirk) -> Quirk:
        add(function.__name__, function, **expected)
        return function

    return register


def add(name: str, function: Quirk, **expected: Any) -> None:
    """Register a quirk under a name."""
    QUIRKS[name] = function
    CASES.append(Case(name, **expected))


def concerns(request: Request, number: int) -> bool:
    """Return True if a request is about the question of this number."""
    return f"number {number}?" in request.question


def always(status: int, body: object, *headers: str, content_type: str = "application/json") -> Quirk:
    """Return a quirk that gives every request the same response."""

    async def respond(_: Request, connection: Connection) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        await connection.send(status, data, *headers, content_type=content_type)

    return respond
