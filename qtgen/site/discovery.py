"""Find the pages of a site, and read them."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, groupby, islice
from pathlib import Path
from typing import Protocol

from qtgen.errors import FilesNotShared, UsageError
from qtgen.page import MAX_BYTES, Page, Profile, layouts_of, oversized_page, read, unreadable_page
from qtgen.page.compile import candidates_for
from qtgen.page.profile import Kind
from qtgen.site.listing import BATCH_SIZE, UNKNOWN_STATE, raise_error, state_of, walk
from qtgen.site.listing import OnUnusable as OnUnusable
from qtgen.site.locations import MANIFEST_NAME
from qtgen.site.site_pages import PageBatch as PageBatch
from qtgen.site.site_pages import SitePages

PathName = str | os.PathLike[str]
PathNames = PathName | Iterable[PathName]
"""One path or several, as the functions for programs take them."""

_READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)


class PageSource(Protocol):
    """Pages that are not in a folder."""

    def batches(self) -> Iterator[PageBatch]:
        """Yield the pages."""


Overlay = Mapping[str, bytes]
"""Contents to use instead of those of the files, by path."""


def as_paths(paths: PathNames) -> list[Path]:
    """Return one path or several as a list."""
    return [Path(paths)] if isinstance(paths, str | os.PathLike) else [Path(path) for path in paths]


def iter_batches(
    paths: Iterable[Path], on_unusable: OnUnusable = raise_error, pages: SitePages | None = None
) -> Iterator[PageBatch]:
    """Yield the pages under `paths`, sorted by path and each once.

    A file is a page whatever its name. In a folder, every `*.md` at any depth is one, except for hidden files and
    those in hidden folders. Symbolic links to folders are not followed, so a cycle of links ends. If several of the
    paths lead to the same file or folder, the first one counts.

    Args:
        paths: Files and folders.
        on_unusable: Called with the error of each path that does not exist, of each folder that cannot be read, and of
            each of the paths that is a folder without pages. By default, the error is raised when the path is reached.
        pages: Leaves out the files of folders that are not pages of the site.
    """
    root_of: dict[str, str] = {}  # by the real path
    for root in _roots(paths, on_unusable):
        root_of.setdefault(os.path.realpath(root) + "/" * root.endswith("/"), root)
    real_folders = {real for real in root_of if real.endswith("/")}
    separate = sorted(root for real, root in root_of.items() if real_folders.isdisjoint(_parents(real)))
    folders = {root for root in separate if root.endswith("/")}
    for folder, roots in groupby(separate, lambda root: root.rpartition("/")[0] + "/" * ("/" in root)):
        if folder in folders:
            yield from _batches_below(folder, on_unusable, pages)
        else:
            names = (root.rpartition("/")[2] for root in roots)
            while some := [*islice(names, BATCH_SIZE)]:
                yield PageBatch(folder, some, [state_of(Path(folder + name)) for name in some])


def _roots(paths: Iterable[Path], on_unusable: OnUnusable) -> Iterator[str]:
    for path in paths:
        try:
            yield _root(path)
        except UsageError as error:
            on_unusable(error)


def _batches_below(folder: str, on_unusable: OnUnusable, pages: SitePages | None) -> Iterator[PageBatch]:
    is_empty = True

    def report(error: UsageError) -> None:
        nonlocal is_empty
        is_empty = False  # what cannot be read may hold pages
        on_unusable(error)

    batches = walk(folder.removeprefix("./"), report)
    for batch in pages.of_site(folder, batches) if pages else batches:
        is_empty = False
        yield batch
    if is_empty:
        is_pack = Path(folder, MANIFEST_NAME).is_file()
        reason = (
            "this folder is a pack, which this command cannot read" if is_pack else "no pages (*.md) in this folder"
        )
        remedy = "unpack it first" if is_pack else pages.remedy if pages else None
        on_unusable(UsageError(reason, path=folder.rstrip("/") or "/", remedy=remedy))


def _parents(path: str) -> Iterator[str]:
    """Yield the folders that contain a path, each with `/` at its end."""
    parts = path.removesuffix("/").split("/")[:-1]
    yield from accumulate((f"{part}/" for part in parts), str.__add__)


def iter_page_paths(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the paths of the pages that `iter_batches` yields."""
    return (path for batch in iter_batches(paths) for path in batch.paths())


def iter_folder_pages(folder: Path) -> Iterator[str]:
    """Yield the paths of a folder's pages in order; none if it has no pages or does not exist."""
    if folder.is_dir():
        yield from (path for batch in walk(_root(folder).removeprefix("./")) for path in batch.paths())


