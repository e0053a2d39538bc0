"""How a page's texts came about, as it was noted when they were written: one line of JSON for every writing.

A line tells which groups of fields were written; of a group, the last line of a url counts.
"""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from qtgen.page import Page
from qtgen.page.fields import GROUPS

WRITTEN = ("answer", "seo")
"""The groups of fields that a model writes."""


class Made(msgspec.Struct, frozen=True, gc=False):
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


_decode = msgspec.json.Decoder(Made).decode


def latest(lines: Iterable[bytes]) -> dict[str, dict[str, Made]]:
    """By url and group the last line that tells of it. A line cut short by a crash is passed over."""
    found: dict[str, dict[str, Made]] = {}
    for line in lines:
        try:
            made = _decode(line)
        except msgspec.MsgspecError:
            continue
        found.setdefault(made.url, {}).update(dict.fromkeys(made.groups, made))
    return found


def digest_of(text: str) -> str:
    """SHA-256, its first 16 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def digests_of(page: Page, groups: Sequence[str]) -> dict[str, str]:
    """Of each group: of its fields' values."""
    return {group: digest_of("\0".join(str(page.values.get(path, "")) for path in GROUPS[group])) for group in groups}
