"""Find the project, the folder of the nearest qtgen.toml, and the paths that the file contains."""

import tomllib
from functools import cache
from pathlib import Path

FILE_NAME = "qtgen.toml"
_MODELS = Path(__file__).parents[1] / "llm" / "local" / "models.toml"


def find_settings_file(start: Path) -> Path | None:
    """Return the nearest qtgen.toml, in `start` or above it, or None."""
    folders = [start.absolute(), *start.absolute().parents]
    return next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).is_file()), None)


def project_folder() -> Path:
    """Return the folder of the nearest qtgen.toml, or the current folder. It holds the cache and the ledger."""
    file = find_settings_file(Path.cwd())
    return file.parent if file else Path.cwd()


def names_model(folder: Path, value: object) -> bool:
    """Return True if the value of `local_model` is a name and not a path. A name of the table of models always is."""
    if not isinstance(value, str):
        return False
    if "/" in value or value.endswith(".gguf"):
        return False
    return value in _known_models() or not (folder / value).is_file()


@cache
def _known_models() -> frozenset[str]:
    return frozenset(tomllib.loads(_MODELS.read_text(encoding="utf-8"))["models"])


def paths_below(folder: Path, value: object) -> object:
    """Resolve a path, or each path of a list, relative to `folder`. Leave other values unchanged."""
    if isinstance(value, list):
        return [paths_below(folder, item) for item in value]
    return _shortest(folder / value) if isinstance(value, str) else value


def _shortest(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
