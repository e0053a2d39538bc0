"""The JSON document of `qtgen link`, and its rows."""

from typing import TYPE_CHECKING, Any

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
