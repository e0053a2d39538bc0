"""Responses and jobs for tests that rewrite pages."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from qtgen.generation.types import Question
from qtgen.llm.types import STANDARD_STYLE, Completion, Prompt, Usage
from qtgen.page import Page
from qtgen.regeneration.rewrite import RewriteJob
from support.default_tables import read_text
from support.pages import LONG_DESCRIPTION, SHORT_DESCRIPTION, page_path, page_text

DESCRIPTION, KEYWORDS = "seo.page_description", "seo.page_keywords"
OFF_TOPIC = "The history of the Roman empire and of its emperors in five long chapters."
"""A description that the comparison rejects for every page about osmosis."""


def seo_json(description: str = SHORT_DESCRIPTION, keywords: tuple[str, ...] = ()) -> str:
    """Return a response with search fields."""
    words = keywords or ("osmosis", "membrane", "solute", "water", "pressure")
    return json.dumps({"page_description": description, "page_keywords": words})


def make_job(*fields: str, name: str = "osmosis", changes: dict[str, Any] | None = None, **options: Any) -> RewriteJob:
    """Return a job for the example page, by default for its long description."""
    text = page_text(name, **({DESCRIPTION: LONG_DESCRIPTION} if changes is None else changes))
    page: Page = options.pop("page", None) or read_text(text)
    return RewriteJob(
        page_path(name),
        f"/learn/biology/questions/what-is-{name}",
        text.encode(),
        page,
        Question(f"What is {name}?", "Biology"),
        **{"fields": frozenset(fields or {DESCRIPTION}), "reasons": ("QT601",), **options},
    )


class Responder:
    """A provider that answers each prompt with what `respond` returns or raises. It keeps the prompts."""

    name = "scripted"
    style = STANDARD_STYLE

    def __init__(self, respond: Callable[[Prompt], str], model: str = "writer") -> None:
        self.model = model
        self.respond = respond
        self.prompts: list[Prompt] = []

    async def complete(self, prompt: Prompt) -> Completion:
        self.prompts.append(prompt)
        text = self.respond(prompt)
        await asyncio.sleep(0)  # others take their turn, as during a real request
        return Completion(text, f"{self.model}-2026", Usage(100, 50, 0, 0.25), "request-1")

    def reject(self, completion: Completion) -> None:
        pass

    def forget(self, completion: Completion) -> None:
        pass


def verdict(better: str) -> str:
    """Return a judge's response."""
    return json.dumps({"reasons": "Because.", "better": better})


def prefers(text: str) -> Callable[[Prompt], str]:
    """Return a judge that prefers the version that contains `text`, wherever it is shown."""

    def respond(prompt: Prompt) -> str:
        first, _, second = prompt.messages[-1].content.partition("second:\n<<<")
        if (text in first) == (text in second):
            return verdict("neither")
        return verdict("first" if text in first else "second")

    return respond


def first_shown(_prompt: Prompt) -> str:
    """Answer like a judge with a position bias: the version that is shown first is better."""
    return verdict("first")
