"""The nouns, in the order they flow: Question -> Prompt -> Completion -> page -> Outcome, and Diagnostic beside them.

All are frozen values. What comes from outside (rows of a file, a model's answer, settings) is checked by pydantic at
the border, in the module that reads it, before it becomes one of these.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

# --- what is asked ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """One question, as a row of a question file gave it. `source` names the row: `questions.csv:3`."""

    text: str
    subject: str
    id: int | None = None
    date: dt.date | None = None
    context: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation: role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent, but for the model's name. digest: over template, variables, schema and parameters; wording_digest:
    over template and parameters; schema_digest: over the schema."""

    name: str
    version: int
    shape: str
    messages: tuple[Message, ...]
    schema: Mapping[str, Any]
    parameters: Mapping[str, Any]
    digest: str
    wording_digest: str
    schema_digest: str

    @property
    def template_digest(self) -> str:
        """Over all that is the same for every question: changes when the prompt or its schema was edited. A half of
        each, for the ledger has a place for 16 digits."""
        return self.wording_digest[:8] + self.schema_digest[:8]


# --- what comes back -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money. `cost_usd` is None where no price is known: unknown, never zero."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        unknown = self.cost_usd is None or other.cost_usd is None
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            None if unknown else (self.cost_usd or 0.0) + (other.cost_usd or 0.0),
        )


class Limits(NamedTuple):
    """What an answer's headers say is left, and in how many seconds it is all there again; None: not said."""

    requests_left: int | None = None
    requests_reset: float | None = None
    tokens_left: int | None = None
    tokens_reset: float | None = None
    requests_a_minute: int | None = None
    tokens_a_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model: its text, and what it took; lost: what tries before it took. kind: `ok`, or why it is
    none; key: of the request in the ledger; run: that asked, if not this one; reused: it was there already, and cost
    nothing this time."""

    text: str
    model: str
    usage: Usage
    request_id: str | None = None
    limits: Limits | None = None
    lost: Usage = Usage()
    kind: str = "ok"
    key: bytes = b""
    run: str = ""
    reused: bool = False


class Provider(Protocol):
    """Anything that completes prompts. Raises ProviderError."""

    name: str
    model: str

    async def complete(self, prompt: Prompt) -> Completion: ...

    def reject(self, completion: Completion) -> None:
        """Say that an answer had faults. Another run gets it all the same, and so comes to the same page."""

    def forget(self, completion: Completion) -> None:
        """Say that an answer led to no page in the end, so that another run asks anew."""


# --- what is said of a page ------------------------------------------------------------------------------------------


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Edit(NamedTuple):
    """Put `text` from line:column up to end_line:end_column, counted as in a Diagnostic."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Fix(NamedTuple):
    """Edits of one file that mend a finding. A safe one changes nothing that a reader of the page could miss."""

    safe: bool
    description: str
    edits: tuple[Edit, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**self._asdict(), "edits": [edit._asdict() for edit in self.edits]}


class Diagnostic(NamedTuple):  # a run makes hundreds of thousands; a frozen dataclass takes four times as long to make
    """A rule's finding in a file. Lines and columns are 1-based, columns in code points; the end is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    name: str
    severity: Severity
    message: str
    field: str | None = None
    fix: Fix | None = None
    fixable: bool = False  # there is a fix; `fix` holds it where it was asked for

    def as_dict(self) -> dict[str, Any]:
        """The contract's object."""
        shown = {**self._asdict(), "fix": self.fix and self.fix.as_dict()}
        del shown["fixable"]
        return shown


# --- what became of a question ---------------------------------------------------------------------------------------


class Status(StrEnum):
    """Of `regenerate` alone: fixed (by safe fixes, nothing was asked), and kept (the new text was no gain)."""

    WRITTEN = "written"
    FIXED = "fixed"
    KEPT = "kept"
    EXISTS = "exists"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something did not come about, as a value: `kind` for machines, `message` for people."""

    kind: str
    message: str


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
    usage: Usage = Usage()
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
