"""Decide what an endpoint's error means for the request.

An error is one of:

- a final response of the model: the question was filtered, the answer was cut off or is no valid JSON,
- a failed attempt that is worth repeating,
- a rejection of this request,
- a denial, which may concern all requests,
- the end of the account's credit or of its daily limit, after which no request can succeed.
"""

import re
from dataclasses import dataclass
from typing import Any

from qtgen.errors import (
    BadRequest,
    Denied,
    EndpointDown,
    Filtered,
    ProviderError,
    ProviderUnusable,
    Retryable,
    Truncated,
)
from qtgen.llm.endpoint import Endpoint
from qtgen.llm.transport import addresses
from qtgen.llm.transport.error_replies import UNKNOWN_STATUS, ErrorBody
from qtgen.llm.types import Completion
from qtgen.page.text import storable_text

_FILTERED = re.compile(
    r"content_filter|content[ _-]?policy|data_inspection_failed|ResponsibleAIPolicyViolation|content management policy|"
    r"content filter|\bflagged\b|moderation|inappropriate content|usage polic(y|ies)|safety (system|filter|polic)|"
    r"PROHIBITED_CONTENT|sensitive_words",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient[ _](quota|balance|funds|credits?)|exceeded[ _](your[ _])?current[ _]quota|billing[ _]hard[ _]limit|"
    r"billing[ _](is[ _])?not[ _]active|billing_error|out of credits?|(no|not enough|more) credits?\b|"
    r"credit (balance|limit)|credits? (has|have|is|are) (been )?(exhausted|used up|depleted)|"
    r"(account|organization|project)\b.{0,60}\b(suspended|deactivated|in arrears)|arrearage|"
    r"(spend|spending|budget|monthly usage) limit|budget.{0,20}exceeded|balance is (too low|not enough|insufficient)|"
    r"payment required|quota.{0,20}(not enough|insufficient|used up)",
    re.IGNORECASE | re.DOTALL,
)
_DAILY = re.compile(r"per[ _-]?day|\bdaily\b|\b[RT]PD\b|PerDay|free-models-per-day", re.IGNORECASE)
_PER_MINUTE = re.compile(r"per[ _-]?min|\b[RT]PM\b|PerMinute|per[ _-]?second", re.IGNORECASE)
_QUOTA_ID = re.compile(r"\w+Per(Day|Minute)\w*")
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
_MODEL = re.compile(r"\bmodel\b|DeploymentNotFound|\bdeployment\b", re.IGNORECASE)
_CREDIT_STATUSES = frozenset({400, 402, 403, 429})
_FILTER_STATUSES = frozenset({400, 403, 422, 451})
_NOT_IMPLEMENTED = 501
_RETRYABLE = frozenset({408, 409, 421, 423, 425, 499})
_MIN_RESET = 60.0  # seconds; a shorter wait is not the end of a daily limit
_AZURE_KEY = "check the key; Azure also reads it from the header `api-key`, which you can set under `[headers]`"
_ADD_CREDIT = "add credit to the account, then run again"


@dataclass(frozen=True, slots=True)
class Failure:
    """A response that reports an error.

    Attributes:
        wait: Seconds that the endpoint asks to wait, None if it does not say.
        url: The address that responded.
    """

    body: ErrorBody
    wait: float | None
    url: str


def classify(failure: Failure, endpoint: Endpoint) -> ProviderError | Completion:
    """Return what an error means: the error to raise, or the model's final response."""
    final = _final_response(failure.body, endpoint)
    return final or _lasting_limit(failure) or _by_status(failure, endpoint)


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


def _lasting_limit(failure: Failure) -> ProviderError | None:
    """Return the error for a limit that does not pass within minutes, or None."""
    body = failure.body
    status = body.reply.status
    if status in _CREDIT_STATUSES and _is_daily(body):
        resets = failure.wait is not None and failure.wait >= _MIN_RESET
        when = f", which is reset in {_duration(failure.wait or 0.0)}" if resets else ""
        return EndpointDown(f"the endpoint's daily limit is used up{when} {_reply_words(body)}", reply=body.reply)
    is_quota = _QUOTA_ID.search(body.words)  # then the quota is one per minute
    if status == 402 or (status in _CREDIT_STATUSES and not is_quota and _NO_CREDIT.search(body.words)):
        message = f"the account has no credit left {_reply_words(body)}"
        return ProviderUnusable(message, remedy=_ADD_CREDIT, reply=body.reply)
    return None


