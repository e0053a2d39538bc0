"""Decide what an endpoint's error means for the request.

An error is one of:

- a final response of the model: the question was filtered, the answer was cut off or is no valid JSON,
- a failed attempt that is worth repeating,
- a rejection of this request,
- a denial, which may concern all requests,
- the end of the account, of its credit or of its daily limit, after which no request can succeed.
"""

import re
from typing import Any

from qtgen.errors import (
    BadRequest,
    Denied,
    Filtered,
    ProviderError,
    Retryable,
    Truncated,
)
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.transport import addresses
from qtgen.llm.transport.accounts import blocked_account, lasting_limit
from qtgen.llm.transport.error_replies import UNKNOWN_STATUS, ErrorBody, Failure, reply_words
from qtgen.llm.types import Completion
from qtgen.page.text import storable_text

_FILTERED = re.compile(
    r"content_filter|content[ _-]?policy|data_inspection_failed|ResponsibleAIPolicyViolation|content management policy|"
    r"content filter|\bflagged\b|moderation|inappropriate content|usage polic(y|ies)|safety (system|filter|polic)|"
    r"PROHIBITED_CONTENT|sensitive_words",
    re.IGNORECASE,
)
_ONE_REQUEST = re.compile(r"\blimit:? +([\d,]{1,15})\b.{0,60}?\brequested:? +([\d,]{1,15})\b", re.IGNORECASE)
_CUT_OFF = re.compile(r"could not finish the message|max_tokens or model output limit was reached", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context_length_exceeded|maximum context length|context (length|window|size)|prompt is too long|"
    r"input (is )?too long|too many (input )?tokens|exceeds the (available|maximum) (context|number of tokens)",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(
    r"API_KEY_INVALID|invalid_api_key|(incorrect|invalid|expired|unknown|missing|wrong) (api[ _-]?key|token\b)|"
    r"api[ _-]?key (is )?(not valid|invalid|expired|missing)|invalid authentication",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"\bmodel\b|model_not_found|\bmodels/\S+ (is|was) not|DeploymentNotFound|\bdeployment\b|"
    r"\bno (endpoints|allowed providers|providers)\b",  # of a router, for this model
    re.IGNORECASE,
)
_AZURE_PATH = "Resource not found"  # Azure's words for a path that is wrong
_FILTER_STATUSES = frozenset({400, 403, 422, 451})
_NOT_IMPLEMENTED = 501
_RETRYABLE = frozenset({408, 409, 421, 423, 425, 499})
_OVERSIZED_TRIES = 3  # some endpoints accept the same request a moment later
_SHORTEN = "lower `max_tokens`, or shorten the context"
_AZURE_KEY = "check the key; Azure also reads it from the header `api-key`, which you can set under `[headers]`"


def classify(failure: Failure, endpoint: Endpoint) -> ProviderError | Completion:
    """Return what an error means: the error to raise, or the model's final response."""
    final = blocked_account(failure) or _final_response(failure.body, endpoint)
    return final or lasting_limit(failure) or _by_status(failure, endpoint)


def is_oversized(body: ErrorBody) -> bool:
    """Return True if a rate limit rejects a request that alone is larger than the limit, so that waiting is useless."""
    found = _ONE_REQUEST.search(body.words) if body.reply.status in (413, 429) else None
    if found is None:
        return False
    limit, requested = (int(number.replace(",", "") or 0) for number in found.groups())
    return requested > limit


def _final_response(body: ErrorBody, endpoint: Endpoint) -> ProviderError | Completion | None:
    status, message = body.reply.status, body.reply.message
    if status in _FILTER_STATUSES and _FILTERED.search(body.words):
        text = f"the endpoint's content filter stopped the question: {message}"
        return Completion(text, endpoint.model, endpoint.unknown_usage, kind=Filtered.kind)
    if status not in (400, 422):
        return None
    if _CUT_OFF.search(body.words):
        return Completion("", endpoint.model, endpoint.unknown_usage, kind=Truncated.kind)
    written = body.document.get("failed_generation")
    if isinstance(written, str) and written.strip():  # the model's answer does not follow the schema
        return Completion(storable_text(written), endpoint.model, endpoint.unknown_usage)
    if body.reply.code == "json_validate_failed":
        return Retryable(_http(body), kind="malformed", reply=body.reply)
    return None


def _by_status(failure: Failure, endpoint: Endpoint) -> ProviderError:
    body = failure.body
    status, reply = body.reply.status, body.reply
    if failure.oversized_before >= _OVERSIZED_TRIES - 1:
        return _too_long(body)
    if status == 429 or (status == 413 and ("rate_limit" in body.words or is_oversized(body))):
        return Retryable(_http(body), kind="rate-limited", retry_after=failure.wait, reply=reply)
    if status in (400, 422, UNKNOWN_STATUS) and _BAD_KEY.search(body.words):
        return _denied(failure, endpoint)
    if status in _RETRYABLE or (status >= 500 and status != _NOT_IMPLEMENTED):
        return Retryable(_http(body), kind="unavailable", retry_after=failure.wait, reply=reply)
    if status in (401, 403, 404, 405):
        return _denied(failure, endpoint)
    if _TOO_LONG.search(body.words):
        return _too_long(body)
    return BadRequest(f"the endpoint rejected the request {reply_words(body)}", reply=reply)


def _too_long(body: ErrorBody) -> BadRequest:
    message = f"the endpoint rejected the request {reply_words(body)}"
    return BadRequest(message, setting="max_tokens", remedy=_SHORTEN, reply=body.reply)


def _denied(failure: Failure, endpoint: Endpoint) -> Denied:
    body = failure.body
    status, reply = body.reply.status, body.reply
    fields: dict[str, Any] = {"setting": "base_url", "remedy": "check the endpoint's address"}
    if status == 405:
        message = f"the endpoint accepts no requests at {addresses.shown(failure.url)} {reply_words(body)}"
    elif status == 404:
        message, fields = _not_found(failure, endpoint)
    elif status == 401 or (status not in (403, 404) and _BAD_KEY.search(body.words)):
        message = f"the endpoint rejected the key {reply_words(body)}"
        remedy = _AZURE_KEY if "subscription key" in body.words else "check the key"
        fields = {"setting": "api_key", "remedy": remedy}
    elif body.document:
        message = f"the endpoint denied the request {reply_words(body)}"
        fields = {"setting": "api_key", "remedy": "check the key and its permissions"}
    else:  # a web page: a firewall blocks the words of this question, or all requests
        message = f"the endpoint, or a gateway before it, denied the request {reply_words(body)}"
        fields = {"remedy": "rephrase the question if only this one is denied, else check the key and the address"}
    return Denied(message, **fields, reply=reply)


def _not_found(failure: Failure, endpoint: Endpoint) -> tuple[str, dict[str, Any]]:
    """Return the message and the fields for a 404. It is about the model only if its words name a model."""
    body, address = failure.body, addresses.shown(failure.url)
    names_model = _MODEL.search(body.words) or (len(endpoint.model) > 2 and endpoint.model in body.reply.message)
    if "/deployments/" in (endpoint.base_url or ""):
        message = f"there is no such deployment at {address} {reply_words(body)}"
        remedy = "check the deployment's name, and `api-version` under `[query]`"
        return message, {"setting": "base_url", "remedy": remedy}
    if names_model:
        message = f"the endpoint has no model `{endpoint.model}` {reply_words(body)}"
        return message, {"setting": "model", "remedy": "check the model's name and the endpoint's address"}
    if body.reply.message.startswith(_AZURE_PATH) and body.reply.code == "404":
        remedy = f"set `base_url` to the form {addresses.deployment(failure.url)}, and `api-version` under `[query]`"
    elif suggestion := addresses.versioned(endpoint.base_url):
        remedy = f"set `base_url` to {suggestion}"
    else:
        remedy = "correct `base_url`"
    return f"there is no endpoint at {address} {reply_words(body)}", {"setting": "base_url", "remedy": remedy}


def _http(body: ErrorBody) -> str:
    return f"HTTP {body.reply.status}: {body.reply.message}" if body.reply.message else f"HTTP {body.reply.status}"
