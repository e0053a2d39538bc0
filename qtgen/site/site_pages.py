"""Batches of files, and which files of a folder are pages of a site."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qtgen.page.compile import has_every_path, matches_any, may_hold_pages
from qtgen.page.profile import Profile


class PageBatch(NamedTuple):
    """Pages of one folder, in order. Plain strings and numbers, because a site can have millions of pages.

    Args:
        folder: The folder, which ends in `/` or is empty for the current one.
        names: The names of the files.
        states: For each page its size in bytes and the time of its last change, of contents or attributes, in
            nanoseconds. A size of -1 stands for no regular file, or for an unknown size.
        complete: Whether the batch has every page of the folder between its first and its last one.
    """

    folder: str
    names: list[str]
    states: list[tuple[int, int]]
    complete: bool = False

    def paths(self) -> Iterator[str]:
        """Yield the paths of the pages."""
        return map(self.folder.__add__, self.names)


class SitePages:
    """Leaves the files out of a folder that no layout of a site is for, such as README.md, and counts them.

    The patterns `files` of the layouts tell. All files of a folder that no pattern can match are kept, because whoever
    names such a folder means its files, and so are those outside the folder of the site.

    Attributes:
        left_out: The number of files that were left out.
    """

    def __init__(self, profile: Profile) -> None:
        self.left_out = 0
        self._profile = profile
        self._keeps_all = has_every_path(profile)

    def of_site(self, folder: str, batches: Iterable[PageBatch]) -> Iterable[PageBatch]:
        """Return the batches of a folder without the files that are not pages of the site."""
        if self._keeps_all or not may_hold_pages(self._profile, folder):
            return batches
        return self._filtered(batches)

    def _filtered(self, batches: Iterable[PageBatch]) -> Iterator[PageBatch]:
        for batch in batches:
            kept = [number for number, path in enumerate(batch.paths()) if matches_any(self._profile, path)]
            self.left_out += len(batch.names) - len(kept)
            if len(kept) == len(batch.names):
                yield batch
            elif kept:
                names, states = [batch.names[number] for number in kept], [batch.states[number] for number in kept]
                yield PageBatch(batch.folder, names, states, batch.complete)

    @property
    def remedy(self) -> str | None:
        """What to do if a folder has no page, although it has files."""
        if not self.left_out:
            return None
        patterns = dict.fromkeys(f"`{layout.files}`" for layout in self._profile.file.layout)
        return f"pages of the site match {' or '.join(patterns)}"
