"""The transport for OpenAI-compatible endpoints.

Each request is a JSON document that qtgen composes itself and gives to the `openai` client as bytes: `qtgen prompts
show` prints exactly what is sent, and the same prompt makes the same bytes, by which the ledger and recordings find it.
The client's own retries are off, because they would sleep while they hold a slot. The client sends through
`llm.transport`. The response is read there as well, because the client trusts what an endpoint sends.

This is the only module that imports `openai` (0.4 s), so it is imported only when a connection is opened.
"""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from qtgen import __version__
from qtgen._util.extras import require
from qtgen.errors import (
    BadRequest,
    Filtered,
    ProviderError,
    Refused,
    Retryable,
    SettingsError,
    Truncated,
    Unreachable,
)
from qtgen.llm import headers
from qtgen.llm._messages import answer_of, refusal_of
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.prices import price_of
from qtgen.llm.sender import Request
from qtgen.llm.transport import addresses, waits
from qtgen.llm.transport.classification import Failure, classify
from qtgen.llm.transport.cleaning import Cleaner
from qtgen.llm.transport.connection import ClientTransport, Connection, Reply, Route
from qtgen.llm.transport.decoding import BodyError, read_document, read_text
from qtgen.llm.transport.error_replies import ErrorBody, error_of, read_error, reported_error, status_of
from qtgen.llm.transport.proxies import Proxy, proxy_for
from qtgen.llm.transport.rate_limits import limits_from
from qtgen.llm.transport.usage import read_usage
from qtgen.llm.transport.wire_errors import login_required
from qtgen.llm.types import NO_USAGE, Completion, Usage
from qtgen.page.text import storable_text

if TYPE_CHECKING:
    from qtgen.embeddings.static import Vectors

_HEADERS = {
    "accept-encoding": "gzip, deflate",
    "content-type": "application/json",
    "user-agent": f"qtgen/{__version__}",
}
_CUT_OFF = frozenset(
    {"length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length", "token_limit",
     "max_length", "model_context_window_exceeded"}
)  # fmt: skip
_FILTERED = frozenset(
    {"content_filter", "content_filtered", "safety", "recitation", "prohibited_content", "blocklist", "spii",
     "language", "sensitive", "guardrail_intervened"}
)  # fmt: skip
_EMBEDDING_BATCH = 256
_logger = logging.getLogger(__name__)


