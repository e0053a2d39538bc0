"""Derive the next dialect from an endpoint's error. Everything here is pure.

Servers word the same rejection in many ways: OpenAI and Azure name a `param`, FastAPI and vLLM a `loc`, Gemini an
"Unknown name", and others write a sentence. So the message is searched for the names of what was sent, and a name
counts only beside words that reject something.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from qtgen.errors import ErrorReply
from qtgen.llm.dialect.reading import Rejection
from qtgen.llm.dialect.value import NO_DIALECT, Dialect, at, format_of, schema_keywords, schema_of
from qtgen.llm.types import AnswerFormat

_STATUSES = frozenset({400, 404, 405, 415, 422, 500, 501})
_MIN_LIMIT = 16  # tokens; a smaller number in a message is no token limit
_STRICT = "response_format.json_schema.strict"
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_KEYWORD_GROUPS = (("minLength", "maxLength"), ("minItems", "maxItems", "uniqueItems"), _BOUNDS)
_LOOSE_KEYWORDS = (
    "additionalProperties",
    "pattern",
    "format",
    "default",
    "title",
    "description",
    "examples",
    "$schema",
)
_CONSTRAINTS = (*(keyword for group in _KEYWORD_GROUPS for keyword in group), "pattern", "format")
"""Keywords that only limit values. Answers are checked against them in any case."""
_REQUIRED_FIELDS = frozenset({"model", "messages"})


def learn(
    dialect: Dialect,
    reply: ErrorReply,
    document: Mapping[str, Any],
    *,
    own: Dialect = NO_DIALECT,
    tried: Collection[Dialect] = (),
) -> Dialect | None:
    """Return the dialect to try after an error, or None if the error calls for none.

    The result differs from `dialect` in what it does to this document, so repeated calls come to an end.

    Args:
        dialect: The dialect in which the document was sent.
        reply: The endpoint's error.
        document: The request document before any dialect.
        own: What is set by hand. It is never undone.
        tried: Dialects that have failed before.
    """
    if reply.status not in _STATUSES:
        return None
    sent = dialect.apply(document)
    rejection = Rejection(reply, sent)
    if rejection.is_of_content:
        return None
    for rule in _RULES:
        for found in rule(dialect, rejection, sent):
            candidate = own.over(found.beyond(own))
            is_change = candidate.apply(document) != sent or candidate.rejects(sent)
            if candidate not in tried and candidate != dialect and is_change:
                return candidate
    return None


def _role(dialect: Dialect, rejection: Rejection, sent: Mapping[str, Any]) -> Iterator[Dialect]:
    """The endpoint has no system role, or calls it `developer`."""
    if not rejection.is_of_roles or not any(message.get("role") != "user" for message in sent.get("messages", ())):
        return
    if dialect.system_role == "developer":
        yield replace(dialect, system_role="system")
    elif rejection.has("use 'developer'", "use `developer`", 'use "developer"', "developer role instead"):
        yield replace(dialect, system_role="developer")
    yield replace(dialect, merge_system=True)


def _streaming(dialect: Dialect, rejection: Rejection, sent: Mapping[str, Any]) -> Iterator[Dialect]:
    """The endpoint only streams, or does not."""
    if rejection.wants_stream and not sent.get("stream"):
        yield replace(dialect, stream=True)
    elif "stream_options" in sent and rejection.names("stream_options", "include_usage"):
        yield _omitting(dialect, "stream_options")
    elif sent.get("stream") and rejection.names("stream", "streaming"):
        yield replace(dialect, stream=False) if dialect.stream else _omitting(dialect, "stream", "stream_options")


def _json_word(dialect: Dialect, rejection: Rejection, sent: Mapping[str, Any]) -> Iterator[Dialect]:
    """A request for JSON must contain the word JSON."""
    if "response_format" in sent and rejection.wants_word_json:
        yield replace(dialect, mentions_json=True)


def _flag(dialect: Dialect, rejection: Rejection, sent: Mapping[str, Any]) -> Iterator[Dialect]:
    """A switch must be on or off, such as `enable_thinking must be set to false`."""
    name, value = rejection.demanded_flag or ("", False)
    if name and name not in _REQUIRED_FIELDS and name not in ("stream", *sent.get("response_format", ())):
        kept = tuple(pair for pair in dialect.fields if pair[0] != name)
        yield replace(dialect, fields=(*kept, (name, value)))


def _token_limit(dialect: Dialect, rejection: Rejection, sent: Mapping[str, Any]) -> Iterator[Dialect]:
    """The limit is too high, or has another name."""
    for name in dialect.limit_fields:
        limit = sent.get(name)
        if isinstance(limit, int) and rejection.wants_another_field and rejection.mentions(_other_limit(name)):
            yield from _other_limit_name(dialect, name)
        if not isinstance(limit, int) or not rejection.names(name, *_LIMIT_SYNONYMS):
            continue
        if highest := rejection.highest_limit(below=limit, least=_MIN_LIMIT):
            yield replace(dialect, max_output_tokens=highest)
        elif rejection.is_unknown_or_unsupported and rejection.names(name):
            yield from _other_limit_name(dialect, name)


_LIMIT_SYNONYMS = ("max_output_tokens", "max_new_tokens", "completion tokens", "output tokens")


def _other_limit(name: str) -> str:
    return "max_tokens" if name == "max_completion_tokens" else "max_completion_tokens"


def _other_limit_name(dialect: Dialect, name: str) -> Iterator[Dialect]:
    sources = [old for old, new in dialect.rename if new == name]
    if sources:
        yield replace(dialect, rename=tuple(pair for pair in dialect.rename if pair[1] != name))
    else:
        other = _other_limit(name)
        kept = tuple(pair for pair in dialect.rename if pair[0] not in (name, other))
        yield replace(dialect, rename=(*kept, (name, other)))
    yield _omitting(dialect, name)


def _schema_keyword(dialect: Dialect, rejection: Rejection, sent: Mapping[str, Any]) -> Iterator[Dialect]:
    """The endpoint does not know a keyword of the JSON Schema, or now demands one."""
    if "additionalProperties" in dialect.omit_schema_keywords and rejection.demands("additionalProperties"):
        kept = tuple(one for one in dialect.omit_schema_keywords if one != "additionalProperties")
        yield replace(dialect, omit_schema_keywords=kept)
        return
    used = schema_keywords(schema_of(sent))
    named = [keyword for keyword in used if rejection.names_keyword(keyword)]
    groups = [group for group in _KEYWORD_GROUPS if not set(group).isdisjoint(named)]
    found = [keyword for keyword in _LOOSE_KEYWORDS if keyword in named]
    found += [keyword for group in groups for keyword in group if keyword in used]
    if found:
        yield _without_keywords(dialect, found)


def _format(dialect: Dialect, rejection: Rejection, sent: Mapping[str, Any]) -> Iterator[Dialect]:
    """The endpoint does not know `response_format`, one of its types, or something in the schema."""
    answer_format = format_of(sent)
    if "strict" in (at(sent, ("response_format", "json_schema")) or ()) and rejection.names_quoted("strict"):
        yield _omitting(dialect, _STRICT)
    if answer_format is AnswerFormat.MARKDOWN or not rejection.is_of_format:
        return
    both = (AnswerFormat.JSON_SCHEMA, AnswerFormat.JSON_OBJECT)
    if answer_format is AnswerFormat.JSON_OBJECT:
        yield _rejecting(dialect, *(both[1:] if rejection.offers_json_schema else both))
        return
    if rejection.is_of_whole_field:
        yield _rejecting(dialect, *both)
    if rejection.is_of_schema:
        used = schema_keywords(schema_of(sent))
        yield _without_keywords(dialect, [keyword for keyword in _CONSTRAINTS if keyword in used])
    yield _rejecting(dialect, AnswerFormat.JSON_SCHEMA)


def _other_field(dialect: Dialect, rejection: Rejection, sent: Mapping[str, Any]) -> Iterator[Dialect]:
    """The endpoint does not accept a field, or its value."""
    special = {*_REQUIRED_FIELDS, *dialect.limit_fields, "response_format", "stream", "stream_options"}
    named = [name for name in sent if name not in special and rejection.names(name)]
    if named and rejection.is_unknown:
        yield _omitting(dialect, *named)
    elif named:  # two fields may be named because they exclude each other
        yield _omitting(dialect, max(named, key=rejection.last_place))


_Rule = Callable[[Dialect, Rejection, Mapping[str, Any]], Iterator[Dialect]]
_RULES: tuple[_Rule, ...] = (
    _role, _streaming, _json_word, _flag, _token_limit, _schema_keyword, _format, _other_field,
)  # fmt: skip


def _omitting(dialect: Dialect, *paths: str) -> Dialect:
    return replace(dialect, omit=(*dialect.omit, *(path for path in paths if path not in dialect.omit)))


def _without_keywords(dialect: Dialect, keywords: Collection[str]) -> Dialect:
    new = tuple(keyword for keyword in keywords if keyword not in dialect.omit_schema_keywords)
    return replace(dialect, omit_schema_keywords=(*dialect.omit_schema_keywords, *new))


def _rejecting(dialect: Dialect, *formats: AnswerFormat) -> Dialect:
    new = tuple(one for one in formats if one not in dialect.rejected_formats)
    return replace(dialect, rejected_formats=(*dialect.rejected_formats, *new))
