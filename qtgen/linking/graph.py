"""The links of a site as a graph: which are broken, who is named by nobody, how far a reader gets.

Links are columns of numbers, so that a million of them take a second.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from qtgen.site.index import NO_ID, SiteIndex

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int32]
    Mask = NDArray[np.bool_]


class LinkFault(IntEnum):
    """What is wrong with a link; the first that holds. DIFFERS is mended where it stands, the others lead elsewhere."""

    NONE = 0
    DANGLING = 1
    SELF = 2
    REPEATED = 3
    HIDDEN = 4
    DIFFERS = 5


_CODES = {
    LinkFault.DANGLING: "dangling",
    LinkFault.SELF: "to_self",
    LinkFault.REPEATED: "repeated",
    LinkFault.HIDDEN: "to_no_index",
    LinkFault.DIFFERS: "mismatched",
}


@dataclass(frozen=True)
class Links:
    """By column: the page a link stands on, its place there (0 to 4), the page it leads to (-1: none), its fault."""

    sources: "Numbers"
    places: "Numbers"
    targets: "Numbers"
    faults: "Numbers"

    def good(self) -> "Mask":
        """Those that lead a reader to another page that may be found; also where id or title are wrong."""
        import numpy as np

        return np.isin(self.faults, [LinkFault.NONE, LinkFault.DIFFERS])


def links_of(site: SiteIndex) -> Links:
    """Every link of the site, in the order of its pages."""
    import numpy as np

    rows = np.array(site.link_rows, np.int64)
    targets = np.array(site.link_targets, np.int64)
    urls, texts, ids, places = (
        np.array(part, np.uint64) for part in (site.urls, site.titles, site.ids, site.locations)
    )
    starts = np.array(site.starts, np.int64)
    sources = (np.searchsorted(starts, rows, "right") - 1).astype(np.int32)
    there = targets >= 0
    differs = there & (ids[targets] != NO_ID) & (ids[rows] != ids[targets])
    differs |= there & (texts[rows] != texts[targets])
    hidden = np.isin(targets, [row for row in site.page_rows if site.is_hidden(row)])
    faults = np.select(
        [~there, urls[rows] == urls[starts[sources]], _repeated(sources, urls[rows]), hidden, differs],
        [np.int32(fault) for fault in _CODES],
        np.int32(LinkFault.NONE),
    )
    target_pages = np.where(there, np.searchsorted(starts, targets, "right") - 1, -1)
    return Links(
        sources,
        (places[rows] & np.uint64(7)).astype(np.int32) - 1,
        target_pages.astype(np.int32),
        faults,
    )


def _repeated(sources: "Numbers", urls: "NDArray[np.uint64]") -> "Mask":
    """The second and further links of a page to one url."""
    import numpy as np

    order = np.lexsort((np.arange(len(urls)), urls, sources))
    again = np.zeros(len(urls), bool)
    same = (sources[order][1:] == sources[order][:-1]) & (urls[order][1:] == urls[order][:-1])
    again[order[1:]] = same
    return again


class Subject(NamedTuple):
    """Of one subject: its pages, the url of the first of them (lowest id), how many of its pages a reader comes to who
    starts there, and how many of all."""

    name: str
    pages: int
    start: str
    reached: int
    reached_anywhere: int


@dataclass(frozen=True, slots=True)
class Graph:
    """What `qtgen link --check` says.

    linked_to: number of inbound links -> pages that have so many; orphans: pages that may be found and that no page
    names; components: sizes of the parts that no link joins, the largest first; matrix: links from a subject to a
    subject, in the order of `subjects`.
    """

    pages: int
    links: int
    faults: dict[str, int]
    orphans: int
    without_links: int
    linked_to: dict[int, int]
    components: list[int]
    subjects: list[Subject]
    matrix: list[list[int]]

    @property
    def broken(self) -> int:
        return sum(self.faults.values())

    @property
    def cross_subject(self) -> float:
        """Share of links to another page that lead to another subject's; 0 where there are none."""
        inside = sum(row[number] for number, row in enumerate(self.matrix))
        every = sum(map(sum, self.matrix))
        return (every - inside) / every if every else 0.0

    def quantile(self, share: float) -> int:
        """The number of inbound links that a share of the pages has, or fewer."""
        left = share * self.pages
        for count, pages in sorted(self.linked_to.items()):
            left -= pages
            if left <= 0:
                return count
        return 0

    def as_dict(self) -> dict[str, Any]:
        """The JSON document of `--check`."""
        inbound = {"median": self.quantile(0.5), "p90": self.quantile(0.9), "p99": self.quantile(0.99)}
        inbound["max"] = max(self.linked_to, default=0)
        return {
            **asdict(self),
            "broken": self.broken,
            "cross_subject": round(self.cross_subject, 4),
            "linked_to": {str(count): pages for count, pages in sorted(self.linked_to.items())},
            "inbound": inbound,
            "components": {"count": len(self.components), "largest": self.components[0] if self.components else 0},
            "subjects": [subject._asdict() for subject in self.subjects],
        }


