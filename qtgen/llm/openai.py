"""The transport for OpenAI-compatible endpoints.

Each request is a JSON document that qtgen composes itself and gives to the `openai` client as bytes: `qtgen prompts
show` prints exactly what is sent, and the same prompt makes the same bytes, by which the ledger and recordings find it.
The client's own retries are off, because they would sleep while they hold a slot. The client sends through
`llm.transport`. The response is read there as well, because the client trusts what an endpoint sends.

Only this module and `openai_embeddings` import `openai` (0.4 s), so they are imported only when a connection is opened.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx2
import openai

from qtgen import __version__
from qtgen.errors import Filtered, ProviderError, Refused, Retryable, Truncated
from qtgen.llm import headers
from qtgen.llm._messages import answer_of, refusal_of
from qtgen.llm.endpoint import Endpoint, with_query
from qtgen.llm.prices import price_of
from qtgen.llm.sender import Request
from qtgen.llm.transport import addresses, waits
from qtgen.llm.transport.classification import classify, is_oversized
from qtgen.llm.transport.cleaning import cleaner_for
from qtgen.llm.transport.connection import ClientTransport, Connection, Reply, Route
from qtgen.llm.transport.decoding import BodyError, read_document, read_text
from qtgen.llm.transport.error_replies import ErrorBody, Failure, error_of, read_error, reported_error, status_of
from qtgen.llm.transport.proxies import proxy_for
from qtgen.llm.transport.rate_limits import limits_from
from qtgen.llm.transport.usage import read_usage
from qtgen.llm.transport.wire_errors import login_required
from qtgen.llm.types import NO_USAGE, Completion, Usage
from qtgen.page.text import storable_text

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
_logger = logging.getLogger(__name__)


class OpenAISender:
    """Sends requests to an endpoint, one attempt each. Close it after use.

    Raises SettingsError for headers, an address or a proxy that cannot be used, and MissingExtra.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint = with_query(endpoint, os.environ)
        url = addresses.endpoint_url(endpoint.base_url, endpoint.query)
        # Requests to this machine must not leave it through a proxy that the environment sets.
        self._proxy = None if endpoint.is_loopback else proxy_for(url, os.environ)
        own_headers = headers.resolve(endpoint.headers, os.environ)
        self._clean = cleaner_for(endpoint, own_headers, self._proxy)
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
        self._oversized: Counter[bytes] = Counter()  # rejections of each request as too large

    async def send(self, request: Request) -> Completion:
        reply = await self._post(request.body)
        if not 200 <= reply.status < 300:
            return self._failed(request, reply, self._error_body(reply))
        try:
            document = read_document(reply.body, reply.headers, is_complete=reply.failure is None)
        except BodyError as error:
            if reply.failure:
                raise reply.failure from None
            raise self._malformed(error) from None
        if (reported := reported_error(document)) is not None:
            body = error_of(status_of(reported), {"error": reported}, self._clean)
            return self._failed(request, reply, body, self._usage_before_error(document, reply.headers))
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

    def _usage_before_error(self, document: Mapping[str, Any], response_headers: Mapping[str, str]) -> Usage | None:
        """Return the usage of a response that ends with an error, or None if the endpoint has not begun to answer."""
        has_text = _has_text(document)
        if document.get("usage"):
            return self._usage(document, response_headers, has_text=has_text)
        return self._endpoint.unknown_usage if has_text else None

    def _no_answer(self, kind: str, text: str, usage: Usage) -> Completion:
        return Completion(self._clean(text), self._endpoint.model, usage, kind=kind)

    def _error_body(self, reply: Reply) -> ErrorBody:
        try:
            return read_error(reply.status, read_text(reply.body, reply.headers), self._clean)
        except BodyError as error:
            return read_error(reply.status, f"the response {error}", self._clean)

    def _failed(self, request: Request, reply: Reply, body: ErrorBody, usage: Usage | None = None) -> Completion:
        """Return the completion if the error is a final response. Raises ProviderError for any other error."""
        if body.reply.status == 407:
            raise login_required(self._proxy, body.reply.message)
        now = waits.clock_of(reply.headers, time.time())
        wait = waits.requested_wait(reply.headers, body.document, body.words, now)
        before = 0
        if is_oversized(body):
            before = self._oversized[request.key.digest]
            self._oversized[request.key.digest] += 1
        meaning = classify(Failure(body, wait, reply.url, before), self._endpoint)
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


def _has_text(document: Any) -> bool:
    """Return True if a response contains a part of an answer, which the endpoint may bill."""
    try:
        return bool(answer_of(_first_choice(document)[1]).strip())
    except TypeError:
        return False


def _request_headers(endpoint: Endpoint, own_headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the headers of each request besides the client's own. Without a key, there is no `Authorization`."""
    own_names = {name.lower() for name in own_headers}
    shared: dict[str, Any] = {name: value for name, value in _HEADERS.items() if name not in own_names}
    if not endpoint.api_key and "authorization" not in own_names:
        shared["authorization"] = openai.Omit()
    return {**shared, **own_headers}
