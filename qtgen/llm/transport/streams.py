"""Join the events of a streamed response into one completion document."""

import json
import re
from collections.abc import Iterator
from typing import Any

_FIELD = re.compile(r"(?:data|event|id|retry) ?:")
_LINE_END = re.compile(r"\r\n|\n|\r")
_DONE = "[DONE]"
_END_MARK = re.compile(r"(?:^|[\r\n])data ?: ?\[DONE\]\s*?(?:[\r\n]|\Z)")
_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")


def is_stream(text: str, begin: int = 0) -> bool:
    """Return True if a text is an event stream from this position on."""
    return _FIELD.match(text, begin) is not None


def completion_of_stream(text: str) -> dict[str, Any]:
    """Return the completion that the events of a stream make up, or the error that one of them reports.

    The end mark and the last events may be missing.
    """
    completion: dict[str, Any] = {"choices": []}
    choice = _Choice()
    for name, event in _events(text):
        if name == "error" and "error" not in event:
            event = {"error": event}
        for key in ("id", "model", "usage", "error"):
            if event.get(key) is not None:
                completion[key] = event[key]
        choices = event.get("choices")
        for part in choices if isinstance(choices, list) else ():
            if isinstance(part, dict) and not part.get("index"):
                choice.add(part)
    if choice.was_seen:
        completion["choices"] = [choice.as_document()]
    return completion


def is_ended(text: str, completion: dict[str, Any]) -> bool:
    """Return True if a stream shows that it is complete: by a reason to finish, by an error, or by its end mark."""
    choice: dict[str, Any] = next(iter(completion["choices"]), {})
    return bool(choice.get("finish_reason") or choice.get("error") or completion.get("error") or _END_MARK.search(text))


class _Choice:
    """Collects the parts of the first choice."""

    def __init__(self) -> None:
        self.was_seen = False
        self._texts: dict[str, list[str]] = {name: [] for name in _TEXTS}
        self._arguments: dict[Any, list[str]] = {}
        self._rest: dict[str, Any] = {"finish_reason": None}

    def add(self, part: dict[str, Any]) -> None:
        self.was_seen = True
        for name in ("finish_reason", "error"):
            if part.get(name) is not None:
                self._rest[name] = part[name]
        delta = part.get("delta") or part.get("message")  # some servers send the whole message as one event
        if not isinstance(delta, dict):
            return
        for name, texts in self._texts.items():
            texts.append(_text_of(delta.get(name)))
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                self._add_call(call)

    def as_document(self) -> dict[str, Any]:
        message: dict[str, Any] = {name: "".join(texts) for name, texts in self._texts.items() if any(texts)}
        if self._arguments:
            calls = [{"function": {"arguments": "".join(parts)}} for parts in self._arguments.values()]
            message["tool_calls"] = calls
        return {"message": {"role": "assistant", **message}, **self._rest}

    def _add_call(self, call: dict[str, Any]) -> None:
        function = call.get("function")
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments, ensure_ascii=False)
        if isinstance(arguments, str):
            self._arguments.setdefault(str(call.get("index")), []).append(arguments)


def _text_of(content: object) -> str:
    """Return the text of a delta, which may be a list of parts."""
    if isinstance(content, list):
        return "".join(_text_of(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _events(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the document of each event. Events without a document are left out.

    Some servers leave out the blank line after an event, so a line that is a whole document ends it too.
    """
    name, data = "", []
    for line in [*_LINE_END.split(text), ""]:
        field, _, value = line.partition(":")
        if field.strip() == "event":
            name = value.strip()
        elif field.strip() == "data":
            data.append(value)
        if (not line or len(data) == 1) and (event := _document(data)) is not None:
            yield name, event
            data = []
        if not line:
            name, data = "", []


def _document(data: list[str]) -> dict[str, Any] | None:
    text = "\n".join(data).strip()
    if not text or text == _DONE:
        return None
    try:
        document = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None  # the stream was cut within it
    return document if isinstance(document, dict) else None
