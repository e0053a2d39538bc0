"""Find the project, the folder of the nearest qtgen.toml, and the paths that the file contains."""

from pathlib import Path

FILE_NAME = "qtgen.toml"


def find_settings_file(start: Path) -> Path | None:
    """Return the nearest qtgen.toml, in `start` or above it, or None."""
    folders = [start.absolute(), *start.absolute().parents]
    return next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).is_file()), None)


def project_folder() -> Path:
    """Return the folder of the nearest qtgen.toml, or the current folder. It holds the cache and the ledger."""
    file = find_settings_file(Path.cwd())
    return file.parent if file else Path.cwd()


def names_model(folder: Path, value: object) -> bool:
    """Return True if the value of `local_model` is the name of a model and not a file."""
    if not isinstance(value, str):
        return False
    return "/" not in value and not value.endswith(".gguf") and not (folder / value).exists()


def paths_below(folder: Path, value: object) -> object:
    """Resolve a path, or each path of a list, relative to `folder`. Leave other values unchanged."""
    if isinstance(value, list):
        return [paths_below(folder, item) for item in value]
    return _shortest(folder / value) if isinstance(value, str) else value


def _shortest(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
