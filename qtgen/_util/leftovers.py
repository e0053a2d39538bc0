"""Temporary files beside others, and the removal of those that a killed process left behind.

A name tells which process of which machine the file belongs to: `.page.md.qtgen-0123456789abcdef-4711-x8k2_p.tmp`.
"""

import contextlib
import os
import re
import secrets
import shutil
import stat
import sys
import time
from pathlib import Path
from typing import IO

from qtgen._util.machine import is_running, machine_id

SUFFIX = ".tmp"
_MARK = "qtgen"
_NAME = re.compile(rf"\..*\.{_MARK}-([0-9a-f]{{16}})-(\d{{1,10}})-[a-z0-9_]{{8}}\{SUFFIX}", re.DOTALL)
_OLD = 24 * 3600.0  # seconds after which a file counts as left behind if its process cannot be checked
_CREATE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
PRIVATE_MODE = 0o600  # only the owner may read the file
NEW_FILE_MODE = 0o666  # less what the process's mask and the folder's access list take away
_searched: set[str] = set()  # folders, by this process


def temporary_prefix(name: str) -> str:
    """Return how the name of a temporary file or folder for `name` begins. It is hidden."""
    return f".{name[:40]}.{_MARK}-{machine_id()}-{os.getpid()}-"


def write_beside(path: str, contents: bytes, *, sync: bool, mode: int = PRIVATE_MODE) -> str:
    """Write a file in the folder of `path`, and return its path. Raises OSError, and then leaves no file.

    Temporary files that killed processes left in the folder are removed.

    Args:
        sync: Whether to wait until the contents are on the disk.
        mode: The permissions of the file.
    """
    folder, name = os.path.split(path)
    remove_leftovers_once(folder)
    descriptor, temporary = _create(os.path.join(folder, temporary_prefix(name)), mode)  # noqa: PTH118 - Path objects are slow
    try:
        with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - as above
            write_whole(file, contents)
            if sync:
                os.fsync(descriptor)
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108 - as above
        raise
    return temporary


def write_whole(file: IO[bytes], contents: bytes) -> None:
    """Write all of `contents` to a file without a buffer, of which one write may take only a part."""
    remaining = memoryview(contents)
    while remaining:
        remaining = remaining[file.write(remaining) :]


def _create(prefix: str, mode: int) -> tuple[int, str]:
    """Create a file with a new name, and return its descriptor and its path."""
    while True:
        path = f"{prefix}{secrets.token_hex(4)}{SUFFIX}"
        with contextlib.suppress(FileExistsError):
            return os.open(path, _CREATE_FLAGS, mode), path


def remove_leftovers_once(folder: Path | str) -> None:
    """Do what `remove_leftovers` does, once for each folder in the life of this process."""
    path = os.path.abspath(folder)  # noqa: PTH100 - a Path object is slow for every page
    if path not in _searched:
        _searched.add(path)
        remove_leftovers(path)


def remove_leftovers(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary files and folders in a folder whose process is dead.

    If a file belongs to another machine, or to this one before its last boot, its age decides, because qtgen cannot
    check whether that process is alive. Files that cannot be listed or removed stay.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX) and (match := _NAME.fullmatch(entry.name)):
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if _is_left_behind(match[1], int(match[2]), status.st_mtime):
                        _remove(entry.path, status.st_mode)


def _remove(path: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        shutil.rmtree(path, ignore_errors=True)
    elif stat.S_ISREG(mode):
        os.unlink(path)  # noqa: PTH108 - as in `remove_leftovers_once`


def _is_left_behind(machine: str, pid: int, changed: float) -> bool:
    if machine == machine_id() and sys.platform != "win32":  # on Windows, `os.kill` would end the process
        return not is_running(pid)
    return time.time() - changed > _OLD
