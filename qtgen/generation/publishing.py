"""Publish new pages, many at a time: the steps are those of `output.py`, each for all pages before the next one."""

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qtgen._util.files import sync_all
from qtgen._util.new_files import exists, lock_new_marker, remove, stage_new
from qtgen.errors import OutputError
from qtgen.generation.types import Draft


@dataclass(slots=True)
class NewPage:
    """A page on its way to its file.

    Attributes:
        draft: The page.
        marker: The file that exists while the page is being published.
        record: The file with the last failure of the page, which goes when the page is there.
        result: True if the page was published, False if its file exists already; the error if it failed. None as long
            as none of this is known.
    """

    draft: Draft
    marker: str
    record: str
    result: bool | OutputError | None = None
    temporary: str = ""
    descriptor: int = -1
    was_left: bool = False

    def stage(self, *, sync: bool) -> None:
        """Write the text to a temporary file, unless the page exists."""
        if exists(self.draft.path):
            self.result = False
        else:
            self.temporary = stage_new(self.draft.path, self.draft.text.encode(), sync=sync)

    def lock(self) -> None:
        """Create and lock the marker. Another process may have published the page until then."""
        self.descriptor, self.was_left = lock_new_marker(self.marker)
        if exists(self.draft.path):
            self.result = False

    def close(self) -> None:
        """Remove what the page no longer needs. A page that failed keeps its marker, so that it is written again."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        if self.temporary:
            remove(self.temporary)
        if self.descriptor >= 0 and isinstance(self.result, bool):
            remove(self.marker)
            remove(self.record)


class Publisher:
    """Publishes new pages.

    Args:
        append: Appends the lines of pages to the provenance. If it fails, all of these pages fail.
        publish: Lets a page appear. Returns False if there is a file.
        has_line: Returns whether a run that was killed has appended the line of a page.
    """

    def __init__(
        self,
        append: Callable[[Sequence[Draft]], None],
        publish: Callable[[NewPage], bool],
        has_line: Callable[[Draft], bool],
    ) -> None:
        self._append, self._publish, self._has_line = append, publish, has_line

    def publish(self, pages: Sequence[NewPage]) -> None:
        """Publish pages. Each one has its result afterwards. A page that fails does not hold up the others."""
        for group in _without_shared_markers(pages):
            with contextlib.ExitStack() as stack:
                for page in group:
                    stack.callback(page.close)
                self._publish_group(group)

    def _publish_group(self, pages: Sequence[NewPage]) -> None:
        is_alone = len(pages) == 1
        _attempt(pages, lambda page: page.stage(sync=is_alone))
        if not is_alone:
            sync_all()
        # In the order of their names, so that two processes never wait for each other.
        _attempt(sorted(pages, key=lambda page: page.marker), NewPage.lock)
        new = [page for page in pages if page.result is None]
        try:
            if drafts := [page.draft for page in new if not (page.was_left and self._has_line(page.draft))]:
                self._append(drafts)
        except OutputError as error:
            for page in new:
                page.result = error
        _attempt(pages, self._appear)

    def _appear(self, page: NewPage) -> None:
        page.result = self._publish(page)


def _without_shared_markers(pages: Sequence[NewPage]) -> list[list[NewPage]]:
    """Return the pages in groups. Pages with one marker are apart, because each would wait for the other."""
    groups: list[dict[str, NewPage]] = [{}]
    for page in pages:
        if all(page.marker in group for group in groups):
            groups.append({})
        next(group for group in groups if page.marker not in group)[page.marker] = page
    return [[*group.values()] for group in groups if group]


def _attempt(pages: Sequence[NewPage], step: Callable[[NewPage], None]) -> None:
    """Do a step for the pages without a result. An error fails a page alone."""
    for page in pages:
        if page.result is None:
            try:
                step(page)
            except OutputError as error:
                page.result = error
