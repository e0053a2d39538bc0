"""The values that generation takes and returns: questions, drafts of pages, and outcomes."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from qtgen.errors import Failure
from qtgen.generation.unwrap import Wrapping
from qtgen.llm.types import Usage
from qtgen.validation.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class Question:
    """One question: a row of a question file.

    Args:
        text: The question itself, which becomes the page's title.
        subject: The subject, from which the page's folder is named.
        id: The page's id; None to assign the next free one.
        date: The page's date; None for today.
        context: Source text that the answer must be based on.
        source: Where the question comes from, for messages: `questions.csv:3`.
    """

    text: str
    subject: str
    id: int | None = None
    date: dt.date | None = None
    context: str | None = None
    source: str = ""


class Status(StrEnum):
    """What happened to a question or a page. Only `regenerate` reports FIXED and KEPT."""

    WRITTEN = "written"
    FIXED = "fixed"
    """Safe fixes were enough; no request was sent."""
    KEPT = "kept"
    """The new text was rejected, so the page keeps its old one."""
    EXISTS = "exists"
    FAILED = "failed"
    SKIPPED = "skipped"
    ELSEWHERE = "elsewhere"
    """Another process that shares the list has the row, and reports it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished page that is not on disk yet.

    Args:
        path: The file that the page goes to.
        url: The page's URL on the site.
        text: The whole page, front matter and body.
        provenance: How the text was made; one line of `provenance.jsonl`. Empty if no model was involved.
        before: The current contents of the file that the page replaces, or None for a new page.
    """

    path: str
    url: str
    text: str
    provenance: Mapping[str, Any]
    before: bytes | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one question. Every question has exactly one outcome.

    Args:
        question: The question.
        status: What happened.
        path: The page's file, or None if no file name can be made from the question.
        url: The page's URL on the site.
        attempts: Number of answers that were requested, cached ones included.
        usage: Tokens and cost of this run, without cached answers.
        diagnostics: Findings in the last answer's page.
        error: Why the question failed or was skipped.
        last_answer: The last answer, kept for inspection if the question failed.
        model: Name of the model that wrote the page.
        draft: The page, as long as it is not on disk.
        other_answers: Usable answers that were not chosen, if several candidates were requested.
        unwrapped: For each answer that was unwrapped, what surrounded it.
    """

    question: Question
    status: Status
    path: str | None = None
    url: str | None = None
    attempts: int = 0
    usage: Usage = field(default_factory=Usage)
    diagnostics: tuple[Diagnostic, ...] = ()
    error: Failure | None = None
    last_answer: str = field(default="", repr=False)
    model: str = ""
    draft: Draft | None = field(default=None, repr=False)
    other_answers: tuple[str, ...] = field(default=(), repr=False)
    unwrapped: tuple[tuple[Wrapping, ...], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON line of `generate --json`."""
        return {
            "question": self.question.text,
            "status": self.status.value,
            "path": self.path,
            "url": self.url,
            "attempts": self.attempts,
            "usage": {
                "prompt_tokens": self.usage.prompt_tokens,
                "completion_tokens": self.usage.completion_tokens,
                "cost_usd": self.usage.charged_usd,
            },
            "diagnostics": [diagnostic.as_dict() for diagnostic in self.diagnostics],
            "error": asdict(self.error) if self.error else None,
        }
