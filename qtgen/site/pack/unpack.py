"""Write the pages of a pack into a folder."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from qtgen._util.files import as_output_error, publish_if_absent, staged_bytes, sync_all
from qtgen.errors import OutputError, PageConflict, QtgenError, UsageError
from qtgen.site.pack.format import PackedPage
from qtgen.site.pack.paths import reason_to_refuse
from qtgen.site.pack.reader import Pack

_BATCH_PAGES = 2_000
_BATCH_BYTES = 16 << 20
"""Number and size of the pages that qtgen writes together, so that it waits for the disk once per batch."""


@dataclass(slots=True)
class UnpackReport:
    """What was unpacked.

    Attributes:
        written: The number of pages that were written.
        unchanged: The number of pages that already existed with the same contents.
        failed: Why pages or shards were not unpacked.
    """

    written: int = 0
    unchanged: int = 0
    failed: list[QtgenError] = field(default_factory=list)


def unpack_pages(
    pack: Pack, folder: Path, *, replace: bool = False, on_done: Callable[[int], object] | None = None
) -> UnpackReport:
    """Write the pages of a pack into a folder, each byte for byte and atomically, and return what was written.

    A page that already exists with the same contents stays unchanged, so an interrupted run can be repeated. Other
    pages of the folder stay too.

    Args:
        folder: The folder, which need not exist.
        replace: Replace pages with other contents. By default, they are listed as failed.
        on_done: Called with the number of pages that were just handled.

    Raises:
        UsageError: `folder` is not a folder.
        OutputError: The disk is full. The pages that were written stay.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError("not a folder", path=folder)
    unpacker = _Unpacker(folder, replace)
    batch: list[PackedPage] = []
    size = 0
    for group in pack.groups(unpacker.report.failed.append):
        for page in group.pages:
            batch.append(page)
            size += len(page.contents)
        if len(batch) >= _BATCH_PAGES or size >= _BATCH_BYTES:
            unpacker.write(batch)
            if on_done:
                on_done(len(batch))
            batch, size = [], 0
    unpacker.write(batch)
    if on_done:
        on_done(len(batch))
    unpacker.restore_links()
    return unpacker.report


class _Unpacker:
    """Writes batches of pages into a folder."""

    def __init__(self, folder: Path, replace: bool) -> None:
        self.report = UnpackReport()
        self._folder = folder
        self._replace = replace
        self._links: list[tuple[Path, Path]] = []  # each page that is a symbolic link, and its target
        self._has_folder = lru_cache(maxsize=1_000)(self._make_folder)

    def write(self, pages: list[PackedPage]) -> None:
        """Write pages, none of which appears before all of them are on the disk."""
        with contextlib.ExitStack() as stack:
            staged = []
            for page in pages:
                path = self._folder / page.path
                with self._failures():
                    if temporary := self._stage(stack, path, page):
                        staged.append((temporary, path))
            sync_all()
            for temporary, path in staged:
                with self._failures():
                    self._publish(temporary, path)
                    self.report.written += 1

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """List the error of a page, so that the other pages are written. Raise the error if the disk is full."""
        try:
            yield
        except OutputError as error:
            if error.is_disk_full:
                raise
            self.report.failed.append(error)

    def _stage(self, stack: contextlib.ExitStack, path: Path, page: PackedPage) -> Path | None:
        """Write the contents beside the page. Return the temporary file, or None if the page is there already."""
        if not self._has_folder(page.path.rpartition("/")[0]):
            raise OutputError("a symbolic link leads out of the folder; nothing was written", path=path)
        before = _contents_at(path)
        if before is not None and before != page.contents and not self._replace:
            raise PageConflict("exists with other contents; nothing was written to it", path=path)
        if page.same_as is not None and reason_to_refuse(page.same_as) is None:
            self._links.append((path, self._folder / page.same_as))
        if before == page.contents:
            self.report.unchanged += 1
            return None
        return stack.enter_context(staged_bytes(path, page.contents))

    def _make_folder(self, name: str) -> bool:
        """Make a folder below the folder of the pages. Return False if a symbolic link leads out of it."""
        root, folder = os.path.realpath(self._folder), self._folder / name
        if os.path.commonpath([root, os.path.realpath(folder)]) != root:
            return False
        with as_output_error(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return True

    def _publish(self, temporary: Path, path: Path) -> None:
        if self._replace:
            with as_output_error(path):
                temporary.replace(path)
        elif not publish_if_absent(temporary, path):
            raise OutputError("appeared in the meantime; nothing was written to it", path=path)

    def restore_links(self) -> None:
        """Turn pages that were symbolic links into links again, if their targets have the same contents."""
        for path, target in self._links:
            with contextlib.suppress(OSError):  # without symbolic links, the page stays a file
                if path.is_symlink() or target.is_symlink() or path.samefile(target):
                    continue
                if path.read_bytes() != target.read_bytes():
                    continue
                temporary = path.with_name(f".{path.name[:40]}.{os.getpid()}.link")
                try:
                    temporary.symlink_to(os.path.relpath(target, path.parent))
                    temporary.replace(path)
                finally:
                    temporary.unlink(missing_ok=True)


def _contents_at(path: Path) -> bytes | None:
    """Return the contents of a file, or None if nothing is there. Raises OutputError if it is no regular file."""
    with as_output_error(path):
        try:
            path.lstat()
        except FileNotFoundError:
            return None
        if path.is_file():
            return path.read_bytes()
    kind = "as a symbolic link to nothing" if path.is_symlink() and not path.exists() else "and is not a file"
    raise OutputError(f"exists {kind}; nothing was written to it", path=path)
