"""Quirks of what an endpoint accepts, and of the answers that come back."""

import json
from typing import Any

from support.quirk_registry import concerns, quirk
from support.quirky_endpoint import USAGE, Connection, Request, error

_PROSE = "The thing is simple. First one looks at its parts, and then at how they act together in practice."


# --- systematic faults -----------------------------------------------------------------------------------------------


@quirk(pages=0, questions=40, exit_codes=(2,), arguments=("--concurrency", "8"), most=39, words=("answer_format",))
async def prose_instead_of_json(request: Request, connection: Connection) -> None:
    await connection.json(200, request.completion(_PROSE))


@quirk(pages=0, questions=40, exit_codes=(2,), arguments=("--concurrency", "8"), most=28, words=("max_tokens",))
async def every_answer_is_cut_off(request: Request, connection: Connection) -> None:
    await connection.json(200, request.completion('{"introduction": "Half of', "length"))


# --- dialects --------------------------------------------------------------------------------------------------------


@quirk(most=12, words=("max_completion_tokens",))
async def wants_max_completion_tokens(request: Request, connection: Connection) -> None:
    if "max_tokens" in request.document:
        detail = [{"type": "extra_forbidden", "loc": ["body", "max_tokens"], "msg": "Extra inputs are not permitted"}]
        await connection.json(422, {"detail": detail})
    else:
        await connection.good(request)


@quirk(most=12, words=("temperature",))
async def only_the_default_temperature(request: Request, connection: Connection) -> None:
    if request.document.get("temperature", 1) != 1:
        message = (
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default is supported."
        )
        await connection.json(400, error(message, param="temperature", code="unsupported_value"))
    else:
        await connection.good(request)


def _keywords(node: object) -> set[str]:
    """Return every key of a JSON Schema."""
    if isinstance(node, dict):
        return set(node).union(*map(_keywords, node.values()))
    return set().union(*map(_keywords, node)) if isinstance(node, list) else set()


@quirk(most=18, words=("maxLength",))
async def a_schema_without_lengths(request: Request, connection: Connection) -> None:
    known = _keywords(request.document.get("response_format"))
    if found := sorted(known & {"maxLength", "minLength"}):
        message = f"Invalid schema for response_format: '{found[0]}' is not permitted."
        await connection.json(400, error(message, param="response_format"))
    else:
        await connection.good(request)


@quirk(most=18, words=("additionalProperties",))
async def a_schema_without_additional_properties(request: Request, connection: Connection) -> None:
    if "additionalProperties" in _keywords(request.document.get("response_format")):
        message = 'Invalid JSON payload received. Unknown name "additionalProperties" at response_format.json_schema'
        await connection.json(400, [{"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}])
    else:
        await connection.good(request)


@quirk(most=24, words=("markdown",))
async def no_response_format_at_all(request: Request, connection: Connection) -> None:
    if "response_format" in request.document:
        message = "Unrecognized request argument supplied: response_format"
        await connection.json(400, error(message, param="response_format"))
        return
    answer = f"""{_PROSE}

1. **Basic idea**: The basic side of the matter shows what it is, and where it comes from in the first place.
2. **How it works**: The working side shows how its parts act on each other, step by step, until they balance.
3. **Where it is used**: The practical side shows who needs it, and which tools of every day are built upon it.
4. **Common mistakes**: The mistaken side shows what students mix up, and a simple check that helps against it.

**In short:** its parts act together, and what they do can be used in practice: {request.question.strip("?").lower()}.

**page_description:** Learn what the matter is, how it works, where it is used and which mistakes are common.

**page_keywords:** basic idea, working principle, practical use, common mistakes, study help
"""
    await connection.json(200, request.completion(answer))


@quirk(most=12, words=("json_object",))
async def a_schema_as_an_error_of_the_server(request: Request, connection: Connection) -> None:
    """llama-cpp-python reports a field that it does not know as HTTP 500."""
    if request.document.get("response_format", {}).get("type") == "json_schema":
        message = (
            "1 validation error: {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), "
            "'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}"
        )
        await connection.json(500, error(message, "internal_server_error"))
    else:
        await connection.good(request)


@quirk(most=12, words=("system",))
async def roles_must_alternate(request: Request, connection: Connection) -> None:
    if request.document["messages"][0]["role"] == "system":
        message = "Conversation roles must alternate user/assistant/user/assistant/... System role is not supported."
        await connection.json(400, {"object": "error", "message": message, "type": "BadRequestError", "code": 400})
    else:
        await connection.good(request)


@quirk(most=12, words=("stream",))
async def streams_only(request: Request, connection: Connection) -> None:
    if not request.document.get("stream"):
        await connection.json(400, error("This model only supports stream mode, please enable stream", param="stream"))
        return
    text = request.completion()["choices"][0]["message"]["content"]
    pieces = [{"delta": {"content": text[i : i + 99]}, "index": 0} for i in range(0, len(text), 99)]
    chunks: list[dict[str, Any]] = [{"id": "1", "model": "m", "choices": [piece]} for piece in pieces]
    chunks[-1]["choices"][0]["finish_reason"] = "stop"
    chunks.append({"id": "1", "model": "m", "choices": [], "usage": USAGE})
    events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    await connection.send(200, f": waiting\n\n{events}".encode(), content_type="text/event-stream")


# --- answers that are cut off, under other names ---------------------------------------------------------------------


@quirk(pages=5, exit_codes=(1,), most=8, words=("max_tokens", "1 truncated"))
async def finish_reason_in_capitals(request: Request, connection: Connection) -> None:
    if concerns(request, 3):
        await connection.json(200, request.completion('{"introduction": "Half of', "MAX_TOKENS"))
    else:
        await connection.good(request)


@quirk(pages=5, exit_codes=(1,), most=8, words=("max_tokens", "1 truncated"))
async def could_not_finish(request: Request, connection: Connection) -> None:
    if concerns(request, 3):
        message = "Could not finish the message because max_tokens or model output limit was reached."
        await connection.json(400, error(message))
    else:
        await connection.good(request)


@quirk(most=12)
async def json_that_failed_validation(request: Request, connection: Connection) -> None:
    if request.attempt > 1:
        await connection.good(request)
    else:
        fields = {"code": "json_validate_failed", "failed_generation": '{"introduction": "Half of'}
        await connection.json(400, error("Failed to validate JSON.", **fields))
