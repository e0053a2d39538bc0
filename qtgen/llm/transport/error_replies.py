"""Read what an endpoint's error says, in every form that servers write one."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qtgen.errors import ErrorReply
from qtgen.llm.transport import waits
from qtgen.llm.transport.cleaning import Cleaner
from qtgen.llm.transport.decoding import BodyError, parse_document
from qtgen.llm.transport.web_pages import is_web_page, title_of

_MESSAGES = ("message", "msg", "error_message", "error_msg", "errorMessage", "error_description", "detail", "reason")
_GENERIC = re.compile(r"provider returned error|upstream error|^error$|^bad request$|internal server error", re.I)
_MAX_DEPTH = 4
_MAX_WORDS = 10_000  # characters of a message that are searched for patterns
_STATUSES = {
    400: ("invalid_request_error", "context_length_exceeded", "content_filter", "invalid_argument", "bad_request",
          "failed_precondition", "invalid_request", "data_inspection_failed", "json_validate_failed",
          "billing_hard_limit_reached", "bad_request_error"),
    401: ("invalid_api_key", "authentication_error", "unauthenticated", "unauthorized", "invalid_authentication",
          "incorrect_api_key", "invalid_token", "token_expired"),
    402: ("insufficient_balance", "payment_required", "insufficient_credits", "billing_not_active"),
    403: ("permission_denied", "permission_error", "forbidden", "access_denied", "access_terminated"),
    404: ("model_not_found", "not_found", "not_found_error", "deployment_not_found"),
    408: ("request_timeout", "timeout_error", "timeout"),
    429: ("rate_limit_exceeded", "insufficient_quota", "rate_limit_error", "resource_exhausted", "too_many_requests",
          "exceeded_current_quota_error", "rate_limited", "requests", "tokens"),
    503: ("unavailable", "overloaded_error", "overloaded", "service_unavailable", "engine_overloaded"),
    504: ("deadline_exceeded", "gateway_timeout"),
}  # fmt: skip
_STATUS_OF = {name: status for status, names in _STATUSES.items() for name in names}
UNKNOWN_STATUS = 500
"""The status of an error in a successful response whose code is unknown."""


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error as a response reports it.

    Attributes:
        reply: What errors above the transport show of it.
        document: The error's own document.
        words: The whole message with the codes, for patterns.
    """

    reply: ErrorReply
    document: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A response that reports an error.

    Attributes:
        wait: Seconds that the endpoint asks to wait, None if it does not say.
        url: The address that responded.
        oversized_before: How often this request was rejected as larger than a limit before.
    """

    body: ErrorBody
    wait: float | None
    url: str
    oversized_before: int = 0


def reply_words(body: ErrorBody) -> str:
    """Return `(HTTP 401): the endpoint's message`, the end of a sentence."""
    words = body.reply.message.rstrip(".")
    return f"(HTTP {body.reply.status})" + (f": {words}" if words else "")


def read_error(status: int, text: str, clean: Cleaner) -> ErrorBody:
    """Return the error in a response's text: JSON in any form, a web page, or plain words."""
    try:
        return error_of(status, parse_document(text), clean)
    except BodyError:
        words = title_of(text) if is_web_page(text) else text
        return ErrorBody(ErrorReply(status, clean.message(words)), words=words[:_MAX_WORDS])


def error_of(status: int, document: Any, clean: Cleaner) -> ErrorBody:
    """Return the error in a document."""
    error = _inner_error(document)
    message = _message(error) or (json.dumps(document, ensure_ascii=False) if document else "")
    if isinstance(error, dict) and _GENERIC.search(message):
        upstream = _message(_member(error, "metadata", "raw")) or _message(error.get("innererror"))
        message += f": {upstream}" if upstream and upstream not in message else ""
    fields = error if isinstance(error, dict) else {}
    reply = ErrorReply(
        status,
        clean.message(message),
        clean.message(_text(fields.get("type") or fields.get("status"))),
        clean.message(_text(fields.get("code"))),
        clean.message(_text(fields.get("param")) or _location(document)),
    )
    words = " ".join([*_codes(fields), message[:_MAX_WORDS]])
    return ErrorBody(reply, fields, words)


def reported_error(document: Any) -> Any:
    """Return the error that a successful response reports instead of an answer, or None."""
    if not isinstance(document, dict):
        return None
    choices = document.get("choices")
    if isinstance(choices, list) and choices:
        first = choices[0] if isinstance(choices[0], dict) else {}
        if first.get("error"):
            return first["error"]
        is_unfinished = first.get("finish_reason") in (None, "", "error")  # a stream that an error has ended
        return document.get("error") or None if is_unfinished else None
    if document.get("error"):
        return document["error"]
    is_error = "error" in (document.get("object"), document.get("type")) or document.get("success") is False
    return document if is_error else None


def status_of(error: Any) -> int:
    """Return the HTTP status that the code or the type of an error stands for."""
    fields = error if isinstance(error, dict) else {}
    for name in ("code", "status", "status_code", "http_status", "type"):
        value = _text(fields.get(name))
        status = int(value) if value.isdecimal() and len(value) == 3 else _STATUS_OF.get(value.lower())
        if status and 400 <= status <= 599:
            return status
    return UNKNOWN_STATUS


def _inner_error(document: Any) -> Any:
    """Return the part of a document that describes the error."""
    for _ in range(_MAX_DEPTH):
        if isinstance(document, list):
            document = next((entry for entry in document if entry), None)
        elif isinstance(document, dict) and document.get("error"):
            inner = document["error"]
            # `error` may be only a title beside a message.
            if isinstance(inner, str) and _message({**document, "error": None}):
                return {**document, "type": inner}
            document = inner
        elif isinstance(document, dict) and isinstance(document.get("errors"), list | dict) and document["errors"]:
            document = document["errors"]
        else:
            break
    return document


def _message(error: Any, depth: int = 0) -> str:
    """Return the message of an error, even if it is written as JSON inside a message."""
    if depth > _MAX_DEPTH or error is None:
        return ""
    if isinstance(error, str):
        start = error.lstrip()[:1]
        if start in ("{", "["):
            try:
                return _message(_inner_error(json.loads(error)), depth + 1) or error
            except (ValueError, RecursionError):
                return error
        return title_of(error) if is_web_page(error) else error
    if isinstance(error, list):
        return "; ".join(filter(None, (_entry(entry, depth) for entry in error[:5])))
    if isinstance(error, dict):
        texts = (_message(error.get(name), depth + 1) for name in _MESSAGES)
        return next((text for text in texts if text), "")
    return _text(error)


def _entry(entry: Any, depth: int) -> str:
    """Return one entry of a list of errors, with the place that it names."""
    location = _location([entry])
    message = _message(entry, depth + 1)
    return f"{location}: {message}" if location and message else message


def _location(document: Any) -> str:
    """Return the field of the request that a validation error names: `loc` without `body`."""
    details = document.get("detail") if isinstance(document, dict) else document
    first = details[0] if isinstance(details, list) and details else None
    location = first.get("loc") if isinstance(first, dict) else None
    if not isinstance(location, list | tuple):
        return ""
    return ".".join(str(part) for part in location if part != "body")


def _codes(error: Mapping[str, Any]) -> Iterator[str]:
    """Yield all codes of an error, including those of nested documents."""
    for name in ("type", "code", "status"):
        yield _text(error.get(name))
    yield _text(_member(error, "innererror", "code"))
    for detail in waits.details_of(error):
        yield _text(detail.get("reason"))
        violations = detail.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            yield _text(_member(violation, "quotaId"))


def _member(document: Any, *names: str) -> Any:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
