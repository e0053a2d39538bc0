"""Helpers for testing code that uses qtgen: a provider that follows a script, and a guard against network access.

>>> from qtgen.testing import ScriptedProvider, points_answer
>>> provider = ScriptedProvider(points_answer())
"""

import contextlib
import ipaddress
import json
import socket
from collections.abc import Iterator
from typing import Any
from unittest import mock

from qtgen.llm.types import STANDARD_STYLE, Completion, Prompt, PromptStyle, Usage

__all__ = ["NetworkBlocked", "ScriptedProvider", "block_network", "points_answer"]


class ScriptedProvider:
    """A provider that returns the given answers, or raises the given errors, in order.

    `prompts` lists the prompts that it received, `rejected` counts the invalid answers, and `forgotten` lists the
    answers that led to no page. Every answer costs 0.25 US dollars for 100 prompt and 50 completion tokens.
    """

    name = "scripted"

    def __init__(
        self, *script: str | Exception, model: str = "scripted-1", style: PromptStyle = STANDARD_STYLE
    ) -> None:
        self.model = model
        self.style = style
        self.script = list(script)
        self.prompts: list[Prompt] = []
        self.rejected = 0
        self.forgotten: list[str] = []

    async def complete(self, prompt: Prompt) -> Completion:
        """Return the next answer of the script. Raises the next step if it is an error, AssertionError at its end."""
        self.prompts.append(prompt)
        if not self.script:
            raise AssertionError(f"the script has no answer for request {len(self.prompts)}")
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return Completion(step, self.model, Usage(100, 50, 0, 0.25), f"request-{len(self.prompts)}")

    def reject(self, completion: Completion) -> None:  # noqa: ARG002  # the protocol's signature
        self.rejected += 1

    def forget(self, completion: Completion) -> None:
        self.forgotten.append(completion.text)


def points_answer(**changes: Any) -> str:
    """Return a valid answer of the shape `points` as JSON, with `changes` to its fields.

    Its search fields are those of the layout that ships with qtgen. For another site, give `ScriptedProvider`
    an answer with the texts of its layout.
    """
    explanation = "{} matters because water moves to the side that holds more of the solute."
    answer = {
        "introduction": "Osmosis moves water through a membrane that holds the solute back, until both sides balance.",
        "points": [
            {"heading": heading, "explanation": explanation.format(heading)}
            for heading in ("Gradient", "Membrane", "Pressure", "Balance")
        ],
        "worked_example": None,
        "summary": "Osmosis evens out concentrations by moving the water and not the solute.",
        "page_description": "Osmosis is the passage of water through a membrane to the side with more solute.",
        "page_keywords": ["osmosis", "membrane", "solute", "water", "diffusion"],
    }
    return json.dumps({**answer, **changes})


class NetworkBlocked(RuntimeError):
    """Something tried to connect to another machine inside `block_network`."""


@contextlib.contextmanager
def block_network(*, allow_loopback: bool = True) -> Iterator[None]:
    """Raise NetworkBlocked for every connection that leaves this machine while the block runs.

    Args:
        allow_loopback: Whether connections to this machine itself are allowed. Unix sockets always are.
    """
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def check(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not (allow_loopback and _is_loopback(address[0])):
            raise NetworkBlocked(f"connection to {address[0]}:{address[1]} is blocked in this test")

    def guarded(self: socket.socket, address: Any) -> None:
        check(self, address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        check(self, address)
        return connect_ex(self, address)

    with (
        mock.patch.object(socket.socket, "connect", guarded),
        mock.patch.object(socket.socket, "connect_ex", guarded_ex),
    ):
        yield


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
