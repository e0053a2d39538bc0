"""The facts about every page that choosing links needs: titles, ids, existing links and one vector per page."""

import logging
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qtgen.embeddings.pages import PageText, page_text
from qtgen.errors import NoPages
from qtgen.linking.graph import Graph, PageNode, build_graph
from qtgen.linking.links import links_of
from qtgen.page import Page
from qtgen.page.naming import slug
from qtgen.site.discovery import Overlay, PageBatch, PageSource, corpus_batches, exclude_pages, load_page
from qtgen.site.index import SiteIndex, digest, page_facts

if TYPE_CHECKING:
    from qtgen.embeddings.pages import HalfVectors

logger = logging.getLogger(__name__)

EmbedPages = Callable[[Sequence[PageText]], "HalfVectors"]
"""Turns the texts of pages into vectors, one row per text."""

_CHUNK = 500  # pages that are embedded together
_ID_LIMIT = 1 << 62  # larger ids would overflow when two of them are subtracted


class SkippedPage(NamedTuple):
    """A page that cannot be linked, and why."""

    path: str
    reason: str


@dataclass
class Catalog:
    """Facts about every page, in columns: entry N of each column belongs to page N.

    The selected pages come first. The pages after them are the rest of the site and only serve as link targets.

    Attributes:
        digests: Digests of the files' texts, to notice that a file changed later.
        urls, titles, subjects: Empty for a page without that field.
        problems: Why a page cannot be linked, by page number.
        vectors: Blocks of rows, in page order; empty if the catalog was read without an embedder.
        selected: Number of selected pages.
    """

    site: SiteIndex = field(default_factory=SiteIndex)
    paths: list[str] = field(default_factory=list)
    digests: "array[int]" = field(default_factory=lambda: array("Q"))
    urls: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    ids: list[int | None] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)
    vectors: "list[HalfVectors]" = field(default_factory=list)
    selected: int = 0

    def __len__(self) -> int:
        return len(self.paths)

    def add(self, path: str, page: Page) -> None:
        """Append a page to every column except `site` and `vectors`, which grow by chunks."""
        number = len(self)
        url, title, subject = (page.text_of(name) or "" for name in ("url", "title", "subject"))
        page_id = page.values.get("id")
        self.paths.append(path)
        self.digests.append(digest(page.text))
        self.urls.append(url)
        self.titles.append(title)
        self.subjects.append(subject)
        self.ids.append(page_id if type(page_id) is int and abs(page_id) < _ID_LIMIT else None)
        if page.problems:
            self.problems[number] = page.problems[0].message
        elif not (url and title and subject and self.ids[number] is not None):
            self.problems[number] = "the url, title, subject or id is missing"

    def owns_url(self, number: int) -> bool:
        """Return whether a page is the first one with its url."""
        row = self.site.starts[number]
        return self.site.row_by_url.get(self.site.urls[row]) == row

    def is_hidden(self, number: int) -> bool:
        """Return whether a page has `no_index`."""
        return self.site.is_hidden(self.site.starts[number])

    def is_linkable(self, number: int) -> bool:
        """Return whether other pages may link to a page."""
        return number not in self.problems and self.owns_url(number) and not self.is_hidden(number)

    def skipped(self, *, with_corpus: bool = False) -> list[SkippedPage]:
        """Return the pages that cannot be linked: selected ones, or all of them."""
        count = len(self) if with_corpus else self.selected
        return [SkippedPage(self.paths[number], reason) for number, reason in self.problems.items() if number < count]

    def nodes(self) -> list[PageNode | None]:
        """Return the node of each page in the link graph; None for a page without a url or a title."""
        return [
            PageNode(self.urls[n], self.subjects[n], slug(self.subjects[n]), self.ids[n], self.is_linkable(n))
            if self.urls[n] and self.titles[n]
            else None
            for n in range(len(self))
        ]

    def graph(self) -> Graph:
        """Return the link graph of all pages."""
        return build_graph(self.nodes(), links_of(self.site))


def read_catalog(
    batches: Iterable[PageBatch],
    *,
    corpus: Path | PageSource | None = None,
    overlay: Overlay | None = None,
    embed: EmbedPages | None = None,
    on_read: Callable[[int], object] | None = None,
) -> Catalog:
    """Read the selected pages, and the other pages of the corpus.

    A page that is reachable under several names, because of symbolic links, counts once.

    Args:
        batches: The selected pages.
        corpus: The whole site: its folder, or another source of pages.
        overlay: Contents to use instead of those of the files, by path.
        embed: Computes the vectors; without it, links can be reported but not chosen.
        on_read: Called with the number of pages that were just read.

    Raises:
        NoPages: There are no pages.
        UsageError: A folder is missing. Errors of `embed` pass through.
    """
    catalog = Catalog()
    reader = _Reader(catalog, overlay or {}, embed, on_read)
    reader.add_batches(batches)
    catalog.selected = len(catalog)
    if corpus is not None:
        selected = {os.path.realpath(path) for path in catalog.paths}
        reader.add_batches(exclude_pages(corpus_batches(corpus), selected))
    if not len(catalog):
        raise NoPages("there are no pages")
    logger.debug("read %d selected pages and %d others", catalog.selected, len(catalog) - catalog.selected)
    for page in catalog.skipped():
        logger.info("skipping %s: %s", page.path, page.reason)
    return catalog


class _Reader:
    """Reads pages into a catalog."""

    def __init__(
        self,
        catalog: Catalog,
        overlay: Overlay,
        embed: EmbedPages | None,
        on_read: Callable[[int], object] | None,
    ) -> None:
        self._catalog = catalog
        self._overlay = overlay
        self._embed = embed
        self._on_read = on_read

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

    def _add_pages(self, pages: Iterable[tuple[str, int]]) -> None:
        """Add the pages at these paths; a size of -1 is unknown."""
        opened = ((path, load_page(path, size, self._overlay)) for path, size in pages)
        while chunk := list(islice(opened, _CHUNK)):
            self._catalog.site.add(page_facts(page) for _, page in chunk)
            for path, page in chunk:
                self._catalog.add(path, page)
            if self._embed is not None:
                self._catalog.vectors.append(self._embed([page_text(page) for _, page in chunk]))
            if self._on_read is not None:
                self._on_read(len(chunk))


def _regular_pages(batches: Iterable[PageBatch], symlinks: list[str], overlay: Overlay) -> Iterator[tuple[str, int]]:
    """Yield path and size of each page; paths of symbolic links are appended to `symlinks` instead."""
    for batch in batches:
        for path, (size, _) in zip(batch.paths(), batch.states, strict=True):
            if path not in overlay and os.path.islink(path):  # noqa: PTH114 - a Path for each page takes longer than the system call
                symlinks.append(path)
            else:
                yield path, size
