"""Read the answer from a chat completion's message, wherever a server puts it."""

import json
from collections.abc import Mapping
from typing import Any

_REASONING = ("reasoning_content", "reasoning")
_OPEN_REASONING = "<think>\n"


def refusal_of(message: Mapping[str, Any]) -> str:
    """Return the model's refusal, or an empty text."""
    if refusal := message.get("refusal"):
        return str(refusal)
    return "".join([_part_text(part, "refusal") for part in _parts(message.get("content"))])


def answer_of(message: Mapping[str, Any]) -> str:
    """Return the answer: the content, or else the arguments of a tool call, or else the reasoning.

    Some servers mistake JSON for a tool call, or an answer for reasoning, and leave the content empty. Reasoning is
    returned after an opening tag that is not closed, so that it counts as an answer only if it contains one.

    Raises TypeError if the content has a type that the protocol does not allow.
    """
    content = _content(message.get("content"))
    if content.strip():
        return content
    if arguments := _arguments(message):
        return arguments
    for name in _REASONING:
        reasoning = message.get(name)
        if isinstance(reasoning, str) and reasoning.strip():
            return _OPEN_REASONING + reasoning
    return content


def _content(content: object) -> str:
    """Return the content as one text. If it is a list of parts, only text parts belong to the answer."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise TypeError(f"content is {type(content).__name__}")
    return "".join(part if isinstance(part, str) else _part_text(part, "text", "output_text") for part in content)


def _parts(content: object) -> list[Any]:
    return content if isinstance(content, list) else []


def _part_text(part: object, *types: str) -> str:
    """Return the text of a part that has one of the types. The first type is also the name of the text's field."""
    if not isinstance(part, dict):
        return ""
    text = part.get(types[0])
    return text if isinstance(text, str) and part.get("type", types[0]) in types else ""


def _arguments(message: Mapping[str, Any]) -> str:
    """Return the arguments of the first tool call, or of the older function call."""
    calls = message.get("tool_calls")
    first = calls[0] if isinstance(calls, list) and calls else None
    call = first.get("function") if isinstance(first, dict) else message.get("function_call")
    arguments = call.get("arguments") if isinstance(call, dict) else None
    if isinstance(arguments, dict):
        return json.dumps(arguments, ensure_ascii=False)
    return arguments if isinstance(arguments, str) else ""
