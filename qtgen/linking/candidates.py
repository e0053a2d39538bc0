"""Which pages a page could link to, the best first: near in meaning to the page, but not all about the same thing."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_64_intdigest

from qtgen.embeddings.index import NeighborIndex
from qtgen.embeddings.pages import CenteredVectors
from qtgen.site.similarity import WordSets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.index import RowNumbers
    from qtgen.embeddings.static import Vectors
    from qtgen.linking.links import Mask

# These constants were measured on real pages; docs/explanation/linking.md has the figures.
# Scores are cosines plus bonuses.
SUBJECT_BONUS = 0.05  # for a page of the same subject
ID_BONUS = 0.10  # for a page with nearly the same id: such pages were mostly written together, from one source
ID_DECAY = 30.0  # distance between ids at which a third of that bonus is left
VARIETY_PENALTY = 0.3  # share of its cosine with the nearest other link of the page that a candidate loses
DUPLICATE_WORDS = 0.8  # Jaccard similarity of two questions' words from which two pages are near-duplicates
DUPLICATE_COSINE = 0.88  # cosine of two pages, without what all pages share, above which they are near-duplicates
DUPLICATE_FULL_COSINE = 0.95  # the same with what all pages share, which matters if most pages are near-duplicates
MIN_COSINE = 0.3  # lowest cosine of a link: 35 of 1,000 pairs of random pages have a higher one
NO_ID = -(1 << 63)  # id of a page without one

POOL = 24  # candidates per page
_NEAREST = 64  # nearest pages that are looked at
_NEAREST_IN_CROWD = 2_000  # the same for a page with so many near-duplicates that too few of the others are usable
_BLOCK = 1_000  # pages that are worked on together, which takes 25 MB of vectors


@dataclass(frozen=True)
class PageTable:
    """What choosing links needs to know about all pages, in columns: row N of each column belongs to page N.

    The order of the rows decides between equally good candidates, so it must not depend on the order of files.

    Attributes:
        meanings: Vectors of the pages.
        ids: `NO_ID` for a page without an id.
        questions: Words of the pages' questions.
        linkable: Whether other pages may link to a page.
        needs_inbound: Whether a page should get a link from another page.
        editable: Whether a page's links may change.
        kept: For each of a page's slots the row that it keeps linking to, -1 if the slot is free.
    """

    meanings: CenteredVectors
    subjects: "RowNumbers"
    ids: "NDArray[np.int64]"
    questions: WordSets
    linkable: "Mask"
    needs_inbound: "Mask"
    editable: "Mask"
    kept: "RowNumbers"

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def slots(self) -> int:
        """The most links of a page."""
        width: int = self.kept.shape[1]
        return width

    @property
    def vectors(self) -> "Vectors":
        """Vectors of length 1, without what all pages share."""
        return self.meanings.rows

    @cached_property
    def groups(self) -> "RowNumbers":
        """For each page the first linkable page whose question has the same words, or the page itself."""
        import numpy as np

        rows = np.flatnonzero(self.linkable)
        words = (xxh3_64_intdigest(array("I", sorted(self.questions[row])).tobytes()) for row in rows.tolist())
        _, first, of_row = np.unique(np.fromiter(words, np.uint64, len(rows)), return_index=True, return_inverse=True)
        groups = np.arange(len(self), dtype=np.int32)
        groups[rows] = rows[first][of_row]
        return groups

    @cached_property
    def group_in_subject(self) -> dict[tuple[int, int], int]:
        """The first page of a group (of several pages) within a subject, by group and subject."""
        import numpy as np

        later = np.flatnonzero(self.groups != np.arange(len(self)))
        members = {*self.groups[later].tolist(), *later.tolist()}
        first: dict[tuple[int, int], int] = {}
        for row in sorted(members):
            first.setdefault((int(self.groups[row]), int(self.subjects[row])), row)
        return first

    def cosine(self, row: int, other: int) -> float:
        """Return the cosine of two pages."""
        return float(self.vectors[row] @ self.vectors[other])

    def are_duplicates(self, row: int, other: int) -> bool:
        """Return whether two pages are near-duplicates, by their questions' words or by their meanings."""
        cosine = self.vectors[row] @ self.vectors[other]
        return self.have_same_words(row, other) or bool(self.have_same_meaning(row, other, cosine))

    def have_same_words(self, row: int, other: int) -> bool:
        """Return whether two pages ask nearly the same question in nearly the same words."""
        return self.questions.are_similar(row, other, DUPLICATE_WORDS)

    def have_same_words_as_any(self, row: int, others: Iterable[int]) -> bool:
        """Return whether a page asks nearly the same question as any of the others in nearly the same words."""
        return self.questions.is_similar_to_any(row, others, DUPLICATE_WORDS)

    def have_same_meaning(self, rows: Any, others: Any, cosines: Any) -> Any:
        """Return whether pages say nearly the same.

        Args:
            rows, others: Pages to compare, as numbers or arrays of shapes that broadcast.
            cosines: The cosines of their `vectors`.
        """
        return (cosines > DUPLICATE_COSINE) | (
            self.meanings.full_cosines(rows, others, cosines) > DUPLICATE_FULL_COSINE
        )

    def scores(self, rows: "RowNumbers", others: "RowNumbers", cosines: "Vectors") -> "Vectors":
        """Return how good links from each of `rows` to each of its `others` would be.

        Args:
            rows: Shape (n,).
            others, cosines: Shape (n, m).
        """
        import numpy as np

        distances = np.abs(self.ids[others] - self.ids[rows][:, None]).astype(np.float32)
        have_ids = (self.ids[others] != NO_ID) & (self.ids[rows][:, None] != NO_ID)
        id_nearness = np.where(have_ids, np.exp(-distances / ID_DECAY), 0)
        same_subject = self.subjects[others] == self.subjects[rows][:, None]
        scores: Vectors = (cosines + SUBJECT_BONUS * same_subject + ID_BONUS * id_nearness).astype(np.float32)
        return scores


