"""Cache results that depend on all pages of a run."""

import os

from xxhash import xxh3_128

from qtgen.site.discovery import PageBatch
from qtgen.validation.workers import RecordStore


class KeptResults:
    """Caches results that depend on all pages of a run.

    It stores nothing if a page has no known size and time.

    Args:
        store: Where to store results, or None to store nothing.
    """

    def __init__(self, store: RecordStore | None) -> None:
        self._store = store
        self._hash = xxh3_128()
        self._newest = 0

    @property
    def is_used(self) -> bool:
        """Whether results may be stored."""
        return self._store is not None

    def add(self, batch: PageBatch, encoded: bytes) -> None:
        """Add a batch of pages that the results depend on.

        Args:
            encoded: The batch as bytes.
        """
        folder = os.path.abspath(batch.folder)  # noqa: PTH100 - accepts "" too
        self._hash.update(_encoded(f"{folder}\0{len(encoded)}\0"))
        self._hash.update(encoded)
        sizes, times = zip(*batch.states, strict=True)
        self._newest = max(self._newest, *times)
        if min(sizes) < 0:
            self.stop()

    def add_values(self, *depends_on: object) -> None:
        """Add whatever the results depend on besides the pages and the rules.

        Args:
            depends_on: Other values that the results depend on. Their `repr` tells them apart.
        """
        self._hash.update(_encoded(repr(depends_on)))

    def stop(self) -> None:
        """Store nothing, because a page could not be read."""
        self._store = None

    def get(self, name: str) -> bytes | None:
        """Return the result that was stored under a name, or None if something that it depends on has changed."""
        return self._store.get_result(name, self._hash.hexdigest()) if self._store else None

    def put(self, name: str, blob: bytes) -> None:
        """Store a result under a name."""
        if self._store:
            self._store.put_result(name, self._hash.hexdigest(), self._newest, blob)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # whatever the encoding of file names is
