"""A cache of pages' vectors: one SQLite file, which later runs read.

A key is a hash of the embedder's name and of the text, so a row never becomes wrong, only unused. Two runs at once that
add the same row add the same vector. Each row ends in a checksum. Losing the file costs only time: whatever is wrong
with it or with a row, the run continues without it.
"""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_64_digest

from qtgen._util.sqlite import open_cache_database
from qtgen.embeddings.pages import PageEmbedder, PageText, vector_key
from qtgen.errors import CacheMismatch

if TYPE_CHECKING:
    from qtgen.embeddings.pages import HalfVectors

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
        self._embedder = embedder
        self._database = open_cache_database(folder, "vectors.sqlite", _SCHEMA) if folder else None
        self._unwritten: dict[bytes, bytes] = {}
        self._vector_length = 0  # in bytes; 0 until a vector is known
        self.computed = 0  # how many vectors were missing

    def __call__(self, texts: Sequence[PageText]) -> "HalfVectors":
        """Return one row of 16-bit floats for each text.

        Raises:
            CacheMismatch: The embedder's vectors are of another length than the cached ones.

        It also raises what the embedder raises.
        """
        import numpy as np

        by_key = {vector_key(self._embedder, text): text for text in texts}
        vectors = self._read(list(by_key))
        vectors |= self._compute({key: text for key, text in by_key.items() if key not in vectors})
        lengths = {len(vector) for vector in vectors.values()} | (
            {self._vector_length} if self._vector_length else set()
        )
        if len(lengths) > 1:
            raise CacheMismatch(f"{self._embedder.name} gives vectors of another length than the cached ones")
        self._vector_length = lengths.pop()
        return np.array(
            [np.frombuffer(vectors[vector_key(self._embedder, text)], np.float16) for text in texts], np.float16
        )

    def _compute(self, texts: dict[bytes, PageText]) -> dict[bytes, bytes]:
        import numpy as np

        if not texts:
            return {}
        vectors = self._embedder(list(texts.values())).astype(np.float16)
        rows = {key: vector.tobytes() for key, vector in zip(texts, vectors, strict=True)}
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
                query = f"SELECT key, vector FROM checked WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608
                rows = self._database.execute(query, some)
                vectors |= {key: row[:-_CHECKSUM_LENGTH] for key, row in rows if _is_intact(key, row)}
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
        """Write what is new, delete the oldest rows if there are too many, and close the file."""
        self._write()
        if self._database is not None:
            with suppress(sqlite3.Error), self._database:
                newest = "(SELECT max(rowid) FROM checked)"
                self._database.execute(f"DELETE FROM checked WHERE rowid <= {newest} - {_MAX_ROWS}")  # noqa: S608
            self._database.close()
            self._database = None

    def _give_up(self, error: sqlite3.Error) -> None:
        _logger.warning("the cache of vectors is not used any more: %s", error)
        if self._database is not None:
            self._database.close()
        self._database = None


def _checksum(key: bytes, vector: bytes) -> bytes:
    return xxh3_64_digest(key + vector)


def _is_intact(key: bytes, row: Any) -> bool:
    return isinstance(row, bytes) and _checksum(key, row[:-_CHECKSUM_LENGTH]) == row[-_CHECKSUM_LENGTH:]
