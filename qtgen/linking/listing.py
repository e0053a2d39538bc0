"""The pages behind the figures of a link graph, cut to what a report can show."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from qtgen.linking.links import FAULTS, LinkFault, links_of
from qtgen.site.discovery import Overlay
from qtgen.site.entries import PageLink, links_on

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.linking.catalog import Catalog
    from qtgen.linking.graph import PageNode
    from qtgen.linking.links import Links

SHOWN = 200
"""Pages or links of one list that a report shows."""
_MOST_LINKED = 25


class ListedPage(NamedTuple):
    """A page in a list, with its numbers of inbound and outbound links. `is_file` is false for a page of a pack."""

    path: str
    url: str
    title: str
    subject: str
    inbound: int
    outbound: int
    is_file: bool = True


class BrokenLink(NamedTuple):
    """A broken link. `number` is its number on the page, from 1. `title` and `url` are as the page spells them.

    `differences` are sentences about the fields that differ from the target's.
    """

    page: ListedPage
    number: int
    title: str
    url: str
    target: ListedPage | None
    differences: tuple[str, ...] = ()


class PageList(NamedTuple):
    """The first pages of a list, and how many pages the whole list has."""

    total: int = 0
    pages: Sequence[ListedPage] = ()


class LinkList(NamedTuple):
    """The first links of a list, and how many links the whole list has."""

    total: int = 0
    links: Sequence[BrokenLink] = ()


@dataclass(frozen=True, slots=True)
class GraphLists:
    """The pages and links behind the figures of a graph.

    Attributes:
        inbound: The pages by number of inbound links, one list for each range that was asked for.
        broken: The broken links by the code of their fault.
        starts: The pages at given urls, such as the first page of each subject.
        slots: The most links of a page.
    """

    orphans: PageList
    without_links: PageList
    most_linked: PageList
    inbound: Sequence[PageList]
    broken: dict[str, LinkList]
    starts: dict[str, ListedPage]
    slots: int


def list_pages(
    catalog: "Catalog",
    *,
    ranges: Iterable[tuple[int, int]] = (),
    starts: Iterable[str] = (),
    overlay: Overlay | None = None,
    shown: int = SHOWN,
) -> GraphLists:
    """Return the pages behind the figures of `catalog.graph()`.

    Args:
        ranges: The lowest and the highest number of inbound links of each list in `inbound`.
        starts: Urls to find the pages of.
        overlay: Contents to use instead of those of the files, by path.
        shown: The number of pages or links that each list is cut to.
    """
    return _Lister(catalog, overlay or {}, shown).lists(ranges, set(starts))


class _Lister:
    def __init__(self, catalog: "Catalog", overlay: Overlay, shown: int) -> None:
        import numpy as np

        self._catalog, self._overlay, self._shown = catalog, overlay, shown
        self._links: Links = links_of(catalog.site)
        self._nodes: list[PageNode | None] = catalog.nodes()
        good = self._links.good()
        self._counted = np.array([node is not None for node in self._nodes], bool)
        self._linkable = np.array([node is not None and node.linkable for node in self._nodes], bool)
        self._inbound = np.bincount(self._links.targets[good], minlength=len(self._nodes))
        self._outbound = np.bincount(self._links.sources[good], minlength=len(self._nodes))

    def lists(self, ranges: Iterable[tuple[int, int]], starts: set[str]) -> GraphLists:
        inbound, counted = self._inbound, self._counted
        return GraphLists(
            orphans=self._pages(self._linkable & (inbound == 0)),
            without_links=self._pages(counted & (self._outbound == 0)),
            most_linked=self._most_linked(),
            inbound=[self._pages(counted & (inbound >= low) & (inbound <= high)) for low, high in ranges],
            broken={fault.code: self._broken(fault) for fault in FAULTS},
            starts=dict(self._starts(starts)),
            slots=self._catalog.slots,
        )

    def _pages(self, mask: "NDArray[np.bool_]") -> PageList:
        numbers = mask.nonzero()[0].tolist()
        return PageList(len(numbers), [self._page(number) for number in numbers[: self._shown]])

    def _page(self, number: int) -> ListedPage:
        catalog = self._catalog
        path, inbound, outbound = catalog.paths[number], int(self._inbound[number]), int(self._outbound[number])
        is_file = path not in self._overlay
        return ListedPage(
            path, catalog.urls[number], catalog.titles[number], catalog.subjects[number], inbound, outbound, is_file
        )

    def _most_linked(self) -> PageList:
        import numpy as np

        linked = (self._counted & (self._inbound > 0)).nonzero()[0]
        first = linked[np.argsort(-self._inbound[linked], kind="stable")][:_MOST_LINKED]
        return PageList(len(linked), [self._page(number) for number in first.tolist()])

    def _broken(self, fault: LinkFault) -> LinkList:
        numbers = (self._links.faults == fault).nonzero()[0].tolist()
        return LinkList(len(numbers), [self._link(number) for number in numbers[: self._shown]])

    def _link(self, number: int) -> BrokenLink:
        """Return a link with its words, which the catalog does not hold, so the page is read again."""
        links = self._links
        source, slot, target = int(links.sources[number]), int(links.slots[number]), int(links.targets[number])
        link = next(link for link in links_on(self._catalog.page(source)) if link.number == slot + 1)
        copies = self._copies(source)
        title = next((link.fields.get(key) for key, name in copies.items() if name == "question"), "")
        listed = self._page(target) if target >= 0 else None
        differences = tuple(self._differences(link, copies, target)) if target >= 0 else ()
        shown = title if isinstance(title, str) else ""
        return BrokenLink(self._page(source), slot + 1, shown, link.key or "", listed, differences)

    def _copies(self, source: int) -> Mapping[str, str]:
        """Return what links of a page copy, by the key of the link's map."""
        links = self._catalog.layout(source).links
        return links.copies if links else {}

    def _differences(self, link: PageLink, copies: Mapping[str, str], target: int) -> Iterator[str]:
        """Yield a sentence for each field of a link that differs from its target's."""
        for key, name in copies.items():
            own, value = link.fields.get(key), self._catalog.copied_value(target, name)
            if own != value:
                yield f"the link has the {key} {own}, the page has {value}"

    def _starts(self, urls: set[str]) -> Iterator[tuple[str, ListedPage]]:
        for number, node in enumerate(self._nodes):
            if node is not None and node.url in urls:
                urls.discard(node.url)
                yield node.url, self._page(number)
