"""Helpers that tests import: where things are, a scripted provider, and answers without faults."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from qtgen.generation.parsing import ParsedAnswer, parse
from qtgen.llm.types import STANDARD_STYLE, Completion, Prompt, Usage
from qtgen.page.compile import default_layout

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
TODAY = dt.date(2026, 1, 31)

SENT_KEYS: set[str] = set()
"""What the recorder saw as authorization before it was filtered."""


class Scripted:
    """A provider that gives the answers (or raises the errors) it was handed, in order, and keeps what it was asked."""

    name = "scripted"
    model = "scripted-1"
    style = STANDARD_STYLE

    def __init__(self, *script: str | Exception) -> None:
        self.script = list(script)
        self.asked: list[Any] = []
        self.rejected = 0
        self.forgotten: list[str] = []

    async def complete(self, prompt: Prompt) -> Completion:
        return await self.send(prompt)

    def reject(self, completion: Completion) -> None:
        self.rejected += 1

    def forget(self, completion: Completion) -> None:
        self.forgotten.append(completion.text)

    async def send(self, body: Any) -> Completion:
        self.asked.append(body)
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return Completion(step, self.model, Usage(100, 50, 0, 0.25), f"request-{len(self.asked)}")


def parse_json(shape: str, text: str) -> ParsedAnswer:
    """Return an answer of a shape, which a model wrote as JSON."""
    return parse(Prompt("test", 1, shape, (), {}, {}, "d", "w", "s"), text, "What is osmosis?", layout=default_layout())


POINTS: dict[str, Any] = {
    "introduction": "Osmosis moves water through a membrane that holds the solute back, until both sides balance.",
    "points": [
        {
            "heading": heading,
            "explanation": f"{heading} matters, because water moves to the side with more solute in it.",
        }
        for heading in ("Gradient", "Membrane", "Pressure", "Balance")
    ],
    "worked_example": None,
    "summary": "Osmosis evens out concentrations by moving the water and not the solute.",
    "page_description": "Osmosis is the passage of water through a membrane to the side with more solute.",
    "page_keywords": ["osmosis", "membrane", "solute", "water", "diffusion"],
}


def points_json(**changes: Any) -> str:
    """A points answer that has no fault, with `changes`."""
    return json.dumps({**POINTS, **changes})


def points_about(thing: str, **changes: Any) -> str:
    """A points answer that has no fault, to the question `What is THING?`."""
    return points_json(**changes).replace("Osmosis", thing.capitalize()).replace("osmosis", thing)
