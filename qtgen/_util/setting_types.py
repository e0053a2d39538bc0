"""The types of settings that have several values or fields of their own."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _split(value: object) -> object:
    """Split a text from the environment or an option, such as `a,b` or `a b`, into a list."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


NameList = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_split)]


class Price(BaseModel):
    """The price of a model in US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class PathSettings(BaseModel):
    """The rules that apply to pages whose path matches a pattern."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    select: NameList = ()
    ignore: NameList = ()


class BannedPhraseSettings(BaseModel):
    """A phrase that no page may contain, and its replacement if there is one."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    phrase: str = Field(min_length=1)
    instead: str | None = Field(None, min_length=1)


def _as_phrase(value: object) -> object:
    return {"phrase": value} if isinstance(value, str) else value


BannedPhrases = tuple[Annotated[BannedPhraseSettings, BeforeValidator(_as_phrase)], ...]


def masked(name: str, value: object) -> str:
    """Return the value of a setting as text, without passwords and keys."""
    if name == "api_key":
        return "(set)" if value else "(not set)"
    if name in ("request", "headers") and isinstance(value, Mapping):  # a value may be a key
        return "{" + ", ".join(value) + "}"
    if name == "ledger":  # a database's address may contain a password
        return re.sub(r"//[^@/]*@", "//***@", str(value))
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return "(not set)" if value is None else str(value)
