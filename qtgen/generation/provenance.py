"""How each page's texts were made: one JSON line for every time that a model wrote a page or a part of it.

A line names the groups of fields that were written. For each group, the last line of a URL counts.
"""

import contextlib
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from qtgen.page import Page
from qtgen.page.layout import LINKS_GROUP, Layout
from qtgen.site.index import title_digest


def written_groups(layout: Layout) -> tuple[str, ...]:
    """Return the groups of fields that a model writes, the one with the answer first."""
    return tuple(group for group in layout.groups if group != LINKS_GROUP)


def answer_group(layout: Layout) -> str | None:
    """Return the group of fields with the answer, or None if pages have none."""
    return layout.group_of(layout.roles.answer, layout.groups)


class ProvenanceRecord(msgspec.Struct, frozen=True, gc=False):
    """The part of a line that decides whether a text is stale. Fields that an older line lacks are empty.

    Attributes:
        groups: The groups that were written, or None for all of them.
    """

    url: str
    date: str = ""
    prompt: str = ""
    wording_digest: str = ""
    schema_digest: str = ""
    asked_model: str = ""
    question_digest: str = ""
    context_digest: str | None = None
    groups: tuple[str, ...] | None = None
    text_digests: dict[str, str] = {}
    replaced_digests: dict[str, str] = {}


_decode = msgspec.json.Decoder(ProvenanceRecord).decode
_TAIL = 64  # rewrites at the end of the file whose texts may be missing after a run was killed


class ProvenanceIndex:
    """The records of all pages. `records` maps a URL and a group of fields to the last record that wrote the group.

    Args:
        layout: The layout of the pages.
    """

    def __init__(self, layout: Layout) -> None:
        self._all_groups = written_groups(layout)
        self.records: dict[str, dict[str, ProvenanceRecord]] = {}
        self._recent_rewrites: deque[tuple[ProvenanceRecord, dict[str, ProvenanceRecord]]] = deque(maxlen=_TAIL)

    def add(self, record: ProvenanceRecord) -> None:
        """Add the next line."""
        page_records = self.records.setdefault(record.url, {})
        if record.replaced_digests:
            self._recent_rewrites.append((record, dict(page_records)))
        page_records.update(dict.fromkeys(self._groups_of(record), record))

    def _groups_of(self, record: ProvenanceRecord) -> tuple[str, ...]:
        return self._all_groups if record.groups is None else record.groups

    def discard_unfinished(self, page_at: Callable[[str], Page | None]) -> None:
        """Discard rewrites that never reached their page because the run was killed between the line and the page.

        Args:
            page_at: Returns the page that has a URL, if there is one.
        """
        for record, before in reversed(self._recent_rewrites):
            page = page_at(record.url)
            if page is None or group_digests(page, self._groups_of(record)) != record.replaced_digests:
                continue
            page_records = self.records[record.url]
            for group in self._groups_of(record):
                if page_records.get(group) is record and group in before:
                    page_records[group] = before[group]
                elif page_records.get(group) is record:
                    del page_records[group]


def read_provenance(lines: Iterable[bytes], layout: Layout) -> ProvenanceIndex:
    """Return the index of all lines, about pages of a layout. A line that a crash cut short is skipped."""
    index = ProvenanceIndex(layout)
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError):
            index.add(_decode(line))
    return index


def text_hash(text: str) -> str:
    """Return the first 16 hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def question_digest(page: Page) -> str:
    """Return the digest of a page's question and subject, as the index of the site has it."""
    roles = page.layout.roles
    return f"{title_digest(page.values.get(roles.question), page.values.get(roles.subject or '')):016x}"


def group_digests(page: Page, groups: Sequence[str]) -> dict[str, str]:
    """Return a digest of the values of each group's fields."""
    paths = page.layout.groups
    return {
        group: text_hash("\0".join(str(page.values.get(path, "")) for path in paths.get(group, ()))) for group in groups
    }
