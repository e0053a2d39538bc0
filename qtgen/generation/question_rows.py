"""The model of a row of a question file, and what is wrong with an invalid cell."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from qtgen._util.text import mask_unprintable
from qtgen.generation.question_text import placeholder_fault, title_fault
from qtgen.page.invisible import normalize
from qtgen.page.text import FORBIDDEN

_FAULT = "cell"  # type of an error whose message says what is wrong with a cell


def _reject_bool_and_float(value: object) -> object:
    if isinstance(value, bool | float):
        raise ValueError("is not a whole number")
    return value


def _require_iso_date(value: object) -> object:
    """pydantic would also accept timestamps (86400 is 1970-01-02)."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        raise ValueError("is not written as YYYY-MM-DD")
    return value.strip()


class QuestionRow(BaseModel):
    """One row of a question file, before its subject is filled in."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    question: str = Field(min_length=1)
    subject: str | None = None
    id: Annotated[int, BeforeValidator(_reject_bool_and_float), Field(gt=-(10**17), lt=10**17)] | None = None
    date: Annotated[dt.date, BeforeValidator(_require_iso_date)] | None = None
    context: str | None = None

    @field_validator("question", "subject", mode="before")
    @classmethod
    def _normalize(cls, value: object) -> object:
        line = normalize(value) if isinstance(value, str) else value
        if isinstance(line, str) and FORBIDDEN.search(line):
            raise ValueError("contains a character that a page cannot contain")
        if isinstance(line, str) and (fault := title_fault(line)):
            raise _cell_error(fault)
        return line

    @field_validator("context", mode="before")
    @classmethod
    def _reject_placeholder(cls, value: object) -> object:
        if isinstance(value, str) and (fault := placeholder_fault(value)):
            raise _cell_error(fault)
        return value

    @field_validator("subject", "id", "date", "context", mode="before")
    @classmethod
    def _blank_to_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value


def _cell_error(fault: str) -> PydanticCustomError:
    return PydanticCustomError(_FAULT, "{fault}", {"fault": fault})


def explain_cell(error: ValidationError, values: Mapping[str, Any]) -> str:
    """Return what is wrong with a row's first invalid cell, for the file's author."""
    first = error.errors()[0]
    column = str(first["loc"][0])
    value = str(values.get(column) or "")
    if first["type"] == _FAULT:
        return f"{column}: {first['msg']}"
    if column == "question" and not normalize(value):
        return "question: is empty"
    expected = {
        "id": "must be a whole number such as 19528",
        "date": "must be a day such as 2026-01-31",
    }.get(column, "must be text without control characters")
    return f"{column}: {expected}, not `{mask_unprintable(value[:40])}`"
