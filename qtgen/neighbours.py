"""Which of many vectors are nearest to others: all compared with all while that is quick, then by an index."""

from typing import TYPE_CHECKING, Any

from qtgen.errors import SettingsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings import Vectors

    Numbers = NDArray[np.int32]

_ALL_WITH_ALL = 4_000  # vectors, at most: as quick as the index, and exact
_BLOCK = 2_000  # rows that are looked for at once: 32 MB of similarities
_CONNECTIVITY, _EXPANSION = 16, 64  # of the index: 99.8% of the 24 nearest real pages; 87% of random words' 36,000


class Neighbours:
    """Searched are the rows `among` of `vectors`, which have length 1. The same rows give the same answers."""

    def __init__(self, vectors: "Vectors", among: "Numbers") -> None:
        self._vectors, self._among = vectors, among
        self._index = _indexed(vectors, among) if len(among) > _ALL_WITH_ALL else None

    def __call__(self, rows: "Numbers", count: int) -> "tuple[Numbers, Vectors]":
        """Of each of `rows` up to `count` nearest among those searched, the nearest first, and their cosines.

        A row is found itself where it is among them; -1 and a cosine of -1 stand where there are no more.
        """
        import numpy as np

        numbers = np.full((len(rows), count), -1, np.int32)
        cosines = np.full((len(rows), count), -1, np.float32)
        found = min(count, len(self._among))
        for at in range(0, len(rows) if found else 0, _BLOCK):
            block = slice(at, at + _BLOCK)
            places, near = self._search(self._vectors[rows[block]], found)
            numbers[block, :found] = np.where(places < 0, -1, self._among[places])
            cosines[block, :found] = near
        return numbers, cosines

    def _search(self, queries: "Vectors", count: int) -> "tuple[NDArray[np.intp], Vectors]":
        import numpy as np

        if self._index is not None:
            # Of one query alone it answers in another shape.
            hits = self._index.search(queries if len(queries) > 1 else np.repeat(queries, 2, axis=0), count)
            places, near = hits.keys.astype(np.intp), 1 - hits.distances
            missing = np.arange(count) >= hits.counts[:, None]
            places[missing], near[missing] = -1, -1
            return places[: len(queries)], near[: len(queries)]
        cosines = queries @ self._vectors[self._among].T
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
        return order, np.take_along_axis(cosines, order, axis=1)


def _indexed(vectors: "Vectors", among: "Numbers") -> Any:
    """Built by one thread: several would build another one each time."""
    try:
        from usearch.index import Index
    except ImportError:
        raise SettingsError("many pages need the `links` extra: pip install 'qtgen[links]'") from None
    import numpy as np

    index = Index(
        ndim=vectors.shape[1],
        metric="ip",
        dtype="f16",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION,
        expansion_search=_EXPANSION,
    )
    for at in range(0, len(among), _BLOCK):
        some = among[at : at + _BLOCK]
        index.add(np.arange(at, at + len(some), dtype=np.uint64), vectors[some], threads=1)
    return index
