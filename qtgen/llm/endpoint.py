"""Where requests go, and what exactly is sent there. Imports nothing heavy, so that a prompt can be shown quickly."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from qtgen.llm.types import Prompt

_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint. base_url None is OpenAI's own; prices in US dollars per million tokens."""

    provider: str
    model: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    key_name: str = "OPENAI_API_KEY"
    timeout: float = 120.0
    extra: Mapping[str, Any] = field(default_factory=dict)
    schema_lengths: bool = True
    price_input: float | None = None
    price_output: float | None = None
    price_cached: float | None = None

    @property
    def is_loopback(self) -> bool:
        """True if the address is this machine's own."""
        host = urlsplit(self.base_url or "").hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")

    @property
    def place(self) -> str:
        """Who it is, for the ledger: a local model has another port each time, and an address many spellings."""
        if self.provider == "local" or self.base_url is None:
            return "local" if self.provider == "local" else ""
        url = urlsplit(self.base_url)
        user, at, host = url.netloc.rpartition("@")
        host = host.lower().removesuffix(_PORTS.get(url.scheme.lower(), " "))
        return urlunsplit((url.scheme.lower(), user + at + host, url.path.rstrip("/"), url.query, ""))

    @property
    def is_free(self) -> bool:
        """True if nothing that is asked here costs anything."""
        return self.cost(1, 1, 0) == 0

    def cost(self, sent: int, received: int, cached: int) -> float | None:
        """US dollars, or None where no price is known."""
        if self.price_input is None or self.price_output is None:
            return None
        cached_price = self.price_input if self.price_cached is None else self.price_cached
        return ((sent - cached) * self.price_input + cached * cached_price + received * self.price_output) / 1e6


def request(prompt: Prompt, endpoint: Endpoint) -> dict[str, Any]:
    """The request as a JSON object, in a fixed order of keys."""
    parameters = dict(prompt.parameters)
    if endpoint.base_url is None and "max_tokens" in parameters:
        parameters["max_completion_tokens"] = parameters.pop("max_tokens")  # OpenAI's newer models know only this name
    schema = prompt.schema if endpoint.schema_lengths else without_lengths(prompt.schema)
    return {
        "model": endpoint.model,
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        **parameters,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": f"{prompt.shape}_answer", "strict": True, "schema": schema},
        },
        **endpoint.extra,
    }


def request_body(prompt: Prompt, endpoint: Endpoint) -> bytes:
    """The exact bytes that are sent: the same prompt, the same bytes."""
    return body_of(request(prompt, endpoint))


def body_of(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def longest_answer(document: Mapping[str, Any]) -> int:
    """Tokens that a request allows all of its answers; settings may ask for more than the prompt does."""
    limits = [_whole(document.get(name)) for name in ("max_tokens", "max_completion_tokens")]
    return max(limits) * max(1, _whole(document.get("n")))


def _whole(value: Any) -> int:
    """0 for what is no number; an endpoint takes no request with it."""
    return int(value) if isinstance(value, int) or str(value).isdecimal() else 0


def without_lengths(node: Any) -> Any:
    """A schema for endpoints that refuse string lengths in strict mode; lengths are checked on arrival all the same."""
    if isinstance(node, list):
        return [without_lengths(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {key: without_lengths(value) for key, value in node.items() if key not in ("minLength", "maxLength")}
