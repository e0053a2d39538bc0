"""The pages that a command reads: from files and folders, or from a pack."""

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from qtgen._util.extras import require
from qtgen._util.text import pluralize
from qtgen.errors import QtgenError, UsageError
from qtgen.page.profile import Profile
from qtgen.site.discovery import Overlay, PageBatch, iter_batches
from qtgen.site.locations import Location, is_pack
from qtgen.site.site_pages import SitePages

if TYPE_CHECKING:
    from qtgen.site.pack import PackedSite


def split_location(location: Location | None) -> tuple[Path | None, str | None]:
    """Return a location as a path or as a URL, and None for the other one."""
    return (None, location) if isinstance(location, str) else (location, None)


class PageSources:
    """The pages of PATHS and of the corpus.

    Args:
        paths: Files and folders, or one pack.
        corpus: The folder or the pack of the whole site.
        on_unusable: Called with the error of each path, and of each part of a pack, that cannot be used.
        with_links: Whether a pack also yields pages that are symbolic links to other pages.
        profile: The site. If it is given, files of folders that are not its pages are left out.

    Raises:
        UsageError: A pack cannot be opened, or is given together with other paths.
        MissingExtra: The `pack` extra is not installed.
    """

    def __init__(
        self,
        paths: Sequence[Location],
        corpus: Location | None,
        on_unusable: Callable[[QtgenError], object],
        *,
        with_links: bool = True,
        profile: Profile | None = None,
    ) -> None:
        self._pages = SitePages(profile) if profile else None
        self.files = [path for path in paths if isinstance(path, Path)]
        self._on_unusable = on_unusable
        self._with_links = with_links
        packs = [path for path in paths if is_pack(path)]
        if packs and len(paths) > 1:
            raise UsageError("a pack cannot be combined with other paths", path=packs[0])
        self._pack = self._open(packs[0]) if packs else None
        self._packed_corpus = self._open(corpus) if corpus is not None and is_pack(corpus) else None
        self.corpus = self._packed_corpus or (corpus if isinstance(corpus, Path) else None)

    def _open(self, location: Location) -> "PackedSite":
        require("reading a pack", "pack", "fsspec", "pyarrow")
        from qtgen.site.pack import PackedSite, open_pack

        return PackedSite(open_pack(location), self._on_unusable, with_links=self._with_links)

    @property
    def pack(self) -> str | None:
        """Location of the pack in PATHS or the corpus. None if pages come only from files."""
        packs = (self._pack, self._packed_corpus)
        return next((pack.location for pack in packs if pack is not None), None)

    @property
    def read_paths(self) -> list[Path]:
        """The files and folders that pages are read from."""
        return [*self.files, *([self.corpus] if isinstance(self.corpus, Path) else [])]

    def refuse_packs(self, uses: Mapping[str, bool]) -> None:
        """Raise UsageError if there is a pack and one of `uses` is true, because these uses need files."""
        for what, is_used in uses.items():
            if is_used and self.pack:
                raise UsageError(f"{what} needs files, not a pack", path=self.pack, remedy="use `qtgen unpack` first")

    def overlay(self, contents: Mapping[str, bytes] | None = None) -> Overlay:
        """Return the contents of the pages that are not read from files.

        Args:
            contents: Contents that come first.
        """
        packs = [pack for pack in (self._pack, self._packed_corpus) if pack is not None]
        layers = [contents or {}, *packs]
        return cast("Overlay", ChainMap(*cast("list[dict[str, bytes]]", layers))) if packs else layers[0]

    def note_left_out(self) -> None:
        """Print on stderr how many files of PATHS were left out the last time, if there were any."""
        if self._pages:
            note_left_out(self._pages)

    def batches(self) -> Iterator[PageBatch]:
        """Yield the pages of PATHS."""
        if self._pack is not None:
            yield from self._pack.batches()
            return
        if self._pages:
            self._pages.left_out = 0
        for batch in iter_batches(self.files, self._on_unusable, self._pages):
            if self._packed_corpus is not None:
                self._packed_corpus.hide(batch.paths())  # the files take precedence over the pack
            yield batch


def note_left_out(pages: SitePages) -> None:
    """Print on stderr how many files of folders are not pages of the site, if there are any."""
    if pages.left_out:
        from qtgen.commands._output import note  # imported here because it loads the rules, and `--help` must be fast

        note(f"left out {pluralize(pages.left_out, 'file')} that `files` of no layout matches")