def exclude_pages(batches: Iterable[PageBatch], real_paths: set[str]) -> Iterator[PageBatch]:
    """Yield the batches without the pages whose real paths are given. Batches that become empty are left out."""
    for batch in batches:
        kept = [number for number, path in enumerate(batch.paths()) if os.path.realpath(path) not in real_paths]
        if len(kept) == len(batch.names):
            yield batch
        elif kept:
            names, states = [batch.names[number] for number in kept], [batch.states[number] for number in kept]
            yield PageBatch(batch.folder, names, states)


def batches_for_paths(paths: Iterable[str]) -> list[PageBatch]:
    """Return a batch for each page, from its path alone. The pages need not exist."""
    parts = (path.rpartition("/") for path in paths)
    return [PageBatch(folder + slash, [name], [UNKNOWN_STATE]) for folder, slash, name in parts]


def _root(path: Path) -> str:
    """Return the path as a string. A folder ends in `/`, so that its name sorts as in the paths of its pages."""
    if path.is_dir():
        return path.as_posix().rstrip("/") + "/"
    if path.exists() or path.is_symlink():
        return path.as_posix()
    raise UsageError("no such file or folder", path=path)


def read_page_bytes(path: str, size: int = -1) -> bytes:
    """Return the contents of a file, up to one byte more than a page may have.

    Only regular files are opened, because opening a pipe would wait forever. Raises OSError.

    Args:
        size: The size of the file in bytes, or -1 if it is unknown.
    """
    if size < 0:
        status = os.stat(path)  # noqa: PTH116 - a Path would change the path
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a regular file")
        size = status.st_size
    if 0 <= size <= MAX_BYTES and len(raw := _read_once(path, size + 1)) == size:
        return raw
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - the size is unknown, or changed since it was listed
        return file.read(MAX_BYTES + 1)


def _read_once(path: str, count: int) -> bytes:
    """Read up to `count` bytes. Asking for a megabyte each time would take longer than reading the page."""
    descriptor = os.open(path, _READ_FLAGS)
    try:
        return os.read(descriptor, count)
    finally:
        os.close(descriptor)


def read_page(path: str, size: int, profile: Profile) -> Page:
    """Read the page at `path`. If the file cannot be read, the page carries that problem.

    Args:
        size: The size of the file in bytes, or -1 if it is unknown.
        profile: The layout of the site.
    """
    if size > MAX_BYTES:
        return oversized_page(size, candidates_for(profile, path)[0])
    try:
        return read(read_page_bytes(path, size), profile, path)
    except OSError as error:
        return unreadable_page(error.strerror or str(error), candidates_for(profile, path)[0])


def load_page(path: str, size: int, overlay: Overlay, profile: Profile) -> Page:
    """Read a page from the overlay or from its file."""
    return read(overlay[path], profile, path) if path in overlay else read_page(path, size, profile)


def corpus_batches(corpus: Path | PageSource, profile: Profile) -> Iterator[PageBatch]:
    """Yield the pages of a whole site, which is a folder or another source of pages."""
    return iter_batches([corpus], pages=SitePages(profile)) if isinstance(corpus, Path) else corpus.batches()


def why_unreadable(page: Page) -> str | None:
    """Return why the page's file could not be read, or that it is empty; None if it was read."""
    return next((problem.message for problem in page.problems if problem.kind == "unreadable-file"), None)


def check_unreadable(path: str, reason: str, overlay: Overlay, profile: Profile) -> None:
    """Raise FilesNotShared if a worker could not read a file, and this process can, or cannot for another reason.

    Args:
        path: The file.
        reason: Why the worker could not read it.
        overlay: Contents to use instead of those of the files, by path.
        profile: The layout of the site.
    """
    if path not in overlay and why_unreadable(read_page(path, -1, profile)) != reason:
        raise FilesNotShared(f"a worker cannot read this file ({reason}), but this machine can", path=path)


def highest_id(paths: Iterable[str], profile: Profile) -> int:
    """Return the highest id of the pages at `paths`; 0 if none of them has one, or the site has no ids."""
    if not any(layout.id_paths for layout in layouts_of(profile)):
        return 0
    pages = (read_page(path, -1, profile) for path in paths)
    return max((number for page in pages for number in _ids(page)), default=0)


def _ids(page: Page) -> Iterator[int]:
    for path in page.layout.id_paths:
        value = page.values.get(path)
        if isinstance(value, int):
            yield value
        elif isinstance(value, str) and value.isdecimal() and page.layout.fields[path].kind is Kind.TEXT:
            yield int(value)
