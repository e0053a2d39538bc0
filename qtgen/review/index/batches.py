"""The batch of each page: the day and the model of the last request that wrote its answer."""

import contextlib
from pathlib import Path

import msgspec

from qtgen.review.index.tail import Tail


class _Line(msgspec.Struct, frozen=True, gc=False):
    """The part of a line of provenance that names a batch."""

    url: str
    date: str = ""
    asked_model: str = ""
    groups: tuple[str, ...] | None = None  # every group, as an older line means

    @property
    def batch(self) -> str:
        return f"{self.date[:10]} {self.asked_model}".strip()


_decode = msgspec.json.Decoder(_Line).decode


class Batches:
    """Batches by URL, from the provenance of the pages.

    Args:
        file: `provenance.jsonl`. It need not exist.
        groups: The groups of fields with an answer.
    """

    def __init__(self, file: Path, groups: frozenset[str]) -> None:
        self._tail, self._groups = Tail(file), groups
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
            for line in appended.lines:
                with contextlib.suppress(msgspec.MsgspecError):  # a crash cut it short
                    made = _decode(line)
                    if made.groups is None or not self._groups.isdisjoint(made.groups):
                        self._by_url[made.url] = made.batch
