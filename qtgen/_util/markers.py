"""Marker files: each one is held by one process or thread at a time, and stays if that is killed."""

import contextlib
from pathlib import Path
from typing import IO

from qtgen._util.files import as_output_error

try:
    import fcntl
except ImportError:  # Windows, where several processes may hold a marker
    fcntl = None  # type: ignore[assignment]


def lock_marker(path: str, *, wait: bool) -> tuple[IO[bytes], bool] | None:
    """Create an empty file, which is held until the file that is returned is closed or the process ends.

    Also return whether the file was there already: another process had it, or left it behind. Return None if it is held
    and `wait` is false. Raises OutputError.
    """
    with as_output_error(path):
        file, is_new = _open(path)
    if fcntl:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        except OSError:  # a file system without locks
            pass
    return file, not is_new


def _open(path: str) -> tuple[IO[bytes], bool]:
    while True:
        try:
            return open(path, "xb", buffering=0), True  # noqa: PTH123 - Path objects are slow
        except FileExistsError:
            with contextlib.suppress(FileNotFoundError):  # another run has removed the file or its folder just now
                return open(path, "r+b", buffering=0), False  # noqa: PTH123 - as above; writable for network locks
        except FileNotFoundError:  # the folder is new, or another run has removed the empty folder just now
            Path(path).parent.mkdir(parents=True, exist_ok=True)
