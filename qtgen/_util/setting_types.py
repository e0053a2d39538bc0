"""The types of settings that have several values or fields of their own."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from qtgen._util.credentials import masked_address
from qtgen._util.pydantic_errors import did_you_mean

UNKNOWN_KEYWORD = "unknown_keyword"
"""Type of the error about a keyword. Its message contains the value."""
SCHEMA_KEYWORDS = (
    "additionalProperties",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "default",
    "title",
    "description",
    "examples",
    "$schema",
)
"""Keywords that an endpoint may not know. Without another one, the schema would describe other answers."""


def _split(value: object) -> object:
    """Split a text from the environment or an option, such as `a,b` or `a b`, into a list."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


QUESTION_COLUMNS = ("question", "subject", "id", "date", "context")
"""The columns of a question file."""


def _columns_error(message: str) -> PydanticCustomError:
    return PydanticCustomError(UNKNOWN_KEYWORD, "{message}", {"message": message})  # names can contain braces


def _split_columns(value: object) -> object:
    """Split a text from the environment or an option, such as `Frage=question,Fach=subject`, into a mapping."""
    if not isinstance(value, str):
        return value
    columns: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, mark, column = part.rpartition("=")
        if not mark or not name.strip():
            raise _columns_error(f"must have the form NAME=COLUMN, separated by commas, not `{part}`")
        if name.strip() in columns:
            raise _columns_error(f"maps `{name.strip()}` twice")
        columns[name.strip()] = column.strip()
    return columns


def _known_columns(columns: Mapping[str, str]) -> Mapping[str, str]:
    for name, column in columns.items():
        if column not in QUESTION_COLUMNS:
            known = did_you_mean(column, QUESTION_COLUMNS) or f"the columns are {', '.join(QUESTION_COLUMNS)}"
            raise _columns_error(f"maps `{name}` to the unknown column `{column}`; {known}")
        if [*columns.values()].count(column) > 1:
            raise _columns_error(f"maps two names to `{column}`; a file has each column once")
    return columns


ColumnNames = Annotated[Mapping[str, str], BeforeValidator(_split_columns), AfterValidator(_known_columns)]


NameList = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_split)]


class Price(BaseModel):
    """The price of a model in US dollars per million tokens. `batch` is its factor for requests in a batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    batch: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)


class PathSettings(BaseModel):
    """The rules that apply to pages whose path matches a pattern."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    select: NameList = ()
    ignore: NameList = ()


def _optional_fields(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name.split(".")[0] in ("model", "messages"):
            raise ValueError(f"must not contain `{name}`, because every request needs it")
    return names


def _optional_renames(names: Mapping[str, str]) -> Mapping[str, str]:
    _optional_fields((*names, *names.values()))
    return names


def _known_keywords(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in SCHEMA_KEYWORDS:
            hint = did_you_mean(name, SCHEMA_KEYWORDS, cutoff=0.7)
            known = hint or f"the keywords are {', '.join(SCHEMA_KEYWORDS)}"
            raise PydanticCustomError(UNKNOWN_KEYWORD, f"unknown keyword `{name}`; {known}")
    return names


def _true_or_false(value: object) -> object:
    if not isinstance(value, bool):
        raise ValueError("must be true or false without quotes")
    return value


Flag = Annotated[bool, BeforeValidator(_true_or_false)]


class DialectSettings(BaseModel):
    """How requests are changed so that an endpoint accepts them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    omit: Annotated[NameList, AfterValidator(_optional_fields)] = Field(
        (), description="Fields of the request to leave out. Use dots for nested fields: `response_format.type`"
    )
    rename: Annotated[Mapping[str, Annotated[str, Field(min_length=1)]], AfterValidator(_optional_renames)] = Field(
        {}, description='Fields to send under another name: `{ max_tokens = "max_completion_tokens" }`'
    )
    omit_schema_keywords: Annotated[NameList, AfterValidator(_known_keywords)] = Field(
        (), description="Keywords to leave out of the JSON Schema"
    )
    merge_system: Flag = Field(False, description="Move the system message into the first user message")
    system_role: Literal["system", "developer"] = Field("system", description="Role of the system message")
    stream: Flag = Field(False, description="Request a stream of events")
    token_factor: float | None = Field(
        None, ge=1, le=100, description="Factor for token limits, up to 32,768 tokens. The default depends on the model"
    )
    max_output_tokens: int | None = Field(None, gt=0, description="Highest token limit to send")
    remember: Flag = Field(True, description="Keep learned changes in the ledger, and start the next run with them")


_MAX_WINDOW = re.compile(r"[1-9]\d{0,3}[smhd]")


def _window(value: str) -> str:
    if not _MAX_WINDOW.fullmatch(value):
        raise ValueError("must be a number with a unit, such as `24h` or `7d`")
    return value


class BatchSettings(BaseModel):
    """The limits of a provider's Batch API, and what it expects."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    lines: int = Field(50_000, ge=1, le=10_000_000, description="Maximum number of requests in one batch")
    bytes: int = Field(200_000_000, ge=1_000, description="Maximum size of one batch file in bytes")
    enqueued_tokens: int | None = Field(
        None,
        gt=0,
        description="Maximum prompt tokens of a model that may be in batches at the same time. qtgen submits the rest "
        "later. By default, qtgen learns the limit from the provider's errors",
    )
    window: Annotated[str, AfterValidator(_window)] = Field(
        "24h", description="Time within which the provider completes a batch, in the format of its API"
    )
    purpose: str = Field(
        "batch", min_length=1, max_length=64, description="Purpose of uploaded files. Together expects `batch-api`"
    )


class BannedPhraseSettings(BaseModel):
    """A phrase that no page may contain, and its replacement if there is one."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    phrase: str = Field(min_length=1)
    instead: str | None = Field(None, min_length=1)


def _as_phrase(value: object) -> object:
    return {"phrase": value} if isinstance(value, str) else value


BannedPhrases = tuple[Annotated[BannedPhraseSettings, BeforeValidator(_as_phrase)], ...]


NAMED_TABLES: Mapping[str, type[BaseModel]] = {"prices": Price, "per_path": PathSettings}
"""Settings that are tables of tables, with names that the user chooses."""
TABLES: Mapping[str, type[BaseModel]] = {
    **NAMED_TABLES,
    "dialect": DialectSettings,
    "batch": BatchSettings,
    "banned_phrases": BannedPhraseSettings,
}
"""Settings with fields of their own."""


def masked(name: str, value: object) -> str:
    """Return the value of a setting as text, without passwords and keys."""
    if name == "api_key":
        return "(set)" if value else "(not set)"
    if name in ("request", "headers", "query") and isinstance(value, Mapping):  # a value may be a key
        return "{" + ", ".join(value) + "}"
    if name == "base_url" and value:
        return masked_address(str(value))
    if name == "ledger":  # a database's address may contain a password
        return re.sub(r"//[^@/]*@", "//***@", str(value))
    if name == "dialect" and isinstance(value, Mapping):
        changed = {
            key: value[key] for key, field in DialectSettings.model_fields.items() if value[key] != field.default
        }
        return ", ".join(f"{key}: {_plain(item)}" for key, item in changed.items()) or "(not set)"
    if name == "batch" and isinstance(value, Mapping):
        fields = BatchSettings.model_fields.items()
        return ", ".join(f"{key}: {value[key]}" for key, field in fields if value[key] != field.default) or "(not set)"
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return "(not set)" if value is None else str(value)


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{old} = {new}" for old, new in value.items()) + "}"
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, tuple) else str(value).lower()