def _is_daily(body: ErrorBody) -> bool:
    quotas = {found[1] for found in _QUOTA_ID.finditer(body.words)}
    if quotas:
        return "Day" in quotas
    return body.reply.status in (403, 429) and bool(_DAILY.search(body.words)) and not _PER_MINUTE.search(body.words)


def _by_status(failure: Failure, endpoint: Endpoint) -> ProviderError:
    body = failure.body
    status, reply = body.reply.status, body.reply
    if status == 429 or (status == 413 and "rate_limit" in body.words):
        return Retryable(_http(body), kind="rate-limited", retry_after=failure.wait, reply=reply)
    if status in (400, 422, UNKNOWN_STATUS) and _BAD_KEY.search(body.words):
        return _denied(failure, endpoint)
    if status in _RETRYABLE or (status >= 500 and status != _NOT_IMPLEMENTED):
        return Retryable(_http(body), kind="unavailable", retry_after=failure.wait, reply=reply)
    if status in (401, 403, 404, 405):
        return _denied(failure, endpoint)
    message = f"the endpoint rejected the request {_reply_words(body)}"
    if _TOO_LONG.search(body.words):
        return BadRequest(
            message, setting="max_tokens", remedy="lower `max_tokens`, or shorten the context", reply=reply
        )
    return BadRequest(message, reply=reply)


def _denied(failure: Failure, endpoint: Endpoint) -> Denied:
    body = failure.body
    status, reply = body.reply.status, body.reply
    fields: dict[str, Any] = {"setting": "base_url", "remedy": "check the endpoint's address"}
    if status == 405:
        message = f"the endpoint accepts no requests at {addresses.shown(failure.url)} {_reply_words(body)}"
    elif status == 404:
        message, fields = _not_found(failure, endpoint)
    elif status == 401 or (status not in (403, 404) and _BAD_KEY.search(body.words)):
        message = f"the endpoint rejected the key {_reply_words(body)}"
        remedy = _AZURE_KEY if "subscription key" in body.words else "check the key"
        fields = {"setting": "api_key", "remedy": remedy}
    elif body.document:
        message = f"the endpoint denied the request {_reply_words(body)}"
        fields = {"setting": "api_key", "remedy": "check the key and its permissions"}
    else:  # a web page: a firewall blocks the words of this question, or all requests
        message = f"the endpoint, or a gateway before it, denied the request {_reply_words(body)}"
        fields = {"remedy": "rephrase the question if only this one is denied, else check the key and the address"}
    return Denied(message, **fields, reply=reply)


def _not_found(failure: Failure, endpoint: Endpoint) -> tuple[str, dict[str, Any]]:
    body = failure.body
    suggestion = addresses.versioned(endpoint.base_url)
    names_model = _MODEL.search(body.words) is not None
    if suggestion and not names_model:
        message = f"there is no endpoint at {addresses.shown(failure.url)} {_reply_words(body)}"
        return message, {"setting": "base_url", "remedy": f"set `base_url` to {suggestion}"}
    if "/deployments/" in (endpoint.base_url or ""):
        message = f"there is no such deployment at {addresses.shown(failure.url)} {_reply_words(body)}"
        remedy = "check the deployment's name, and `api-version` under `[query]`"
        return message, {"setting": "base_url", "remedy": remedy}
    place = "" if names_model else " at this address"
    message = f"the endpoint has no model `{endpoint.model}`{place} {_reply_words(body)}"
    return message, {"setting": "model", "remedy": "check the model's name and the endpoint's address"}


def _http(body: ErrorBody) -> str:
    return f"HTTP {body.reply.status}: {body.reply.message}" if body.reply.message else f"HTTP {body.reply.status}"


def _reply_words(body: ErrorBody) -> str:
    """Return `(HTTP 401): the endpoint's message`, the end of a sentence."""
    words = body.reply.message.rstrip(".")
    return f"(HTTP {body.reply.status})" + (f": {words}" if words else "")


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:,.0f} h"
