"""How the texts of each page were made, read from `provenance.jsonl` as it grows."""

import contextlib
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

from qtgen.generation.provenance import ProvenanceIndex, ProvenanceRecord, read_provenance
from qtgen.page import Layout
from qtgen.review.index.tail import Tail

_decode = msgspec.json.Decoder(ProvenanceRecord).decode


class Origins:
    """The last provenance record of each group of fields. Threads may share it.

    Args:
        file: `provenance.jsonl`. It need not exist.
        layout: The layout of the pages.
    """

    def __init__(self, file: Path, layout: Layout) -> None:
        self._tail = Tail(file)
        self._layout = layout
        self._index = ProvenanceIndex(layout)
        self._lock = threading.Lock()

    def of(self, url: str) -> Mapping[str, ProvenanceRecord]:
        """Return the records of a page by group of fields."""
        with self._lock:
            with contextlib.suppress(OSError):  # without provenance, nothing is known
                lines, _, is_whole = self._tail.read()
                if is_whole:
                    self._index = read_provenance(lines, self._layout)
                else:
                    self._add(lines)
            return dict(self._index.records.get(url, {}))

    def _add(self, lines: list[bytes]) -> None:
        for line in lines:
            with contextlib.suppress(msgspec.MsgspecError):  # a crash cut it short
                self._index.add(_decode(line))
