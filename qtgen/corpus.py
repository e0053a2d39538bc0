"""A folder of pages: which files are pages, and reading them."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from qtgen.errors import UsageError
from qtgen.page import Page, read, too_large, unreadable
from qtgen.page.read import MAX_BYTES


class FileEntry(NamedTuple):
    """A file as its folder lists it. size in bytes, -1: no regular file, or not known; mtime in nanoseconds."""

    path: str
    size: int = -1
    mtime: int = 0


def page_entries(paths: Iterable[Path]) -> Iterator[FileEntry]:
    """The pages under `paths`, each once, sorted by path: a file as it is, a folder's `*.md` at any depth.

    Hidden files and folders are passed over. Links to folders are not followed, so a loop of links ends.
    Raises UsageError for a path that is not there, and for a folder without pages when it comes to it.
    """
    roots = [_root(path) for path in dict.fromkeys(paths)]
    folders = {root for root in roots if root.endswith("/")}
    for root in sorted(roots):
        if any(root != folder and root.startswith(folder) for folder in folders):
            continue  # comes with its folder
        if not root.endswith("/"):
            yield _entry(root)
            continue
        empty = True
        for entry in _walk(root.removeprefix("./")):
            empty = False
            yield entry
        if empty:
            raise UsageError(f"{root.rstrip('/') or '/'}: no pages (*.md) in this folder")


def pages_in(folder: Path) -> list[str]:
    """The pages of one folder, in order; none is no error."""
    return [entry.path for entry in _walk(_root(folder).removeprefix("./"))] if folder.is_dir() else []


def _root(path: Path) -> str:
    """A folder ends in `/`, so that names sort as whole paths do."""
    if path.is_dir():
        return path.as_posix().rstrip("/") + "/"
    if path.exists() or path.is_symlink():
        return path.as_posix()
    raise UsageError(f"{path}: no such file or folder")


def _walk(folder: str) -> Iterator[FileEntry]:
    """folder: ends in `/`, or is empty for the current one."""
    try:
        with os.scandir(folder or ".") as listing:
            inside = [
                (entry.name + "/" * entry.is_dir(follow_symlinks=False), entry)
                for entry in listing
                if not entry.name.startswith(".")
            ]
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None
    inside.sort()
    for name, entry in inside:
        if name.endswith("/"):
            yield from _walk(folder + name)
        elif name.endswith(".md"):
            yield _entry(folder + name, entry)


def _entry(path: str, listed: "os.DirEntry[str] | None" = None) -> FileEntry:
    try:
        known = listed.stat() if listed else os.stat(path)  # noqa: PTH116 - a Path would cost more than the call
    except OSError:
        return FileEntry(path)
    if not stat.S_ISREG(known.st_mode):
        return FileEntry(path)
    return FileEntry(path, known.st_size, known.st_mtime_ns)


def page_bytes(path: str, size: int = -1) -> bytes:
    """What stands in the file at `path`, up to one byte more than a page may have. Raises OSError.

    size: as its folder lists it; -1: not known. What is no regular file is not opened, for opening a pipe would wait
    for ever.
    """
    if size < 0 and not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - the path as it was given
        raise OSError("not a regular file")
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - half the time of Path.read_bytes
        return file.read(MAX_BYTES + 1)


def read_page(path: str, size: int = -1) -> Page:
    """Read the page at `path`; a file that cannot be read is a page with that problem. size: as in `page_bytes`."""
    if size > MAX_BYTES:
        return too_large(size)
    try:
        return read(page_bytes(path, size))
    except OSError as error:
        return unreadable(error.strerror or str(error))


def highest_id(paths: Iterable[str]) -> int:
    """The highest id among the pages at `paths`; 0 where none has one."""
    ids = (read_page(path).values.get("id") for path in paths)
    return max((value for value in ids if isinstance(value, int)), default=0)
