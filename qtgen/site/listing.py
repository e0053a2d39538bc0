"""List the pages below a folder."""

import os
import stat
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qtgen.errors import UsageError
from qtgen.site.site_pages import PageBatch

OnUnusable = Callable[[UsageError], object]
"""Called with the error of a path that cannot be used, if the other paths are still used."""

UNKNOWN_STATE = (-1, 0)
"""The state of what is no regular file, or of a file that was not looked at."""

BATCH_SIZE = 1_000
"""The number of pages of a batch, at most."""


def raise_error(error: UsageError) -> None:
    """Raise the error of a path that cannot be used."""
    raise error


def walk(top: str, on_unusable: OnUnusable = raise_error) -> Iterator[PageBatch]:
    """Yield the batches below a folder, which ends in `/` or is empty for the current one."""
    open_folders = [_entries(top)]
    while open_folders:
        try:
            entry = next(open_folders[-1], None)
        except UsageError as error:
            on_unusable(error)
            entry = None
        if entry is None:
            open_folders.pop()
        elif isinstance(entry, PageBatch):
            yield entry
        else:
            open_folders.append(_entries(entry))


def _entries(folder: str) -> Iterator[PageBatch | str]:
    """Yield what a folder contains, in order: batches of pages, and the paths of folders."""
    try:
        folders, pages = _list(folder)
    except OSError as error:
        raise UsageError(error.strerror or str(error), path=folder) from None
    names, start = sorted(pages), 0
    for inner in sorted(folders):
        end = bisect_left(names, inner)
        yield from _batches(folder, names[start:end], pages)
        yield folder + inner
        start = end
    yield from _batches(folder, names[start:], pages)


def _batches(folder: str, names: list[str], states: dict[str, tuple[int, int]]) -> Iterator[PageBatch]:
    for start in range(0, len(names), BATCH_SIZE):
        some = names[start : start + BATCH_SIZE]
        yield PageBatch(folder, some, [states[name] for name in some], True)


def _list(folder: str) -> tuple[list[str], dict[str, tuple[int, int]]]:
    """Return the folders in a folder, each with `/` at its end, and the states of its pages by name. Raises OSError."""
    folders: list[str] = []
    pages: dict[str, tuple[int, int]] = {}
    with _open_folder(folder) as opened, os.scandir(opened) as scan:
        for entry in scan:
            name = entry.name
            if name.startswith("."):
                continue
            if name.endswith(".md") and (state := state_of(entry)) is not UNKNOWN_STATE:
                pages[name] = state
            elif entry.is_dir(follow_symlinks=False):
                folders.append(name + "/")
            elif name.endswith(".md"):
                pages[name] = UNKNOWN_STATE
    return folders, pages


@contextmanager
def _open_folder(folder: str) -> Iterator[int | str]:
    """Open a folder, because the files in it are then found a little faster. Some systems need its path instead."""
    if os.scandir not in os.supports_fd:
        yield folder or "."
        return
    descriptor = os.open(folder or ".", os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def state_of(file: "os.DirEntry[str] | Path") -> tuple[int, int]:
    """Return the state of a file. See `PageBatch`."""
    try:
        status = file.stat()
    except OSError:
        return UNKNOWN_STATE
    if not stat.S_ISREG(status.st_mode):
        return UNKNOWN_STATE
    modified, changed = status.st_mtime_ns, status.st_ctime_ns  # copying a file can keep one, but not both
    return status.st_size, modified if modified > changed else changed
