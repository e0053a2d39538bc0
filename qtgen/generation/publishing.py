"""Publish new pages, many at a time: the steps are those of `output.py`, each for several pages before the next one."""

import contextlib
import json
import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from qtgen._util.files import SYNCS_ALL, as_output_error, sync_all
from qtgen._util.leftovers import NEW_FILE_MODE, write_beside
from qtgen._util.markers import lock_marker
from qtgen.errors import OutputError
from qtgen.generation.types import Draft

_MAX_GROUP = 8  # pages; each holds an open file


@dataclass
class PendingPage:
    """A page that is being published.

    Attributes:
        draft: The page.
        marker: The file that exists while the page is being published.
        failure_record: The file that describes the last failure of the page. It is removed when the page is published.
        result: Whether the page was published. It was not if its file exists already. If it failed, the error.
        line: Its provenance line.
        was_left: Whether the marker was there: another run has it or had it, or was killed.
    """

    draft: Draft
    marker: str
    failure_record: str
    result: bool | OutputError = False
    line: str = ""
    was_left: bool = False
    _temporary: str = ""

    def stage(self, *, sync: bool) -> bool:
        """Write the text to a temporary file. Return False if the page exists.

        Without `sync`, `sync_all` must wait for the disk before the page appears.
        """
        path = self.draft.path
        if self.exists():
            return False
        self.line = json.dumps(self.draft.provenance, ensure_ascii=False)
        _encode(self.line, path)
        text = _encode(self.draft.text, path)
        with as_output_error(path):
            try:
                self._temporary = write_beside(path, text, sync=sync, mode=NEW_FILE_MODE)
            except FileNotFoundError:  # the folder is new
                os.makedirs(os.path.dirname(path) or ".", exist_ok=True)  # noqa: PTH103, PTH120 - Path objects are slow
                self._temporary = write_beside(path, text, sync=sync, mode=NEW_FILE_MODE)
        return True

    @cached_property
    def place(self) -> tuple[int, int, str]:
        """A value that is equal for two paths of the same file, once its folder exists.

        Names that only some file systems take for the same are equal too.
        """
        folder, name = os.path.split(self.draft.path)
        with as_output_error(self.draft.path):
            status = os.stat(folder or ".")  # noqa: PTH116 - Path objects are slow
        return status.st_dev, status.st_ino, unicodedata.normalize("NFC", name).casefold()

    def lock(self, held: contextlib.ExitStack, *, wait: bool) -> bool:
        """Hold the marker until `held` ends. Return False if it is held by another one, unless `wait` is true."""
        marker = lock_marker(self.marker, wait=wait)
        if marker is None:
            return False
        file, self.was_left = marker
        held.enter_context(file)
        return True

    def exists(self) -> bool:
        """Return whether there is a file."""
        return os.path.exists(self.draft.path)  # noqa: PTH110 - Path objects are slow

    def appear(self, publish: Callable[[str, str], bool]) -> bool:
        """Let the page appear. Return False if there is a file."""
        self.result = publish(self._temporary, self.draft.path)
        return self.result

    def remove_temporary(self) -> None:
        if self._temporary:
            _remove(self._temporary)

    def finish(self) -> None:
        """Remove what the page no longer needs. A page that failed keeps its marker, so that it is written again."""
        if isinstance(self.result, bool):
            _remove(self.marker)
            _remove(self.failure_record)


def publish_pages(
    pages: Sequence[PendingPage],
    append: Callable[[Sequence[PendingPage]], None],
    publish: Callable[[str, str], bool],
) -> None:
    """Publish pages. Each one has its result afterwards. A page that fails does not hold up the others.

    Texts of several pages are synced at once, because that takes less processor time. A full disk shows before that. An
    error of the device then shows only in the system's log.

    Args:
        pages: The pages.
        append: Appends the lines of pages to the provenance. If it fails, all of these pages fail.
        publish: Lets a temporary file appear under a path. Returns False if there is a file.
    """
    with contextlib.ExitStack() as stack:
        for page in pages:
            stack.callback(page.remove_temporary)
        syncs_each = len(pages) == 1 or not SYNCS_ALL
        waiting = _attempt(pages, lambda page: page.stage(sync=syncs_each))
        if waiting and not syncs_each:
            sync_all()
        while waiting:
            waiting = _publish_group(waiting, append, publish)


def _publish_group(
    pages: Sequence[PendingPage],
    append: Callable[[Sequence[PendingPage]], None],
    publish: Callable[[str, str], bool],
) -> list[PendingPage]:
    """Publish the first pages, and return the others."""
    with contextlib.ExitStack() as held:
        group, others = _lock_first(pages, held)
        new = [page for page in group if not page.exists()]  # another run may have published it
        try:
            append(new)
        except OutputError as error:
            for page in new:
                page.result = error
        else:
            _attempt(new, lambda page: page.appear(publish))
    for page in group:
        page.finish()
    return others


def _lock_first(
    pages: Sequence[PendingPage], held: contextlib.ExitStack
) -> tuple[list[PendingPage], list[PendingPage]]:
    """Lock the markers of the first pages. Return these pages, and those that need another group.

    Only the first marker is waited for. Otherwise two runs could wait for each other, and two pages with one marker
    would wait for ever.
    """
    group: dict[tuple[int, int, str], PendingPage] = {}
    others = []

    def lock(page: PendingPage) -> bool:
        if len(group) == _MAX_GROUP or page.place in group or not page.lock(held, wait=not group):
            others.append(page)
            return False
        group[page.place] = page
        return True

    return _attempt(pages, lock), others


def _attempt(pages: Sequence[PendingPage], step: Callable[[PendingPage], bool]) -> list[PendingPage]:
    """Do a step for each page, and return those for which it was done. An error fails a page alone."""
    done = []
    for page in pages:
        try:
            if step(page):
                done.append(page)
        except OutputError as error:
            page.result = error
    return done


def _encode(text: str, path: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise OutputError(f"cannot be written as UTF-8: {error.reason}", path=path) from None


def _remove(path: str) -> None:
    """Remove a file. One that cannot be removed does no harm."""
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108 - Path objects are slow
