"""Settings: qtgen.toml < environment < command line, merged into one frozen object that knows each value's origin.

A setting's environment variable is `QTGEN_` and its name in capitals. The `openai` package's own `OPENAI_API_KEY` and
`OPENAI_BASE_URL` are read too. A key belongs in the environment only, because files are committed and command lines are
visible to other users of the machine.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from qtgen._util.credentials import masked_address, usable_address, usable_headers, usable_key, usable_query
from qtgen._util.project import FILE_NAME, find_settings_file, project_folder
from qtgen._util.pydantic_errors import did_you_mean, dotted_path, expectation, suggestion, unquoted_path
from qtgen._util.setting_types import (
    NAMED_TABLES,
    TABLES,
    UNKNOWN_KEYWORD,
    BannedPhrases,
    BatchSettings,
    ColumnNames,
    DialectSettings,
    NameList,
    PathSettings,
    Price,
    masked,
)
from qtgen._util.settings_file import read_settings_file
from qtgen.errors import SettingsError

__all__ = [
    "FILE_NAME",
    "BatchSettings",
    "LoadedSettings",
    "PathSettings",
    "Price",
    "Settings",
    "find_settings_file",
    "load_settings",
    "project_folder",
    "unknown_variables",
]

_PREFIX = "QTGEN_"
_OPENAI_NAMES = {"api_key": "OPENAI_API_KEY", "base_url": "OPENAI_BASE_URL"}
FILE_ONLY = frozenset({"prices", "request", "headers", "query", "dialect", "batch", "per_path", "banned_phrases"})
"""Settings without an environment variable."""
_NO_SETTINGS = frozenset({"QTGEN_REVIEWER"})  # a person's name does not belong in a file that a team commits
_NOT_SHOWN = frozenset({"api_key", "request", "headers", "query", "ledger"})  # these can contain a password
_COMMAND_LINE, _ENVIRONMENT = "command line", "environment"
DEFAULT = "default"
"""The origin of a value that nothing sets."""


class Settings(BaseModel):
    """The settings in force. Each field can be set in qtgen.toml under its own name, except `api_key`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str | None = Field(
        None,
        description="Provider of completions: `openai` (an OpenAI-compatible endpoint), `local` (a model on this "
        "machine), or a plugin's. The default is `openai` if a key or base URL is set, else `local`",
    )
    model: NameList = Field(
        (),
        description="Model at the endpoint. Later models are fallbacks if an earlier one refuses, truncates or keeps "
        "failing. The default is `gpt-4o-mini`",
    )
    base_url: Annotated[str, AfterValidator(usable_address)] | None = Field(
        None, description="Base URL of an OpenAI-compatible endpoint. The default is OpenAI's"
    )
    api_key: Annotated[SecretStr, BeforeValidator(usable_key)] | None = Field(
        None, description="API key of the endpoint"
    )
    local_model: Path | None = Field(
        None,
        description="Local model: a name that `qtgen models list` shows, or a GGUF file. The default is the "
        "embedded model",
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="Sampling temperature. The default is the prompt template's"
    )
    max_tokens: int | None = Field(
        None, gt=0, description="Maximum length of an answer in tokens. The default is the prompt template's"
    )
    timeout: float = Field(120.0, gt=0, allow_inf_nan=False, description="Maximum seconds for one whole request")
    tries: int = Field(
        5,
        ge=1,
        le=20,
        description="Maximum attempts for one request if the endpoint fails. For status 429, up to six times as many",
    )
    repairs: int = Field(
        3, ge=0, le=10, description="Maximum repair requests for an invalid answer. Each one lists its faults"
    )
    strict_grounding: bool = Field(
        False,
        description="Fail a page whose answer has figures, dates, units, names or quotations that are not in its "
        "source text (`context`). By default, such a page is written with warnings",
    )
    schema_lengths: bool = Field(
        True, description="Send string lengths in the JSON Schema. Set it to false if the endpoint rejects them"
    )
    candidates: int = Field(
        1, ge=1, le=16, description="Number of answers to request for each new page. The best one is kept"
    )
    answer_format: Literal["json_schema", "json_object", "markdown"] | None = Field(
        None,
        description="Format of answers: `json_schema` (the endpoint enforces the schema), `json_object` (the prompt "
        "contains the schema), or `markdown`. The default is `json_schema`, or `markdown` for `local`",
    )
    short_prompts: bool | None = Field(
        None,
        description="Use the short prompts for small models, with answers in Markdown. The default is true for "
        "`local`, unless `answer_format` is a JSON format",
    )
    grammar: bool = Field(
        False,
        description="Send a GBNF grammar with requests for Markdown. llama.cpp servers accept one. It is always on "
        "for `local`",
    )
    request: Mapping[str, Any] = Field(
        {}, description="Additional fields of the request body, sent unchanged: `[request]`"
    )
    headers: Annotated[Mapping[str, str], AfterValidator(usable_headers)] = Field(
        {},
        repr=False,
        description="Additional headers of each request: `[headers]`. `$NAME` in a value stands for an environment "
        "variable, so that keys stay out of the file",
    )
    query: Annotated[Mapping[str, str], AfterValidator(usable_query)] = Field(
        {},
        repr=False,
        description="Query parameters of each request: `[query]`. `$NAME` stands for an environment variable",
    )
    dialect: DialectSettings = Field(
        DialectSettings(), description="Changes to each request: `[dialect]`. qtgen learns most of them from errors"
    )
    batch: BatchSettings = Field(BatchSettings(), description="Limits of the provider's Batch API: `[batch]`")
    concurrency: int | None = Field(
        None, ge=1, le=1000, description="Maximum number of requests in flight. The default is 64, or 2 for `local`"
    )
    rpm: float | None = Field(None, gt=0, allow_inf_nan=False, description="Maximum requests per minute")
    tpm: float | None = Field(None, gt=0, allow_inf_nan=False, description="Maximum tokens per minute")
    budget: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Maximum cost of one run in US dollars, together with other runs on the same list at the same "
        "time. Needs the model's price",
    )
    ledger: str = Field(
        ".qtgen/ledger.sqlite",
        description="Ledger of requests and responses: an SQLite file, or a URL such as `postgresql://…`",
    )
    on_duplicate: Literal["skip", "keep", "fail"] = Field(
        "keep", description="How to handle near-duplicate questions: `skip` them, `keep` them, or `fail` the run"
    )
    questions: tuple[Path, ...] = Field((), description="Question files that `generate` reads if none are given")
    columns: ColumnNames = Field(
        {},
        description="Column names of your question files, mapped to qtgen's: "
        '`{ Frage = "question", Fach = "subject" }`',
    )
    site: Path | None = Field(
        None,
        description="File with the layout of the site's pages. The default is the nearest `site.toml`, in the current "
        "folder or above it. If there is none, qtgen uses the default layout",
    )
    out: Path = Field(Path("outputs"), description="Folder to write pages to")
    corpus: Path | None = Field(
        None,
        description="Folder of the whole site. qtgen checks links against it and continues its ids",
    )
    subject: str | None = Field(None, description="Subject of questions without one")
    subjects: tuple[str, ...] = Field((), description="Subjects to accept in addition to the built-in ones")
    prompt: str | None = Field(
        None, description="Prompt template for every question. The default depends on the kind of question"
    )
    prompts: Path = Field(Path("prompts"), description="Folder of the project's own prompt templates")
    plugins: tuple[Annotated[Path, AfterValidator(Path.absolute)], ...] = Field(
        (),
        description="Python files that add rules, metrics, report formats or providers. In the environment, separate "
        "them like the folders in `PATH`",
    )
    select: NameList = Field(
        (),
        description="Rules to check: codes, prefixes of codes, or names. The default is all except QT410 and QT611",
    )
    ignore: NameList = Field(
        (),
        description="Rules to skip: codes, prefixes of codes, or names. `generate` skips them too",
    )
    banned_phrases: BannedPhrases = Field(
        (),
        description="Phrases that no page may contain (QT612). They match whole words in any case: "
        '`["delve", { phrase = "utilize", instead = "use" }]`',
    )
    repeated_sentence_pages: int | None = Field(
        None,
        ge=1,
        le=60_000,
        description="Maximum number of pages that may have the same sentence of eight words. QT611 runs if it is set "
        "and `select` does not leave it out. If QT611 is selected by its code, the default is 10",
    )
    per_path: Mapping[str, PathSettings] = Field(
        {},
        description='`select` and `ignore` for pages that match a pattern: `[per_path."content/old/*"]`. '
        "`*` matches `/` too",
    )
    prices: Mapping[str, Price] = Field(
        {},
        description='Prices in US dollars per million tokens, by model: `[prices."gpt-4.1"]` with `input`, `output` '
        "and optionally `cached_input` and `batch`, the factor for requests in a batch",
    )


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, and where the value of each one came from."""

    settings: Settings
    origins: Mapping[str, str]

    def lines(self) -> list[str]:
        """Return one line per setting, with secrets masked."""
        values = self.settings.model_dump()
        return [
            f"{name:<14} = {masked(name, values[name]):<24} # {self.origins[name]}" for name in Settings.model_fields
        ]


def load_settings(start: Path, environ: Mapping[str, str], options: Mapping[str, Any]) -> LoadedSettings:
    """Merge the three layers.

    Args:
        start: The folder from which to look for qtgen.toml, upwards.
        environ: The environment variables.
        options: Values from the command line, by setting; None stands for an option that was not given.

    Raises:
        SettingsError: It names the origin of the value, the setting, what is wrong and the remedy.
    """
    merged: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, DEFAULT)
    file = find_settings_file(start)
    layers = [] if file is None else [(str(file), read_settings_file(file))]
    layers.append((_ENVIRONMENT, _from_environment(environ)))
    layers.append((_COMMAND_LINE, {name: value for name, value in options.items() if value is not None}))
    for origin, layer in layers:
        merged |= layer
        origins |= {name: _origin_name(origin, name, environ) for name in layer}
    try:
        return LoadedSettings(Settings.model_validate(merged), origins)
    except ValidationError as error:
        raise _settings_error(error.errors()[0], origins) from None


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a warning for each environment variable that looks like a setting but is none."""
    names = [_PREFIX + name.upper() for name in Settings.model_fields if name not in FILE_ONLY]
    for variable in environ:
        if variable.startswith(_PREFIX) and variable not in (*names, *_NO_SETTINGS):
            name = variable.removeprefix(_PREFIX).lower()
            if name in FILE_ONLY:
                yield f"{variable} has no effect; set `{name}` in {FILE_NAME}"
            else:
                hint = did_you_mean(variable, names, cutoff=0.9)  # all of them begin alike
                yield f"{variable} is not a setting" + (f"; {hint}" if hint else "")


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        text = environ.get(_PREFIX + name.upper()) or environ.get(_OPENAI_NAMES.get(name, ""))
        if not text or name in FILE_ONLY:
            continue
        if name == "plugins":
            values[name] = tuple(path for path in text.split(os.pathsep) if path)
        else:
            values[name] = (text,) if name in ("questions", "subjects") else text
    return values


