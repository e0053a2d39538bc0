"""qtgen.toml < environment < command line -> one frozen object that knows where each value came from.

The environment names are `QTGEN_` + the field in capitals; the `openai` package's own `OPENAI_API_KEY` and
`OPENAI_BASE_URL` are read too. A key belongs in the environment only: a file is committed, a command line is listed.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from qtgen.errors import SettingsError

FILE_NAME = "qtgen.toml"
_PREFIX = "QTGEN_"
_OPENAI_NAMES = {"api_key": "OPENAI_API_KEY", "base_url": "OPENAI_BASE_URL"}
_FILE_ONLY = frozenset({"prices", "request", "headers", "per_path"})
_SECRET = frozenset({"api_key"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _split(value: object) -> object:
    """`a,b` and `a b` from the environment or an option are lists."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Price(BaseModel):
    """US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class PathSettings(BaseModel):
    """Which rules hold for pages whose path matches a pattern."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    select: Words = ()
    ignore: Words = ()


def _usable_key(value: object) -> object:
    """A key from a file often ends in a newline; one with other odd characters cannot be sent."""
    if not isinstance(value, str):
        return value
    key = value.strip()
    if not key.isascii() or not key.isprintable():
        raise ValueError("holds a character that no key has")
    return key


def _usable_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("must be an address such as http://localhost:8000/v1")
    if parts.username or parts.password:
        raise ValueError("must not hold a password; set OPENAI_API_KEY")
    return value


