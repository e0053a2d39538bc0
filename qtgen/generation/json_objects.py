"""Find the JSON object in a model's answer.

Valid JSON costs one `json.loads`. Any other answer is searched for an object. The object is used only if it is complete
and no wording is lost. See `json_syntax.py`.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from qtgen.errors import AnswerError
from qtgen.generation.json_syntax import CUT_OFF, SyntaxFault, find_syntax_fault, repair_syntax
from qtgen.generation.unwrap import Stripped, Wrapping, advice, require_text, strip_surroundings

_MAX_LAYERS = 4  # of wrappers around the object
_MAX_ERRORS = 200  # invalid objects in one text; each costs time in proportion to its offset
_OPENER = re.compile(r"""\{\s{0,200}"|"\s{0,9}[\[{]\s{0,9}[\\\[{]""")
_FENCE_LINE = re.compile(r"^[^\S\n]{0,3}(?:```+|~~~+)[\w+-]*[^\S\n]*$", re.MULTILINE)
_LENIENT = json.JSONDecoder(strict=False)  # allows raw line breaks in strings
_NOUN = "the JSON object"
_TOO_DEEP = "the answer is nested too deeply; write one JSON object of the form that is asked for"
_PROSE = "the answer is prose; write one JSON object"
_NO_OBJECT = "the answer is no object; write one JSON object"
_OTHER_OBJECT = "the answer is another JSON object than the one that is asked for"


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """The object in an answer, and what was around it."""

    data: dict[str, Any]
    wrappings: tuple[Wrapping, ...] = ()

    @property
    def advice(self) -> list[str]:
        """Advice about the form, for a repair request that is sent for another reason."""
        return advice(self.wrappings, _NOUN)


class _Found(NamedTuple):
    data: dict[str, Any]
    wrappings: tuple[Wrapping, ...]


def read_json_answer(text: str, keys: Collection[str], *, truncated: bool = False) -> JsonAnswer:
    """Return the JSON object in an answer.

    Args:
        text: What the model wrote.
        keys: The keys of the requested object, which distinguish it from other objects.
        truncated: Whether the endpoint truncated the response. The object may be complete nevertheless.

    Raises AnswerError with a sentence for the model. The error is marked as cut off if the object is incomplete.
    """
    try:
        data = json.loads(text)
        if isinstance(data, dict) and _overlap(data, keys):
            best = _unwrap(data, keys)
            return JsonAnswer(best.data, best.wrappings) if best else JsonAnswer(data)
    except (ValueError, RecursionError):
        pass
    try:
        return _read_leniently(text, keys, truncated=truncated)
    except RecursionError:
        raise AnswerError([_TOO_DEEP]) from None


def _read_leniently(text: str, keys: Collection[str], *, truncated: bool) -> JsonAnswer:
    stripped = strip_surroundings(text)
    body = stripped.text
    if not body and Wrapping.REASONING in stripped.wrappings:
        body = text  # the closing tag is missing, so the object may be in the reasoning
    found = _whole(body, keys) or _first_object(body, keys)
    if found is None and not truncated:
        found = _repaired(body, keys)
    if found is None and body is not text:
        found = _first_object(text, keys)  # a part of the object was stripped
    if found is None:
        if not truncated and "{" not in body:
            require_text(text)
        raise _fault(stripped, body, truncated=truncated)
    return JsonAnswer(found.data, tuple(dict.fromkeys((*stripped.wrappings, *found.wrappings))))


def _whole(body: str, keys: Collection[str]) -> _Found | None:
    """Return the object if the text is one JSON value, with its wrappings."""
    try:
        value = _LENIENT.decode(body)
    except ValueError:
        return None
    found = _unwrap(value, keys)
    if found is None:
        return _Found(value, ()) if isinstance(value, dict) and value else None
    return _Found(found.data, (*_line_breaks(body), *found.wrappings))


def _line_breaks(body: str) -> tuple[Wrapping, ...]:
    try:
        json.loads(body)
    except ValueError:
        return (Wrapping.LINE_BREAKS,)
    return ()


def _first_object(text: str, keys: Collection[str]) -> _Found | None:
    """Return the first object with all keys, or else the first with some of them."""
    first: _Found | None = None
    for start, end, value in find_objects(text):
        found = _unwrap(value, keys)
        if found is None:
            continue
        around = (*_surroundings(text[:start], text[end:]), *_line_breaks(text[start:end]))
        found = _Found(found.data, (*around, *found.wrappings))
        if _overlap(found.data, keys) == len(keys):
            return found
        first = first or found
    return first


def find_objects(text: str) -> Iterator[tuple[int, int, Any]]:
    """Yield every whole object that is not inside another one, with its start and end. It may be inside a string.

    After an invalid object, the search continues at the error, so that each character is read about once.
    """
    errors = 0
    opener = _OPENER.search(text)
    while opener and errors < _MAX_ERRORS:
        start = opener.start()
        try:
            value, end = _LENIENT.raw_decode(text, start)
        except json.JSONDecodeError as error:
            errors += 1
            end = max(start + 1, error.pos)
        else:
            yield start, end, value
        opener = _OPENER.search(text, end)


def _surroundings(before: str, after: str) -> Iterator[Wrapping]:
    """Yield the text and the objects around an object, which `strip_surroundings` does not remove."""
    for text in (before, after):
        rest = _FENCE_LINE.sub("", text).strip(" \t\r\n,;")
        if len(rest) < len(text) and ("```" in text or "~~~" in text):
            yield Wrapping.CODE_FENCE
        if rest in ("[", "]"):
            yield Wrapping.WRAPPER
        elif rest:
            yield Wrapping.FURTHER if "{" in rest else Wrapping.PROSE


def _overlap(data: dict[str, Any], keys: Collection[str]) -> int:
    return sum(key in data for key in keys)


def _unwrap(value: Any, keys: Collection[str], layers: int = _MAX_LAYERS) -> _Found | None:
    """Return the object that has the most keys among a value and what it wraps, or None if none has any."""
    own = _overlap(value, keys) if isinstance(value, dict) else 0
    if own == len(keys) or not layers:
        return _Found(value, ()) if own else None
    inner = _inner(value, keys, layers - 1)
    if inner and _overlap(inner.data, keys) > own:
        return inner
    return _Found(value, ()) if own else None


def _inner(value: Any, keys: Collection[str], layers: int) -> _Found | None:
    """Return the only object inside a dict, the first one of a list, or the one that a string encodes."""
    if isinstance(value, str):
        try:
            found = _unwrap(_LENIENT.decode(value.strip()), keys, layers) if value.strip()[:1] in '{["' else None
        except ValueError:
            return None
        return found and _Found(found.data, (Wrapping.ENCODED, *found.wrappings))
    if not isinstance(value, dict | list):
        return None
    items = value.values() if isinstance(value, dict) else value
    candidates = [
        found for item in items if isinstance(item, dict | list | str) and (found := _unwrap(item, keys, layers))
    ]
    if not candidates or (isinstance(value, dict) and len(candidates) > 1):
        return None
    wrapping = Wrapping.FURTHER if len(candidates) > 1 else Wrapping.WRAPPER
    return _Found(candidates[0].data, (wrapping, *candidates[0].wrappings))


def _repaired(body: str, keys: Collection[str]) -> _Found | None:
    repaired = repair_syntax(body)
    found = repaired and _unwrap(repaired.data, keys)
    if not repaired or not found:
        return None
    around = _surroundings(body[: repaired.start], body[repaired.end :])
    return _Found(found.data, (*around, Wrapping.SYNTAX, *found.wrappings))


def _fault(stripped: Stripped, body: str, *, truncated: bool) -> AnswerError:
    """Return why there is no object, and what to leave out."""
    if truncated:
        return AnswerError([CUT_OFF], cut_off=True)
    fault = find_syntax_fault(body) if "{" in body else SyntaxFault(_PROSE if _is_prose(body) else _NO_OBJECT, False)
    if fault is None:
        fault = SyntaxFault(_OTHER_OBJECT, is_cut_off=False)
    return AnswerError([fault.message, *advice(stripped.wrappings, _NOUN)], cut_off=fault.is_cut_off)


def _is_prose(body: str) -> bool:
    return len(body.split(maxsplit=1)) > 1 and any(character.isalpha() for character in body)
