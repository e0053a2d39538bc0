"""The links of a site as a graph: broken links, orphans, and how far a reader gets by following links."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from qtgen.linking.links import FAULTS, Links

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.index import RowNumbers
    from qtgen.linking.links import Mask

_BITS = 64  # subjects whose readers are followed at the same time, one bit each


class PageNode(NamedTuple):
    """A page in the graph.

    Attributes:
        subject: The subject as the page spells it.
        subject_key: The same for all spellings of a subject.
        linkable: Whether other pages may link to it; if none does, it is an orphan.
    """

    url: str
    subject: str
    subject_key: str
    id: int | None
    linkable: bool


class SubjectReach(NamedTuple):
    """How far a reader gets who starts at a subject's first page and follows links.

    Attributes:
        pages: Number of the subject's pages.
        start: Url of its first page, the one with the lowest id.
        reached: Number of the subject's pages that the reader can reach, the first one included.
        reached_anywhere: Number of pages of any subject that the reader can reach.
    """

    name: str
    pages: int
    start: str
    reached: int
    reached_anywhere: int

    @property
    def share(self) -> float:
        """Share of the subject's pages that the reader can reach."""
        return self.reached / self.pages


@dataclass(frozen=True, slots=True)
class Graph:
    """Figures of a link graph. Only links that are not broken, or merely mismatched, count as links between pages.

    Attributes:
        pages: Number of pages with a url and a title.
        links: Number of links, including broken ones.
        faults: Number of links by fault: `dangling`, `to_self`, `repeated`, `to_no_index`, `mismatched`.
        orphans: Number of linkable pages that no page links to.
        without_links: Number of pages that link to no page.
        linked_to: Number of pages by number of inbound links.
        components: Numbers of pages of the connected components, the largest first.
        matrix: Number of links from one subject (row) to another (column), in the order of `subjects`.
    """

    pages: int
    links: int
    faults: dict[str, int]
    orphans: int
    without_links: int
    linked_to: dict[int, int]
    components: list[int]
    subjects: list[SubjectReach]
    matrix: list[list[int]]

    @property
    def broken(self) -> int:
        """Number of broken links."""
        return sum(self.faults.values())

    @property
    def is_sound(self) -> bool:
        """Whether no link is broken and no page is an orphan, which a single page cannot help being."""
        return not self.broken and (not self.orphans or self.pages <= 1)

    @property
    def cross_subject(self) -> float:
        """Share of the links that lead to another subject, 0 if there are no links."""
        total = sum(map(sum, self.matrix))
        inside = sum(row[number] for number, row in enumerate(self.matrix))
        return (total - inside) / total if total else 0.0

    @property
    def largest_component(self) -> int:
        """Number of pages of the largest connected component."""
        return self.components[0] if self.components else 0

    @property
    def max_inbound(self) -> int:
        """The highest number of inbound links of a page."""
        return max(self.linked_to, default=0)

    def inbound_quantile(self, share: float) -> int:
        """Return the number of inbound links that this share of the pages does not exceed."""
        remaining = share * self.pages
        for count, pages in sorted(self.linked_to.items()):
            remaining -= pages
            if remaining <= 0:
                return count
        return 0

    def as_dict(self) -> dict[str, Any]:
        """Return the graph as a JSON object."""
        quantiles = {"median": 0.5, "p90": 0.9, "p99": 0.99}
        inbound = {name: self.inbound_quantile(share) for name, share in quantiles.items()}
        return {
            **asdict(self),
            "broken": self.broken,
            "cross_subject": round(self.cross_subject, 4),
            "linked_to": {str(count): pages for count, pages in sorted(self.linked_to.items())},
            "inbound": inbound | {"max": self.max_inbound},
            "components": {"count": len(self.components), "largest": self.largest_component},
            "subjects": [subject._asdict() for subject in self.subjects],
        }


def build_graph(nodes: Sequence[PageNode | None], links: Links) -> Graph:
    """Return the graph of pages and their links.

    Args:
        nodes: The page of each number that `links` uses; None for a page that does not count.
    """
    import numpy as np

    good = links.good()
    sources, targets = links.sources[good], links.targets[good]
    counted = np.array([node is not None for node in nodes], bool)
    linkable = np.array([node is not None and node.linkable for node in nodes], bool)
    inbound = np.bincount(targets, minlength=len(nodes))
    outbound = np.bincount(sources, minlength=len(nodes))
    faults = Counter(links.faults.tolist())
    subjects, matrix = _by_subject(nodes, sources, targets)
    return Graph(
        pages=int(counted.sum()),
        links=len(links.sources),
        faults={fault.code: faults[fault] for fault in FAULTS},
        orphans=int((linkable & (inbound == 0)).sum()),
        without_links=int((counted & (outbound == 0)).sum()),
        linked_to=dict(sorted(Counter(inbound[counted].tolist()).items())),
        components=_components(counted, sources, targets),
        subjects=subjects,
        matrix=matrix,
    )


