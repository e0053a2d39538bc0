"""Read qtgen.toml."""

import tomllib
from pathlib import Path
from typing import Any

from qtgen._util.project import names_model, paths_below
from qtgen.errors import SettingsError

_PATHS = frozenset({"out", "corpus", "prompts", "local_model", "questions", "plugins", "site"})


def read_settings_file(file: Path) -> dict[str, Any]:
    """Return the settings in a file, with paths below its folder. Raises SettingsError."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror or error}", path=file) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"is not valid TOML: {error}", path=file) from None
    if "api_key" in table:
        remedy = "set OPENAI_API_KEY in the environment"
        raise SettingsError("does not belong in a file", path=file, field="api_key", remedy=remedy)
    folder = file.parent
    paths = {name for name in _PATHS & table.keys() if name != "local_model" or not names_model(folder, table[name])}
    return {name: paths_below(folder, value) if name in paths else value for name, value in table.items()}
