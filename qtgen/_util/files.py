"""Write files atomically: a reader sees the old contents or the new ones, and never a part of either."""

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from qtgen._util.leftovers import NEW_FILE_MODE, PRIVATE_MODE, write_beside, write_whole
from qtgen.errors import OutputError, PageConflict, QtgenError

try:
    import fcntl
except ImportError:  # Windows, where two runs at once may both report that they replaced the same page
    fcntl = None  # type: ignore[assignment]

_T = TypeVar("_T")

SYNCS_ALL = sys.platform == "linux"
"""Whether `sync_all` waits for the disk. Elsewhere, `sync` may return earlier, or does not exist."""
_LOCK_ATTEMPTS = 10


@contextlib.contextmanager
def as_output_error(path: Path | str) -> Iterator[None]:
    """Turn an OSError into an OutputError that carries the path."""
    try:
        yield
    except OSError as error:
        output_error = OutputError(error.strerror or str(error), path=Path(path))
        output_error.is_disk_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise output_error from None


@contextlib.contextmanager
def staged_file(path: Path, text: str) -> Iterator[Path]:
    """Write `text` to a temporary file beside `path` that is ready to take its place.

    The file is on the disk and has the permissions of a new file. If it is still there at the end, it is removed.
    Raises OutputError if the folder cannot be written or the disk is full.
    """
    with as_output_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary_file(path, text.encode(), sync=True, mode=NEW_FILE_MODE) as temporary:
        yield temporary


@contextlib.contextmanager
def staged_bytes(path: Path, contents: bytes, *, is_private: bool = False) -> Iterator[Path]:
    """Do what `staged_file` does in an existing folder, and let `sync_all` wait for the disk, once for many files.

    Only its owner may read a private file.
    """
    mode = PRIVATE_MODE if is_private else NEW_FILE_MODE
    with _temporary_file(path, contents, sync=not SYNCS_ALL, mode=mode) as temporary:
        yield temporary


def sync_all() -> None:
    """Wait until everything that `staged_bytes` wrote is on the disk."""
    if SYNCS_ALL:
        os.sync()


@contextlib.contextmanager
def _temporary_file(path: Path, contents: bytes, *, sync: bool, mode: int = PRIVATE_MODE) -> Iterator[Path]:
    """Write a file beside `path`, and remove it at the end if it is still there."""
    with as_output_error(path):
        temporary = Path(write_beside(str(path), contents, sync=sync, mode=mode))
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def publish_if_absent(temporary: Path | str, path: Path | str) -> bool:
    """Let `path` appear with the contents of `temporary`, atomically. Return False if something exists there."""
    with as_output_error(path):
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links, where looking and moving are two steps
            if Path(path).exists():
                return False
            Path(temporary).replace(path)
        return True


def hide_from_git(folder: Path) -> None:
    """Let git ignore a folder and everything in it, by a file in it. Raises OutputError."""
    ignore_file = folder / ".gitignore"
    if not ignore_file.exists():
        with staged_file(ignore_file, "*\n") as temporary:
            publish_if_absent(temporary, ignore_file)


