"""Model prices: a data file that ships with qtgen, and the project's own, which take precedence."""

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
    """A price file. `as_of` is the day on which its prices were looked up, at `source`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    as_of: str
    source: str
    models: Mapping[str, Price]


@cache
def shipped(file: Path = FILE) -> PriceList:
    """Return the prices that ship with qtgen. Raises SettingsError as `read` does."""
    return read(file)


def read(file: Path) -> PriceList:
    """Read a price file. Raises SettingsError with the file and the field that is wrong."""
    try:
        return PriceList.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(first["msg"].lower(), path=file, field=".".join(map(str, first["loc"]))) from None
    except (OSError, ValueError) as error:
        raise SettingsError(str(error), path=file) from None


def price_of(model: str, own_prices: Mapping[str, Price]) -> Price | None:
    """Return the price of a model, or None if it is unknown.

    The price of the exact name counts first, then that of the name without a date (`gpt-4o-2024-08-06`). For each of
    them the project's own price comes before the shipped one.
    """
    prices = shipped().models
    undated = _DATE.sub("", model)
    return own_prices.get(model) or prices.get(model) or own_prices.get(undated) or prices.get(undated)
