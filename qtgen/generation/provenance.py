"""How each page's texts were made: one JSON line for every time that a model wrote a page or a part of it.

A line names the groups of fields that were written. For each group, the last line of a URL counts.
"""

import contextlib
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from qtgen.page import Page

WRITTEN_GROUPS = ("answer", "seo")
"""The groups of fields that a model writes."""


class ProvenanceRecord(msgspec.Struct, frozen=True, gc=False):
    """The part of a line that decides whether a text is stale. Fields that an older line lacks are empty."""

    url: str
    date: str = ""
    prompt: str = ""
    wording_digest: str = ""
    schema_digest: str = ""
    asked_model: str = ""
    question_digest: str = ""
    context_digest: str | None = None
    groups: tuple[str, ...] = WRITTEN_GROUPS
    text_digests: dict[str, str] = {}
    replaced_digests: dict[str, str] = {}


_decode = msgspec.json.Decoder(ProvenanceRecord).decode
_TAIL = 64  # rewrites at the end of the file whose texts may be missing after a run was killed


class ProvenanceIndex:
    """The records of all pages. `records` maps a URL and a group of fields to the last record that wrote the group."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, ProvenanceRecord]] = {}
        self._recent_rewrites: deque[tuple[ProvenanceRecord, dict[str, ProvenanceRecord]]] = deque(maxlen=_TAIL)

    def add(self, record: ProvenanceRecord) -> None:
        """Add the next line."""
        page_records = self.records.setdefault(record.url, {})
        if record.replaced_digests:
            self._recent_rewrites.append((record, dict(page_records)))
        page_records.update(dict.fromkeys(record.groups, record))

    def discard_unfinished(self, page_at: Callable[[str], Page | None]) -> None:
        """Discard rewrites that never reached their page because the run was killed between the line and the page.

        Args:
            page_at: Returns the page that has a URL, if there is one.
        """
        for record, before in reversed(self._recent_rewrites):
            page = page_at(record.url)
            if page is None or group_digests(page, record.groups) != record.replaced_digests:
                continue
            page_records = self.records[record.url]
            for group in record.groups:
                if page_records.get(group) is record and group in before:
                    page_records[group] = before[group]
                elif page_records.get(group) is record:
                    del page_records[group]


def read_provenance(lines: Iterable[bytes]) -> ProvenanceIndex:
    """Return the index of all lines. A line that a crash cut short is skipped."""
    index = ProvenanceIndex()
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError):
            index.add(_decode(line))
    return index


def text_hash(text: str) -> str:
    """Return the first 16 hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def group_digests(page: Page, groups: Sequence[str]) -> dict[str, str]:
    """Return a digest of the values of each group's fields. A group that the page's layout lacks has no fields."""
    paths, values = page.layout.groups, page.values
    return {group: text_hash("\0".join(str(values.get(path, "")) for path in paths.get(group, ()))) for group in groups}
