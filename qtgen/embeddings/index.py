"""Find the nearest neighbors of vectors: by comparing all of them while that is fast, then with an index."""

import os
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qtgen.embeddings.static import Vectors

    RowNumbers = NDArray[np.int32]

_WAIT_POLICY = "OMP_WAIT_POLICY"
_ALL_WITH_ALL = 4_000  # up to so many vectors, comparing all of them is as fast as the index, and exact
_BLOCK = 2_000  # rows per search, which take 32 MB of similarities

# With these numbers the index finds 99.9% of the 24 nearest real pages, and 90% of those of random words.
_CELL = 200  # vectors per cell, about
_CELLS_SEARCHED = 48  # constant, so that a search takes the same time however many vectors there are
_CODED_WIDTH = 256  # dimensions that the codes cover, at 1 bit each; longer vectors are rotated and cut off first
_ADDED = 1 << 14  # vectors that are added together; the results depend on it if it is no multiple of 4,096
_CANDIDATES_PER_RESULT = 3  # how many candidates are compared exactly


class NeighborIndex:
    """An index of some rows of `vectors`, which must have length 1. The same rows give the same results.

    It reads the vectors from their array, and keeps no copy of them. If it is pickled together with the array, the
    pickle holds the array once.

    Args:
        among: The numbers of the rows that can be found.
    """

    def __init__(self, vectors: "Vectors", among: "RowNumbers") -> None:
        self._vectors, self._among = vectors, among
        self._cells = _build_cells(vectors, among) if len(among) > _ALL_WITH_ALL else None

    def __getstate__(self) -> "tuple[Vectors, RowNumbers, NDArray[np.uint8] | None]":
        faiss = _faiss()
        return self._vectors, self._among, None if self._cells is None else faiss.serialize_index(self._cells)

    def __setstate__(self, state: "tuple[Vectors, RowNumbers, NDArray[np.uint8] | None]") -> None:
        faiss = _faiss()
        self._vectors, self._among, cells = state
        self._cells = None if cells is None else faiss.deserialize_index(cells)

    @cached_property
    def _index(self) -> Any:
        """The index with an exact comparison at the end; None if all vectors are compared."""
        return None if self._cells is None else _with_vectors(self._cells, self._vectors)

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
            numbers[block, :available] = places
            cosines[block, :available] = np.where(places < 0, -1, block_cosines)
        return numbers, cosines

    def _search(self, queries: "Vectors", count: int) -> "tuple[NDArray[np.intp], Vectors]":
        import numpy as np

        if self._index is not None:
            cosines, places = self._index.search(queries, count)
            return places, cosines
        cosines = queries @ self._vectors[self._among].T
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
        return self._among.astype(np.intp)[order], np.take_along_axis(cosines, order, axis=1)


@cache
def _faiss() -> Any:
    """Load faiss. Its threads sleep while they wait, unless the environment says otherwise.

    By default, waiting OpenMP threads spin. On busy processors, that costs several times the processor time of the
    work. OpenMP reads `OMP_WAIT_POLICY` only when it is loaded.
    """
    is_set = _WAIT_POLICY in os.environ
    os.environ.setdefault(_WAIT_POLICY, "passive")
    try:
        import faiss
    finally:
        if not is_set:
            del os.environ[_WAIT_POLICY]
    return faiss


def _build_cells(vectors: "Vectors", among: "RowNumbers") -> Any:
    """Build an inverted file: cells of vectors, and in them 4-bit codes for each 4 dimensions (Jégou, Douze, Schmid
    2011; André, Kermarrec, Le Scouarnec 2015)."""
    faiss = _faiss()
    count, width = len(among), vectors.shape[1]
    coded = min(_CODED_WIDTH, width // 64 * 64)
    rotation = f"PCAR{coded}," if coded not in (0, width) else ""
    cells = count // _CELL
    factory = f"{rotation}IVF{cells},PQ{coded // 4}x4fs" if coded else "IDMap,Flat"
    index: Any = faiss.index_factory(width, factory, faiss.METRIC_INNER_PRODUCT)
    if coded:
        inverted_file: Any = faiss.downcast_index(faiss.extract_index_ivf(index))
        inverted_file.nprobe = _CELLS_SEARCHED
        inverted_file.cp.niter, inverted_file.pq.cp.niter = 5, 10
        for clustering in (inverted_file.cp, inverted_file.pq.cp):
            clustering.min_points_per_centroid = 1  # faiss would print a warning
        index.train(vectors[among[:: max(1, count // (50 * cells))]])
    for start in range(0, count, _ADDED):
        some = among[start : start + _ADDED]
        index.add_with_ids(vectors[some], some.astype("int64"))
    return index


def _with_vectors(cells: Any, vectors: "Vectors") -> Any:
    """Return an index that compares what it finds in the cells with the vectors themselves. It does not copy them."""
    faiss = _faiss()
    found, cells.ntotal = cells.ntotal, 0  # so that it can be combined with an empty index
    index: Any = faiss.IndexRefineFlat(cells)
    cells.ntotal = found
    index.k_factor = _CANDIDATES_PER_RESULT
    exact: Any = faiss.downcast_index(index.refine_index)
    no_owner = exact.codes.owner  # `vectors` outlives the index
    memory: Any = faiss.MaybeOwnedVectorUInt8
    exact.codes = memory.create_view(faiss.swig_ptr(vectors), vectors.nbytes, no_owner)
    index.ntotal = exact.ntotal = len(vectors)
    return index