def _origin_name(origin: str, name: str, environ: Mapping[str, str]) -> str:
    if origin != _ENVIRONMENT:
        return origin
    variable = _PREFIX + name.upper()
    return f"{_ENVIRONMENT} {variable if environ.get(variable) else _OPENAI_NAMES[name]}"


def _settings_error(error: ErrorDetails, origins: Mapping[str, str]) -> SettingsError:
    name = str(error["loc"][0])
    origin = origins.get(name, FILE_NAME)
    message, remedy = _message_and_remedy(error)
    if origin == _COMMAND_LINE:
        return SettingsError(message, setting=name, remedy=remedy)
    if origin.startswith(f"{_ENVIRONMENT} "):
        return SettingsError(f"{origin}: {message}", remedy=remedy)
    return SettingsError(message, path=origin, field=dotted_path(error["loc"]), remedy=remedy)


def _message_and_remedy(error: ErrorDetails) -> tuple[str, str | None]:
    name, *keys = map(str, error["loc"])
    if name in NAMED_TABLES and (path := unquoted_path(error)):
        return "lacks the quotes around a name that contains a dot", f"write [{path}]"
    if error["type"] == "extra_forbidden":
        known = (TABLES[name] if keys else Settings).model_fields
        hint = did_you_mean(keys[-1] if keys else name, known)
        return "unknown setting", hint or f"the settings {'here ' if keys else ''}are {', '.join(known)}"
    if name == "per_path" and error["type"] == "model_type" and keys[0] in PathSettings.model_fields:
        return "belongs in the table of a pattern", 'write [per_path."content/old/*"] above it'
    is_secret = name in _NOT_SHOWN or (name == "base_url" and masked_address(str(error["input"])) != error["input"])
    is_shown = not is_secret and error["type"] != UNKNOWN_KEYWORD
    return expectation(error, show_value=is_shown), suggestion(error)
