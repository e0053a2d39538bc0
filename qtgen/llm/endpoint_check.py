"""Find out what an endpoint can do, with a few tiny requests.

The requests go through the same layers as those of a run, so they adapt to the endpoint in the same way. They contain
the same parameters and the same keywords of JSON Schema as the requests of `generate`.
"""

import asyncio
import json
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, NamedTuple

from qtgen._util.credentials import masked_address
from qtgen.errors import NoAnswer, ProviderError, ProviderUnusable
from qtgen.llm.client import Client
from qtgen.llm.dialect.value import Dialect
from qtgen.llm.factory import endpoints_for, open_clients
from qtgen.llm.types import NO_USAGE, AnswerFormat, Completion, Limits, Message, Prompt, PromptStyle, Usage
from qtgen.settings import Settings

_MAX_TOKENS = 1_200  # as in the requests of `generate`, because a reasoning model may need many for one word
MAX_TIMEOUT = 60.0  # seconds
_POLL = 0.25  # seconds
_EXCERPT = 80  # characters of an answer that are shown
_SYSTEM = "You are a service that is being tested. Be brief."
_QUESTION = "Answer with the single word `ready`, not in JSON."
_SCHEMA = {
    "type": "object",
    "properties": {"state": {"type": "string", "minLength": 2, "maxLength": 40}},
    "required": ["state"],
    "additionalProperties": False,
}
_JSON_QUESTION = (
    f"Answer with a JSON object that follows this JSON Schema, with `ready` as `state`: {json.dumps(_SCHEMA)}"
)


class Support(NamedTuple):
    """Whether the endpoint supports something.

    Attributes:
        works: True, False, or None if it was not tried.
        reason: Why it does not work, or what is wrong although it works.
    """

    works: bool | None = None
    reason: str = ""


UNTRIED = Support()


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """What the requests showed.

    Attributes:
        address: The base URL, None for OpenAI itself and for a provider without an address.
        model: The model that was requested, and `served_model` what the endpoint says it is.
        seconds: How long the answer of one word took.
        price_input, price_output: US dollars per million tokens, None if unknown.
        reports_usage: Whether responses contain token counts.
        limits: Rate limits that the headers report, None if there are none.
        formats: Whether the endpoint answers in each format.
        streaming: Whether the endpoint streams answers.
        dialect: How requests had to be changed.
        adaptations: The same as sentences, with the endpoint's words.
        usage: What the requests used.
        requests: How many requests were sent.
    """

    address: str | None
    model: str
    served_model: str
    seconds: float
    price_input: float | None
    price_output: float | None
    reports_usage: bool
    limits: Limits | None
    formats: Mapping[AnswerFormat, Support]
    streaming: Support
    dialect: Dialect
    adaptations: tuple[str, ...]
    usage: Usage
    requests: int

    @property
    def best_format(self) -> AnswerFormat:
        """The strictest format in which an answer follows the schema, else the strictest in which there is one."""
        working = [name for name in AnswerFormat if self.formats[name].works]
        follows = (name for name in working if name is not AnswerFormat.MARKDOWN and not self.formats[name].reason)
        return next(follows, [*working, AnswerFormat.MARKDOWN][0])


async def check_endpoint(settings: Settings) -> EndpointFacts:
    """Send a few tiny requests to the first model of the settings, and return what they showed.

    Raises the ProviderError of the first request if the endpoint cannot answer it, SettingsError, MissingExtra and
    ModelError.
    """
    settings = settings.model_copy(
        update={"tries": 1, "timeout": min(settings.timeout, MAX_TIMEOUT), "model": settings.model[:1]}
    )
    endpoint = endpoints_for(settings)[0]
    async with open_clients(settings) as clients:
        client = clients[0]
        plain = PromptStyle(AnswerFormat.MARKDOWN)
        started = time.monotonic()
        first = await _unless_waiting(client, _first_response(client, _prompt(plain)))
        seconds = time.monotonic() - started
        formats = dict.fromkeys(AnswerFormat, UNTRIED)
        usages = [first.usage + first.lost]
        for name in (AnswerFormat.JSON_SCHEMA, AnswerFormat.JSON_OBJECT):
            formats[name], usage = await _try(client, _prompt(PromptStyle(name)))
            usages.append(usage)
            if formats[name] == Support(works=True):
                break
        formats[AnswerFormat.MARKDOWN] = _answered(first)
        dialect = client.dialect.beyond(endpoint.own_dialect)
        streaming, usage = await _try_streaming(client)
        usages.append(usage)
        stats = client.stats()
        return EndpointFacts(
            address=masked_address(endpoint.base_url) if endpoint.base_url and endpoint.provider != "local" else None,
            model=endpoint.model,
            served_model=first.model,
            seconds=seconds,
            price_input=endpoint.price_input,
            price_output=endpoint.price_output,
            reports_usage=first.usage.prompt_tokens > 0,
            limits=first.limits,
            formats=formats,
            streaming=streaming,
            dialect=dialect,
            adaptations=stats.adaptations,
            usage=sum(usages, NO_USAGE),
            requests=sum(stats.attempts.values()),
        )


