"""What the index keeps of a page's file: the values that lists show, digests, and why it cannot be reviewed."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from qtgen._util.text import replace_surrogates
from qtgen.page import MAX_BYTES, Page, oversized_page, read, unreadable_page
from qtgen.page.compile import candidates_for
from qtgen.page.profile import Kind, Profile
from qtgen.review.files import file_digest, text_digests
from qtgen.review.types import FindingCount
from qtgen.site.discovery import read_page_bytes
from qtgen.validation.diagnostics import Severity, printable
from qtgen.validation.rules import REGISTRY, SiteRule

_URL_MAX = 2_000  # characters; longer addresses do not work in every browser
_TEXT_MAX = 500  # characters of a title or subject that lists know
_SEVERITIES = tuple(Severity)  # most serious first
_MOST = 999  # of the findings of a severity that count for the order of pages


class PageRow(NamedTuple):
    """What a file says about its page.

    Args:
        score: The score, or None if the page has none.
        digests: Digests of the texts by group of fields, as `encode_digests` writes them.
        fault: Why the page cannot be reviewed, or an empty string.
    """

    url: str = ""
    title: str = ""
    subject: str = ""
    score: float | None = None
    file_digest: str = ""
    digests: str = "{}"
    fault: str = ""


def read_file(path: str, size: int, profile: Profile) -> tuple[bytes | None, Page]:
    """Return the contents of a file and its page. The contents are None if they cannot be read as a page.

    Args:
        size: The size of the file in bytes, or -1 if it is unknown.
        profile: The page layout of the site.
    """
    if size > MAX_BYTES:
        return None, oversized_page(size, candidates_for(profile, path)[0])
    try:
        raw = read_page_bytes(path, size)
    except OSError as error:
        return None, unreadable_page(error.strerror or str(error), candidates_for(profile, path)[0])
    return (None if len(raw) > MAX_BYTES else raw), read(raw, profile, path)


def describe(path: str, raw: bytes | None, page: Page) -> PageRow:
    """Return the row of a page.

    Args:
        path: The path of the file.
        raw: The contents of the file, or None if they cannot be read as a page.
        page: The page.
    """
    roles = page.layout.roles
    return PageRow(
        url=replace_surrogates(key_of(page, path))[: _URL_MAX + 1],
        title=_text(page, roles.question)[:_TEXT_MAX],
        subject=_text(page, roles.subject)[:_TEXT_MAX],
        score=score_of(page),
        file_digest=file_digest(raw) if raw is not None else "",
        digests=encode_digests(text_digests(page)),
        fault=fault_of(page, path),
    )


def _text(page: Page, field: str | None) -> str:
    return replace_surrogates((field and page.text_of(field)) or "")


def score_of(page: Page) -> float | None:
    """Return the score of a page, or None if it has none."""
    role = page.layout.roles.score
    score = page.values.get(role) if role else None
    is_scored = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    return float(score) if is_scored else None  # type: ignore[arg-type]  # is_scored has checked it


def key_of(page: Page, path: str) -> str:
    """Return the identifier of a page: its key, or the path of its file if the site's pages have no key."""
    role, layout = page.layout.roles.key, page.layout
    if role is None:
        return _path_from_root(layout.profile, path)
    if role in layout.fields and Kind.TEXT not in layout.fields[role].spec.kinds:
        value = page.values.get(role)
        return "" if value is None else str(value)
    return page.text_of(role) or ""


def _path_from_root(profile: Profile, path: str) -> str:
    absolute = Path(path).absolute()
    if profile.root and absolute.is_relative_to(profile.root):
        return absolute.relative_to(profile.root).as_posix()
    return Path(path).as_posix()


def encode_digests(digests: Mapping[str, str]) -> str:
    """Return digests by group of fields as the index stores them."""
    return msgspec.json.encode(digests).decode()


decode_digests: Callable[[str], dict[str, str]] = msgspec.json.Decoder(dict[str, str]).decode
"""Return the digests by group of fields that the index stores."""


def fault_of(page: Page, path: str) -> str:
    """Return why a page cannot be reviewed by itself; an empty string if it can."""
    if not page.values:
        reason = page.problems[0].message if page.problems else "the front matter is empty"
        return f"The page cannot be read: {printable(reason)}. Fix the file."
    roles, key = page.layout.roles, key_of(page, path)
    if not key.strip():
        return f"The page has no `{roles.key}`. Add one to its front matter."
    if len(key) > _URL_MAX:
        return f"The `{roles.key or 'path'}` of the page has {len(key):,} characters. Shorten it to {_URL_MAX:,}."
    if roles.answer and not (page.text_of(roles.answer) or "").strip():
        return f"The page has no `{roles.answer}`. Write one, or generate the page again."
    return ""


@lru_cache(maxsize=20_000)  # most pages have the same few findings as others
def stored_findings(found: tuple[tuple[str, Severity], ...]) -> str:
    """Return the findings of a page as the index stores them: ` QT201:error:1 QT601:warning:2`, errors first.

    Args:
        found: The code and the severity of each finding.
    """
    in_order = sorted(Counter(found).items(), key=lambda item: (_SEVERITIES.index(item[0][1]), item[0][0]))
    return "".join(f" {code}:{severity.value}:{total}" for (code, severity), total in in_order)


def decode_findings(stored: str) -> tuple[FindingCount, ...]:
    """Return the findings that the index stores."""
    parts = (part.split(":") for part in stored.split())
    return tuple(FindingCount(code, severity, int(total)) for code, severity, total in parts)


def compares_pages(code: str) -> bool:
    """Return whether a rule compares pages, so that a check of one page does not report its findings."""
    return isinstance(REGISTRY.get(code), SiteRule)


def priority(findings: Iterable[FindingCount]) -> int:
    """Return a number that is lower the worse the findings are: an error outweighs all warnings, and so on."""
    totals = Counter[str]()
    for finding in findings:
        totals[finding.severity] += finding.total
    weight = 0
    for severity in _SEVERITIES:
        weight = weight * (_MOST + 1) + min(totals[severity.value], _MOST)
    return -weight
