"""The value that describes a dialect, and what it does to a request document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from qtgen.llm.types import AnswerFormat, PromptStyle

LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")
"""The fields that limit the length of an answer."""
MAX_RAISED_LIMIT = 32_768  # tokens; `token_factor` raises no limit above it
_FORMATS = (AnswerFormat.JSON_SCHEMA, AnswerFormat.JSON_OBJECT, AnswerFormat.MARKDOWN)
_SCHEMA = ("response_format", "json_schema", "schema")
_JSON_PLEASE = "Answer in JSON."


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is changed in every request document. The default changes nothing.

    Attributes:
        omit: Fields to leave out, with a dot before a field of an object (`response_format.json_schema.strict`).
        rename: Pairs of a field's name and the name to send instead.
        fields: Pairs of a field to set and its value.
        omit_schema_keywords: Keywords to leave out of the JSON Schema of the answer.
        rejected_formats: Answer formats that the endpoint rejects.
        merge_system: Whether the system message becomes a part of the first user message.
        system_role: The role of the system message.
        mentions_json: Whether a request for JSON must contain the word JSON.
        stream: Whether to request a stream of events.
        token_factor: Factor of the token limit, because reasoning counts as output. None means 1.
        max_output_tokens: The highest token limit that the endpoint accepts.
    """

    omit: tuple[str, ...] = ()
    rename: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str | bool | int | float], ...] = ()
    omit_schema_keywords: tuple[str, ...] = ()
    rejected_formats: tuple[AnswerFormat, ...] = ()
    merge_system: bool = False
    system_role: str = "system"
    mentions_json: bool = False
    stream: bool = False
    token_factor: float | None = None
    max_output_tokens: int | None = None

    def apply(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request document in this dialect. Other objects in it are shared, and none is changed."""
        result = {**document, **dict(self.fields)}
        for old, new in self.rename:
            result = _renamed(result, old, new)
        if self.stream:
            result |= {"stream": True, "stream_options": {"include_usage": True}}
        for name in self.limit_fields:
            if isinstance(result.get(name), int):
                result[name] = self.limit(result[name])
        if "messages" in result:
            result["messages"] = self._messages(result["messages"], is_json="response_format" in result)
        if self.omit_schema_keywords and (schema := at(result, _SCHEMA)) is not None:
            result = _with(result, _SCHEMA, without_keywords(schema, self.omit_schema_keywords))
        for path in self.omit:
            result = _without(result, path.split("."))
        return result

    def _messages(self, messages: Sequence[Mapping[str, Any]], *, is_json: bool) -> list[Mapping[str, Any]]:
        changed = [
            {**message, "role": self.system_role} if message.get("role") == "system" else message
            for message in messages
        ]
        if self.mentions_json and is_json and "json" not in str(messages).lower():
            changed[0] = {**changed[0], "content": f"{changed[0]['content']}\n\n{_JSON_PLEASE}"}
        return _merged(changed) if self.merge_system else changed

    def limit(self, tokens: int) -> int:
        """Return the token limit to send for a limit of `tokens`."""
        if self.token_factor is not None:
            tokens = max(tokens, min(int(tokens * self.token_factor), MAX_RAISED_LIMIT))
        return tokens if self.max_output_tokens is None else min(tokens, self.max_output_tokens)

    @property
    def limit_fields(self) -> tuple[str, ...]:
        """The fields that limit the length of an answer, under the names that are sent."""
        return (*LIMIT_FIELDS, *(new for old, new in self.rename if old in LIMIT_FIELDS and new not in LIMIT_FIELDS))

    def rejects(self, document: Mapping[str, Any]) -> bool:
        """Return whether the document requests an answer in a format that the endpoint rejects."""
        return bool(self.rejected_formats) and format_of(document) in self.rejected_formats

    def style(self, wanted: PromptStyle) -> PromptStyle:
        """Return how prompts are written: as wanted, but in the best format that is not rejected."""
        if wanted.format not in self.rejected_formats:
            return wanted
        return wanted._replace(format=next(one for one in _FORMATS if one not in self.rejected_formats))

    def over(self, base: "Dialect") -> "Dialect":
        """Return both dialects in one. This one wins if they differ."""
        olds = {old for old, _ in self.rename}
        names = {name for name, _ in self.fields}
        return Dialect(
            omit=_union(base.omit, self.omit),
            rename=(*(pair for pair in base.rename if pair[0] not in olds), *self.rename),
            fields=(*(pair for pair in base.fields if pair[0] not in names), *self.fields),
            omit_schema_keywords=_union(base.omit_schema_keywords, self.omit_schema_keywords),
            rejected_formats=_union(base.rejected_formats, self.rejected_formats),
            merge_system=self.merge_system or base.merge_system,
            system_role=base.system_role if self.system_role == "system" else self.system_role,
            mentions_json=self.mentions_json or base.mentions_json,
            stream=self.stream or base.stream,
            token_factor=base.token_factor if self.token_factor is None else self.token_factor,
            max_output_tokens=base.max_output_tokens if self.max_output_tokens is None else self.max_output_tokens,
        )

    def beyond(self, base: "Dialect") -> "Dialect":
        """Return what this dialect changes that `base` does not."""
        changes: dict[str, Any] = {}
        for name, default in _DEFAULTS.items():
            value, known = getattr(self, name), getattr(base, name)
            if isinstance(value, tuple):
                changes[name] = tuple(item for item in value if item not in known)
            else:
                changes[name] = default if value == known else value
        return Dialect(**changes)

    def words(self, before: "Dialect | None" = None) -> list[str]:
        """Return what is changed, each as a noun phrase. If `before` is given, only what differs from it."""
        if before is not None:
            added = self.beyond(before)
            formats = self.rejected_formats if added.rejected_formats else ()
            return replace(added, rejected_formats=formats).words()
        phrases = [f"`{new}` instead of `{old}`" for old, new in self.rename]
        phrases += [f"no `{path}`" for path in self.omit]
        phrases += [f"`{name}` set to {_json_word(value)}" for name, value in self.fields]
        if self.omit_schema_keywords:
            phrases.append(f"no {_and(self.omit_schema_keywords)} in schemas")
        if self.rejected_formats:
            best = self.style(PromptStyle(self.rejected_formats[0])).format
            phrases.append(f"answers as `{best}` instead of {_and(self.rejected_formats)}")
        flags = {
            "the system message in the first user message": self.merge_system,
            f"the role `{self.system_role}` instead of `system`": self.system_role != "system",
            "the word JSON in each request": self.mentions_json,
            "streamed responses": self.stream,
            f"{self.token_factor:g} times the token limit" if self.token_factor else "": self.token_factor is not None,
            f"at most {self.max_output_tokens or 0:,} output tokens": self.max_output_tokens is not None,
        }
        return phrases + [phrase for phrase, is_on in flags.items() if is_on and phrase]

    def to_json(self) -> str:
        """Return the dialect as JSON, without what is at its default."""
        return _adapter().dump_json(self, exclude_defaults=True).decode()


NO_DIALECT = Dialect()
_DEFAULTS = {field.name: field.default for field in fields(Dialect)}


@cache
def _adapter() -> TypeAdapter[Dialect]:
    return TypeAdapter(Dialect)


def from_json(text: str) -> Dialect | None:
    """Return the dialect that `to_json` wrote, or None if this version cannot read it."""
    try:
        return _adapter().validate_json(text)
    except ValidationError:
        return None


def for_request(dialect: Dialect, request: Mapping[str, Any]) -> Dialect:
    """Return the dialect without its changes to fields that are set by hand in `request`."""
    return replace(
        dialect,
        omit=tuple(path for path in dialect.omit if path.split(".")[0] not in request),
        rename=tuple(pair for pair in dialect.rename if pair[0] not in request),
        fields=tuple(pair for pair in dialect.fields if pair[0] not in request),
        token_factor=None if any(name in request for name in LIMIT_FIELDS) else dialect.token_factor,
    )


def format_of(document: Mapping[str, Any]) -> AnswerFormat:
    """Return the answer format that a request document asks for."""
    kind = at(document, ("response_format", "type"))
    return AnswerFormat(kind) if kind in (AnswerFormat.JSON_SCHEMA, AnswerFormat.JSON_OBJECT) else AnswerFormat.MARKDOWN


def at(node: Any, path: Sequence[str]) -> Any:
    """Return the value at a path in nested objects, or None."""
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def schema_of(document: Mapping[str, Any]) -> Any:
    """Return the JSON Schema in a request document, or None."""
    return at(document, _SCHEMA)


def schema_keywords(node: Any, *, are_names: bool = False) -> set[str]:
    """Return the keywords that a JSON Schema uses. Names of properties are not keywords."""
    if isinstance(node, list):
        return set().union(*map(schema_keywords, node))
    if not isinstance(node, Mapping):
        return set()
    found = set() if are_names else {str(key) for key in node}
    return found.union(*(schema_keywords(value, are_names=_are_names(key, are_names)) for key, value in node.items()))


def without_keywords(node: Any, keywords: Sequence[str], *, are_names: bool = False) -> Any:
    """Return a JSON Schema without some keywords. Answers are still checked against the whole schema."""
    if isinstance(node, list):
        return [without_keywords(item, keywords) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {
        key: without_keywords(value, keywords, are_names=_are_names(key, are_names))
        for key, value in node.items()
        if are_names or key not in keywords
    }


def _are_names(key: str, in_names: bool) -> bool:
    """Return whether the keys below a key are names of properties instead of keywords."""
    return not in_names and key in ("properties", "$defs", "definitions", "patternProperties")


def _merged(messages: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the messages with the system message at the start of the first user message."""
    first, *rest = messages or [{}]
    if first.get("role") not in ("system", "developer"):
        return messages
    if rest and rest[0].get("role") == "user":
        return [{**rest[0], "content": f"{first['content']}\n\n{rest[0]['content']}"}, *rest[1:]]
    return [{**first, "role": "user"}, *rest]


def _union(first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*first, *(item for item in second if item not in first))


def _renamed(document: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return the document with a field under another name, at the same place."""
    if old not in document:
        return dict(document)
    return {new if key == old else key: value for key, value in document.items() if key != new}


def _with(document: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    key, *rest = path
    return {**document, key: _with(document[key], rest, value) if rest else value}


def _without(document: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    key, *rest = path
    if not rest:
        return {name: value for name, value in document.items() if name != key}
    inner = document.get(key)
    return {**document, key: _without(inner, rest)} if isinstance(inner, dict) else document


def _and(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _json_word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"`{value}`"
