"""Where requests go, and exactly what is sent. This module imports nothing heavy, so prompts can be shown quickly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from qtgen.errors import ProviderError
from qtgen.llm import headers
from qtgen.llm.dialect.value import LIMIT_FIELDS, NO_DIALECT, Dialect, without_keywords
from qtgen.llm.sender import Request, RequestKey
from qtgen.llm.types import NO_USAGE, STANDARD_STYLE, AnswerFormat, Prompt, PromptStyle, Usage

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_LENGTHS = ("minLength", "maxLength")
# The endpoint may have answered in these cases, and bill the answer.
_POSSIBLY_BILLED = frozenset({"timeout", "dropped", "malformed"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model at an address, and what it costs.

    Attributes:
        provider: Name of the provider.
        base_url: Address of an OpenAI-compatible endpoint; None means OpenAI itself.
        headers: Further headers. `$NAME` in a value stands for an environment variable; see `headers.resolve`.
        query: Query parameters of each request, in which `$NAME` stands for an environment variable as in `headers`.
        timeout: Seconds that one request may take, with its response.
        extra: Further fields of each request.
        dialect: How requests are changed from the start: by hand, by what the model needs, and by what was learned.
        own_dialect: The part of the dialect that is set by hand.
        learned_dialect: The part that an earlier run has learned.
        remembers_dialect: Whether the ledger keeps what is learned.
        schema_lengths: Whether the schema that is sent contains string lengths.
        style: How prompts for the model are written.
        sends_grammar: Whether requests for Markdown contain a GBNF grammar.
        identity: Distinguishes models of the same name in the ledger.
        price_input, price_output, price_cached: US dollars per million tokens; None if unknown.
        price_batch: Factor of these prices for requests in a batch; None if unknown.
        price_factor: The factor that the prices contain already.
    """

    provider: str
    model: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 120.0
    extra: Mapping[str, Any] = field(default_factory=dict)
    dialect: Dialect = NO_DIALECT
    own_dialect: Dialect = NO_DIALECT
    learned_dialect: Dialect = NO_DIALECT
    remembers_dialect: bool = True
    schema_lengths: bool = True
    style: PromptStyle = STANDARD_STYLE
    sends_grammar: bool = False
    identity: str = ""
    price_input: float | None = None
    price_output: float | None = None
    price_cached: float | None = None
    price_batch: float | None = None
    price_factor: float = 1.0

    @property
    def is_loopback(self) -> bool:
        """True if the address is on this machine."""
        host = urlsplit(self.base_url or "").hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")

    @property
    def place(self) -> str:
        """The endpoint's identity in the ledger.

        A local model has another port in each run, so its address does not count. A remote address is normalized.
        Answers that were recorded under a place are found only under the same one, so its form must not change.
        """
        if self.provider == "local":
            return f"local {self.identity}".rstrip()
        if self.base_url is None:
            return "" if self.provider == "openai" else f"{self.provider} {self.identity}".rstrip()
        url = urlsplit(self.base_url)
        user, at, host = url.netloc.rpartition("@")
        host = host.lower().removesuffix(_DEFAULT_PORTS.get(url.scheme.lower(), " "))
        return urlunsplit((url.scheme.lower(), user + at + host, url.path.rstrip("/"), url.query, ""))

    @property
    def is_free(self) -> bool:
        """True if requests cost nothing."""
        return self.cost(1, 1, 0) == 0

    @property
    def unknown_usage(self) -> Usage:
        """The usage of a request about which nothing is known: its cost is unknown too, unless the model is free."""
        return Usage(cost_usd=0.0 if self.is_free else None)

    def cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int) -> float | None:
        """Return the cost in US dollars, or None if the price is unknown."""
        if self.price_input is None or self.price_output is None:
            return None
        cached_price = self.price_input if self.price_cached is None else self.price_cached
        uncached = (prompt_tokens - cached_tokens) * self.price_input
        return (uncached + cached_tokens * cached_price + completion_tokens * self.price_output) / 1e6

    def in_batches(self) -> "Endpoint":
        """Return the endpoint with the prices of requests in a batch. Without their factor, the prices are unknown."""
        factor = 1.0 if self.is_free else self.price_batch

        def price(live: float | None) -> float | None:
            return None if live is None or factor is None else live * factor

        return replace(
            self,
            price_input=price(self.price_input),
            price_output=price(self.price_output),
            price_cached=price(self.price_cached),
            price_factor=factor or 1.0,
        )

    def usage_of(self, error: ProviderError) -> Usage:
        """Return what a failed attempt used: what the endpoint reported, else what its failure implies."""
        if error.usage is not None:
            usage: Usage = error.usage
            return usage
        return self.unknown_usage if error.kind in _POSSIBLY_BILLED else NO_USAGE


