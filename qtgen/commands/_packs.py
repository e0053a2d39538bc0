"""The pages that a command reads: from files and folders, or from a pack."""

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from qtgen._util.extras import require
from qtgen.errors import QtgenError, UsageError
from qtgen.site.discovery import Overlay, PageBatch, iter_batches
from qtgen.site.locations import Location, is_pack

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
    ) -> None:
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

    def batches(self) -> Iterator[PageBatch]:
        """Yield the pages of PATHS."""
        if self._pack is not None:
            yield from self._pack.batches()
            return
        for batch in iter_batches(self.files, self._on_unusable):
            if self._packed_corpus is not None:
                self._packed_corpus.hide(batch.paths())  # the files take precedence over the pack
            yield batch
