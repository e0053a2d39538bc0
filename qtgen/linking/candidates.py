"""Which pages a page could name, the best first: near in meaning, and not all near to the same thing."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qtgen.embeddings.index import NeighborIndex
from qtgen.embeddings.pages import CenteredVectors
from qtgen.page.fields import RELATED_MAX
from qtgen.site.similarity import WordSets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.index import RowNumbers
    from qtgen.embeddings.static import Vectors

    Mask = NDArray[np.bool_]

# Measured on real pages: docs/linking.md.
SAME_SUBJECT = 0.05  # what it is worth, in cosines
SAME_SITTING = 0.10  # pages whose ids are close were asked about together, mostly from one source
_SITTING = 30.0  # ids apart at which that is worth a third
VARIETY = 0.3  # of its cosine with the nearest link of the page, that a candidate loses
SAME_WORDS = 0.8  # Jaccard similarity of two questions' words that makes them near-duplicates …
SAME_MEANING = 0.88  # … or the cosine of the two pages, without what all pages share …
SAME_TEXT = 0.95  # … or with it: where most pages are near-duplicates, all share what these say
NEAR_ENOUGH = 0.3  # least cosine of a link: two pages taken at random are nearer 35 times of 1,000
NO_ID = -(1 << 63)
_LOOKED_AT = 64  # nearest pages …
_LOOKED_FURTHER = 2_000  # … and by a page to which too few of them are of use: near-duplicates come in crowds
POOL = 24  # of them that are put in order
_BLOCK = 1_000  # pages worked on together: 25 MB of vectors


@dataclass(frozen=True)
class Pages:
    """What is known of all pages, by column; the order decides between equals, so it must not hang on that of files.

    meanings: a row a page; ids: `NO_ID` where there is none; questions: their words; linkable: whether
    others may name it; wanted: whether one should; changeable: whether its links may change; kept: of each of its
    places the page that it goes on leading to, -1 where it is free.
    """

    meanings: CenteredVectors
    subjects: "RowNumbers"
    ids: "NDArray[np.int64]"
    questions: WordSets
    linkable: "Mask"
    wanted: "Mask"
    changeable: "Mask"
    kept: "RowNumbers"

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def vectors(self) -> "Vectors":
        return self.meanings.rows

    @cached_property
    def groups(self) -> "RowNumbers":
        """Of each page the first that is linkable and asks the same in the same words; itself where none does."""
        import numpy as np

        first: dict[bytes, int] = {}
        found = np.arange(len(self), dtype=np.int32)
        for number in np.flatnonzero(self.linkable).tolist():
            words = array("I", sorted(self.questions[number])).tobytes()
            found[number] = first.setdefault(words, number)
        return found

    @cached_property
    def in_subject(self) -> dict[tuple[int, int], int]:
        """Group and subject -> its first page there, of groups of several."""
        import numpy as np

        others = np.flatnonzero(self.groups != np.arange(len(self)))
        some = {*self.groups[others].tolist(), *others.tolist()}
        found: dict[tuple[int, int], int] = {}
        for number in sorted(some):
            found.setdefault((int(self.groups[number]), int(self.subjects[number])), number)
        return found

    def alike(self, one: int, other: int) -> bool:
        """Whether two pages are near-duplicates."""
        cosine = self.vectors[one] @ self.vectors[other]
        return self.same_words(one, other) or bool(self.same_meaning(one, other, cosine))

    def same_words(self, one: int, other: int) -> bool:
        return self.questions.are_similar(one, other, SAME_WORDS)

    def same_meaning(self, ones: Any, others: Any, cosines: Any) -> Any:
        """ones, others: numbers of pages, in shapes that fit each other; cosines: of their vectors."""
        return (cosines > SAME_MEANING) | (self.meanings.full_cosines(ones, others, cosines) > SAME_TEXT)

    def scores(self, rows: "RowNumbers", others: "RowNumbers", cosines: "Vectors") -> "Vectors":
        """What naming others is worth. rows: (n,); others, cosines: (n, m)."""
        import numpy as np

        apart = np.abs(self.ids[others] - self.ids[rows][:, None]).astype(np.float32)
        known = (self.ids[others] != NO_ID) & (self.ids[rows][:, None] != NO_ID)
        together = np.where(known, np.exp(-apart / _SITTING), 0)
        same = self.subjects[others] == self.subjects[rows][:, None]
        scores: Vectors = (cosines + SAME_SUBJECT * same + SAME_SITTING * together).astype(np.float32)
        return scores


def candidates(pages: Pages, rows: "RowNumbers", near: NeighborIndex) -> "Iterator[RowNumbers]":
    """`POOL` others that each of `rows` could name, the best first, -1 where there are no more; in blocks of rows.

    Each is near enough, and none has the meaning of the page, of a link that it keeps or of another candidate. near:
    over the first pages of their groups.
    """
    for at in range(0, len(rows), _BLOCK):
        block = rows[at : at + _BLOCK]
        found, farthest = _found(pages, block, near, _LOOKED_AT)
        few = ((found >= 0).sum(axis=1) < RELATED_MAX) & (farthest >= NEAR_ENOUGH)
        if few.any():
            found[few], _ = _found(pages, block[few], near, _LOOKED_FURTHER)
        yield found


def _found(pages: Pages, rows: "RowNumbers", near: NeighborIndex, count: int) -> "tuple[RowNumbers, Vectors]":
    """Candidates, and of each row the cosine of the farthest page that was looked at."""
    others, cosines = near(rows, count)
    return _in_order(pages, rows, _of_own_subject(pages, rows, others), cosines), cosines[:, -1]


def _of_own_subject(pages: Pages, rows: "RowNumbers", others: "RowNumbers") -> "RowNumbers":
    """Of pages that ask the same, that of the page's own subject."""
    import numpy as np

    if not pages.in_subject:
        return others
    several = np.unique([group for group, _ in pages.in_subject])
    for row, column in zip(*np.nonzero(np.isin(others, several)), strict=True):
        other = int(others[row, column])
        others[row, column] = pages.in_subject.get((other, int(pages.subjects[rows[row]])), other)
    return others