class OpenAISender:
    """Sends requests to an endpoint, one attempt each. Close it after use.

    Raises SettingsError for headers, an address or a proxy that cannot be used, and MissingExtra.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint = _with_query(endpoint)
        url = addresses.endpoint_url(endpoint.base_url, endpoint.query)
        # Requests to this machine must not leave it through a proxy that the environment sets.
        self._proxy = None if endpoint.is_loopback else proxy_for(url, os.environ)
        own_headers = headers.resolve(endpoint.headers, os.environ)
        self._clean = _cleaner(endpoint, own_headers, self._proxy)
        connection = Connection(Route(url, self._proxy, endpoint.timeout), self._clean)
        base_url, query = addresses.without_query(url)
        self._client = openai.AsyncOpenAI(
            api_key=endpoint.api_key or "none",
            base_url=base_url.removesuffix(addresses.COMPLETIONS),
            default_query=query,
            max_retries=0,
            http_client=httpx2.AsyncClient(transport=ClientTransport(connection), trust_env=False),
        )
        self._headers = _request_headers(endpoint, own_headers)
        self._other_models: set[str] = set()

    async def send(self, request: Request) -> Completion:
        reply = await self._post(request.body)
        if not 200 <= reply.status < 300:
            return self._failed(reply, self._error_body(reply))
        try:
            document = read_document(reply.body, reply.headers)
        except BodyError as error:
            if reply.failure:
                raise reply.failure from None
            raise self._malformed(error) from None
        if (reported := reported_error(document)) is not None:
            usage = self._usage(document, reply.headers, has_text=False) if document.get("usage") else None
            return self._failed(reply, error_of(status_of(reported), {"error": reported}, self._clean), usage)
        try:
            return self._completion(document, reply.headers)
        except TypeError as error:
            said = error_of(reply.status, document, self._clean).reply.message
            words = f": {said}" if said and document and "choices" not in document else ""
            message = f"the endpoint's response does not have the form of a completion ({error}){words}"
            usage = self._usage(document, reply.headers, has_text=False)
            raise Retryable(self._clean(message), kind="malformed", usage=usage) from None

    async def aclose(self) -> None:
        await self._client.close()

    async def _post(self, body: bytes) -> Reply:
        """Return the reply to a request, whatever its status is. Raises ProviderError."""
        try:
            response = await self._client.post(
                addresses.COMPLETIONS, content=body, options={"headers": self._headers}, cast_to=httpx2.Response
            )
        except openai.APIStatusError as error:
            response = error.response
        reply: Reply = response.extensions["reply"]
        return reply

    def _completion(self, document: Any, response_headers: Mapping[str, str]) -> Completion:
        choice, message = _first_choice(document)
        finish = str(choice.get("finish_reason") or "").lower()
        refusal = refusal_of(message)
        text = "" if refusal else storable_text(answer_of(message))
        usage = self._usage(document, response_headers, has_text=bool(text.strip()))
        if refusal:
            return self._no_answer(Refused.kind, f"the model declined: {refusal}", usage)
        if finish in _FILTERED:
            return self._no_answer(Filtered.kind, "the endpoint's content filter stopped the answer", usage)
        if finish == "error":
            raise Retryable("the endpoint reports that it could not finish the answer", usage=usage)
        kind = Truncated.kind if finish in _CUT_OFF else "ok"
        request_id = storable_text(str(response_headers.get("x-request-id") or document.get("id") or "")) or None
        model = storable_text(str(document.get("model") or self._endpoint.model))
        self._compare_price(model)
        limits = limits_from(response_headers, usage.prompt_tokens, waits.clock_of(response_headers, time.time()))
        return Completion(text, model, usage, request_id, limits, kind=kind)

    def _usage(self, document: Any, response_headers: Mapping[str, str], *, has_text: bool) -> Usage:
        reported = document.get("usage") if isinstance(document, dict) else None
        return read_usage(reported, self._endpoint, response_headers, has_text=has_text)

    def _no_answer(self, kind: str, text: str, usage: Usage) -> Completion:
        return Completion(self._clean(text), self._endpoint.model, usage, kind=kind)

    def _error_body(self, reply: Reply) -> ErrorBody:
        try:
            return read_error(reply.status, read_text(reply.body, reply.headers), self._clean)
        except BodyError as error:
            return read_error(reply.status, f"the response {error}", self._clean)

    def _failed(self, reply: Reply, body: ErrorBody, usage: Usage | None = None) -> Completion:
        """Return the completion if the error is a final response. Raises ProviderError for any other error."""
        if body.reply.status == 407:
            raise login_required(self._proxy, body.reply.message)
        now = waits.clock_of(reply.headers, time.time())
        wait = waits.requested_wait(reply.headers, body.document, body.words, now)
        meaning = classify(Failure(body, wait, reply.url), self._endpoint)
        if isinstance(meaning, ProviderError):
            raise meaning.with_usage(usage) if usage else meaning
        return replace(meaning, text=self._clean(meaning.text), usage=usage or meaning.usage)

    def _malformed(self, error: BodyError) -> Retryable:
        message = self._clean(f"the endpoint's response {error}")
        if error.is_web_page:  # a page of a proxy or a login page, which nobody bills
            remedy = "check `base_url`, and any proxy or login page between you and the endpoint"
            return Retryable(message, kind="malformed", usage=NO_USAGE, remedy=remedy)
        return Retryable(message, kind="malformed")

    def _compare_price(self, served: str) -> None:
        """Warn once if the response is from another model whose known price differs."""
        endpoint = self._endpoint
        if served == endpoint.model or served in self._other_models or endpoint.price_input is None:
            return
        self._other_models.add(served)
        price = price_of(served, {})
        if price and (price.input, price.output) != (endpoint.price_input, endpoint.price_output):
            _logger.warning(
                "the endpoint answers with %s, whose price differs from that of %s; costs are those of %s",
                served, endpoint.model, endpoint.model,
            )  # fmt: skip


def _first_choice(document: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the first choice of a completion, and its message. Raises TypeError if there is none."""
    choices = document.get("choices") if isinstance(document, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise TypeError("it has no choices")
    message = choice.get("message")
    if not isinstance(message, dict):
        raise TypeError("its choice has no message")
    return choice, message


class OpenAIEmbeddings:
    """Turns texts into one vector each. Raises ProviderError; the underlying client retries by itself."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint = _with_query(endpoint)
        own_headers = headers.resolve(endpoint.headers, os.environ)
        base_url, query = addresses.without_query(endpoint.base_url or addresses.OPENAI)
        proxy = None if endpoint.is_loopback else proxy_for(base_url, os.environ)
        self._clean = _cleaner(endpoint, own_headers, proxy)
        self._url = base_url
        self._client = openai.OpenAI(
            api_key=endpoint.api_key or "none",
            base_url=base_url,
            default_headers=own_headers or None,
            default_query={**endpoint.query, **query},
            timeout=endpoint.timeout,
            http_client=_embedding_client(proxy),
        )

    def __call__(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        starts = range(0, len(texts), _EMBEDDING_BATCH)
        batches = [texts[start : start + _EMBEDDING_BATCH] for start in starts]
        try:
            vectors = np.array([row.embedding for batch in batches for row in self._embed(batch)], np.float32)
        except openai.APIStatusError as error:
            raise self._status_error(error) from None
        except openai.APIConnectionError as error:
            raise self._connection_error(error) from None
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

    def _status_error(self, error: openai.APIStatusError) -> ProviderError:
        response_headers = {name.lower(): value for name, value in error.response.headers.items()}
        body = read_error(error.status_code, error.response.text, self._clean)
        wait = waits.requested_wait(response_headers, body.document, body.words, time.time())
        meaning = classify(Failure(body, wait, self._url), self._endpoint)
        if isinstance(meaning, ProviderError):
            return meaning
        return BadRequest(meaning.text or body.reply.message, reply=body.reply)

    def _connection_error(self, error: openai.APIConnectionError) -> ProviderError:
        reason = self._clean.message(str(error.__cause__ or error))
        if isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol):
            return Unreachable(f"nothing answers at {addresses.shown(self._url)} ({reason})")
        if isinstance(error.__cause__, httpx2.TimeoutException):
            message = f"no answer within {self._endpoint.timeout:g} s"
            return Retryable(message, kind="timeout", remedy="raise `timeout`")
        return Retryable(f"the connection was lost ({reason})", kind="dropped")


def _with_query(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the environment's values in its query. Raises SettingsError."""
    return replace(endpoint, query=headers.resolve(endpoint.query, os.environ, "query"))


def _cleaner(endpoint: Endpoint, own_headers: Mapping[str, str], proxy: Proxy | None) -> Cleaner:
    password = proxy.password if proxy else None
    parameters = [value for name, value in endpoint.query.items() if name != "api-version"]
    return Cleaner([endpoint.api_key or "", *own_headers.values(), *parameters, password or ""])


def _request_headers(endpoint: Endpoint, own_headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the headers of each request besides the client's own. Without a key, there is no `Authorization`."""
    own_names = {name.lower() for name in own_headers}
    shared: dict[str, Any] = {name: value for name, value in _HEADERS.items() if name not in own_names}
    if not endpoint.api_key and "authorization" not in own_names:
        shared["authorization"] = openai.Omit()
    return {**shared, **own_headers}


def _embedding_client(proxy: Proxy | None) -> openai.DefaultHttpxClient:
    """Return the HTTP client for embeddings. Raises MissingExtra, and SettingsError for a proxy that it cannot use."""
    if proxy is None:
        return openai.DefaultHttpxClient(trust_env=False, verify=httpx2.create_ssl_context())
    if proxy.socks_version:
        require(f"a SOCKS proxy ({proxy.variable})", "socks", "socksio")
    login = (proxy.user, proxy.password or "") if proxy.user else None
    scheme = {"socks": "socks5"}.get(proxy.scheme, proxy.scheme)
    try:
        address = httpx2.Proxy(proxy.url.replace(proxy.scheme, scheme, 1), auth=login)
        return openai.DefaultHttpxClient(trust_env=False, proxy=address, verify=httpx2.create_ssl_context())
    except ValueError:
        raise SettingsError(
            f"embeddings cannot be requested through a proxy with the scheme `{scheme}`",
            field=proxy.variable,
            remedy="set it to an http, https or socks5 address",
        ) from None
