"""The figures of a link graph in words, as every report shows them."""

from collections.abc import Iterator

from qtgen._util.text import pluralize
from qtgen.linking.graph import Graph
from qtgen.page.compile import layouts_of
from qtgen.page.profile import Profile

# What is wrong with a broken link, by the fault's code.
FAULT_WORDS = {
    "dangling": "dangling",
    "to_self": "to the page itself",
    "repeated": "repeated",
    "to_no_index": "to a no-index page",
    "mismatched": "with an id, title or subject that differs from the target's",
}
_BINS = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, 100), (101, None))


def hides_pages(profile: Profile) -> bool:
    """Return whether pages of a site can be hidden from search engines."""
    return any(layout.roles.hidden for layout in layouts_of(profile))


def first_page_field(profile: Profile) -> str:
    """Return the field whose lowest value tells the first page of a subject."""
    layouts = layouts_of(profile)
    return "id" if any(layout.roles.id for layout in layouts) else layouts[0].roles.key or "key"


def figures(graph: Graph, *, has_hidden: bool) -> Iterator[tuple[str, str]]:
    """Yield name and value of each figure of the whole graph.

    Args:
        has_hidden: Whether pages of the site can be hidden from search engines.
    """
    uncounted = " (no-index pages do not count)" if has_hidden else ""
    yield "pages", f"{graph.pages:,}, {graph.without_links:,} of them without links"
    yield "links", f"{graph.links:,}"
    yield "broken links", _broken(graph)
    yield "orphans", f"{pluralize(graph.orphans, 'page')} without an inbound link{uncounted}"
    yield (
        "inbound links",
        f"median {graph.inbound_quantile(0.5)}, 90% of pages have at most {graph.inbound_quantile(0.9)}, "
        f"99% at most {graph.inbound_quantile(0.99)}, maximum {graph.max_inbound}",
    )
    yield "components", f"{len(graph.components):,}, the largest with {pluralize(graph.largest_component, 'page')}"
    yield "across subjects", f"{graph.cross_subject:.1%} of links"


def histogram(graph: Graph) -> list[tuple[str, int]]:
    """Return ranges of inbound links and how many pages have so many, up to the last range with pages."""
    bins = []
    for (low, high), (_, last) in zip(_BINS, inbound_ranges(graph), strict=False):
        pages = sum(pages for count, pages in graph.linked_to.items() if low <= count <= last)
        bins.append((f"{low}" if low == high else f"{low}+" if high is None else f"{low}-{high}", pages))
    return bins


def inbound_ranges(graph: Graph) -> list[tuple[int, int]]:
    """Return the lowest and the highest number of inbound links of each range of `histogram`."""
    most = graph.max_inbound
    return [(low, most if high is None else high) for low, high in _BINS if low <= most]


def _broken(graph: Graph) -> str:
    """Return `12: 9 dangling, 3 repeated`."""
    faults = [f"{graph.faults[code]:,} {words}" for code, words in FAULT_WORDS.items() if graph.faults[code]]
    return f"{graph.broken:,}: {', '.join(faults)}" if faults else "none"
