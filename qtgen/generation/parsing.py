"""Read a model's answer in any format: find it in the text, validate it against its shape, and report its faults.

The messages of `AnswerError` are sent back to the model.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from pydantic import ValidationError

from qtgen.errors import AnswerError
from qtgen.generation.answers import PageFields, shapes_of
from qtgen.generation.json_objects import read_json_answer
from qtgen.generation.markdown_answers import read_markdown
from qtgen.generation.page_texts import page_texts
from qtgen.generation.residue import residue_faults
from qtgen.generation.unwrap import Wrapping, require_text
from qtgen.llm.types import AnswerFormat, Prompt
from qtgen.page.layout import Layout
from qtgen.page.profile import Profile

_JSON_OBJECT = re.compile(r'\{\s*"\w+"\s*:')
_SINGULAR = {"points": "point", "rows": "row", "cells": "cell", "columns": "column"}


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """An answer's fields, and what was around the answer."""

    fields: PageFields
    wrappings: tuple[Wrapping, ...] = ()


def parse(prompt: Prompt, text: str, question: str, layout: Layout, *, truncated: bool = False) -> ParsedAnswer:
    """Return the answer in `text`.

    Args:
        prompt: The prompt that the model answered.
        text: What the model wrote.
        question: The page's question.
        layout: The layout of the page.
        truncated: Whether the endpoint truncated the text. A JSON object in it may be complete.

    Raises AnswerError with sentences that the model can act on.
    """
    if prompt.style.format is AnswerFormat.MARKDOWN:
        if truncated:  # Markdown does not show whether it is complete
            raise AnswerError(["the answer was cut off"], cut_off=True)
        return _parse_markdown(prompt, text, question, layout)
    return _parse_json(prompt.shape, text, layout, truncated=truncated)


def _parse_markdown(prompt: Prompt, text: str, question: str, layout: Layout) -> ParsedAnswer:
    stripped = require_text(text)
    if _JSON_OBJECT.match(stripped.text):  # not the requested format, but it has the same fields
        try:
            return _parse_json(prompt.shape, text, layout)
        except AnswerError:
            raise AnswerError(["the answer is JSON; write plain Markdown and no JSON"]) from None
    is_short = prompt.style.is_short
    is_limited = is_short and prompt.grammar is not None
    shape, fields = read_markdown(
        prompt.shape, stripped.text, question, layout, is_short=is_short, is_limited=is_limited
    )
    return ParsedAnswer(_validate(shape, fields, layout, is_json=False), stripped.wrappings)


def _parse_json(shape: str, text: str, layout: Layout, *, truncated: bool = False) -> ParsedAnswer:
    names = shapes_of(layout.profile)[shape].model_fields.keys()
    read = read_json_answer(text, names, truncated=truncated)
    if not text.isascii() or "\\u" in text:
        _check_surrogates(read.data)
    return ParsedAnswer(_validate(shape, read.data, layout, read.advice), read.wrappings)


def _validate(
    shape: str, data: Mapping[str, Any], layout: Layout, advice: Sequence[str] = (), *, is_json: bool = True
) -> PageFields:
    """Return the answer. Raises AnswerError if it does not fit its shape or contains residue."""
    try:
        answer = shapes_of(layout.profile)[shape].model_validate(data)
    except ValidationError as error:
        name = _json_path if is_json else partial(_markdown_place, {**_SINGULAR, **_singular_texts(layout)})
        raise AnswerError([*(_explain(detail, name) for detail in error.errors()[:5]), *advice]) from None
    if residue := residue_faults(data, schema_names(layout.profile)):
        raise AnswerError(residue[:3])
    return answer


@cache
def _singular_texts(layout: Layout) -> Mapping[str, str]:
    """Return the noun for one item of each list."""
    texts = page_texts(layout)
    parts = [part for shape in layout.profile.file.shape for part in shape.parts if part.items]
    items = {text.name: "keyword" if text == texts.keywords else "item" for text in texts.fields if text.is_list}
    return {**{part.key: f"{part.key} item" for part in parts}, **items}


@cache
def schema_names(profile: Profile) -> frozenset[str]:
    """Return the names of fields that are not words. A text that contains one refers to the schema."""
    return frozenset(name for shape in shapes_of(profile).values() for name in shape.model_fields if "_" in name)


def _check_surrogates(data: Any) -> None:
    """Raise AnswerError for a lone surrogate in a text or a key, which JSON can express and UTF-8 cannot."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise AnswerError(["a character is torn: half of a surrogate pair stands alone (\\ud83d, for one)"]) from None


def _explain(detail: Any, name: Callable[[Sequence[Any]], str]) -> str:
    """Return one of pydantic's error details as a sentence for the model. `name` describes a place in the answer."""
    location = [part for number, part in enumerate(detail["loc"]) if (detail["loc"][0], number) != ("table", 1)]
    if detail["type"] == "missing":
        return f"{name(location[:-1]) or 'the object'} lacks `{location[-1]}`"
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] in ("too_short", "too_long"):
        bound = "at least {min_length}" if detail["type"] == "too_short" else "at most {max_length}"
        unit = "characters" if isinstance(detail["input"], str) else "items"
        message = f"must have {bound.format(**detail['ctx'])} {unit}, not {detail['ctx']['actual_length']}"
    return f"{name(location)}: {message}" if location else message


def _json_path(location: Sequence[Any]) -> str:
    return ".".join(map(str, location))


def _markdown_place(singular: Mapping[str, str], location: Sequence[Any]) -> str:
    """Return the name of a place in Markdown: `point 2, explanation`, `table row 1, cell 2`."""
    return ", ".join(
        f"{singular[part]} {location[number + 1] + 1}" if part in singular and location[number + 1 :] else part
        for number, part in enumerate(map(str, location))
        if not part.isdigit() and part != "table"
    )