def find_candidates(table: PageTable, rows: "RowNumbers", index: NeighborIndex) -> "Iterator[RowNumbers]":
    """Yield the best `POOL` candidates of each of `rows`, the best first, in blocks of rows; -1 if there are no more.

    Each candidate is near enough. None is a near-duplicate of the page, of a link that it keeps or of another
    candidate.

    Args:
        index: An index of the first page of each group.
    """
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        ranked, farthest = _nearest(table, block, index, _NEAREST)
        too_few = ((ranked >= 0).sum(axis=1) < table.slots) & (farthest >= MIN_COSINE)
        if too_few.any():
            ranked[too_few], _ = _nearest(table, block[too_few], index, _NEAREST_IN_CROWD)
        yield ranked


def _nearest(table: PageTable, rows: "RowNumbers", index: NeighborIndex, count: int) -> "tuple[RowNumbers, Vectors]":
    """Return the candidates among the nearest pages, and for each row the cosine of the farthest page looked at."""
    others, cosines = index(rows, count)
    return _rank(table, rows, _prefer_own_subject(table, rows, others), cosines), cosines[:, -1]


def _prefer_own_subject(table: PageTable, rows: "RowNumbers", others: "RowNumbers") -> "RowNumbers":
    """Replace the first page of a group by the group's page of the row's own subject, if there is one."""
    import numpy as np

    if not table.group_in_subject:
        return others
    groups = np.unique([group for group, _ in table.group_in_subject])
    for row, column in zip(*np.nonzero(np.isin(others, groups)), strict=True):
        group = int(others[row, column])
        others[row, column] = table.group_in_subject.get((group, int(table.subjects[rows[row]])), group)
    return others


def _rank(table: PageTable, rows: "RowNumbers", others: "RowNumbers", cosines: "Vectors") -> "RowNumbers":
    """Return the best `POOL` of the others by maximal marginal relevance (Carbonell and Goldstein 1998).

    The next candidate is always the one with the best score after the variety penalty. Near-duplicates of earlier
    candidates and of kept links are left out.
    """
    import numpy as np

    usable = (others >= 0) & (table.groups[others] != table.groups[rows][:, None]) & (cosines >= MIN_COSINE)
    usable &= ~table.have_same_meaning(rows[:, None], others, cosines)
    scores = np.where(usable, table.scores(rows, others, cosines), -np.inf)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :POOL]
    others, scores = np.take_along_axis(others, best, axis=1), np.take_along_axis(scores, best, axis=1)
    vectors = table.vectors[others]
    cosines = vectors @ vectors.transpose(0, 2, 1)
    duplicates = table.have_same_meaning(others[:, :, None], others[:, None, :], cosines)
    kept = table.kept[rows]
    has_link = (kept >= 0)[:, None, :]
    kept_cosines = np.where(has_link, vectors @ table.vectors[kept].transpose(0, 2, 1), 0)
    duplicates_kept = table.have_same_meaning(others[:, :, None], kept[:, None, :], kept_cosines) & has_link
    scores[duplicates_kept.any(axis=2)] = -np.inf
    order = _diversify(scores, cosines, duplicates, kept_cosines.max(axis=2))
    return np.where(order < 0, -1, np.take_along_axis(others, order, axis=1))


def _diversify(
    scores: "Vectors", cosines: "Vectors", duplicates: "Mask", nearest_kept: "Vectors"
) -> "NDArray[np.intp]":
    """Return the columns of `scores` in the order of maximal marginal relevance, -1 once no usable one is left."""
    import numpy as np

    remaining, nearest = scores.copy(), np.maximum(nearest_kept, 0)
    order = np.empty(scores.shape, np.intp)
    every_row = np.arange(len(scores))
    for rank in range(scores.shape[1]):
        pick = np.argmax(remaining - np.float32(VARIETY_PENALTY) * nearest, axis=1)
        order[:, rank] = np.where(np.isfinite(remaining[every_row, pick]), pick, -1)
        remaining[every_row, pick] = -np.inf
        remaining[duplicates[every_row, pick]] = -np.inf
        nearest = np.maximum(nearest, cosines[every_row, pick])
    return order
