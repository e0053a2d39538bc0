"""How a page's texts came about, as it was noted when they were written: one line of JSON for every writing.

A line tells which groups of fields were written; of a group, the last line of a url counts.
"""

import contextlib
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from qtgen.page import Page
from qtgen.page.fields import FIELD_GROUPS

WRITTEN = ("answer", "seo")
"""The groups of fields that a model writes."""


class ProvenanceRecord(msgspec.Struct, frozen=True, gc=False):
    """What a line tells that decides whether a text is stale. Lines of before a field was noted have it empty."""

    url: str
    date: str = ""
    prompt: str = ""
    wording_digest: str = ""
    schema_digest: str = ""
    asked_model: str = ""
    question_digest: str = ""
    context_digest: str | None = None
    groups: tuple[str, ...] = WRITTEN
    text_digests: dict[str, str] = {}
    replaced_digests: dict[str, str] = {}


_decode = msgspec.json.Decoder(ProvenanceRecord).decode
_AT_ONCE = 64  # lines at the end that a killed run may have left without their texts


class ProvenanceIndex:
    """made: by url and group of fields the last line that tells of it."""

    def __init__(self) -> None:
        self.made: dict[str, dict[str, ProvenanceRecord]] = {}
        self._last: deque[tuple[ProvenanceRecord, dict[str, ProvenanceRecord]]] = deque(
            maxlen=_AT_ONCE
        )  # and what held before

    def add(self, made: ProvenanceRecord) -> None:
        of_page = self.made.setdefault(made.url, {})
        if made.replaced_digests:
            self._last.append((made, dict(of_page)))
        of_page.update(dict.fromkeys(made.groups, made))

    def settle(self, page_at: Callable[[str], Page | None]) -> None:
        """Take back lines whose texts never came to be: a run was killed between the line and the page.

        page_at: the page that has a url.
        """
        for made, before in reversed(self._last):
            page = page_at(made.url)
            if page is None or digests_of(page, made.groups) != made.replaced_digests:
                continue
            of_page = self.made[made.url]
            for group in made.groups:
                if of_page.get(group) is made and group in before:
                    of_page[group] = before[group]
                elif of_page.get(group) is made:
                    del of_page[group]


def origins(lines: Iterable[bytes]) -> ProvenanceIndex:
    """A line cut short by a crash is passed over."""
    found = ProvenanceIndex()
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError):
            found.add(_decode(line))
    return found


def digest_of(text: str) -> str:
    """SHA-256, its first 16 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def digests_of(page: Page, groups: Sequence[str]) -> dict[str, str]:
    """Of each group: of its fields' values."""
    return {
        group: digest_of("\0".join(str(page.values.get(path, "")) for path in FIELD_GROUPS[group])) for group in groups
    }
