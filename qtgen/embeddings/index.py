"""Find the nearest neighbors of vectors: by comparing all of them while that is fast, then with an index."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.static import Vectors

    RowNumbers = NDArray[np.int32]

_ALL_WITH_ALL = 4_000  # up to so many vectors, comparing all of them is as fast as the index, and exact
_BLOCK = 2_000  # rows per search, which take 32 MB of similarities

# With these numbers the index finds 99.9% of the 24 nearest real pages, and 90% of those of random words.
_CELL = 200  # vectors per cell, about
_CELLS_SEARCHED = 48  # constant, so that a search takes the same time however many vectors there are
_CODED_WIDTH = 256  # dimensions that the codes cover, at 1 bit each; longer vectors are rotated and cut off first
_CANDIDATES_PER_RESULT = 3  # how many candidates are compared exactly


class NeighborIndex:
    """An index of some rows of `vectors`, which must have length 1. The same rows give the same results.

    Args:
        among: The numbers of the rows that can be found.
    """

    def __init__(self, vectors: "Vectors", among: "RowNumbers") -> None:
        self._vectors, self._among = vectors, among
        self._index = _build_index(vectors[among]) if len(among) > _ALL_WITH_ALL else None

    def __call__(self, rows: "RowNumbers", count: int) -> "tuple[RowNumbers, Vectors]":
        """Return up to `count` nearest neighbors for each of `rows`, nearest first, and their cosines.

        A row finds itself if it is among those indexed. If there are fewer neighbors, -1 and a cosine of -1 fill up.
        """
        import numpy as np

        numbers = np.full((len(rows), count), -1, np.int32)
        cosines = np.full((len(rows), count), -1, np.float32)
        available = min(count, len(self._among))
        for start in range(0, len(rows) if available else 0, _BLOCK):
            block = slice(start, start + _BLOCK)
            places, block_cosines = self._search(self._vectors[rows[block]], available)
            numbers[block, :available] = np.where(places < 0, -1, self._among[places])
            cosines[block, :available] = np.where(places < 0, -1, block_cosines)
        return numbers, cosines

    def _search(self, queries: "Vectors", count: int) -> "tuple[NDArray[np.intp], Vectors]":
        import numpy as np

        if self._index is not None:
            cosines, places = self._index.search(queries, count)
            return places, cosines
        cosines = queries @ self._vectors[self._among].T
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
        return order, np.take_along_axis(cosines, order, axis=1)


def _build_index(vectors: "Vectors") -> Any:
    """Build an inverted file: cells of vectors, in them 4-bit codes for each 4 dimensions, and the vectors themselves
    for an exact comparison at the end (Jégou, Douze, Schmid 2011; André, Kermarrec, Le Scouarnec 2015)."""
    import faiss

    count, width = vectors.shape
    coded = min(_CODED_WIDTH, width // 64 * 64)
    rotation = f"PCAR{coded}," if coded not in (0, width) else ""
    cells = count // _CELL
    factory = f"{rotation}IVF{cells},PQ{coded // 4}x4fs,RFlat" if coded else "Flat"
    index: Any = faiss.index_factory(width, factory, faiss.METRIC_INNER_PRODUCT)
    if coded:
        index.k_factor = _CANDIDATES_PER_RESULT
        inverted_file: Any = faiss.downcast_index(faiss.extract_index_ivf(index))
        inverted_file.nprobe = _CELLS_SEARCHED
        inverted_file.cp.niter, inverted_file.pq.cp.niter = 5, 10
        for clustering in (inverted_file.cp, inverted_file.pq.cp):
            clustering.min_points_per_centroid = 1  # faiss would print a warning
        index.train(vectors[:: max(1, count // (50 * cells))])
    index.add(vectors)
    return index
