"""What `qtgen link` prints about its result: the JSON document, its rows, and the summary."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from qtgen._util.text import pluralize

if TYPE_CHECKING:
    from qtgen.linking import LinkReport, LinkResult, SkippedPage

KINDS = ("added", "replaced", "corrected", "removed")
"""What can happen to a link."""


def document(report: "LinkReport") -> dict[str, Any]:
    """Return the JSON document of a run or a preview."""
    status = "written" if report.written else "planned"
    suggestions = [_row(edit.result(), "advised") for edit in report.suggestions]
    return {
        "pages": report.selected,
        "changed": [_row(result, status) for result in report.results],
        "unreadable": skipped_rows(report.skipped),
        "orphans": report.orphans,
        "gave_way": report.displaced,
        "neighbours": [_row(result, status) for result in report.neighbors] or suggestions,
    }


def _row(result: "LinkResult", status: str) -> dict[str, Any]:
    counts = {kind: getattr(result, kind) for kind in KINDS}
    return {
        "path": result.path,
        "status": "failed" if result.error else status,
        **counts,
        "error": result.error or None,
    }


def skipped_rows(pages: "list[SkippedPage]") -> list[dict[str, str]]:
    """Return the JSON rows of pages that cannot be linked."""
    return [page._asdict() for page in pages]


def counts(result: "LinkResult") -> str:
    """Return `2 added, 1 removed`."""
    return ", ".join(f"{getattr(result, kind)} {kind}" for kind in KINDS if getattr(result, kind))


def summary_lines(report: "LinkReport") -> Iterator[str]:
    """Yield how many pages and links changed, and how many orphans there are."""
    verb = "changed" if report.written else "would change"
    changed = [result for result in report.results if not result.error]
    totals = {kind: sum(getattr(result, kind) for result in changed) for kind in KINDS}
    counts = ", ".join(f"{count:,} {kind}" for kind, count in totals.items() if count)
    links = f"; links: {counts}" if counts else ""
    yield f"{len(changed):,} of {pluralize(report.selected, 'page')} {verb}{links}"
    if report.neighbors:
        count = sum(not result.error for result in report.neighbors)
        yield f"{pluralize(count, 'page')} of the corpus {verb} to link to PATHS"
    if report.displaced:
        verb = "gave" if report.written else "would give"
        yield f"{pluralize(report.displaced, 'page')} {verb} up a good link to make room for an orphan"
    if report.orphans_before or report.orphans:
        yield f"orphans: {report.orphans_before:,} before, {len(report.orphans):,} after"