def with_query(endpoint: Endpoint, environ: Mapping[str, str]) -> Endpoint:
    """Return the endpoint with the environment's values in its query. Raises SettingsError."""
    return replace(endpoint, query=headers.resolve(endpoint.query, environ, "query"))


def make_request(prompt: Prompt, endpoint: Endpoint) -> Request:
    """Return the request that a prompt becomes at an endpoint. The same prompt makes the same bytes.

    The dialect is applied when the request is sent, so a request keeps its key if the dialect changes.
    """
    document = request_document(prompt, endpoint)
    body = encode_document(document)
    digest = request_digest(endpoint.place, body, prompt.sample)
    key = RequestKey(digest, endpoint.model, prompt.name, prompt.template_digest, len(body))
    return Request(
        key, body, prompt.parameters, max_answer_tokens(document, endpoint.dialect), goes_first=prompt.goes_first
    )


def sent_document(prompt: Prompt, endpoint: Endpoint) -> dict[str, Any]:
    """Return the JSON object that is sent first: the request document in the endpoint's dialect."""
    document = request_document(prompt, endpoint)
    return document if endpoint.dialect == NO_DIALECT else endpoint.dialect.apply(document)


def request_document(prompt: Prompt, endpoint: Endpoint) -> dict[str, Any]:
    """Return the request as a JSON object, before any dialect. The order of its keys is fixed."""
    parameters = dict(prompt.parameters)
    if endpoint.base_url is None and "max_tokens" in parameters:
        parameters["max_completion_tokens"] = parameters.pop("max_tokens")  # OpenAI's newer models accept only this
    document = {
        "model": endpoint.model,
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        **parameters,
        **_format_fields(prompt, endpoint),
        **endpoint.extra,
    }
    if prompt.sample and isinstance(document.get("seed"), int):  # the same seed would produce the same answer
        document["seed"] += prompt.sample
    return document


def _format_fields(prompt: Prompt, endpoint: Endpoint) -> dict[str, Any]:
    """Return the fields of a request that ask for the answer's format."""
    if prompt.style.format is AnswerFormat.MARKDOWN:
        return {"grammar": prompt.grammar} if prompt.grammar and endpoint.sends_grammar else {}
    if prompt.style.format is AnswerFormat.JSON_OBJECT:
        return {"response_format": {"type": "json_object"}}
    schema = prompt.schema if endpoint.schema_lengths else without_keywords(prompt.schema, _LENGTHS)
    json_schema = {"name": f"{prompt.shape}_answer", "strict": True, "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": json_schema}}


def encode_document(document: Mapping[str, Any]) -> bytes:
    """Return the exact bytes that are sent for a request document."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def request_digest(place: str, body: bytes, sample: int = 0) -> bytes:
    """Return the digest that identifies a request in the ledger.

    Args:
        place: The endpoint, see `Endpoint.place`.
        body: What is sent.
        sample: Distinguishes several answers to the same request.
    """
    head = f"{place} {sample}\n" if sample else f"{place}\n"
    return sha256(head.encode() + body).digest()


def max_answer_tokens(document: Mapping[str, Any], dialect: Dialect = NO_DIALECT) -> int:
    """Return the most tokens that all answers to a request can have, 0 if it sets no limit.

    The `request` setting can raise the prompt's limit and can ask for several answers (`n`).
    """
    limit = max(_whole_number(document.get(name)) for name in LIMIT_FIELDS)
    return dialect.limit(limit) * max(1, _whole_number(document.get("n")))


def _whole_number(value: Any) -> int:
    """Return the number, or 0 for anything else, which the endpoint will reject."""
    return int(value) if isinstance(value, int) or str(value).isdecimal() else 0