def _components(counted: "Mask", sources: "RowNumbers", targets: "RowNumbers") -> list[int]:
    """Return the sizes of the connected components, the largest first."""
    import numpy as np

    labels = np.arange(len(counted))
    _propagate(labels, np.concatenate([sources, targets]), np.concatenate([targets, sources]), np.minimum)
    return sorted(Counter(labels[counted].tolist()).values(), reverse=True)


def _by_subject(
    nodes: Sequence[PageNode | None], sources: "RowNumbers", targets: "RowNumbers"
) -> tuple[list[SubjectReach], list[list[int]]]:
    """Return the subjects in the order of their keys, and the links between them."""
    import numpy as np

    spellings: dict[str, Counter[str]] = {}
    for node in nodes:
        if node is not None:
            spellings.setdefault(node.subject_key, Counter())[node.subject] += 1
    keys = sorted(spellings)
    number_of = {key: number for number, key in enumerate(keys)}
    subject_of = np.array([-1 if node is None else number_of[node.subject_key] for node in nodes], np.int64)
    first = _first_pages(nodes)
    starts = [first[key] for key in keys]
    subjects = []
    for key, start, reached in zip(keys, starts, _reach(starts, subject_of, sources, targets), strict=True):
        names, node = spellings[key], nodes[start]
        most_common = max(sorted(names), key=names.__getitem__)
        subjects.append(SubjectReach(most_common, names.total(), node.url if node else "", *reached))
    matrix = np.zeros((len(keys), len(keys)), np.int64)
    if keys:
        np.add.at(matrix, (subject_of[sources], subject_of[targets]), 1)
    return subjects, matrix.tolist()


def _first_pages(nodes: Sequence[PageNode | None]) -> dict[str, int]:
    """Return the number of each subject's first page: the one with the lowest id, then the lowest url."""
    first: dict[str, tuple[tuple[bool, int, str], int]] = {}
    for number, node in enumerate(nodes):
        if node is not None:
            age = node.id is None, node.id or 0, node.url
            if node.subject_key not in first or age < first[node.subject_key][0]:
                first[node.subject_key] = age, number
    return {key: number for key, (_, number) in first.items()}


def _reach(
    starts: Sequence[int], subject_of: "NDArray[np.int64]", sources: "RowNumbers", targets: "RowNumbers"
) -> list[tuple[int, int]]:
    """Return how many pages can be reached from each subject's start: of the subject, and of all subjects."""
    import numpy as np

    counts: list[tuple[int, int]] = []
    for first in range(0, len(starts), _BITS):
        block = starts[first : first + _BITS]
        bits = np.zeros(len(subject_of), np.uint64)
        for bit, start in enumerate(block):
            bits[start] = np.uint64(1 << bit)
        _propagate(bits, sources, targets, np.bitwise_or)
        for bit in range(len(block)):
            reached = (bits >> np.uint64(bit)) & np.uint64(1) == 1
            counts.append((int((reached & (subject_of == first + bit)).sum()), int(reached.sum())))
    return counts


def _propagate(values: "NDArray[Any]", sources: "RowNumbers", targets: "RowNumbers", merge: "np.ufunc") -> None:
    """Pass each page's value along its links and merge it with the target's, in place, until no value changes.

    Each round only visits the links of pages that changed in the round before. So a long chain of pages, which takes
    many rounds, takes no longer than a dense graph.
    """
    import numpy as np

    order = np.argsort(sources, kind="stable")
    heads = targets[order]
    first_link = np.searchsorted(sources[order], np.arange(len(values) + 1))
    changed = np.arange(len(values))
    while len(changed):
        counts = first_link[changed + 1] - first_link[changed]
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        receivers = heads[np.repeat(first_link[changed], counts) + offsets]
        before = values[receivers]
        merge.at(values, receivers, np.repeat(values[changed], counts))
        changed = np.unique(receivers[values[receivers] != before])
