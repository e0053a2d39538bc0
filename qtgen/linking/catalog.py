"""The facts about every page that choosing links needs: titles, ids, existing links and one vector per page."""

import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from qtgen._util.text_column import TextColumn
from qtgen.embeddings.pages import PageText, VectorBlocks
from qtgen.linking.graph import Graph, PageNode, build_graph
from qtgen.linking.links import links_of
from qtgen.linking.shards import CatalogShard
from qtgen.page import Layout, Page, Profile, Value, layouts_of
from qtgen.site.discovery import (
    Overlay,
    load_page,
)
from qtgen.site.index import SiteIndex

if TYPE_CHECKING:
    from qtgen.embeddings.pages import HalfVectors

EmbedPages = Callable[[Sequence[PageText]], "HalfVectors"]
"""Turns the texts of pages into vectors, one row per text."""


class SkippedPage(NamedTuple):
    """A page that cannot be linked, and why."""

    path: str
    reason: str


@dataclass
class Catalog:
    """Facts about every page, in columns: entry N of each column belongs to page N.

    The selected pages come first. The pages after them are the rest of the site and only serve as link targets.

    Attributes:
        profile: The layout of the site.
        overlay: Contents to use instead of those of the files, by path.
        digests: Digests of the files' texts, to notice that a file changed later.
        layouts: The number of each page's layout.
        urls, titles, subjects: Empty for a page without that field. Urls are the keys of pages, as texts.
        problems: Why a page cannot be linked, by page number.
        vectors: Rows in page order; none if the catalog was read without an embedder.
        selected: Number of selected pages.
    """

    profile: Profile
    overlay: Overlay
    site: SiteIndex = field(default_factory=SiteIndex)
    paths: TextColumn = field(default_factory=TextColumn)
    digests: "array[int]" = field(default_factory=lambda: array("Q"))
    layouts: bytearray = field(default_factory=bytearray)
    urls: TextColumn = field(default_factory=TextColumn)
    titles: TextColumn = field(default_factory=TextColumn)
    subjects: list[str] = field(default_factory=list)
    ids: list[int | None] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)
    vectors: VectorBlocks = field(default_factory=VectorBlocks)
    selected: int = 0

    def __len__(self) -> int:
        return len(self.paths)

    def extend(self, paths: Iterable[str], shard: CatalogShard) -> None:
        """Append the pages of a shard to every column except `vectors`."""
        first = len(self)
        self.paths.extend(paths)
        self.site.add(shard.facts)
        self.digests.extend(shard.digests)
        self.layouts.extend(shard.layouts)
        self.urls.extend(shard.urls)
        self.titles.extend(shard.titles)
        self.subjects += map(sys.intern, shard.subjects)  # a site has a few dozen
        self.ids += shard.ids
        self.problems |= {first + number: problem for number, problem in shard.problems.items()}

    def owns_url(self, number: int) -> bool:
        """Return whether a page is the first one with its url."""
        row = self.site.starts[number]
        return self.site.row_by_url.get(self.site.urls[row]) == row

    def is_hidden(self, number: int) -> bool:
        """Return whether search engines must not show a page."""
        return self.site.is_hidden(self.site.starts[number])

    def is_linkable(self, number: int) -> bool:
        """Return whether other pages may link to a page."""
        return number not in self.problems and self.owns_url(number) and not self.is_hidden(number)

    @property
    def slots(self) -> int:
        """The most links of a page."""
        links = self.profile.file.links
        return links.max if links else 0

    @property
    def link_name(self) -> str:
        """What people call a link."""
        links = self.profile.file.links
        return links.name if links else "link"

    def layout(self, number: int) -> Layout:
        """Return the layout of a page."""
        return layouts_of(self.profile)[self.layouts[number]]

    def is_editable(self, number: int) -> bool:
        """Return whether the links of a page can change."""
        return number not in self.problems and self.layout(number).links is not None

    def page(self, number: int) -> Page:
        """Read a page again, for what the catalog does not hold."""
        return load_page(self.paths[number], -1, self.overlay, self.profile)

    def copied_value(self, number: int, name: str) -> Value:
        """Return what links to a page copy from it.

        Args:
            name: A role (`id`, `question` or `subject`), or the path of a field.
        """
        match name:
            case "id":
                return self.ids[number]
            case "question":
                return self.titles[number]
            case "subject":
                path = self.layout(number).roles.subject or ""
                return self.subjects[number] or self.page(number).values.get(path, "")
        return self.page(number).values.get(name)

    def subject_key(self, number: int) -> str:
        """Return a text that is the same for all spellings of a page's subject."""
        return layouts_of(self.profile)[0].slug(self.subjects[number])

    def skipped(self, *, with_corpus: bool = False) -> list[SkippedPage]:
        """Return the pages that cannot be linked: selected ones, or all of them."""
        count = len(self) if with_corpus else self.selected
        return [SkippedPage(self.paths[number], reason) for number, reason in self.problems.items() if number < count]

    def nodes(self) -> list[PageNode | None]:
        """Return the node of each page in the link graph; None for a page without a url or a title."""
        return [
            PageNode(self.urls[n], self.subjects[n], self.subject_key(n), self.ids[n], self.is_linkable(n))
            if self.urls[n] and self.titles[n]
            else None
            for n in range(len(self))
        ]

    def graph(self) -> Graph:
        """Return the link graph of all pages."""
        return build_graph(self.nodes(), links_of(self.site))
