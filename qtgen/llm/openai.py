"""The transport for OpenAI-compatible endpoints.

This is the only module that imports `openai` (0.4 s), so it is imported only when a connection is opened. Each request
is a JSON document that qtgen composes itself and sends as bytes: `qtgen prompts show` prints exactly what is sent, and
the same prompt makes the same bytes, by which the ledger and recordings find it. The client's own retries are off,
because they would sleep while they hold a slot.
"""

import json
import os
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
from qtgen.llm import headers
from qtgen.llm._messages import answer_of, refusal_of
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.sender import Request
from qtgen.llm.types import Completion, Limits, Usage
from qtgen.page.text import storable_text

if TYPE_CHECKING:
    from qtgen.embeddings.static import Vectors

_HEADERS = {"content-type": "application/json"}
_MIN_SECRET = 8  # characters; a shorter key is no secret, and would be masked inside ordinary words
_MAX_TOKENS = 2**31
_CUT_OFF = ("length", "max_tokens", "model_length")  # values of `finish_reason` for the token limit
_MAX_MESSAGE = 300  # characters of the endpoint's own message
_EMBEDDING_BATCH = 256
_UNLIMITED = httpx2.Limits(max_connections=None)  # the limiter decides how many requests are in flight


class OpenAISender:
    """Sends requests to an endpoint, one attempt each. Close it after use. Raises SettingsError for bad headers."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        own_headers = headers.resolve(endpoint.headers, os.environ)
        self._clean = _Cleaner([endpoint.api_key or "", *own_headers.values()])
        self._client = openai.AsyncOpenAI(
            api_key=endpoint.api_key or "none",
            base_url=endpoint.base_url,
            default_headers=own_headers or None,
            max_retries=0,
            timeout=endpoint.timeout,
            # Requests to this machine must not leave it through a proxy that the environment sets.
            http_client=openai.DefaultAioHttpClient(trust_env=not endpoint.is_loopback, limits=_UNLIMITED),
        )

    async def send(self, request: Request) -> Completion:
        try:
            response = await self._client.post(
                "/chat/completions",
                content=request.body,
                options={"headers": _HEADERS},
                cast_to=httpx2.Response,
            )
            payload = json.loads(response.content)
        except openai.APIStatusError as error:
            if error.code == "content_filter" and error.status_code < 500:
                return self._filtered_prompt(error)
            raise _status_error(error, self._endpoint, self._clean) from None
        except openai.APITimeoutError as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout):  # aiohttp's transport raises it for a refusal too
                raise _connection_error(error, self._client.base_url, self._clean) from None
            raise Retryable(f"no answer within {self._endpoint.timeout:g} s", kind="timeout") from None
        except openai.APIConnectionError as error:
            raise _connection_error(error, self._client.base_url, self._clean) from None
        except (ValueError, RecursionError, openai.OpenAIError) as error:
            message = self._clean(f"the endpoint's response is not JSON: {error}")
            raise Retryable(message, kind="malformed") from None
        usage = self._usage(payload.get("usage") if isinstance(payload, dict) else None)
        try:
            return self._completion(payload, usage, response.headers)
        except (LookupError, TypeError, AttributeError) as error:
            message = self._clean(f"the endpoint's response does not have the form of a completion ({error!r})")
            raise Retryable(message, kind="malformed", usage=usage) from None

    async def aclose(self) -> None:
        await self._client.close()

    def _completion(self, payload: Any, usage: Usage, response_headers: Mapping[str, str]) -> Completion:
        choice = payload["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        if refusal := refusal_of(message):
            return self._no_answer(Refused.kind, f"the model declined: {refusal}", usage)
        if finish == "content_filter":
            return self._no_answer(Filtered.kind, "the endpoint's content filter stopped the answer", usage)
        kind = Truncated.kind if finish in _CUT_OFF else "ok"
        text = storable_text(answer_of(message))
        request_id = storable_text(str(response_headers.get("x-request-id") or payload.get("id") or "")) or None
        model = storable_text(str(payload.get("model") or self._endpoint.model))
        return Completion(text, model, usage, request_id, _limits(response_headers), kind=kind)

    def _filtered_prompt(self, error: openai.APIStatusError) -> Completion:
        """Return the completion for a prompt that the endpoint's filter stopped. Some endpoints bill it."""
        text = f"the endpoint's content filter stopped the question: {_message(error)}"
        return self._no_answer(Filtered.kind, text, self._endpoint.unknown_usage)

    def _no_answer(self, kind: str, text: str, usage: Usage) -> Completion:
        return Completion(self._clean(text), self._endpoint.model, usage, kind=kind)

    def _usage(self, reported: Any) -> Usage:
        """Return the usage that the endpoint reported. If it reported none that is usable, the cost is unknown."""
        sent, received = _token_count(reported, "prompt_tokens"), _token_count(reported, "completion_tokens")
        if sent is None or received is None:
            return Usage(sent or 0, received or 0, 0, 0.0 if self._endpoint.is_free else None)
        cached = min(_token_count(reported.get("prompt_tokens_details"), "cached_tokens") or 0, sent)
        return Usage(sent, received, cached, self._endpoint.cost(sent, received, cached))


