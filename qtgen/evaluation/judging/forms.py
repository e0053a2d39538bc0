"""Forms of judgements: the schemas of requests, and a lenient reader of responses.

A response is read leniently, as the answers of pages are: code fences, reasoning and words around the object do not
matter, nor do further keys. One thing is strict. The judged texts can contain an object with marks, and a judge can
quote it, so an object that repeats what one of the texts says is never a judgement.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from qtgen.errors import AnswerError
from qtgen.evaluation.report import first_error
from qtgen.generation.json_objects import find_objects, read_json_answer
from qtgen.generation.unwrap import Wrapping, strip_surroundings

MAX_REASONS = 1_200  # characters
_QUOTING = frozenset({Wrapping.PROSE, Wrapping.FURTHER})
_ALONE = "write one JSON object and nothing else"
_REPEATED = "the JSON object repeats one that occurs in the judged texts; write your own judgement"
_AMBIGUOUS = "the response has several different JSON objects; write only the final one"
_MAX_LAYERS = 4  # of wrappers around the object
_UNWRITTEN = frozenset({"reasons"})  # keys that do not count in a comparison with the judged texts
_MARK = re.compile(r"\s*([1-5](?:\.\d{1,3})?)\s*", re.ASCII)
Mark = Annotated[int, Field(ge=1, le=5)]


class _RequestedForm(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RubricMarks(_RequestedForm):
    """Marks of one answer. The reasons come first, so that the marks follow from them."""

    reasons: str = Field(max_length=MAX_REASONS)
    correctness: Mark
    completeness: Mark
    clarity: Mark


class ClaimVerdicts(_RequestedForm):
    """One verdict per claim, in the order of the claims."""

    verdicts: list[Literal["made", "missing", "contradicted"]]


class PairChoice(_RequestedForm):
    """Which of two answers is better."""

    reasons: str = Field(max_length=MAX_REASONS)
    better: Literal["first", "second", "neither"]


def _read_mark(value: object) -> float:
    """Return a mark from 1 to 5, in whole or half steps. It may be written as text."""
    if isinstance(value, str) and (match := _MARK.fullmatch(value)):
        value = float(match[1])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 5 or value * 2 % 1:
        raise PydanticCustomError("mark", "must be a whole or half mark from 1 to 5")  # also NaN, which is not >= 1
    return float(value)


def _read_word(value: object) -> object:
    return value.strip().casefold() if isinstance(value, str) else value


_HalfMark = Annotated[float, BeforeValidator(_read_mark)]
_Reasons = Annotated[str, AfterValidator(lambda text: text[:MAX_REASONS])]
_Verdict = Annotated[Literal["made", "missing", "contradicted"], BeforeValidator(_read_word)]
_Choice = Annotated[Literal["first", "second", "neither"], BeforeValidator(_read_word)]


class Response(BaseModel):
    """A judge's response after reading it."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Marks(Response):
    """The marks of one answer, in steps of a half."""

    reasons: _Reasons
    correctness: _HalfMark
    completeness: _HalfMark
    clarity: _HalfMark


class Verdicts(Response):
    """The verdicts on the claims, in their order."""

    verdicts: tuple[_Verdict, ...]


class Choice(Response):
    """The better one of two answers."""

    reasons: _Reasons
    better: _Choice


ResponseT = TypeVar("ResponseT", bound=Response)


def read_response(text: str, form: type[ResponseT], shown: Collection[str], *, is_truncated: bool = False) -> ResponseT:
    """Return the judgement in a judge's response.

    Args:
        text: The judge's response.
        form: The form of the judgement.
        shown: The texts that the judge saw.
        is_truncated: Whether the endpoint cut off the response. The object may be complete nevertheless.

    Raises AnswerError with a sentence for the judge if there is no judgement, or more than one.
    """
    objects, is_alone = _find_candidates(text, form, is_truncated=is_truncated)
    own = [data for data in objects if not _is_quoted(data, form, shown, with_reasons=is_alone)]
    if not own:
        raise AnswerError([_REPEATED])
    try:
        responses = [form.model_validate(data) for data in own]
    except ValidationError as error:
        raise AnswerError([first_error(error)]) from None
    if len({response.model_dump_json(exclude=set(_UNWRITTEN)) for response in responses}) > 1:
        raise AnswerError([_AMBIGUOUS])
    return responses[-1]


