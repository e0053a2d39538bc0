"""A folder of pages: which files are pages, and reading them."""

import os
import stat
from collections.abc import Iterable, Iterator
from itertools import accumulate, groupby
from pathlib import Path
from typing import NamedTuple

from qtgen.errors import UsageError
from qtgen.page import Page, oversized_page, read, unreadable_page
from qtgen.page.reader import MAX_BYTES

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)


class PageBatch(NamedTuple):
    """Pages of one folder, in order.

    folder: ends in `/`, or is empty for the current one; states: of each page its size in bytes (-1: no regular file,
    or not known) and the time of its last change, of contents or not, in nanoseconds; complete: whether no page of the
    folder stands between the first and the last that is not among them.
    """

    folder: str
    names: list[str]
    states: list[tuple[int, int]]
    complete: bool = False

    def paths(self) -> Iterator[str]:
        return map(self.folder.__add__, self.names)


_UNKNOWN = (-1, 0)
_RUN = 1_000  # pages of one folder that are worked on together


def iter_batches(paths: Iterable[Path]) -> Iterator[PageBatch]:
    """The pages under `paths`, each once, sorted by path: a file as it is, a folder's `*.md` at any depth. Of several
    names of a file or folder the first counts.

    Hidden files and folders are passed over. Links to folders are not followed, so a loop of links ends.
    Raises UsageError for a path that is not there, and for a folder without pages when it comes to it.
    """
    named: dict[str, str] = {}  # by what the name leads to
    for root in map(_root, paths):
        named.setdefault(os.path.realpath(root) + "/" * root.endswith("/"), root)
    inside_of = {real for real in named if real.endswith("/")}
    apart = sorted(root for real, root in named.items() if inside_of.isdisjoint(_above(real)))
    folders = {root for root in apart if root.endswith("/")}
    for folder, inside in groupby(apart, lambda root: root.rpartition("/")[0] + "/" * ("/" in root)):
        if folder not in folders:
            yield _run(folder, inside)
            continue
        empty = True
        for run in _walk(folder.removeprefix("./")):
            empty = False
            yield run
        if empty:
            raise UsageError(f"{folder.rstrip('/') or '/'}: no pages (*.md) in this folder")


def _above(root: str) -> Iterator[str]:
    """The folders that a path lies in."""
    parts = root.removesuffix("/").split("/")[:-1]
    yield from accumulate((f"{part}/" for part in parts), str.__add__)


def _run(folder: str, paths: Iterable[str]) -> PageBatch:
    names = [path.rpartition("/")[2] for path in paths]
    return PageBatch(folder, names, [_state(Path(folder + name)) for name in names])


def iter_page_paths(paths: Iterable[Path]) -> Iterator[str]:
    """The paths of `page_runs`."""
    return (path for run in iter_batches(paths) for path in run.paths())


def iter_folder_pages(folder: Path) -> Iterator[str]:
    """The pages of one folder, in order; none is no error."""
    if folder.is_dir():
        yield from (path for run in _walk(_root(folder).removeprefix("./")) for path in run.paths())


def exclude_pages(runs: Iterable[PageBatch], real_paths: set[str]) -> Iterator[PageBatch]:
    """The pages of all runs but for some. A run has at least one page."""
    for run in runs:
        kept = [number for number, path in enumerate(run.paths()) if os.path.realpath(path) not in real_paths]
        if len(kept) == len(run.names):
            yield run
        elif kept:
            yield PageBatch(run.folder, [run.names[number] for number in kept], [run.states[number] for number in kept])


def batches_for_paths(paths: Iterable[str]) -> list[PageBatch]:
    """Pages by their paths alone, which need not be on disk."""
    parts = (path.rpartition("/") for path in paths)
    return [PageBatch(folder + slash, [name], [_UNKNOWN]) for folder, slash, name in parts]


def _root(path: Path) -> str:
    """A folder ends in `/`, so that names sort as whole paths do."""
    if path.is_dir():
        return path.as_posix().rstrip("/") + "/"
    if path.exists() or path.is_symlink():
        return path.as_posix()
    raise UsageError(f"{path}: no such file or folder")


def _walk(top: str) -> Iterator[PageBatch]:
    """top: ends in `/`, or is empty for the current folder."""
    open_folders = [_listing(top)]
    while open_folders:
        step = next(open_folders[-1], None)
        if step is None:
            open_folders.pop()
        elif isinstance(step, PageBatch):
            yield step
        else:
            open_folders.append(_listing(step))


def _listing(folder: str) -> Iterator[PageBatch | str]:
    """What stands in a folder, in order: runs of pages, and folders."""
    try:
        with os.scandir(folder or ".") as listing:
            inside = {
                entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name: entry
                for entry in listing
                if not entry.name.startswith(".")
            }
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None
    for are_folders, names in groupby(sorted(inside), lambda name: name.endswith("/")):
        if are_folders:
            yield from (folder + name for name in names)
            continue
        pages = [name for name in names if name.endswith(".md")]
        for at in range(0, len(pages), _RUN):
            some = pages[at : at + _RUN]
            yield PageBatch(folder, some, [_state(inside[name]) for name in some], True)


def _state(file: "os.DirEntry[str] | Path") -> tuple[int, int]:
    try:
        known = file.stat()
    except OSError:
        return _UNKNOWN
    if not stat.S_ISREG(known.st_mode):
        return _UNKNOWN
    return known.st_size, max(known.st_mtime_ns, known.st_ctime_ns)  # a copy can keep the one, not the other


def read_page_bytes(path: str, size: int = -1) -> bytes:
    """What stands in the file at `path`, up to one byte more than a page may have. Raises OSError.

    size: as its folder lists it; -1: not known. What is no regular file is not opened, for opening a pipe would wait
    for ever.
    """
    if size < 0 and not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - the path as it was given
        raise OSError("not a regular file")
    if 0 <= size <= MAX_BYTES and len(raw := _read_once(path, size + 1)) == size:
        return raw
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - grown or shrunk since it was listed, or not known
        return file.read(MAX_BYTES + 1)


def _read_once(path: str, most: int) -> bytes:
    """One reading of up to `most` bytes: asking for a megabyte each time costs more than the page."""
    descriptor = os.open(path, _READ)
    try:
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


def read_page(path: str, size: int = -1) -> Page:
    """Read the page at `path`; a file that cannot be read is a page with that problem. size: as in `page_bytes`."""
    if size > MAX_BYTES:
        return oversized_page(size)
    try:
        return read(read_page_bytes(path, size))
    except OSError as error:
        return unreadable_page(error.strerror or str(error))


def highest_id(paths: Iterable[str]) -> int:
    """The highest id among the pages at `paths`; 0 where none has one."""
    ids = (read_page(path).values.get("id") for path in paths)
    return max((value for value in ids if isinstance(value, int)), default=0)
