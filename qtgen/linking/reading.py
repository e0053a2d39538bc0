"""Read the pages of a site into a catalog, in this process or in workers."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import partial
from itertools import chain, compress, islice
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen._util.engines import Engine, ThisProcess
from qtgen.embeddings.pages import page_text
from qtgen.errors import NoPages, SettingsError
from qtgen.linking.catalog import Catalog, EmbedPages
from qtgen.linking.shards import CatalogShard, Wanted, catalog_shard
from qtgen.page import Profile, layouts_of
from qtgen.site.discovery import (
    Overlay,
    PageBatch,
    PageSource,
    check_unreadable,
    corpus_batches,
    exclude_pages,
    load_page,
)

if TYPE_CHECKING:
    from qtgen.embeddings.cache import VectorCache
    from qtgen.embeddings.pages import HalfVectors
    from qtgen.embeddings.static import Vectors

logger = logging.getLogger(__name__)

_CHUNK = 500  # pages that are embedded together
_MOSTLY = 0.5  # share of a chunk's vectors; if more are missing in the cache, workers compute those of later chunks


def read_catalog(
    batches: Iterable[PageBatch],
    profile: Profile,
    *,
    corpus: Path | PageSource | None = None,
    overlay: Overlay | None = None,
    embed: EmbedPages | None = None,
    on_read: Callable[[int], object] | None = None,
    engine: Engine | None = None,
) -> Catalog:
    """Read the selected pages, and the other pages of the corpus.

    A page that is reachable under several names, because of symbolic links, counts once.

    Args:
        batches: The selected pages.
        profile: The layout of the site.
        corpus: The whole site: its folder, or another source of pages.
        overlay: Contents to use instead of those of the files, by path.
        embed: Computes the vectors; without it, links can be reported but not chosen.
        on_read: Called with the number of pages that were just read.
        engine: Where to read the pages, instead of in this process.

    Raises:
        SettingsError: The pages of the site have no links.
        NoPages: There are no pages.
        FilesNotShared: Workers of another machine cannot read the pages.
        UsageError: A folder is missing. Errors of `embed` pass through.
    """
    check_links(profile)
    catalog = Catalog(profile, overlay or {})
    reader = _Reader(catalog, embed, on_read, engine or ThisProcess())
    reader.add_batches(batches)
    catalog.selected = len(catalog)
    if corpus is not None:
        reader.add_batches(_other_batches(corpus_batches(corpus, profile), frozenset(catalog.paths)))
    if not len(catalog):
        raise NoPages("there are no pages")
    logger.debug("read %d selected pages and %d others", catalog.selected, len(catalog) - catalog.selected)
    for page in catalog.skipped():
        logger.info("skipping %s: %s", page.path, page.reason)
    return catalog


def check_links(profile: Profile) -> None:
    """Raise SettingsError if the pages of a site have no links."""
    if not any(layout.links for layout in layouts_of(profile)):
        message, remedy = "has no `[links]`, so there is nothing to link", "add `[links]` with the `field` of the links"
        raise SettingsError(message, path=profile.path, remedy=remedy)


class _Reader:
    """Reads pages into a catalog."""

    def __init__(
        self,
        catalog: Catalog,
        embed: EmbedPages | None,
        on_read: Callable[[int], object] | None,
        engine: Engine,
    ) -> None:
        self._catalog = catalog
        self._overlay, self._profile = catalog.overlay, catalog.profile
        self._embed = embed
        self._on_read = on_read
        self._engine = engine
        self._static = None if isinstance(engine, ThisProcess) else _static_cache(embed)
        self._wanted = self._first_wanted()

    def _first_wanted(self) -> Wanted:
        """Return what the first shards return for their vectors. Only static vectors can be computed by workers."""
        if self._embed is None:
            return Wanted.NOTHING
        if self._static is None:
            return Wanted.TEXTS
        return Wanted.KEYS if self._static.holds_vectors else Wanted.VECTORS

    def add_batches(self, batches: Iterable[PageBatch]) -> None:
        """Add all pages; symbolic links come last, and only if no page before has the same file."""
        symlinks: list[str] = []
        self._add_pages(_regular_pages(batches, symlinks, self._overlay))
        if not symlinks:
            return
        files = {os.path.realpath(path) for path in self._catalog.paths}
        targets: dict[str, str] = {}
        for path in symlinks:
            targets.setdefault(os.path.realpath(path), path)
        unseen = [path for file, path in targets.items() if file not in files]
        self._add_pages((path, -1) for path in unseen)

    def _add_pages(self, pages: Iterator[tuple[str, int]]) -> None:
        """Add the pages at these paths; a size of -1 is unknown."""
        chunks = iter(lambda: list(islice(pages, _CHUNK)), [])
        parcels = ((chunk, (chunk, self._contents(chunk), self._wanted, self._profile)) for chunk in chunks)
        for chunk, shard in self._engine.map(catalog_shard, parcels):
            paths = [path for path, _ in chunk]
            for number in () if self._engine.reads_files else shard.unreadable:
                check_unreadable(paths[number], shard.problems[number], self._overlay, self._profile)
            self._catalog.extend(paths, shard)
            if self._embed is not None:
                self._catalog.vectors.append(self._vectors(self._embed, paths, shard))
            if self._on_read is not None:
                self._on_read(len(chunk))

    def _contents(self, chunk: Sequence[tuple[str, int]]) -> dict[str, bytes]:
        return {path: self._overlay[path] for path, _ in chunk if path in self._overlay}

    def _vectors(self, embed: EmbedPages, paths: Sequence[str], shard: CatalogShard) -> "HalfVectors":
        return embed(shard.texts) if self._static is None else self._static_vectors(self._static, paths, shard)

    def _static_vectors(self, cache: "VectorCache", paths: Sequence[str], shard: CatalogShard) -> "HalfVectors":
        """Return the vectors from the cache, from the shard, or, if few are missing in both, from the pages' texts."""
        missing = 0

        def compute(numbers: Sequence[int]) -> "HalfVectors | Vectors":
            nonlocal missing
            missing = len(numbers)
            if shard.vectors is not None:
                return shard.vectors[numbers]
            return cache.embedder(
                [page_text(load_page(paths[number], -1, self._overlay, self._profile)) for number in numbers]
            )

        rows = cache.rows(shard.keys, compute)
        self._wanted = Wanted.VECTORS if missing > _MOSTLY * len(paths) else Wanted.KEYS
        return rows


