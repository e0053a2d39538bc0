"""Keep what follows from all pages of a run, as long as none of them changes."""

import os
from array import array
from itertools import chain

from xxhash import xxh3_128, xxh3_128_hexdigest

from qtgen.site.discovery import PageBatch
from qtgen.validation.records import PageRecords
from qtgen.validation.workers import UNREADABLE, RecordStore


class KeptResults:
    """Keeps what follows from all pages of a run.

    It keeps nothing if a page has no known size and time, or could not be read.

    Args:
        store: Where to keep it, or None to keep nothing.
    """

    def __init__(self, store: RecordStore | None) -> None:
        self._store = store
        self._hash = xxh3_128()
        self._newest = 0

    def add(self, batch: PageBatch, records: PageRecords) -> None:
        """Add a batch of pages."""
        states = array("q", chain.from_iterable(batch.states))
        names = "\0".join([os.path.abspath(batch.folder), batch.folder, *batch.names])  # noqa: PTH100 - accepts "" too
        self._hash.update(b"%d\0" % len(batch.names))
        self._hash.update(os.fsencode(names))
        self._hash.update(states.tobytes())
        self._newest = max(self._newest, *states[1::2])
        if min(states[::2]) < 0 or records.findings.pages_with(UNREADABLE):
            self._store = None

    def get(self, name: str, *depends_on: object) -> bytes | None:
        """Return what was kept under a name, if nothing has changed that it depends on.

        Args:
            depends_on: Whatever it depends on besides the pages and the rules.
        """
        return self._store.get_kept(name, self._key(depends_on)) if self._store else None

    def put(self, name: str, blob: bytes, *depends_on: object) -> None:
        """Keep something under a name."""
        if self._store:
            self._store.put_kept(name, self._key(depends_on), self._newest, blob)

    def _key(self, depends_on: tuple[object, ...]) -> str:
        return f"{self._hash.hexdigest()} {xxh3_128_hexdigest(os.fsencode(repr(depends_on)))}"
