"""The batch of each page: the day and the model of the last request that wrote its answer."""

import contextlib
from pathlib import Path

from qtgen.generation.provenance import ProvenanceRecord, read_provenance
from qtgen.review.tail import Tail


class Batches:
    """Batches by URL, from the provenance of the pages.

    Args:
        file: `provenance.jsonl`. It need not exist.
    """

    def __init__(self, file: Path) -> None:
        self._tail = Tail(file)
        self._by_url: dict[str, str] = {}

    def get(self, url: str) -> str:
        """Return the batch of a page, such as `2026-11-27 gpt-4o-mini`; empty if no request wrote it."""
        return self._by_url.get(url, "")

    def read(self) -> None:
        """Read the lines that are new since the last call."""
        with contextlib.suppress(OSError):  # without provenance, pages have no batch
            appended = self._tail.read()
            if appended.is_whole:
                self._by_url.clear()
            for url, records in read_provenance(appended.lines).records.items():
                if record := records.get("answer"):
                    self._by_url[url] = _batch_of(record)


def _batch_of(record: ProvenanceRecord) -> str:
    return " ".join(part for part in (record.date[:10], record.asked_model) if part)