def _usable_headers(value: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers if they can be sent. An error names the header, never its value."""
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a header name")
        if not text.isprintable():
            raise ValueError(f"the value of {name} contains a character that no header can hold")
    return value


class Settings(BaseModel):
    """What is in force. Every field can stand in qtgen.toml under its own name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str | None = Field(
        None, description="where completions come from: `openai`, `local`, or a plugin's provider"
    )
    model: Words = Field((), description="model name at the endpoint; further ones are asked where it fails")
    base_url: Annotated[str, AfterValidator(_usable_address)] | None = Field(
        None, description="address of an OpenAI-compatible endpoint"
    )
    api_key: Annotated[SecretStr, BeforeValidator(_usable_key)] | None = Field(
        None, description="its key; from the environment only"
    )
    local_model: Path | None = Field(None, description="a GGUF file to use instead of the embedded model")
    temperature: float | None = Field(None, ge=0, le=2, description="sampling temperature; else the prompt's own")
    max_tokens: int | None = Field(None, gt=0, description="longest answer in tokens; else the prompt's own")
    timeout: float = Field(120.0, gt=0, allow_inf_nan=False, description="seconds to wait for one answer")
    tries: int = Field(
        5,
        ge=1,
        le=20,
        description="how often one request is sent when the endpoint fails; up to six times as often on a 429",
    )
    repairs: int = Field(3, ge=0, le=10, description="how often an answer with faults is asked for again")
    schema_lengths: bool = Field(True, description="send string lengths in the JSON Schema; some endpoints refuse them")
    request: Mapping[str, Any] = Field({}, description="more fields of the request, as the endpoint knows them")
    headers: Annotated[Mapping[str, str], AfterValidator(_usable_headers)] = Field(
        {}, repr=False, description="further headers of each request: `[headers]`; `$NAME` is an environment variable"
    )
    concurrency: int | None = Field(
        None, ge=1, le=1000, description="requests in flight at most; else 64, or 2 for local"
    )
    rpm: float | None = Field(None, gt=0, allow_inf_nan=False, description="requests a minute at most")
    tpm: float | None = Field(None, gt=0, allow_inf_nan=False, description="tokens a minute at most")
    budget: float | None = Field(None, gt=0, allow_inf_nan=False, description="US dollars that a run may cost at most")
    ledger: str = Field(
        ".qtgen/ledger.sqlite", description="where every request is kept: a file, or a URL such as postgresql://…"
    )
    on_duplicate: Literal["skip", "keep", "fail"] = Field(
        "keep", description="what becomes of a question that is nearly another one"
    )
    questions: tuple[Path, ...] = Field((), description="question files for `generate` where none is named")
    out: Path = Field(Path("outputs"), description="where pages are written")
    corpus: Path | None = Field(None, description="the site's pages; ids go on from the highest there")
    subject: str | None = Field(None, description="subject of questions that name none")
    subjects: tuple[str, ...] = Field((), description="subjects to know besides the built-in ones")
    prompt: str | None = Field(None, description="one prompt for every question; else by the question's kind")
    prompts: Path = Field(Path("prompts"), description="folder of the project's own prompts")
    select: Words = Field((), description="rule codes to check, or their beginnings; else all")
    ignore: Words = Field((), description="rule codes not to check, or their beginnings")
    per_path: Mapping[str, PathSettings] = Field(
        {}, description='`select` and `ignore` for paths: `[per_path."content/old/*"]`; `*` matches `/` too'
    )
    prices: Mapping[str, Price] = Field(
        {},
        description='US dollars per million tokens, by model: `[prices."gpt-4.1"]` with `input`, `output` and, '
        "where tokens that the endpoint had in its cache cost less, `cached_input`",
    )


_PATHS = frozenset({"out", "corpus", "prompts", "local_model", "questions"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and for every field a word on where its value came from."""

    settings: Settings
    origins: Mapping[str, str]

    def lines(self) -> list[str]:
        """One line a field, secrets never in clear."""
        values = self.settings.model_dump()
        return [
            f"{name:<14} = {_show(name, values[name]):<24} # {self.origins[name]}" for name in Settings.model_fields
        ]


def load(start: Path, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Loaded:
    """Merge the three layers; `flags` are options that were given.

    Raises SettingsError, naming origin, field and what is expected.
    """
    merged: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    file = find_file(start)
    layers = [] if file is None else [(f"{file}", _read_file(file))]
    layers.append(("environment", _from_environment(environ)))
    layers.append(("command line", {name: value for name, value in flags.items() if value is not None}))
    for origin, layer in layers:
        merged |= layer
        origins |= {name: _origin_name(origin, name, environ) for name in layer}
    try:
        return Loaded(Settings.model_validate(merged), origins)
    except ValidationError as error:
        raise SettingsError(_explain(error, origins)) from None


def unknown_names(environ: Mapping[str, str]) -> Iterator[str]:
    """A line for each variable that looks like a setting and is none."""
    names = [_PREFIX + name.upper() for name in Settings.model_fields if name not in _FILE_ONLY]
    for given in environ:
        if given.startswith(_PREFIX) and given not in names:
            near = get_close_matches(given, names, n=1, cutoff=0.9)  # all begin alike
            yield f"{given} is no setting" + (f"; did you mean {near[0]}?" if near else " of the environment")


def find_file(start: Path) -> Path | None:
    """The nearest qtgen.toml, upwards."""
    folders = [start.absolute(), *start.absolute().parents]
    return next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).is_file()), None)


def project_folder() -> Path:
    """The folder of the nearest qtgen.toml, or the current one: where a project's cache and ledger lie."""
    file = find_file(Path.cwd())
    return file.parent if file else Path.cwd()


def _read_file(file: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{file}: {error}") from None
    for name in _SECRET & table.keys():
        raise SettingsError(f"{file}: `{name}` does not belong in a file; set {_OPENAI_NAMES[name]} in the environment")
    return {name: _under(file.parent, value) if name in _PATHS else value for name, value in table.items()}


def _under(folder: Path, value: object) -> object:
    """A path in qtgen.toml is relative to that file, wherever qtgen is started."""
    if isinstance(value, list):
        return [_under(folder, item) for item in value]
    return _shortest(folder / value) if isinstance(value, str) else value


def _shortest(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in Settings.model_fields:
        own = environ.get(_PREFIX + name.upper()) or environ.get(_OPENAI_NAMES.get(name, ""))
        if own and name not in _FILE_ONLY:
            found[name] = (own,) if name in ("questions", "subjects") else own
    return found


def _origin_name(origin: str, name: str, environ: Mapping[str, str]) -> str:
    if origin != "environment":
        return origin
    own = _PREFIX + name.upper()
    return f"environment {own if environ.get(own) else _OPENAI_NAMES[name]}"


_PLAIN = {  # for what pydantic says in Python's words
    "model_type": "must be a table, [name] with fields of its own",
    "dict_type": "must be a table, [name] with fields of its own",
    "tuple_type": 'must be a list, ["…"]',
}


_INNER: Mapping[str, type[BaseModel]] = {"prices": Price, "per_path": PathSettings}


def _torn_name(error: ErrorDetails) -> str:
    """A model's name that TOML took for a path of tables; empty if it is none."""
    parts, table = [str(error["loc"][1])], error["input"]
    while isinstance(table, Mapping) and (inner := [key for key, of in table.items() if isinstance(of, Mapping)]):
        parts.append(inner[0])
        table = table[inner[0]]
    return ".".join(parts) if len(parts) > 1 else ""


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0])
    where = ".".join(str(part) for part in first["loc"])
    if name == "prices" and first["type"] == "missing" and (dotted := _torn_name(first)):
        return f'{origins.get(name, FILE_NAME)}: quote a model\'s name that has a dot: [prices."{dotted}"]'
    if first["type"] == "extra_forbidden":
        names = _INNER[name].model_fields if len(first["loc"]) > 1 and name in _INNER else Settings.model_fields
        near = get_close_matches(str(first["loc"][-1]), names, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(names)}"
        return f"{origins.get(name, FILE_NAME)}: unknown setting `{where}`; {hint}"
    given = "" if name in _SECRET or name == "headers" or "password" in first["msg"] else f" (is {first['input']!r})"
    message = _PLAIN.get(first["type"], first["msg"].removeprefix("Value error, "))
    return f"{origins.get(name, FILE_NAME)}: `{where}`: {message[0].lower()}{message[1:]}{given}"


def _show(name: str, value: object) -> str:
    if name in _SECRET:
        return "(set)" if value else "(not set)"
    if name in ("request", "headers") and isinstance(value, Mapping):  # a value may be a key
        return "{" + ", ".join(value) + "}"
    if name == "ledger":  # a database's address may hold a password
        return re.sub(r"//[^@/]*@", "//***@", str(value))
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return "(not set)" if value is None else str(value)
