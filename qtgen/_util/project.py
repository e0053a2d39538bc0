"""Find the project: the folder of the nearest qtgen.toml."""

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
