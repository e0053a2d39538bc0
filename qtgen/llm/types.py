"""Prompts, completions, usage, and the interface that every provider implements."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol


class AnswerFormat(StrEnum):
    """How a model is asked to write an answer."""

    JSON_SCHEMA = "json_schema"
    """A JSON object. The request contains its schema, which the endpoint enforces."""
    JSON_OBJECT = "json_object"
    """A JSON object. The prompt contains its schema, and the endpoint enforces only that it is JSON."""
    MARKDOWN = "markdown"
    """Ordinary Markdown. The prompt shows the layout. An endpoint that accepts grammars enforces it."""


class PromptStyle(NamedTuple):
    """How prompts are written for a model. It is a property of the endpoint.

    Attributes:
        format: The format of answers.
        is_short: Whether to use the short prompts for small models, which show a worked example in Markdown.
    """

    format: AnswerFormat = AnswerFormat.JSON_SCHEMA
    is_short: bool = False


STANDARD_STYLE = PromptStyle()


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt: everything that is sent except the name of the model.

    Attributes:
        shape: Name of the answer's form, which `schema` describes.
        schema: JSON Schema of the answer.
        parameters: Fields of the request, such as `temperature` and `max_tokens`.
        digest: Digest of the template, its variables, the schema, the format and the parameters.
        wording_digest: Digest of the template and the parameters, without the variables.
        schema_digest: Digest of the schema.
        style: Format of the answer, and whether the prompt is a short one.
        grammar: GBNF grammar of the answer, for endpoints that accept one; only for the format `markdown`.
        sample: Number of the answer, from 0, if several answers to the same prompt are requested.
        goes_first: Whether its request overtakes those that wait, because its page is already in progress.
    """

    name: str
    version: int
    shape: str
    messages: tuple[Message, ...]
    schema: Mapping[str, Any]
    parameters: Mapping[str, Any]
    digest: str
    wording_digest: str
    schema_digest: str
    style: PromptStyle = STANDARD_STYLE
    grammar: str | None = None
    sample: int = 0
    goes_first: bool = False

    @property
    def template_digest(self) -> str:
        """Digest of what all questions share. It changes when the prompt's template or its schema is edited.

        It combines half of each digest, because the ledger's column holds 16 digits.
        """
        return self.wording_digest[:8] + self.schema_digest[:8]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and cost in US dollars. An unknown cost is None, never zero.

    Attributes:
        prompt_tokens, completion_tokens: Tokens sent and received.
        cached_tokens: Those of the tokens sent that were cached.
        cost_usd: The cost by the price list.
        reasoning_tokens: Those of the tokens received that are reasoning.
        reported_usd: The cost that the provider itself reports, None if it reports none.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0
    reasoning_tokens: int = 0
    reported_usd: float | None = None

    @property
    def charged_usd(self) -> float | None:
        """The larger of both costs, None if both are unknown."""
        if self.cost_usd is None or self.reported_usd is None:
            return self.reported_usd if self.cost_usd is None else self.cost_usd
        return max(self.cost_usd, self.reported_usd)

    def __add__(self, other: "Usage") -> "Usage":
        unknown = self.cost_usd is None or other.cost_usd is None
        unreported = self.reported_usd is None and other.reported_usd is None
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            None if unknown else (self.cost_usd or 0.0) + (other.cost_usd or 0.0),
            self.reasoning_tokens + other.reasoning_tokens,
            None if unreported else (self.reported_usd or 0.0) + (other.reported_usd or 0.0),
        )


NO_USAGE = Usage()


class Limits(NamedTuple):
    """Rate limits that a response's headers report. None means not reported; `…_reset` is in seconds."""

    requests_left: int | None = None
    requests_reset: float | None = None
    tokens_left: int | None = None
    tokens_reset: float | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's final response to a request.

    Attributes:
        text: The answer, as far as there is one, or the reason of a refusal.
        model: Name of the model, as the endpoint reports it.
        usage: Usage of this response.
        request_id: The endpoint's own id of the request.
        limits: Rate limits that the response reported.
        lost: Usage of earlier attempts of the same request that led to no answer.
        kind: `ok`, or why there is no answer: `truncated`, `refused` or `filtered`.
        key: Digest that identifies the request in the ledger.
        run: Id of the run that requested it, empty for the current run.
        reused: True if it came from the ledger at no cost.
    """

    text: str
    model: str
    usage: Usage
    request_id: str | None = None
    limits: Limits | None = None
    lost: Usage = NO_USAGE
    kind: str = "ok"
    key: bytes = b""
    run: str = ""
    reused: bool = False


class Provider(Protocol):
    """Completes prompts with one model. `style` says how prompts for it are written.

    The style changes if the endpoint rejects a format of answers. `complete` then raises StyleRejected.
    """

    name: str
    model: str

    @property
    def style(self) -> PromptStyle: ...

    async def complete(self, prompt: Prompt) -> Completion:
        """Return the model's answer.

        Raises ProviderError if there is none, StyleRejected if the prompt has to be rendered again in another format,
        BudgetReached if the request might cost more than is left, Deferred if the request is in a batch or queued for
        one, and Interrupted if a stop was requested before it was sent.
        """

    def reject(self, completion: Completion) -> None:
        """Record that an answer had faults. A resumed run still reuses it, and so repeats the same repairs."""

    def forget(self, completion: Completion) -> None:
        """Record that an answer led to no page. The next run requests it again."""