async def _unless_waiting(client: Client, response: Coroutine[Any, Any, Completion]) -> Completion:
    """Return a response. Raises ProviderUnusable as soon as the endpoint is down or asks for a pause.

    A run would wait for such an endpoint; a check says what it found.
    """
    task = asyncio.create_task(response)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=_POLL)
            stats = client.stats()
            if not task.done() and stats.waiting_for:
                raise ProviderUnusable(f"the endpoint answers no request now: {stats.waiting_reason or 'its limit'}")
        return task.result()
    finally:
        task.cancel()


async def _first_response(client: Client, prompt: Prompt) -> Completion:
    """Return the first response. A refused or truncated answer also shows that the endpoint responds."""
    try:
        return await client.complete(prompt)
    except NoAnswer as error:
        if isinstance(error.completion, Completion):
            return error.completion
        raise


def _prompt(style: PromptStyle) -> Prompt:
    """Return a prompt for an answer of one word."""
    is_json = style.format is not AnswerFormat.MARKDOWN
    messages = (Message("system", _SYSTEM), Message("user", _JSON_QUESTION if is_json else _QUESTION))
    text = f"{style.format} {_SYSTEM} {messages[1].content}"
    digest = sha256(text.encode()).hexdigest()[:16]
    parameters = {"temperature": 0.2, "max_tokens": _MAX_TOKENS}
    return Prompt("check", 1, "check", messages, _SCHEMA, parameters, digest, digest, digest, style)


async def _try(client: Client, prompt: Prompt) -> tuple[Support, Usage]:
    """Return whether the endpoint answers in the prompt's format, and what that used."""
    try:
        completion = await _unless_waiting(client, client.complete(prompt))
    except ProviderError as error:
        reason = error.reply.message if error.reply else ""
        return Support(works=False, reason=reason or error.message), error.usage or NO_USAGE
    usage = completion.usage + completion.lost
    text = completion.text
    try:
        answer = json.loads(text[text.find("{") : text.rfind("}") + 1])
    except ValueError:
        return Support(works=False, reason=f"the answer is not JSON: {_excerpt(text)}"), usage
    follows_schema = isinstance(answer, dict) and isinstance(answer.get("state"), str)
    return Support(works=True, reason="" if follows_schema else "the answer does not follow the schema"), usage


async def _try_streaming(client: Client) -> tuple[Support, Usage]:
    """Return whether the endpoint streams answers, and what that used."""
    if client.dialect.stream:  # it accepts nothing else
        return Support(works=True), NO_USAGE
    client.dialect = replace(client.dialect, stream=True)
    try:
        completion = await _unless_waiting(client, client.complete(_prompt(PromptStyle(AnswerFormat.MARKDOWN))))
    except ProviderError as error:
        return Support(works=False, reason=error.message), error.usage or NO_USAGE
    usage = completion.usage + completion.lost
    if client.dialect.stream:
        return _answered(completion), usage
    return Support(works=False, reason=client.stats().adaptations[-1]), usage


def _answered(completion: Completion) -> Support:
    if completion.kind != "ok":
        return Support(works=False, reason=f"the answer is {completion.kind}")
    return Support(works=True) if completion.text.strip() else Support(works=False, reason="the answer is empty")


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _EXCERPT else f"{words[:_EXCERPT]}…"
