"""What a language model is asked and what it answers: prompts, completions, usage and the provider protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


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
