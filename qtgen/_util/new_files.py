# ruff: noqa: PTH103, PTH108, PTH110, PTH118, PTH120 - a Path object is slow for every page
"""Write many new files: each beside its final place, with one wait for the disk for all of them.

Paths are plain strings here. `files.publish_if_absent` lets a file appear under its name.
"""

import contextlib
import itertools
import os
import sys
from pathlib import Path

from qtgen._util.files import as_output_error
from qtgen._util.leftovers import SUFFIX, remove_leftovers_once, temporary_prefix

try:
    import fcntl
except ImportError:  # Windows; see `files`
    fcntl = None  # type: ignore[assignment]

_NEW = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_MODE = 0o666  # the process's mask takes its part away
_SYNCS_ALL = sys.platform == "linux"  # see `files.sync_all`
_numbers = itertools.count()
_prepared: set[str] = set()  # folders that exist and are free of leftovers


def stage_new(path: str, contents: bytes, *, sync: bool) -> str:
    """Write a temporary file beside `path`, and return its path. Its folder is created.

    Without `sync`, `files.sync_all` waits for the disk, which it must do before the file appears under its name. Raises
    OutputError, and then leaves no file.
    """
    try:
        temporary, descriptor = _create_beside(path)
    except OSError:
        with as_output_error(Path(path)):
            raise
    try:
        try:
            _write_all(descriptor, contents)
            if sync or not _SYNCS_ALL:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        remove(temporary)
        with as_output_error(Path(path)):
            raise
    return temporary


def lock_new_marker(path: str) -> tuple[int, bool]:
    """Do what `files.locked_marker` does, until the descriptor that is returned is closed.

    Also return whether the file was there already. Raises OutputError.
    """
    try:
        descriptor, was_there = _open_marker(path)
    except OSError:
        with as_output_error(Path(path)):
            raise
    if fcntl:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor, was_there


def exists(path: str) -> bool:
    return os.path.exists(path)


def remove(path: str) -> None:
    """Remove a file if it is there and can be removed."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def _create_beside(path: str) -> tuple[str, int]:
    """Create an empty temporary file, and return its path and its descriptor."""
    folder, name = os.path.split(path)
    prefix = os.path.join(folder, temporary_prefix(name))
    while True:
        temporary = f"{prefix}{next(_numbers):08x}{SUFFIX}"
        if folder not in _prepared:
            os.makedirs(folder or ".", exist_ok=True)
            remove_leftovers_once(Path(folder))
        try:
            descriptor = os.open(temporary, _NEW, _MODE)
        except FileNotFoundError:
            if folder not in _prepared:
                raise
            _prepared.discard(folder)  # it was removed meanwhile
        except FileExistsError:  # an earlier process had the same id
            continue
        else:
            _prepared.add(folder)
            return temporary, descriptor


def _open_marker(path: str) -> tuple[int, bool]:
    while True:
        try:
            return os.open(path, _NEW, _MODE), False
        except FileExistsError:
            with contextlib.suppress(FileNotFoundError):  # another run has removed the file or its folder just now
                return os.open(path, os.O_RDWR), True  # for a lock on a network file system
        except FileNotFoundError:  # the folder is new, or another run has removed the empty folder just now
            os.makedirs(os.path.dirname(path), exist_ok=True)


def _write_all(descriptor: int, contents: bytes) -> None:
    remaining = memoryview(contents)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]