@contextlib.contextmanager
def _as_conflict(path: Path | str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise PageConflict("was deleted in the meantime; nothing was written to it", path=Path(path)) from None
    except OSError as error:
        raise PageConflict(error.strerror or str(error), path=Path(path)) from None


def check_replaceable(path: Path, before: bytes) -> int:
    """Return the permissions of the file at `path`.

    Raises PageConflict if `replace_file` would: the file is gone, is read-only, or no longer holds `before`.
    """
    with _as_conflict(path):
        mode = path.stat().st_mode
        contents = path.read_bytes()
    if contents != before:
        raise _changed(path)
    return _writable_permissions(path, mode)


def _changed(path: Path | str) -> PageConflict:
    return PageConflict("changed while it was being edited; nothing was written to it", path=Path(path))


def _writable_permissions(path: Path | str, mode: int) -> int:
    """Return the permissions in a file's mode. Raises PageConflict if the file is read-only."""
    if not mode & 0o222:  # a superuser can write to it all the same, so opening it would not tell
        raise PageConflict("is read-only; nothing was written to it", path=Path(path))
    return mode & 0o7777


def _read_locked(path: str) -> tuple[IO[bytes], int, bytes]:
    """Lock the file at `path`, and return it open with its mode and its contents.

    Raises OSError, and PageConflict if other files keep appearing at the path, or seem to: on some file systems, the
    number of a file changes.

    Of two runs that replace a page, the second waits and sees that it changed: by then, another file is at the path.
    """
    for _ in range(_LOCK_ATTEMPTS):
        file = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115 - Path objects are slow, and the caller closes it
        try:
            is_locked = _lock(file)
            status = os.fstat(file.fileno())
            if not is_locked or os.path.samestat(status, os.stat(path)):  # noqa: PTH116 - as above
                return file, status.st_mode, file.read()
        except BaseException:
            file.close()
            raise
        file.close()
    raise _changed(path)


def _lock(file: IO[bytes]) -> bool:
    """Wait for the lock of a file, and return whether there is one: some systems and file systems have no locks.

    Closing the file releases the lock, and so does the end of the process.
    """
    if not fcntl:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def replace_file(path: Path, before: bytes, after: bytes, before_replacing: Callable[[], None] | None = None) -> None:
    """Replace the contents of `path` atomically, keeping its permissions. A symbolic link stays one.

    Args:
        before: The contents that the edit is based on.
        after: The new contents.
        before_replacing: Called when everything is prepared and only the replacement itself remains.

    Raises:
        PageConflict: The file is gone, is read-only, or no longer holds `before`.
        OutputError: The new contents cannot be written.
    """
    target = path.resolve()
    with _temporary_file(target, after, sync=True) as temporary:
        _replace(_Replacement(str(path), str(target), str(temporary), before), before_replacing)


class _Replacement(NamedTuple):
    """New contents in a temporary file, ready to take the place of `target`, which `path` is or links to."""

    path: str
    target: str
    temporary: str
    before: bytes


def _replace(new: _Replacement, before_replacing: Callable[[], None] | None = None) -> None:
    path = new.path
    with _as_conflict(path):
        file, mode, contents = _read_locked(path)
    with file:
        if contents != new.before:
            raise _changed(path)
        permissions = _writable_permissions(path, mode)
        if before_replacing:
            before_replacing()
        if not fcntl:
            file.close()  # Windows cannot replace an open file
        with as_output_error(path):
            os.chmod(new.temporary, permissions)  # noqa: PTH101 - Path objects are slow
            os.replace(new.temporary, new.target)  # noqa: PTH105 - as above


def replace_files(pages: Iterable[tuple[Path | str, bytes, bytes]]) -> list[QtgenError | None]:
    """Do what `replace_file` does for many pages (path, before, after), with one wait for the disk on Linux.

    No page is replaced before the new contents of all pages are on the disk. Return the error of each page, or None;
    a page that fails does not hold up the others.
    """
    staged: list[_Replacement | QtgenError] = []
    try:
        for path, before, after in pages:
            staged.append(_result_or_error(_stage, str(path), before, after))
        sync_all()
        return [item if isinstance(item, QtgenError) else _result_or_error(_replace, item) for item in staged]
    finally:
        for item in staged:
            if isinstance(item, _Replacement):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(item.temporary)  # noqa: PTH108 - Path objects are slow


def _stage(path: str, before: bytes, after: bytes) -> _Replacement:
    """Write the new contents beside the page."""
    with as_output_error(path):
        target = os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114 - as in `replace_files`
        return _Replacement(path, target, write_beside(target, after, sync=not SYNCS_ALL), before)


def _result_or_error(function: Callable[..., _T], *args: Any) -> _T | QtgenError:
    try:
        return function(*args)
    except QtgenError as error:
        return error


def sync_folder(folder: Path) -> None:
    """Wait until the names of the files in a folder are on the disk, so that a power cut does not undo a replacement.

    Some file systems, and Windows, cannot do that.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def append_line(path: Path, line: str, *, sync: bool = True) -> None:
    """Append a whole line to `path`, even if other processes append to it too.

    If a crash cut the last line short, it stays a line of its own. `line` may be several lines. Raises OutputError; if
    they do not fit on the disk, no part of them stays.
    """
    with as_output_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b", buffering=0) as file:
            _lock(file)  # other processes and machines may append to it too
            contents = f"{line}\n".encode()
            size = file.seek(0, os.SEEK_END)
            if size and not _ends_in_newline(file):
                contents = b"\n" + contents
            try:
                write_whole(file, contents)
            except BaseException:
                _take_back(file, size)
                raise
            if sync:
                os.fsync(file.fileno())
        if sync and not size:
            sync_folder(path.parent)


def _take_back(file: IO[bytes], size: int) -> None:
    """Remove the part that was appended to a file, unless another process has appended more, for lack of locks."""
    with contextlib.suppress(OSError):
        if file.tell() == os.fstat(file.fileno()).st_size:
            file.truncate(size)


def _ends_in_newline(file: IO[bytes]) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
