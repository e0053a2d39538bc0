"""A folder of pages: which files are pages, and what they hold that others need to know."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from qtgen.errors import UsageError
from qtgen.page import Page, read, unreadable


def page_paths(paths: Iterable[Path]) -> list[Path]:
    """The pages under `paths`: a file as it is, a folder's `*.md` at any depth but in hidden folders.

    Links to folders are not followed, so a loop of links ends. Raises UsageError for a path that is not there and
    for a folder without pages.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = pages_in(path)
            if not inside:
                raise UsageError(f"{path}: no pages (*.md) in this folder")
            found.update(dict.fromkeys(inside))
        elif path.exists() or path.is_symlink():
            found[path] = None
        else:
            raise UsageError(f"{path}: no such file or folder")
    return list(found)


def pages_in(folder: Path) -> list[Path]:
    """The pages of one folder, in order; none is no error."""
    return sorted(_walk(folder), key=str)


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(root, name) for name in files if name.endswith(".md") and not name.startswith("."))


def read_page(path: Path) -> Page:
    """Read the page at `path`; a file that cannot be read is a page with that problem."""
    try:
        return read(path.read_bytes())
    except OSError as error:
        return unreadable(error.strerror or str(error))


def highest_id(paths: Iterable[Path]) -> int:
    """The highest id among the pages at `paths`; 0 where none has one."""
    ids = (read_page(path).values.get("id") for path in paths)
    return max((value for value in ids if isinstance(value, int)), default=0)
