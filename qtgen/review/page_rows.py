"""What the index keeps of a page's file: the values that lists show, digests, and why it cannot be reviewed."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from qtgen._util.text import replace_surrogates
from qtgen.generation.provenance import WRITTEN_GROUPS, group_digests
from qtgen.page import MAX_BYTES, Page, oversized_page, read, unreadable_page
from qtgen.review.files import file_digest
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
        digests: Digests of the texts, in the order of `WRITTEN_GROUPS`.
        fault: Why the page cannot be reviewed, or an empty string.
    """

    url: str = ""
    title: str = ""
    subject: str = ""
    score: float | None = None
    file_digest: str = ""
    digests: tuple[str, ...] = ("",) * len(WRITTEN_GROUPS)
    fault: str = ""


def read_file(path: str, size: int = -1) -> tuple[bytes | None, Page]:
    """Return the contents of a file and its page. The contents are None if they cannot be read as a page.

    Args:
        size: The size of the file in bytes, or -1 if it is unknown.
    """
    if size > MAX_BYTES:
        return None, oversized_page(size)
    try:
        raw = read_page_bytes(path, size)
    except OSError as error:
        return None, unreadable_page(error.strerror or str(error))
    return (None if len(raw) > MAX_BYTES else raw), read(raw)


def describe(raw: bytes | None, page: Page) -> PageRow:
    """Return the row of a page.

    Args:
        raw: The contents of the file, or None if they cannot be read as a page.
    """
    score = page.values.get("score")
    is_scored = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    return PageRow(
        url=_text(page, "url")[: _URL_MAX + 1],
        title=_text(page, "title")[:_TEXT_MAX],
        subject=_text(page, "subject")[:_TEXT_MAX],
        score=float(score) if is_scored else None,  # type: ignore[arg-type]  # is_scored has checked it
        file_digest=file_digest(raw) if raw is not None else "",
        digests=tuple(group_digests(page, WRITTEN_GROUPS).values()),
        fault=fault_of(page),
    )


def _text(page: Page, field: str) -> str:
    return replace_surrogates(page.text_of(field) or "")


def fault_of(page: Page) -> str:
    """Return why a page cannot be reviewed by itself; an empty string if it can."""
    if not page.values:
        reason = page.problems[0].message if page.problems else "the front matter is empty"
        return f"The page cannot be read: {printable(reason)}. Fix the file."
    url = page.text_of("url") or ""
    if not url.strip():
        return "The page has no `url`. Add one to its front matter."
    if len(url) > _URL_MAX:
        return f"The `url` of the page has {len(url):,} characters. Shorten it to {_URL_MAX:,}."
    if not (page.text_of("answer") or "").strip():
        return "The page has no `answer`. Write one, or generate the page again."
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
