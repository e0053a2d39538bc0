"""Question in, outcome out: the values that generation takes and returns."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from qtgen.errors import Failure
from qtgen.llm.types import Usage
from qtgen.validation.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class Question:
    """One question, as a row of a question file gave it. `source` names the row: `questions.csv:3`."""

    text: str
    subject: str
    id: int | None = None
    date: dt.date | None = None
    context: str | None = None
    source: str = ""


class Status(StrEnum):
    """Of `regenerate` alone: fixed (by safe fixes, nothing was asked), and kept (the new text was no gain)."""

    WRITTEN = "written"
    FIXED = "fixed"
    KEPT = "kept"
    EXISTS = "exists"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished page before it is on disk: where it goes, its text, and how it was made. before: what the file holds
    that it replaces; None: it is a new one."""

    path: str
    url: str
    text: str
    provenance: Mapping[str, Any]
    before: bytes | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question; every question has exactly one."""

    question: Question
    status: Status
    path: str | None = None
    url: str | None = None
    attempts: int = 0
    usage: Usage = field(default_factory=Usage)
    diagnostics: tuple[Diagnostic, ...] = ()
    error: Failure | None = None
    last_text: str = field(default="", repr=False)
    model: str = ""  # that made the page
    draft: Draft | None = field(default=None, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """The JSON line of `generate --json`."""
        return {
            "question": self.question.text,
            "status": self.status.value,
            "path": self.path,
            "url": self.url,
            "attempts": self.attempts,
            "usage": {
                "prompt_tokens": self.usage.prompt_tokens,
                "completion_tokens": self.usage.completion_tokens,
                "cost_usd": self.usage.cost_usd,
            },
            "diagnostics": [diagnostic.as_dict() for diagnostic in self.diagnostics],
            "error": asdict(self.error) if self.error else None,
        }
