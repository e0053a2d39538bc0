"""A cache of pages' vectors: one SQLite file, which later runs read.

A key is a hash of the embedder's name and of the text, so a row never becomes wrong, only unused. Two runs at once that
add the same row add the same vector. Each row ends in a checksum. Losing the file costs only time: whatever is wrong
with it or with a row, the run continues without it.
"""

import logging
import sqlite3
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_64_digest

from qtgen._util.sqlite import open_cache_database
from qtgen.embeddings.pages import PageEmbedder, PageText, StaticEmbedder, vector_key
from qtgen.errors import CacheMismatch

if TYPE_CHECKING:
    from qtgen.embeddings.pages import HalfVectors
    from qtgen.embeddings.static import Vectors

_logger = logging.getLogger(__name__)

_SCHEMA = "CREATE TABLE IF NOT EXISTS checked (key BLOB PRIMARY KEY, vector BLOB)"
_CHECKSUM_LENGTH = 8
_MAX_ROWS = 500_000  # the oldest are deleted first
_CHUNK = 500  # keys per query, and new rows after which they are written


class VectorCache:
    """Vectors of pages from the cache, or from the embedder if they are missing there.

    Args:
        embedder: What computes missing vectors.
        folder: The folder of the cache; None to keep nothing.
    """

    def __init__(self, embedder: PageEmbedder, folder: Path | None) -> None:
        self.embedder = embedder
        self._database = open_cache_database(folder, "vectors.sqlite", _SCHEMA) if folder else None
        self._unwritten: dict[bytes, bytes] = {}
        self._vector_length = 0  # in bytes; 0 until a vector is known
        self._used = array("q")  # the numbers of the rows that were read
        self._first_new = self._next_row()
        self.computed = 0  # how many vectors were missing

    @property
    def is_static(self) -> bool:
        """Whether the vectors are static, so that any process can compute them."""
        return isinstance(self.embedder, StaticEmbedder)

    @property
    def holds_vectors(self) -> bool:
        """Whether there were any vectors when the cache was opened."""
        return self._first_new > 1

    def __call__(self, texts: Sequence[PageText]) -> "HalfVectors":
        """Return one row of 16-bit floats for each text.

        Raises:
            CacheMismatch: The embedder's vectors are of another length than the cached ones.

        It also raises what the embedder raises.
        """
        keys = [vector_key(self.embedder, text) for text in texts]
        return self.rows(keys, lambda numbers: self.embedder([texts[number] for number in numbers]))

    def rows(self, keys: Sequence[bytes], compute: Callable[[Sequence[int]], "Vectors | HalfVectors"]) -> "HalfVectors":
        """Return one row for each key.

        Args:
            keys: The results of `vector_key`.
            compute: Returns the vectors of the keys with these numbers, which are missing.

        Raises what calling the cache raises.
        """
        import numpy as np

        number_of = {key: number for number, key in reversed([*enumerate(keys)])}
        in_order = dict.fromkeys(keys)
        vectors = self._read([*in_order])
        vectors |= self._compute({key: number_of[key] for key in in_order if key not in vectors}, compute)
        lengths = {len(vector) for vector in vectors.values()} | (
            {self._vector_length} if self._vector_length else set()
        )
        if len(lengths) > 1:
            raise CacheMismatch(f"{self.embedder.name} gives vectors of another length than the cached ones")
        self._vector_length = lengths.pop()
        return np.array([np.frombuffer(vectors[key], np.float16) for key in keys], np.float16)

    def _compute(
        self, missing: dict[bytes, int], compute: Callable[[Sequence[int]], "Vectors | HalfVectors"]
    ) -> dict[bytes, bytes]:
        import numpy as np

        if not missing:
            return {}
        vectors = compute(list(missing.values())).astype(np.float16)
        rows = {key: vector.tobytes() for key, vector in zip(missing, vectors, strict=True)}
        self.computed += len(rows)
        self._unwritten |= rows
        if len(self._unwritten) >= _CHUNK:
            self._write()
        return rows

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        if self._database is None:
            return {}
        vectors: dict[bytes, bytes] = {}
        try:
            for start in range(0, len(keys), _CHUNK):
                some = keys[start : start + _CHUNK]
                query = f"SELECT key, vector, rowid FROM checked WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608
                for key, row, number in self._database.execute(query, some):
                    if _is_intact(key, row):
                        vectors[key] = row[:-_CHECKSUM_LENGTH]
                        self._used.append(number)
        except sqlite3.Error as error:
            self._give_up(error)
        return vectors

    def _write(self) -> None:
        if self._database is not None:
            try:
                with self._database:
                    rows = ((key, vector + _checksum(key, vector)) for key, vector in self._unwritten.items())
                    self._database.executemany("INSERT OR REPLACE INTO checked VALUES (?, ?)", rows)
            except sqlite3.Error as error:
                self._give_up(error)
        self._unwritten.clear()

    def close(self) -> None:
        """Write what is new, delete the oldest rows if there are too many, and close the file.

        Rows that this run has used stay, however many there are, because the next run will need them too.
        """
        self._write()
        if self._database is not None:
            with suppress(sqlite3.Error), self._database:
                self._delete_oldest(self._database)
            self._database.close()
            self._database = None

    def _delete_oldest(self, database: sqlite3.Connection) -> None:
        last_to_delete = min(self._next_row() - 1 - _MAX_ROWS, self._first_new - 1)
        if last_to_delete < 1:
            return
        database.execute("CREATE TEMP TABLE used (number INTEGER PRIMARY KEY)")
        used = ((number,) for number in self._used if number <= last_to_delete)
        database.executemany("INSERT OR IGNORE INTO used VALUES (?)", used)
        database.execute(
            "DELETE FROM checked WHERE rowid <= ? AND rowid NOT IN (SELECT number FROM used)", (last_to_delete,)
        )

    def _next_row(self) -> int:
        """Return the number of the next row that is written."""
        if self._database is None:
            return 1
        try:
            (newest,) = self._database.execute("SELECT max(rowid) FROM checked").fetchone()
        except sqlite3.Error:  # it is met again, and reported, when rows are read
            return 1
        return (newest or 0) + 1

    def _give_up(self, error: sqlite3.Error) -> None:
        _logger.warning("the cache of vectors is not used any more: %s", error)
        if self._database is not None:
            self._database.close()
        self._database = None


def _checksum(key: bytes, vector: bytes) -> bytes:
    return xxh3_64_digest(key + vector)


def _is_intact(key: bytes, row: Any) -> bool:
    return isinstance(row, bytes) and _checksum(key, row[:-_CHECKSUM_LENGTH]) == row[-_CHECKSUM_LENGTH:]
