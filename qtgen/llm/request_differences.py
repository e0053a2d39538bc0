"""Differences between requests, word by word: what changed in a prompt, on one short line."""

import difflib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

MAX_LENGTH = 600
"""The most characters of a difference."""
_MAX_QUESTION = 120  # characters
_CONTEXT = 4  # words shown on either side of a change
_MAX_WORDS = 16  # of one side of a change
_MAX_CHANGES = 3  # shown of one text
_MAX_COMPARED = 4_000  # words; longer differing parts are shown as replaced altogether


class RecordedRequest:
    """A request with what is needed to find the one that is most like another."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    @cached_property
    def document(self) -> dict[str, Any]:
        """The request as a JSON object, empty if it is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    @cached_property
    def contents(self) -> list[str]:
        """The contents of the messages."""
        messages = self.document.get("messages")
        if not isinstance(messages, list):
            return []
        return [str(message.get("content")) if isinstance(message, dict) else str(message) for message in messages]

    @cached_property
    def question(self) -> str:
        """The question that it asks, on one line. Without one, the beginning of its last message."""
        for content in reversed(self.contents):  # examples and their questions come first
            if found := re.search(r"<question>(.*?)</question>", content, re.DOTALL):
                return " ".join(found[1].split())[:_MAX_QUESTION]
        if self.contents:
            return " ".join(self.contents[-1].split())[:_MAX_QUESTION]
        return repr(self.body[:_MAX_QUESTION])

    @cached_property
    def fields(self) -> dict[str, str]:
        """Each part of the request as text, by its name."""
        if not self.document:
            return {"request": self.body.decode("utf-8", "replace")}
        parts = dict(_flattened({key: value for key, value in self.document.items() if key != "messages"}))
        if not self.contents:
            return {**parts, **dict(_flattened({"messages": self.document.get("messages")}))}
        roles: Counter[str] = Counter()
        for message, content in zip(self.document["messages"], self.contents, strict=True):
            role = str(message.get("role")) if isinstance(message, dict) else "unknown"
            roles[role] += 1
            number = f" {roles[role]}" if roles[role] > 1 else ""
            parts[f"{role} message{number}"] = content
        return parts

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of the question, by which similar requests are found."""
        return frozenset(self.question.casefold().split())


class RecordedRequests:
    """The recorded requests, with an index by question: 1,000 misses must not be compared with 1,000 recordings."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self._requests = [RecordedRequest(body) for body in bodies]

    @cached_property
    def _by_question(self) -> Mapping[str, Sequence[RecordedRequest]]:
        groups: dict[str, list[RecordedRequest]] = defaultdict(list)
        for request in self._requests:
            groups[request.question].append(request)
        return groups

    def difference(self, body: bytes) -> str:
        """Return how a request differs from the most similar recorded one, on one line."""
        if not self._requests:
            return "the cassette is empty"
        request = RecordedRequest(body)
        return difference(self._nearest(request), request)

    def _nearest(self, request: RecordedRequest) -> RecordedRequest:
        """Return the request of the same question, model and number of messages, as far as there is one."""
        same = self._by_question.get(request.question)
        return max(same or self._requests, key=lambda other: _likeness(other, request))


def _likeness(other: RecordedRequest, request: RecordedRequest) -> tuple[float, ...]:
    shared = len(other.words & request.words) / (len(other.words | request.words) or 1)
    is_same_model = other.document.get("model") == request.document.get("model")
    return shared, is_same_model, -abs(len(other.contents) - len(request.contents))


def question_of(body: bytes) -> str:
    """Return the question that a request asks, on one line."""
    return RecordedRequest(body).question


def difference(before: RecordedRequest, after: RecordedRequest) -> str:
    """Return the changed words of each part of a request: `system message: … for [-students-] {+pupils+} …`."""
    names = dict.fromkeys([*before.fields, *after.fields])
    changes = [
        f"{name}: {_changed(before.fields.get(name), after.fields.get(name))}"
        for name in names
        if before.fields.get(name) != after.fields.get(name)
    ]
    line = "; ".join(changes) or "only white space or the order of fields differs"
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 2] + " …"


def _changed(before: str | None, after: str | None) -> str:
    if before is None or after is None:
        return f"{{+{_shortened((after or '').split())}+}}" if before is None else f"[-{_shortened(before.split())}-]"
    old, new = before.split(), after.split()
    if len(old) == len(new) == 1:
        return f"{_shortened(old)} -> {_shortened(new)}"
    if old == new:
        return "only white space differs"
    blocks = [block for block in _blocks(old, new) if block[0] != "equal"]
    shown = [_change(old, new, *block[1:]) for block in blocks[:_MAX_CHANGES]]
    more = [f"{len(blocks) - _MAX_CHANGES:,} more changes"] if len(blocks) > _MAX_CHANGES else []
    return " ".join(shown + more)


def _blocks(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """Return the changed blocks. The common beginning and end, which is nearly everything, is not compared."""
    shortest = min(len(old), len(new))
    start = next((place for place in range(shortest) if old[place] != new[place]), shortest)
    rest = shortest - start
    end = next((place for place in range(rest) if old[-1 - place] != new[-1 - place]), rest)
    old_part, new_part = old[start : len(old) - end], new[start : len(new) - end]
    if len(old_part) + len(new_part) > _MAX_COMPARED:
        return [("replace", start, len(old) - end, start, len(new) - end)]
    matcher = difflib.SequenceMatcher(None, old_part, new_part, autojunk=False)
    return [(tag, start + a, start + b, start + c, start + d) for tag, a, b, c, d in matcher.get_opcodes()]


def _change(old: Sequence[str], new: Sequence[str], first: int, last: int, begin: int, end: int) -> str:
    before, after = new[max(0, begin - _CONTEXT) : begin], new[end : end + _CONTEXT]
    parts = [
        "…" if begin > _CONTEXT else "",
        *before,
        f"[-{_shortened(old[first:last])}-]" if last > first else "",
        f"{{+{_shortened(new[begin:end])}+}}" if end > begin else "",
        *after,
        "…" if end + _CONTEXT < len(new) else "",
    ]
    return " ".join(part for part in parts if part)


def _shortened(words: Sequence[str]) -> str:
    text = " ".join(words if len(words) <= _MAX_WORDS else [*words[: _MAX_WORDS - 1], "…"])
    return text if len(text) <= MAX_LENGTH // 2 else text[: MAX_LENGTH // 2 - 2] + " …"


def _flattened(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value of a JSON document with its path, such as `response_format.type`."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flattened(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
