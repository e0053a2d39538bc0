"""Find out what an endpoint is and can do, with three tiny requests."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from qtgen.errors import NoAnswer, ProviderError, ProviderUnusable, StyleRejected
from qtgen.llm.client import Client
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.factory import endpoints_for, open_clients
from qtgen.llm.ledger import LedgerWriter
from qtgen.llm.types import NO_USAGE, AnswerFormat, Completion, Limits, Message, Prompt, PromptStyle, Usage
from qtgen.settings import Settings

_TRIES = 2
_PARAMETERS: Mapping[str, Any] = {"temperature": 0.2, "max_tokens": 300}
_STREAM: Mapping[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
_SYSTEM = "You answer with one short sentence."
_QUESTION = "Which city is the capital of France?"
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"capital": {"type": "string", "minLength": 1, "maxLength": 60}},
    "required": ["capital"],
    "additionalProperties": False,
}
_AS_JSON = f"{_QUESTION} Answer as a JSON object that fits this JSON Schema: {json.dumps(_SCHEMA)}"


@dataclass(frozen=True, slots=True)
class Probe:
    """One of the requests: what came back, and how long it took.

    Attributes:
        error: Why there is no answer. Empty if there is one.
    """

    seconds: float
    completion: Completion | None = None
    error: str = ""

    @property
    def reports_usage(self) -> bool:
        """Whether the response reports the tokens that it used."""
        usage = self.completion.usage if self.completion else NO_USAGE
        return usage.prompt_tokens > 0 and usage.completion_tokens > 0


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """What an endpoint is and can do.

    Attributes:
        address: Its base URL, None for OpenAI.
        served_model: The model's name, as the endpoint reports it.
        text, structured, stream: The three requests. `structured` is None if the endpoint accepts no JSON format.
        answer_format: The best format of answers that works.
        changes: How requests were changed because the endpoint rejected them, and its reasons.
        limits: Rate limits that its headers report.
        has_price: Whether the model's price is known.
        usage: What the check used.
    """

    address: str | None
    model: str
    served_model: str
    text: Probe
    structured: Probe | None
    stream: Probe
    answer_format: AnswerFormat
    changes: tuple[str, ...]
    limits: Limits | None
    has_price: bool
    usage: Usage = field(default=NO_USAGE)

    @property
    def reports_usage(self) -> bool:
        return self.text.reports_usage

    @property
    def can_stream(self) -> bool:
        return self.stream.completion is not None

    def settings(self) -> dict[str, str | int]:
        """Return the settings to use, by name."""
        values: dict[str, str | int] = {"model": self.model}
        if self.address:
            values = {"base_url": self.address, **values}
        if self.answer_format is not AnswerFormat.JSON_SCHEMA:
            values["answer_format"] = self.answer_format.value
        return values


async def check_endpoint(settings: Settings, writer: LedgerWriter | None = None) -> EndpointReport:
    """Send the requests to the first model in the settings.

    Raises ProviderUnusable with the reason if the endpoint does not answer the first one, and what `open_clients`
    raises.
    """
    endpoint = endpoints_for(settings)[0]
    settings = settings.model_copy(update={"tries": _TRIES, "model": (endpoint.model,)})
    async with open_clients(settings, writer) as clients:
        client = clients[0]
        text = await _probe(client, _prompt(_QUESTION, PromptStyle(AnswerFormat.MARKDOWN)))
        if text.completion is None:
            raise ProviderUnusable(text.error)
        style, structured = await _probe_formats(client)
        before = client.stats().adaptations
        stream = await _probe(client, _prompt(_QUESTION, PromptStyle(AnswerFormat.MARKDOWN), **_STREAM))
        changes = client.stats().adaptations
        if refusals := [change for change in changes[len(before) :] if "stream" in change]:
            stream = Probe(stream.seconds, error=refusals[0])  # it was sent again without the field
            changes = before
    return _report(endpoint, (text, structured, stream), style, changes)


async def _probe_formats(client: Client) -> tuple[AnswerFormat, Probe | None]:
    """Return the best format that works, and the request that showed it. It is Markdown if no JSON came back."""
    for _ in AnswerFormat:
        style = client.style
        if style.format is AnswerFormat.MARKDOWN:
            break
        try:
            probe = await _probe(client, _prompt(_AS_JSON, style))
        except StyleRejected:
            continue
        works = probe.completion is not None and _is_valid(probe.completion.text)
        return style.format if works else AnswerFormat.MARKDOWN, probe
    return AnswerFormat.MARKDOWN, None


async def _probe(client: Client, prompt: Prompt) -> Probe:
    """Send a request. Raises ProviderUnusable if none can succeed, and StyleRejected."""
    now = asyncio.get_running_loop().time
    started = now()
    try:
        completion = await client.complete(prompt)
    except (ProviderUnusable, StyleRejected):
        raise
    except NoAnswer as error:  # it responds: an answer that is cut off or refused shows as much
        answer = error.completion if isinstance(error.completion, Completion) else None
        return Probe(now() - started, answer, str(error))
    except ProviderError as error:
        return Probe(now() - started, error=str(error))
    return Probe(now() - started, completion)


def _prompt(question: str, style: PromptStyle, **parameters: Any) -> Prompt:
    name, all_parameters = "check-endpoint", {**_PARAMETERS, **parameters}
    digest = sha256(json.dumps([question, style, all_parameters]).encode()).hexdigest()
    messages = (Message("system", _SYSTEM), Message("user", question))
    return Prompt(name, 1, "check", messages, _SCHEMA, all_parameters, digest, digest, digest, style)


def _is_valid(text: str) -> bool:
    """Return True if a text contains a JSON object that fits the schema."""
    try:
        document = json.loads(text[text.find("{") : text.rfind("}") + 1])
    except ValueError:
        return False
    return isinstance(document, dict) and isinstance(document.get("capital"), str)


def _report(
    endpoint: Endpoint, probes: tuple[Probe, Probe | None, Probe], style: AnswerFormat, changes: tuple[str, ...]
) -> EndpointReport:
    completions = [probe.completion for probe in probes if probe and probe.completion]
    usage = sum((completion.usage + completion.lost for completion in completions), NO_USAGE)
    limits = next((completion.limits for completion in completions if completion.limits), None)
    served, has_price = completions[0].model, endpoint.price_input is not None
    return EndpointReport(endpoint.base_url, endpoint.model, served, *probes, style, changes, limits, has_price, usage)
