"""Vectors of earlier runs by what they were made of, in one SQLite file beside that of `cache.py`.

The key is the hash of the way of making it and of the text, so a row is never wrong, only no longer asked for; and two
runs at once that add the same row add the same thing. Losing the file costs time only: whatever is wrong with it, the
run goes on without.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from qtgen.cache import opened
from qtgen.vectors import Meaning, PageText, key_of

if TYPE_CHECKING:
    from qtgen.vectors import Half

_LAYOUT = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB)"
_KEPT = 500_000  # rows; the oldest go first
_TOGETHER = 500  # keys a question to the database, and rows a transaction at least


class VectorCache:
    """meaning: what makes the vectors that are missing; folder: None to keep nothing.

    made: how many were not there.
    """

    def __init__(self, meaning: Meaning, folder: Path | None) -> None:
        self._meaning = meaning
        self._database = opened(folder, "vectors.sqlite", _LAYOUT) if folder else None
        self._new: dict[bytes, bytes] = {}
        self.made = 0

    def __call__(self, texts: Sequence[PageText]) -> "Half":
        """One row of 16-bit floats a text. Raises what the meaning raises."""
        import numpy as np

        by_key = {key_of(self._meaning, text): text for text in texts}
        known = self._known(list(by_key))
        known |= self._made({key: text for key, text in by_key.items() if key not in known})
        if len({len(vector) for vector in known.values()}) > 1:  # damaged, or the endpoint's model is another one now
            known = self._made(by_key)
        rows = [np.frombuffer(known[key_of(self._meaning, text)], np.float16) for text in texts]
        return np.array(rows, np.float16)

    def _made(self, texts: dict[bytes, PageText]) -> dict[bytes, bytes]:
        import numpy as np

        if not texts:
            return {}
        vectors = self._meaning(list(texts.values())).astype(np.float16)
        rows = {key: vector.tobytes() for key, vector in zip(texts, vectors, strict=True)}
        self.made += len(rows)
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
                query = f"SELECT key, vector FROM vectors WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608
                found |= dict(self._database.execute(query, some))
        except sqlite3.Error:
            self._go_without()
        return found

    def _write(self) -> None:
        if self._database is not None:
            try:
                with self._database:
                    self._database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", self._new.items())
            except sqlite3.Error:
                self._go_without()
        self._new.clear()

    def close(self) -> None:
        self._write()
        if self._database is not None:
            with suppress(sqlite3.Error), self._database:
                last = "(SELECT max(rowid) FROM vectors)"
                self._database.execute(f"DELETE FROM vectors WHERE rowid <= {last} - {_KEPT}")  # noqa: S608
            self._go_without()

    def _go_without(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = None
