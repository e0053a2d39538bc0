"""What a model costs, from one data file with its date; a project's own prices win."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from qtgen.errors import SettingsError
from qtgen.settings import Price

_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")
FILE = Path(__file__).parent / "prices.toml"


class PriceList(BaseModel):
    """as_of: the day the prices were looked up."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    as_of: str
    source: str
    models: Mapping[str, Price]


@cache
def shipped(file: Path = FILE) -> PriceList:
    """The prices that come with qtgen. Raises SettingsError, naming file and field."""
    return read(file)


def read(file: Path) -> PriceList:
    """A price file. Raises SettingsError, naming file and field."""
    try:
        return PriceList.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{file}: `{'.'.join(map(str, first['loc']))}`: {first['msg'].lower()}") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file}: {error}") from None


def price_of(model: str, own: Mapping[str, Price]) -> Price | None:
    """By the model's full name, else that of the model it is a dated version of; the project's own price first."""
    known = shipped().models
    undated = _DATE.sub("", model)
    return own.get(model) or known.get(model) or own.get(undated) or known.get(undated)