def _static_cache(embed: EmbedPages | None) -> "VectorCache | None":
    """Return the cache of static vectors that `embed` is, if it is one."""
    from qtgen.embeddings.cache import VectorCache

    return embed if isinstance(embed, VectorCache) and embed.is_static else None


def _other_batches(batches: Iterable[PageBatch], selected: Set[str]) -> Iterator[PageBatch]:
    """Yield the batches without the selected pages, even if the batches have other paths for them.

    Resolving a path is slow, so pages whose path is equal to that of a selected one are removed first.
    """
    others = (batch for batch in map(partial(_without, paths=selected), batches) if batch.names)
    first = next(others, None)
    if first is not None:
        yield from exclude_pages(chain([first], others), {os.path.realpath(path) for path in selected})


def _without(batch: PageBatch, paths: Set[str]) -> PageBatch:
    """Return the batch without the pages at these paths."""
    kept = [path not in paths for path in batch.paths()]
    return PageBatch(batch.folder, [*compress(batch.names, kept)], [*compress(batch.states, kept)])


def _regular_pages(batches: Iterable[PageBatch], symlinks: list[str], overlay: Overlay) -> Iterator[tuple[str, int]]:
    """Yield path and size of each page; paths of symbolic links are appended to `symlinks` instead."""
    for batch in batches:
        for path, (size, _) in zip(batch.paths(), batch.states, strict=True):
            if path not in overlay and os.path.islink(path):  # noqa: PTH114 - a Path for each page takes longer than the system call
                symlinks.append(path)
            else:
                yield path, size