def _find_candidates(text: str, form: type[Response], *, is_truncated: bool) -> tuple[list[dict[str, Any]], bool]:
    """Return the objects in a response that have the form's keys, and whether the response is nothing but one."""
    keys = form.model_fields.keys() - _UNWRITTEN
    stripped = strip_surroundings(text)
    try:
        found = list(_matching(json.JSONDecoder(strict=False).decode(stripped.text), keys))
        is_alone = len(found) == 1 and Wrapping.PROSE not in stripped.wrappings
    except (ValueError, RecursionError):
        is_alone = False
        try:
            found = [data for _, _, value in find_objects(stripped.text) for data in _matching(value, keys)]
        except RecursionError:
            found = []
    whole = [data for data in found if keys <= data.keys()]
    if found:
        return whole or found, is_alone
    answer = read_json_answer(text, form.model_fields, truncated=is_truncated)
    if not _QUOTING.isdisjoint(answer.wrappings):  # it may be a quoted one whose syntax was repaired
        raise AnswerError([_ALONE])
    return [answer.data], True


def _matching(value: Any, keys: Collection[str], layers: int = _MAX_LAYERS) -> Iterator[dict[str, Any]]:
    """Yield the objects with any of the keys in a JSON value: itself, and those that it wraps or encodes."""
    if isinstance(value, dict) and any(key in value for key in keys):
        yield value
    elif not layers:
        return
    elif isinstance(value, str):
        if value.strip()[:1] in ("{", "["):
            try:
                decoded = json.loads(value, strict=False)
            except (ValueError, RecursionError):
                return
            yield from _matching(decoded, keys, layers - 1)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _matching(item, keys, layers - 1)


def _is_quoted(data: Mapping[str, Any], form: type[Response], shown: Collection[str], *, with_reasons: bool) -> bool:
    """Return whether one of the judged texts says the same as an object, in any notation.

    With `with_reasons`, the reasons have to be the same too. They distinguish a judge's own object, which can have the
    same marks as one in a text. If words surround the object, the judge can have changed the reasons.
    """
    written = [key for key in form.model_fields if key not in _UNWRITTEN and key in data]
    if not written:
        return False
    patterns = [_statement(key, data[key]) for key in written]
    reasons = _letters(str(data.get("reasons", ""))) if with_reasons and "reasons" in form.model_fields else ""
    return any(
        all(pattern.search(text) for pattern in patterns) and reasons in _letters(text)
        for text in map(_with_decoded_objects, shown)
    )


def _statement(key: str, value: Any) -> re.Pattern[str]:
    """Return a pattern for `key: value` in JSON, YAML, a Python literal and the like."""
    values = value if isinstance(value, list) else [value]
    joined = r"\W{1,8}".join(map(_value_pattern, values))
    return re.compile(rf"(?<!\w){re.escape(key)}\W{{0,8}}[:=]\W{{0,8}}{joined}(?!\w|\.\d)", re.IGNORECASE)


def _value_pattern(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return re.escape(str(value).strip()) + (r"(?:\.0+)?" if isinstance(value, int) else "")


def _with_decoded_objects(text: str) -> str:
    """Return a text with the content of its JSON objects, in which characters may be escaped, written out."""
    try:
        return "\n".join([text, *(_flat(value) for _, _, value in find_objects(text))])
    except RecursionError:
        return text


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_flat(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(map(_flat, value))
    return str(value)


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()
