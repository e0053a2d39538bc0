"""Writing files so that they appear whole or not at all."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from qtgen.errors import OutputError, PageConflict, QtgenError

try:
    import fcntl
except ImportError:  # Windows: two runs at once may there both report the page that both wrote
    fcntl = None  # type: ignore[assignment]

_SYNCS_ALL = sys.platform == "linux"  # elsewhere `sync` may come back before all is on the disk, or there is none


@contextlib.contextmanager
def staged_file(path: Path, text: str) -> Iterator[Path]:
    """A finished temporary file beside `path`, on the disk; whatever is left of it at the end is removed.

    Raises OutputError, naming path and reason, if the folder cannot be written or the disk is full.
    """
    with as_output_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary(path, text.encode(), sync=True) as temporary:
        temporary.chmod(_MODE)
        yield temporary


@contextlib.contextmanager
def _temporary(path: Path, contents: bytes, *, sync: bool) -> Iterator[Path]:
    """A file beside `path` that only its owner may read yet, gone at the end. sync: whether it is on the disk."""
    temporary: Path | None = None
    try:
        with as_output_error(path):
            handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".tmp", dir=path.parent)
            temporary = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(contents)
                file.flush()
                if sync:
                    os.fsync(handle)
        yield temporary
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def publish_if_absent(temporary: Path, path: Path) -> bool:
    """Let `path` appear, atomically, unless something already lies there (then False)."""
    with as_output_error(path):
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links: the last check and the move are two steps there
            if path.exists():
                return False
            temporary.replace(path)
        return True


@contextlib.contextmanager
def _in_the_way(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise PageConflict(f"{path}: is gone; it was there when this began") from None
    except OSError as error:
        raise PageConflict(f"{path}: {error.strerror or error}") from None


def check_replaceable(path: Path, before: bytes) -> int:
    """The permissions of the file at `path`. Raises PageInTheWay where `replace_file` would for what lies there."""
    with _in_the_way(path):
        mode = path.stat().st_mode
        held = path.read_bytes()
    if held != before:
        raise PageConflict(f"{path}: changed while it was being mended; nothing was written to it")
    if not mode & 0o222:  # whoever may write anything would otherwise not notice
        raise PageConflict(f"{path}: is read-only; nothing was written to it")
    return mode & 0o7777


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Other runs of qtgen wait meanwhile at this page: of two that replace the same text, the second finds it changed.

    The file that is locked is the one that gets replaced, so what it holds is to be looked at after the wait.
    """
    with _in_the_way(path):
        file = path.open("rb")
    with file:
        if fcntl:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _replace(temporary: Path, path: Path, target: Path, mode: int) -> None:
    with as_output_error(path):
        temporary.chmod(mode)
        temporary.replace(target)


def replace_file(path: Path, before: bytes, after: bytes, note: Callable[[], None] | None = None) -> None:
    """Replace the contents of `path`, atomically and with the same permissions.

    note: called when nothing is left to do but the last step. Raises PageInTheWay if the file is gone, read-only, or no
    longer holds `before`, and OutputError if it cannot be written.
    """
    target = path.resolve()  # a link stays a link
    with _temporary(target, after, sync=True) as temporary, _locked(path):
        mode = check_replaceable(path, before)  # preparing takes a while
        if note:
            note()
        _replace(temporary, path, target, mode)


def replace_files(pages: Iterable[tuple[Path, bytes, bytes]]) -> list[QtgenError | None]:
    """`replace_file` for many pages (path, before, after), with one wait for the disk instead of one each.

    No page takes its place before all are on it. For each its error, or None: one does not hold up the others.

    Where the system cannot wait for all together, each is waited for.
    """
    with contextlib.ExitStack() as stack:
        steps = [_staged(stack, *page) for page in pages]
        if _SYNCS_ALL:
            os.sync()
        return [step if isinstance(step, QtgenError) else _taken(step) for step in steps]


def _staged(stack: contextlib.ExitStack, path: Path, before: bytes, after: bytes) -> QtgenError | Callable[[], None]:
    """The last step for a page whose new contents lie beside it, or why there is none."""
    try:
        target = path.resolve() if path.is_symlink() else path
        temporary = stack.enter_context(_temporary(target, after, sync=not _SYNCS_ALL))
    except QtgenError as error:
        return error

    def step() -> None:
        with _locked(path):
            mode = check_replaceable(path, before)  # again: the others took a while
            _replace(temporary, path, target, mode)

    return step


def _taken(step: Callable[[], None]) -> QtgenError | None:
    try:
        step()
    except QtgenError as error:
        return error
    return None


def append_line(path: Path, line: str, *, sync: bool = True) -> None:
    """Add one line to the end of `path`; one that a crash cut short is ended first, and stays apart."""
    with as_output_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if file.tell() and not _ends_in_newline(file):
                file.write(b"\n")
            file.write((line + "\n").encode())
            file.flush()
            if sync:
                os.fsync(file.fileno())


@contextlib.contextmanager
def as_output_error(path: Path) -> Iterator[None]:
    """An OSError becomes an OutputError that names the path."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from None


def _ends_in_newline(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


_MODE = _mode()  # asked once: the mask is the process's, and asking for it changes it for a moment
