"""The graph of links for people: a line a figure, and a line a subject."""

from collections.abc import Iterator, Mapping
from typing import Any

from qtgen._util.text import pluralize

FAULTS = {
    "dangling": "dangling",
    "to_self": "to the page itself",
    "repeated": "repeated",
    "to_no_index": "to a no-index page",
    "mismatched": "with another id, title or subject than the target",
}
_BINS = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, 100), (101, None))


def document(graph: Mapping[str, Any]) -> Iterator[str]:
    """graph: `link_graph.Graph.as_dict`. Lines."""
    for name, said in figures(graph):
        yield f"{name:<17}{said}"
    if graph["subjects"]:
        yield ""
        yield from _subjects(graph["subjects"])


def figures(graph: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of each figure of the whole graph."""
    inbound, parts = graph["inbound"], graph["components"]
    yield "pages", f"{graph['pages']:,}, {graph['without_links']:,} of them without links"
    yield "links", f"{graph['links']:,}"
    yield "broken", broken(graph)
    yield "orphans", f"{pluralize(graph['orphans'], 'page')} that no other page names (of those that may be found)"
    yield (
        "inbound links",
        (
            f"median {inbound['median']}, 90% of pages up to {inbound['p90']}, 99% up to {inbound['p99']}, "
            f"at most {inbound['max']}"
        ),
    )
    yield "", "  ".join(f"{name}: {pages:,}" for name, pages in bins(graph["linked_to"]))
    yield "components", f"{parts['count']:,}, the largest of {pluralize(parts['largest'], 'page')}"
    yield "across subjects", f"{graph['cross_subject']:.1%} of links"


def broken(graph: Mapping[str, Any]) -> str:
    """`12: 9 dangling, 3 repeated`."""
    kinds = ", ".join(f"{graph['faults'][code]:,} {words}" for code, words in FAULTS.items() if graph["faults"][code])
    return f"{graph['broken']:,}: {kinds}" if kinds else "none"


def bins(linked_to: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Numbers of inbound links, and how many pages have so many; without the empty ones at the end."""
    counts = {int(count): pages for count, pages in linked_to.items()}
    most = max(counts, default=0)
    for low, high in _BINS:
        if low <= most:
            pages = sum(pages for count, pages in counts.items() if low <= count <= (most if high is None else high))
            yield (f"{low}" if low == high else f"{low}+" if high is None else f"{low}-{high}"), pages


def _subjects(subjects: list[Mapping[str, Any]]) -> Iterator[str]:
    width = max(len("subject"), *(len(subject["name"]) for subject in subjects))
    yield f"{'subject':<{width}}  {'pages':>7}  reached from its first page (lowest id): of its own, of all"
    for subject in subjects:
        share = subject["reached"] / subject["pages"]
        reached = f"{subject['reached']:>7,} {f'({share:.0%})':>6}  {subject['reached_anywhere']:>7,}"
        yield f"{subject['name']:<{width}}  {subject['pages']:>7,}  {reached}"
