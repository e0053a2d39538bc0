"""What some models need from the start: a data file that ships with qtgen."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from qtgen.llm.dialect.value import NO_DIALECT, Dialect

FILE = Path(__file__).with_name("models.toml")
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class _ModelEntry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    names: tuple[str, ...]
    omit: tuple[str, ...] = ()
    rename: Mapping[str, str] = {}
    fields: Mapping[str, str | bool | int | float] = {}
    token_factor: float | None = None
    merge_system: bool = False


class _ModelList(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    models: tuple[_ModelEntry, ...]


def model_dialect(model: str) -> Dialect:
    """Return what a model needs, at any endpoint. A vendor before its name, a date and a variant do not count."""
    name = _DATE.sub("", model.rpartition("/")[2].partition(":")[0])
    return _shipped().get(name, NO_DIALECT)


@cache
def _shipped() -> Mapping[str, Dialect]:
    entries = _ModelList.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8"))).models
    return {name: _dialect(entry) for entry in entries for name in entry.names}


def _dialect(entry: _ModelEntry) -> Dialect:
    return Dialect(
        omit=entry.omit,
        rename=tuple(entry.rename.items()),
        fields=tuple(entry.fields.items()),
        merge_system=entry.merge_system,
        token_factor=entry.token_factor,
    )