class PageNode(NamedTuple):
    """What a page is to the graph. key: of its subject, which may be spelled in several ways; wanted: whether another
    page should name it."""

    url: str
    subject: str
    key: str
    id: int | None
    wanted: bool


def graph_of(pages: Sequence[PageNode | None], links: Links) -> Graph:
    """pages: by their number; None for those without a url."""
    import numpy as np

    good = links.good()
    sources, targets = links.sources[good], links.targets[good]
    inbound = np.bincount(targets, minlength=len(pages))
    there = np.array([page is not None for page in pages], bool)
    wanted = np.array([page is not None and page.wanted for page in pages], bool)
    counts = Counter(inbound[there].tolist())
    faults = Counter(links.faults.tolist())
    subjects, matrix = _by_subject(pages, sources, targets)
    return Graph(
        int(there.sum()),
        len(links.sources),
        {_CODES[fault]: faults[fault] for fault in _CODES},
        int((wanted & (inbound == 0)).sum()),
        int((there & (np.bincount(sources, minlength=len(pages)) == 0)).sum()),
        dict(sorted(counts.items())),
        _components(there, sources, targets),
        subjects,
        matrix,
    )


def _components(there: "Mask", sources: "Numbers", targets: "Numbers") -> list[int]:
    """Sizes of the parts of the graph, the largest first."""
    import numpy as np

    labels = np.arange(len(there))
    both = np.concatenate([sources, targets]), np.concatenate([targets, sources])
    _spread(labels, *both, np.minimum)
    return sorted(Counter(labels[there].tolist()).values(), reverse=True)


def _by_subject(
    pages: Sequence[PageNode | None], sources: "Numbers", targets: "Numbers"
) -> tuple[list[Subject], list[list[int]]]:
    import numpy as np

    names: dict[str, Counter[str]] = {}
    for page in pages:
        if page is not None:
            names.setdefault(page.key, Counter())[page.subject] += 1
    keys = sorted(names)
    number = {key: place for place, key in enumerate(keys)}
    of_page = np.array([-1 if page is None else number[page.key] for page in pages], np.int64)
    starts = _starts(pages, keys)
    found = [
        Subject(max(sorted(names[key]), key=names[key].__getitem__), names[key].total(), start.url, *reached)
        for (key, (_, start)), reached in zip(
            starts.items(), _reached([at for at, _ in starts.values()], of_page, sources, targets), strict=True
        )
    ]
    matrix = np.zeros((len(keys), len(keys)), np.int64)
    if keys:
        np.add.at(matrix, (of_page[sources], of_page[targets]), 1)
    return found, matrix.tolist()


def _starts(pages: Sequence[PageNode | None], keys: Sequence[str]) -> dict[str, tuple[int, PageNode]]:
    """Of each subject the number of its first page, and the page."""
    first: dict[str, tuple[int, PageNode]] = {}
    for number, page in enumerate(pages):
        if page is not None and (page.key not in first or _age(page) < _age(first[page.key][1])):
            first[page.key] = number, page
    return {key: first[key] for key in keys}


def _age(page: PageNode) -> tuple[bool, int, str]:
    return page.id is None, page.id or 0, page.url


def _reached(
    starts: Sequence[int], of_page: "NDArray[np.int64]", sources: "Numbers", targets: "Numbers"
) -> list[tuple[int, int]]:
    """For the start of each subject: pages reached there, and everywhere. 64 starts are followed at a time."""
    import numpy as np

    found: list[tuple[int, int]] = []
    for first in range(0, len(starts), 64):
        bits = np.zeros(len(of_page), np.uint64)
        for bit, start in enumerate(starts[first : first + 64]):
            bits[start] = np.uint64(1 << bit)
        _spread(bits, sources, targets, np.bitwise_or)
        for bit in range(len(starts[first : first + 64])):
            reached = (bits >> np.uint64(bit)) & np.uint64(1) == 1
            found.append((int((reached & (of_page == first + bit)).sum()), int(reached.sum())))
    return found


def _spread(values: "NDArray[Any]", sources: "Numbers", targets: "Numbers", join: "np.ufunc") -> None:
    """Let values follow links and be joined, in place, until nothing changes. Only what has changed goes on, so that a
    chain of pages takes no longer than a crowd."""
    import numpy as np

    order = np.argsort(sources, kind="stable")
    heads = targets[order]
    first = np.searchsorted(sources[order], np.arange(len(values) + 1))
    changed = np.arange(len(values))
    while len(changed):
        lengths = first[changed + 1] - first[changed]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        to = heads[np.repeat(first[changed], lengths) + within]
        before = values[to]
        join.at(values, to, np.repeat(values[changed], lengths))
        changed = np.unique(to[values[to] != before])
