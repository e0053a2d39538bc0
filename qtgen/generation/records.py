"""Records about pages: one JSON file for each page, in a folder that mirrors the folder of the pages."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qtgen._util.files import as_output_error, hide_from_git, staged_file


class RecordFolder:
    """A folder with at most one record for each page. A new record replaces the old one. Git ignores the folder.

    Args:
        folder: The folder of the records.
        root: The output folder. A page outside of it keeps its subject and its name.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self._root = root
        self._places: dict[str, str] = {}  # by the folder of a page

    def path_of(self, page: str) -> Path:
        """Return where the record of a page is."""
        return self.folder / self.place_of(page)

    def place_of(self, page: str) -> str:
        """Return where the record of a page is within the folder. It is the same in each folder of an output folder."""
        folder, name = os.path.split(page)
        if name == ".md" or not name.endswith(".md"):
            return str(self._place(page))
        if folder not in self._places:  # Path objects are slow for every page
            parent = self._place(page).parent
            self._places[folder] = f"{parent}{os.sep}" if parent.name else ""
        return f"{self._places[folder]}{name.removesuffix('.md')}.json"

    def _place(self, page: str) -> Path:
        path = Path(page)
        inside = path.relative_to(self._root) if path.is_relative_to(self._root) else Path(*path.parts[-2:])
        if ".." in inside.parts or inside.is_absolute():
            inside = Path(path.name)
        return inside.with_suffix(".json")

    def has(self, page: str) -> bool:
        """Return whether there is a record of a page."""
        return self.path_of(page).exists()

    def paths(self) -> Iterator[Path]:
        """Yield the files of all records."""
        yield from self.folder.rglob("*.json")

    def read(self, page: str) -> dict[str, Any] | None:
        """Return the record of a page. Return None if there is none, or if it is no JSON object."""
        try:
            record = json.loads(self.path_of(page).read_bytes())
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    def text(self, page: str) -> str | None:
        """Return the record of a page as it was saved. Return None if it cannot be read."""
        try:
            return self.path_of(page).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None

    def save(self, page: str, record: str, saved_at: float | None = None) -> Path:
        """Save the record of a page, atomically. Raises OutputError.

        Args:
            page: The page's file.
            record: The text of the record.
            saved_at: The time to set for the file; None for now.
        """
        path = self.path_of(page)
        hide_from_git(self.folder)
        with staged_file(path, record) as temporary, as_output_error(path):
            if saved_at is not None:
                os.utime(temporary, (saved_at, saved_at))
            temporary.replace(path)
        return path

    def saved_at(self, page: str) -> float | None:
        """Return when the record of a page was saved, or None if there is none."""
        try:
            return self.path_of(page).stat().st_mtime
        except OSError:
            return None

    def restore(self, page: str, record: str | None, saved_at: float | None = None) -> None:
        """Save the record of a page, or remove it if `record` is None. Raises OutputError."""
        if record is None:
            self.remove(page)
        elif record != self.text(page):
            self.save(page, record, saved_at)

    def remove(self, page: str) -> None:
        """Remove the record of a page. A record that cannot be removed stays, because it does no harm."""
        with contextlib.suppress(OSError):
            self.path_of(page).unlink(missing_ok=True)


def record_text(record: dict[str, Any]) -> str:
    """Return a record as the text of its file."""
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"