def _in_order(pages: Pages, rows: "RowNumbers", others: "RowNumbers", cosines: "Vectors") -> "RowNumbers":
    """The best `POOL` of the others, each next one the best that is not too near to those before it (maximal marginal
    relevance, Carbonell and Goldstein 1998) or to a link that is kept."""
    import numpy as np

    usable = (others >= 0) & (pages.groups[others] != pages.groups[rows][:, None]) & (cosines >= NEAR_ENOUGH)
    usable &= ~pages.same_meaning(rows[:, None], others, cosines)
    scores = np.where(usable, pages.scores(rows, others, cosines), -np.inf)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :POOL]
    others, scores = np.take_along_axis(others, best, axis=1), np.take_along_axis(scores, best, axis=1)
    vectors = pages.vectors[others]
    like_each_other = vectors @ vectors.transpose(0, 2, 1)
    too_near = pages.same_meaning(others[:, :, None], others[:, None, :], like_each_other)
    kept = pages.kept[rows]
    like_kept = np.where((kept >= 0)[:, None, :], vectors @ pages.vectors[kept].transpose(0, 2, 1), 0)
    same_as_kept = pages.same_meaning(others[:, :, None], kept[:, None, :], like_kept) & (kept >= 0)[:, None, :]
    scores[same_as_kept.any(axis=2)] = -np.inf
    order = _marginal(scores, like_each_other, too_near, like_kept.max(axis=2))
    return np.where(order < 0, -1, np.take_along_axis(others, order, axis=1))


def _marginal(
    scores: "Vectors", like_each_other: "Vectors", too_near: "Mask", like_kept: "Vectors"
) -> "NDArray[np.intp]":
    """The order; -1 where only those are left that cannot be used."""
    import numpy as np

    left, nearest = scores.copy(), np.maximum(like_kept, 0)
    order = np.empty(scores.shape, np.intp)
    every = np.arange(len(scores))
    for place in range(scores.shape[1]):
        pick = np.argmax(left - np.float32(VARIETY) * nearest, axis=1)
        order[:, place] = np.where(np.isfinite(left[every, pick]), pick, -1)
        left[every, pick] = -np.inf
        left[too_near[every, pick]] = -np.inf
        nearest = np.maximum(nearest, like_each_other[every, pick])
    return order
