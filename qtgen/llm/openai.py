"""Any OpenAI-compatible endpoint. The only file that imports `openai` (0.4 s), so it is imported when one is used.

The request is one JSON document of our own making, sent as bytes: what `qtgen prompts show` prints is what goes out,
and the same prompt is the same request to the byte (recordings and the ledger match on it). The client's own retries
are off: they sleep while they hold a slot.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from qtgen.errors import (
    BadRequest,
    Filtered,
    ProviderError,
    ProviderUnusable,
    Refused,
    Retryable,
    Truncated,
    Unreachable,
)
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.types import Completion, Limits, Usage
from qtgen.page.text import storable_text

if TYPE_CHECKING:
    from qtgen.embeddings.static import Vectors

_HEADERS = {"content-type": "application/json"}
_SHORTEST_KEY = 8  # characters; a shorter one is no secret, and stands in words of any message
_MOST_TOKENS = 2**31
_EMBEDDED_TOGETHER = 256
_CONNECTIONS = httpx2.Limits(max_connections=None)  # how many are open at once is the pace's to say


class OpenAISender:
    """Sends requests to an endpoint, one attempt each. Close it after use."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client = openai.AsyncOpenAI(
            api_key=endpoint.api_key or "none",
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=endpoint.timeout,
            # What is asked of this machine must not leave it through a proxy that the environment names.
            http_client=openai.DefaultAioHttpClient(trust_env=not endpoint.is_loopback, limits=_CONNECTIONS),
        )

    async def send(self, body: bytes) -> Completion:
        """One request. Raises ProviderError, each failure by its kind; no message holds the key or half a character."""
        try:
            return await self._send(body)
        except ProviderError as error:
            message, key = storable_text(str(error)), self._endpoint.api_key
            error.message = message.replace(key, "***") if key and len(key) >= _SHORTEST_KEY else message
            error.args = (error.message,)
            raise

    async def _send(self, body: bytes) -> Completion:
        try:
            response = await self._client.post(
                "/chat/completions",
                content=body,
                options={"headers": _HEADERS},
                cast_to=httpx2.Response,
            )
            payload = json.loads(response.content)
        except openai.APIStatusError as error:
            raise _status_error(error, self._endpoint) from None
        except openai.APITimeoutError as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout):  # aiohttp's transport says so of a refusal too
                raise _connection_error(error, self._client.base_url) from None
            raise Retryable(f"no answer within {self._endpoint.timeout:g} s", kind="timeout") from None
        except openai.APIConnectionError as error:
            raise _connection_error(error, self._client.base_url) from None
        except (ValueError, RecursionError, openai.OpenAIError) as error:
            raise Retryable(f"the endpoint's answer is not JSON: {error}", kind="malformed") from None
        usage = self._usage(payload.get("usage") if isinstance(payload, dict) else None)
        try:
            return self._completion(payload, usage, response.headers)
        except (LookupError, TypeError, AttributeError) as error:
            message = f"the endpoint's answer has not the form of a completion ({error!r})"
            raise Retryable(message, kind="malformed", usage=usage) from None

    def _completion(self, payload: Any, usage: Usage, headers: Mapping[str, str]) -> Completion:
        choice = payload["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        if message.get("refusal"):
            raise Refused(f"the model declined: {message['refusal']}", usage=usage)
        if finish == "content_filter":
            raise Filtered("the endpoint's content filter stopped the answer", usage=usage)
        if finish == "length":
            raise Truncated("the answer was cut off at the token limit; raise --max-tokens", usage=usage)
        request_id = storable_text(str(headers.get("x-request-id") or payload.get("id") or "")) or None
        content = message.get("content") or ""
        if not isinstance(content, str):
            raise TypeError(f"content is {type(content).__name__}")
        served_by = storable_text(str(payload.get("model") or self._endpoint.model))
        return Completion(storable_text(content), served_by, usage, request_id, _limits(headers))

    def _usage(self, said: Any) -> Usage:
        """What the endpoint counted. Where it says nothing that can be counted, the cost is not known."""
        sent, received = _tokens(said, "prompt_tokens"), _tokens(said, "completion_tokens")
        if sent is None or received is None:
            return Usage(sent or 0, received or 0, 0, 0.0 if self._endpoint.is_free else None)
        cached = _tokens(said.get("prompt_tokens_details"), "cached_tokens") or 0
        cached = min(cached, sent)
        return Usage(sent, received, cached, self._endpoint.cost(sent, received, cached))

    async def close(self) -> None:
        await self._client.close()


def _tokens(said: Any, name: str) -> int | None:
    """A count that can be one, and that a ledger can hold."""
    count = said.get(name) if isinstance(said, dict) else None
    return int(count) if isinstance(count, int | float) and 0 <= count < _MOST_TOKENS else None


class OpenAIEmbeddings:
    """Texts -> one vector each, by an endpoint. Raises ProviderError; the client itself tries again."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        http = openai.DefaultHttpxClient(trust_env=not endpoint.is_loopback)
        self._client = openai.OpenAI(
            api_key=endpoint.api_key or "none", base_url=endpoint.base_url, timeout=endpoint.timeout, http_client=http
        )

    def __call__(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        try:
            parts = [texts[at : at + _EMBEDDED_TOGETHER] for at in range(0, len(texts), _EMBEDDED_TOGETHER)]
            vectors = np.array([row.embedding for part in parts for row in self._embedded(part)], np.float32)
        except openai.APIStatusError as error:
            raise _status_error(error, self._endpoint) from None
        except openai.APIConnectionError as error:
            raise _connection_error(error, self._client.base_url) from None
        except (AttributeError, TypeError, ValueError):  # no such fields, no numbers, or rows of several lengths
            raise Retryable("what came back are no vectors", kind="malformed") from None
        if len(vectors) != len(texts):
            raise Retryable(f"{len(vectors)} vectors came back for {len(texts)} texts", kind="malformed")
        if len(texts) and not (vectors.ndim == 2 and np.isfinite(vectors).all() and vectors.any(axis=1).all()):
            raise Retryable("what came back are no vectors", kind="malformed")
        return vectors

    def _embedded(self, part: Sequence[str]) -> list[Any]:
        answer = self._client.embeddings.create(model=self._endpoint.model, input=list(part), encoding_format="float")
        return sorted(answer.data, key=lambda row: row.index)


def _status_error(error: openai.APIStatusError, endpoint: Endpoint) -> ProviderError:
    status, said = error.status_code, _message(error)
    if status == 401 or status == 403:
        return ProviderUnusable(f"the endpoint refused the key (HTTP {status}); check {endpoint.key_name}: {said}")
    if status == 404:
        return ProviderUnusable(
            f"no model `{endpoint.model}` at this address (HTTP 404); check --model and --base-url: {said}"
        )
    if status == 402 or error.code == "insufficient_quota":
        return ProviderUnusable(f"no credit is left at the endpoint (HTTP {status}): {said}")
    if status in (408, 409, 429) or status >= 500:
        kind = "rate-limited" if status == 429 else "unavailable"
        return Retryable(f"HTTP {status}: {said}", kind=kind, retry_after=_retry_after(error.response.headers))
    if error.code == "content_filter":  # some bill what they looked at
        unknown = Usage(cost_usd=0.0 if endpoint.is_free else None)
        return Filtered(f"the endpoint's content filter stopped the question: {said}", usage=unknown)
    hint = "; try `schema_lengths = false` in qtgen.toml" if "schema" in said.lower() else ""
    return BadRequest(f"the endpoint refused the request (HTTP {status}): {said}{hint}")


def _message(error: openai.APIStatusError) -> str:
    body = error.body
    said = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(said or error.message).split())[:300]


def _connection_error(error: openai.APIConnectionError, address: object) -> ProviderError:
    cause = error.__cause__
    not_reached = httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol
    if isinstance(cause, not_reached) and "disconnected" not in str(cause):
        return Unreachable(f"nothing answers at {address} ({cause})")
    return Retryable(f"the connection was lost ({cause or error})", kind="dropped")


_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_WHOLE = re.compile(r"[0-9]{1,15}")


def _limits(headers: Mapping[str, str]) -> Limits | None:
    """What `x-ratelimit-…` says, as OpenAI and its followers write it: whole numbers, and spans such as `6m0s`."""
    if "x-ratelimit-remaining-requests" not in headers and "x-ratelimit-remaining-tokens" not in headers:
        return None

    def number(name: str) -> int | None:
        value = headers.get(f"x-ratelimit-{name}", "")
        return int(value) if _WHOLE.fullmatch(value) else None

    def seconds(name: str) -> float | None:
        parts = _SPAN.findall(headers.get(f"x-ratelimit-{name}", ""))
        return sum(float(amount) * _SECONDS[unit] for amount, unit in parts) if parts else None

    return Limits(
        number("remaining-requests"),
        seconds("reset-requests"),
        number("remaining-tokens"),
        seconds("reset-tokens"),
        number("limit-requests"),
        number("limit-tokens"),
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after`, which is a number or a date."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if not value:
            continue
        try:
            return max(0.0, float(value) * scale)
        except ValueError:
            pass
        try:
            return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
        except (TypeError, ValueError):
            continue
    return None
