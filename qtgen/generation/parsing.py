"""Read a model's answer in any format: find it in the text, check it against its shape, name its faults.

The messages of `AnswerError` are sent back to the model.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from qtgen.errors import AnswerError
from qtgen.generation.answers import SHAPES, SearchFields
from qtgen.generation.json_objects import read_json_answer
from qtgen.generation.markdown_answers import read_markdown
from qtgen.generation.residue import residue_faults
from qtgen.generation.unwrap import Wrapping, require_text
from qtgen.llm.types import AnswerFormat, Prompt


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """An answer's fields, and what was around the answer."""

    fields: SearchFields
    wrappings: tuple[Wrapping, ...] = ()


def parse(prompt: Prompt, text: str, question: str, *, truncated: bool = False) -> ParsedAnswer:
    """Return the answer in `text`.

    Args:
        prompt: What the model was asked for.
        text: What the model wrote.
        question: The page's question.
        truncated: Whether the endpoint cut the text off. A JSON object may have been complete before that.

    Raises AnswerError with sentences that the model can act on.
    """
    if prompt.style.format is AnswerFormat.MARKDOWN:
        if truncated:  # nothing in Markdown tells that it is complete
            raise AnswerError(["the answer was cut off"], cut_off=True)
        stripped = require_text(text)
        shape, fields = read_markdown(prompt.shape, stripped.text, question)
        return ParsedAnswer(_validate(shape, fields), stripped.wrappings)
    read = read_json_answer(text, SHAPES[prompt.shape].model_fields.keys(), truncated=truncated)
    if not text.isascii() or "\\u" in text:
        _check_surrogates(read.data)
    return ParsedAnswer(_validate(prompt.shape, read.data, read.advice), read.wrappings)


def _validate(shape: str, data: Mapping[str, Any], advice: Sequence[str] = ()) -> SearchFields:
    """Return the answer. Raises AnswerError for what the shape does not accept, and for residue."""
    try:
        answer = SHAPES[shape].model_validate(data)
    except ValidationError as error:
        raise AnswerError([*(_explain(detail) for detail in error.errors()[:5]), *advice]) from None
    if residue := residue_faults(data):
        raise AnswerError(residue[:3])
    return answer


def _check_surrogates(data: Any) -> None:
    """Raise AnswerError for a lone surrogate in a text or a key, which JSON can express and UTF-8 cannot."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise AnswerError(["a character is torn: half of a surrogate pair stands alone (\\ud83d, for one)"]) from None


def _explain(detail: Any) -> str:
    """Return one of pydantic's error details as a sentence for the model."""
    location = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        parent, _, key = location.rpartition(".")
        return f"{parent or 'the object'} lacks `{key}`"
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] in ("too_short", "too_long") and isinstance(detail["input"], str):
        bound = "at least {min_length}" if detail["type"] == "too_short" else "at most {max_length}"
        message = f"must have {bound.format(**detail['ctx'])} characters, not {detail['ctx']['actual_length']}"
    return f"{location}: {message}" if location else message
