"""Which of many vectors are nearest to others: all compared with all while that is quick, then by an index."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.static import Vectors

    RowNumbers = NDArray[np.int32]

_ALL_WITH_ALL = 4_000  # vectors, at most: as quick as the index, and exact
_BLOCK = 2_000  # rows that are looked for at once: 32 MB of similarities
# Of the index: 99.9% of the 24 nearest real pages, 90% of those of random words.
_CELL = 200  # vectors that lie together, about
_CELLS = 48  # of them that are searched: so finding takes the same however many there are
_CODED = 256  # numbers of a vector that a code of half as many bits stands for; longer vectors are turned and cut
_LOOKED_AT = 3  # times as many as are wanted are compared exactly


class NeighborIndex:
    """Searched are the rows `among` of `vectors`, which have length 1. The same rows give the same answers."""

    def __init__(self, vectors: "Vectors", among: "RowNumbers") -> None:
        self._vectors, self._among = vectors, among
        self._index = _indexed(vectors[among]) if len(among) > _ALL_WITH_ALL else None

    def __call__(self, rows: "RowNumbers", count: int) -> "tuple[RowNumbers, Vectors]":
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
            cosines[block, :found] = np.where(places < 0, -1, near)
        return numbers, cosines

    def _search(self, queries: "Vectors", count: int) -> "tuple[NDArray[np.intp], Vectors]":
        import numpy as np

        if self._index is not None:
            near, places = self._index.search(queries, count)
            return places, near
        cosines = queries @ self._vectors[self._among].T
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
        return order, np.take_along_axis(cosines, order, axis=1)


def _indexed(vectors: "Vectors") -> Any:
    """Cells of vectors (an inverted file), in them codes of 4 bits for each 4 numbers, and the vectors for a last look:
    Jégou, Douze, Schmid 2011; André, Kermarrec, Le Scouarnec 2015."""
    import faiss

    count, width = vectors.shape
    coded = min(_CODED, width // 64 * 64)
    turned = f"PCAR{coded}," if coded not in (0, width) else ""
    cells = count // _CELL
    factory = f"{turned}IVF{cells},PQ{coded // 4}x4fs,RFlat" if coded else "Flat"
    index: Any = faiss.index_factory(width, factory, faiss.METRIC_INNER_PRODUCT)
    if coded:
        index.k_factor = _LOOKED_AT
        inner: Any = faiss.downcast_index(faiss.extract_index_ivf(index))
        inner.nprobe = _CELLS
        inner.cp.niter, inner.pq.cp.niter = 5, 10
        inner.cp.min_points_per_centroid = 1  # it would warn on stdout
        index.train(vectors[:: max(1, count // (50 * cells))])
    index.add(vectors)
    return index