class OpenAIEmbeddings:
    """Turns texts into one vector each. Raises ProviderError; the underlying client retries by itself."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        own_headers = headers.resolve(endpoint.headers, os.environ)
        self._clean = _Cleaner([endpoint.api_key or "", *own_headers.values()])
        self._client = openai.OpenAI(
            api_key=endpoint.api_key or "none",
            base_url=endpoint.base_url,
            default_headers=own_headers or None,
            timeout=endpoint.timeout,
            http_client=openai.DefaultHttpxClient(trust_env=not endpoint.is_loopback),
        )

    def __call__(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        starts = range(0, len(texts), _EMBEDDING_BATCH)
        batches = [texts[start : start + _EMBEDDING_BATCH] for start in starts]
        try:
            vectors = np.array([row.embedding for batch in batches for row in self._embed(batch)], np.float32)
        except openai.APIStatusError as error:
            raise _status_error(error, self._endpoint, self._clean) from None
        except openai.APIConnectionError as error:
            raise _connection_error(error, self._client.base_url, self._clean) from None
        except (AttributeError, TypeError, ValueError):  # fields are missing, or rows are not numbers of one length
            raise Retryable("the endpoint's response contains no vectors", kind="malformed") from None
        if len(vectors) != len(texts):
            raise Retryable(f"the endpoint returned {len(vectors)} vectors for {len(texts)} texts", kind="malformed")
        if len(texts) and not (vectors.ndim == 2 and np.isfinite(vectors).all() and vectors.any(axis=1).all()):
            raise Retryable("the endpoint's response contains no vectors", kind="malformed")
        return vectors

    def _embed(self, batch: Sequence[str]) -> list[Any]:
        response = self._client.embeddings.create(
            model=self._endpoint.model, input=list(batch), encoding_format="float"
        )
        return sorted(response.data, key=lambda row: row.index)


class _Cleaner:
    """Makes an endpoint's text safe to show and to store: secrets are masked, lone surrogates are escaped."""

    def __init__(self, secrets: Sequence[str]) -> None:
        words = [word for secret in secrets for word in (secret, *secret.split())]  # `Bearer KEY` holds a key
        self._secrets = sorted({word for word in words if len(word) >= _MIN_SECRET}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return storable_text(text)


def _token_count(reported: Any, name: str) -> int | None:
    """Return a count that is possible and that the ledger can hold, else None."""
    count = reported.get(name) if isinstance(reported, dict) else None
    return int(count) if isinstance(count, int | float) and 0 <= count < _MAX_TOKENS else None


def _status_error(error: openai.APIStatusError, endpoint: Endpoint, clean: _Cleaner) -> ProviderError:
    status, message = error.status_code, clean(_message(error))
    if status in (401, 403):
        return ProviderUnusable(
            f"the endpoint rejected the key (HTTP {status}): {message}", setting="api_key", remedy="check the key"
        )
    if status == 404:
        return ProviderUnusable(
            f"the endpoint has no model `{endpoint.model}` at this address (HTTP 404): {message}",
            setting="model",
            remedy="check the model's name and the endpoint's address",
        )
    if status == 402 or error.code == "insufficient_quota":
        return ProviderUnusable(f"the account has no credit left (HTTP {status}): {message}")
    if status in (408, 409, 429) or status >= 500:
        kind = "rate-limited" if status == 429 else "unavailable"
        return Retryable(f"HTTP {status}: {message}", kind=kind, retry_after=_retry_after(error.response.headers))
    remedy = (
        "if it does not support string lengths, set `schema_lengths = false`" if "schema" in message.lower() else None
    )
    return BadRequest(f"the endpoint rejected the request (HTTP {status}): {message}", remedy=remedy)


def _message(error: openai.APIStatusError) -> str:
    """Return the endpoint's own message on one line."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(message or error.message).split())[:_MAX_MESSAGE]


def _connection_error(error: openai.APIConnectionError, address: object, clean: _Cleaner) -> ProviderError:
    cause = error.__cause__
    not_reached = httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol
    if isinstance(cause, not_reached) and "disconnected" not in str(cause):
        return Unreachable(clean(f"nothing answers at {address} ({cause})"))
    return Retryable(clean(f"the connection was lost ({cause or error})"), kind="dropped")


_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_INTEGER = re.compile(r"[0-9]{1,15}")


def _limits(response_headers: Mapping[str, str]) -> Limits | None:
    """Read the `x-ratelimit-…` headers, in OpenAI's format: whole numbers, and durations such as `6m0s`."""
    if (
        "x-ratelimit-remaining-requests" not in response_headers
        and "x-ratelimit-remaining-tokens" not in response_headers
    ):
        return None

    def number(name: str) -> int | None:
        value = response_headers.get(f"x-ratelimit-{name}", "")
        return int(value) if _INTEGER.fullmatch(value) else None

    def seconds(name: str) -> float | None:
        parts = _DURATION.findall(response_headers.get(f"x-ratelimit-{name}", ""))
        return sum(float(amount) * _SECONDS[unit] for amount, unit in parts) if parts else None

    return Limits(
        requests_left=number("remaining-requests"),
        requests_reset=seconds("reset-requests"),
        tokens_left=number("remaining-tokens"),
        tokens_reset=seconds("reset-tokens"),
        requests_per_minute=number("limit-requests"),
        tokens_per_minute=number("limit-tokens"),
    )


def _retry_after(response_headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `retry-after-ms` or `retry-after` (a number or a date) asks to wait."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = response_headers.get(name)
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
