"""Cache results that depend on all pages of a run."""

import os
from collections.abc import Callable, Collection

from msgspec import msgpack
from xxhash import xxh3_128

from qtgen.site.discovery import PageBatch
from qtgen.validation.cache import SITE_FINDINGS
from qtgen.validation.records import PageRecords, encode, restore_numbers
from qtgen.validation.site_findings import SiteFindings
from qtgen.validation.workers import UNREADABLE, RecordStore

States = list[tuple[bytes, int, int]]
"""The paths of pages, with the sizes and times of `PageBatch`."""

_decode_site_findings = msgpack.Decoder(tuple[SiteFindings, States], dec_hook=restore_numbers).decode


class KeptResults:
    """Caches results that depend on all pages of a run.

    It stores nothing if a page has no known size and time, or could not be read.

    Args:
        store: Where to store results, or None to store nothing.
    """

    def __init__(self, store: RecordStore | None) -> None:
        self._store = store
        self._hash, self._facts = xxh3_128(), xxh3_128()
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
            self._store = None

    def add_facts(self, batch: PageBatch, records: PageRecords, *, with_sentences: bool) -> None:
        """Add what the findings between pages depend on: the names and the facts of the pages of a batch.

        Args:
            with_sentences: Whether the sentences of the pages are compared.
        """
        if self._store is None:
            return
        names = "\0".join([batch.folder, *batch.names])
        self._facts.update(_encoded(f"{len(batch.names)}\0{names}"))
        for part in (*records.facts, *((records.sentences or ()) if with_sentences else ())):
            self._facts.update(part)
        if records.findings.pages_with(UNREADABLE):
            self._store = None

    def add_values(self, *depends_on: object) -> None:
        """Add whatever the results depend on besides the pages and the rules.

        Args:
            depends_on: Other values that the results depend on. Their `repr` tells them apart.
        """
        values = _encoded(repr(depends_on))
        self._hash.update(values)
        self._facts.update(values)

    def has(self, name: str) -> bool:
        """Return whether a result was stored under a name, and nothing that it depends on has changed."""
        return self._store is not None and self._store.has_result(name, self._hash.hexdigest())

    def get(self, name: str) -> bytes | None:
        """Return the result that was stored under a name, or None if something that it depends on has changed."""
        return self._store.get_result(name, self._hash.hexdigest()) if self._store else None

    def put(self, name: str, blob: bytes) -> None:
        """Store a result under a name."""
        if self._store:
            self._store.put_result(name, self._hash.hexdigest(), self._newest, blob)

    def get_site_findings(self, states_of: Callable[[Collection[str]], States]) -> SiteFindings | None:
        """Return the findings between pages that were stored last, or None if what they depend on has changed.

        These are the facts of all pages, and the contents of those that were read to describe the findings.

        Args:
            states_of: Returns the states of pages, given their paths.
        """
        kept = self._store.get_result(SITE_FINDINGS, self._facts.hexdigest()) if self._store else None
        if kept is None:
            return None
        found, states = _decode_site_findings(kept)
        return found if states_of({_decoded(path) for path, *_ in states}) == states else None

    def put_site_findings(self, found: SiteFindings, states: States) -> None:
        """Store the findings between pages, with the states of the pages that were read to describe them."""
        if self._store:
            self._store.put_result(SITE_FINDINGS, self._facts.hexdigest(), self._newest, encode((found, states)))


def _decoded(path: bytes) -> str:
    return path.decode("utf-8", "surrogatepass")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # whatever the encoding of file names is
