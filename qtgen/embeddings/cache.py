"""Vectors of earlier runs by what they were made of, in one SQLite file beside that of `cache.py`.

The key is the hash of the way of making it and of the text, so a row is never wrong, only no longer asked for; and two
runs at once that add the same row add the same thing. Each row ends in its checksum. Losing the file costs time only:
whatever is wrong with it or with a row, the run goes on without.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_64_digest

from qtgen._util.sqlite import open_cache_database
from qtgen.embeddings.pages import PageEmbedder, PageText, vector_key
from qtgen.errors import SettingsError

if TYPE_CHECKING:
    from qtgen.embeddings.pages import HalfVectors

_LAYOUT = "CREATE TABLE IF NOT EXISTS checked (key BLOB PRIMARY KEY, vector BLOB)"
_CHECKSUM = 8  # bytes
_KEPT = 500_000  # rows; the oldest go first
_TOGETHER = 500  # keys a question to the database, and rows a transaction at least


class VectorCache:
    """meaning: what makes the vectors that are missing; folder: None to keep nothing.

    made: how many were not there.
    """

    def __init__(self, meaning: PageEmbedder, folder: Path | None) -> None:
        self._meaning = meaning
        self._database = open_cache_database(folder, "vectors.sqlite", _LAYOUT) if folder else None
        self._new: dict[bytes, bytes] = {}
        self._length = 0  # of a vector, in bytes; 0: not known yet
        self.computed = 0

    def __call__(self, texts: Sequence[PageText]) -> "HalfVectors":
        """One row of 16-bit floats a text.

        Raises SettingsError where an endpoint's model gives vectors of another length than before, and what the meaning
        raises.
        """
        import numpy as np

        by_key = {vector_key(self._meaning, text): text for text in texts}
        known = self._known(list(by_key))
        known |= self._made({key: text for key, text in by_key.items() if key not in known})
        lengths = {len(vector) for vector in known.values()} | ({self._length} if self._length else set())
        if len(lengths) > 1:
            raise SettingsError(
                f"{self._meaning.name} gives vectors of another length than those that are kept from before: "
                "--no-cache makes all anew"
            )
        self._length = lengths.pop()
        rows = [np.frombuffer(known[vector_key(self._meaning, text)], np.float16) for text in texts]
        return np.array(rows, np.float16)

    def _made(self, texts: dict[bytes, PageText]) -> dict[bytes, bytes]:
        import numpy as np

        if not texts:
            return {}
        vectors = self._meaning(list(texts.values())).astype(np.float16)
        rows = {key: vector.tobytes() for key, vector in zip(texts, vectors, strict=True)}
        self.computed += len(rows)
        self._new |= rows
        if len(self._new) >= _TOGETHER:
            self._write()
        return rows

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        if self._database is None:
            return {}
        found: dict[bytes, bytes] = {}
        try:
            for at in range(0, len(keys), _TOGETHER):
                some = keys[at : at + _TOGETHER]
                query = f"SELECT key, vector FROM checked WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608
                rows = self._database.execute(query, some)
                found |= {key: row[:-_CHECKSUM] for key, row in rows if _is_whole(key, row)}
        except sqlite3.Error:
            self._go_without()
        return found

    def _write(self) -> None:
        if self._database is not None:
            try:
                with self._database:
                    rows = ((key, vector + _checksum(key, vector)) for key, vector in self._new.items())
                    self._database.executemany("INSERT OR REPLACE INTO checked VALUES (?, ?)", rows)
            except sqlite3.Error:
                self._go_without()
        self._new.clear()

    def close(self) -> None:
        self._write()
        if self._database is not None:
            with suppress(sqlite3.Error), self._database:
                last = "(SELECT max(rowid) FROM checked)"
                self._database.execute(f"DELETE FROM checked WHERE rowid <= {last} - {_KEPT}")  # noqa: S608
            self._go_without()

    def _go_without(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = None


def _checksum(key: bytes, vector: bytes) -> bytes:
    return xxh3_64_digest(key + vector)


def _is_whole(key: bytes, row: Any) -> bool:
    return isinstance(row, bytes) and _checksum(key, row[:-_CHECKSUM]) == row[-_CHECKSUM:]
