"""Read an endpoint's response, which came from a connection or from a line of a result file.

A response is a status, headers and a payload. Its reader returns the model's final response, or raises the error that
it means. It does no input or output.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from qtgen.errors import Filtered, ProviderError, Refused, Retryable, Truncated
from qtgen.llm._messages import answer_of, refusal_of
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.prices import price_of
from qtgen.llm.transport import waits
from qtgen.llm.transport.classification import classify, is_oversized
from qtgen.llm.transport.cleaning import Cleaner
from qtgen.llm.transport.decoding import BodyError, read_document, read_text
from qtgen.llm.transport.error_replies import ErrorBody, Failure, error_of, read_error, reported_error, status_of
from qtgen.llm.transport.proxies import Proxy
from qtgen.llm.transport.rate_limits import limits_from
from qtgen.llm.transport.usage import read_usage
from qtgen.llm.transport.wire_errors import login_required
from qtgen.llm.types import NO_USAGE, Completion, Usage
from qtgen.page.text import storable_text

_CUT_OFF = frozenset(
    {"length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length", "token_limit",
     "max_length", "model_context_window_exceeded"}
)  # fmt: skip
_FILTERED = frozenset(
    {"content_filter", "content_filtered", "safety", "recitation", "prohibited_content", "blocklist", "spii",
     "language", "sensitive", "guardrail_intervened"}
)  # fmt: skip
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Response:
    """A response of an endpoint.

    Attributes:
        status: The HTTP status.
        payload: The bytes of the body, or a document that is parsed already.
        headers: Headers with names in lower case.
        url: The address that responded.
        failure: Why the body may be incomplete, None if it is complete.
    """

    status: int
    payload: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    failure: ProviderError | None = None

    def document(self) -> Any:
        """Return the payload as a document. Raises BodyError."""
        if not isinstance(self.payload, bytes):
            return self.payload
        return read_document(self.payload, self.headers, is_complete=self.failure is None)


class ResponseReader:
    """Reads the responses of one endpoint.

    Args:
        endpoint: The endpoint, with its prices.
        clean: Makes its words safe to show.
        proxy: The proxy on the way, for its own errors.
    """

    def __init__(self, endpoint: Endpoint, clean: Cleaner, proxy: Proxy | None = None) -> None:
        self._endpoint, self._clean, self._proxy = endpoint, clean, proxy
        self._other_models: set[str] = set()
        self._oversized: Counter[bytes] = Counter()  # rejections of each request as too large

    def read(self, digest: bytes, response: Response) -> Completion:
        """Return the model's final response to the request with a digest. Raises ProviderError if it is none."""
        if not 200 <= response.status < 300:
            return self._failed(digest, response, self._error_body(response))
        try:
            document = response.document()
        except BodyError as error:
            if response.failure:
                raise response.failure from None
            raise self._malformed(error) from None
        if (reported := reported_error(document)) is not None:
            body = error_of(status_of(reported), {"error": reported}, self._clean)
            return self._failed(digest, response, body, self._usage_before_error(document, response.headers))
        try:
            return self._completion(digest, document, response.headers)
        except TypeError as error:
            said = error_of(response.status, document, self._clean).reply.message
            words = f": {said}" if said and document and "choices" not in document else ""
            message = f"the endpoint's response does not have the form of a completion ({error}){words}"
            usage = self._usage(document, response.headers, has_text=False)
            raise Retryable(self._clean(message), kind="malformed", usage=usage) from None

    def _completion(self, digest: bytes, document: Any, response_headers: Mapping[str, str]) -> Completion:
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
        return Completion(text, model, usage, request_id, limits, kind=kind, key=digest)

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

    def _error_body(self, response: Response) -> ErrorBody:
        if not isinstance(response.payload, bytes):
            return error_of(response.status, response.payload, self._clean)
        try:
            return read_error(response.status, read_text(response.payload, response.headers), self._clean)
        except BodyError as error:
            return read_error(response.status, f"the response {error}", self._clean)

    def _failed(self, digest: bytes, response: Response, body: ErrorBody, usage: Usage | None = None) -> Completion:
        """Return the completion if the error is a final response. Raises ProviderError for any other error."""
        if body.reply.status == 407:
            raise login_required(self._proxy, body.reply.message)
        now = waits.clock_of(response.headers, time.time())
        wait = waits.requested_wait(response.headers, body.document, body.words, now)
        before = 0
        if is_oversized(body):
            before = self._oversized[digest]
            self._oversized[digest] += 1
        meaning = classify(Failure(body, wait, response.url, before), self._endpoint)
        if isinstance(meaning, ProviderError):
            raise meaning.with_usage(usage) if usage else meaning
        return replace(meaning, text=self._clean(meaning.text), usage=usage or meaning.usage)

    def _malformed(self, error: BodyError) -> Retryable:
        message = self._clean(f"the endpoint's response {error}")
        if error.is_web_page:  # a page of a proxy or a login page, which costs nothing
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
        factor = endpoint.price_factor
        if price and (price.input * factor, price.output * factor) != (endpoint.price_input, endpoint.price_output):
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
