"""Diagnostics as one JSON array, sorted by path, line, column and code."""

from collections.abc import Iterable, Iterator

from qtgen._util.text import json_text
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.reports.registry import ReportContext, report_format


@report_format("json", needs_fixes=True)
def json_array(diagnostics: Iterable[Diagnostic], _context: ReportContext) -> Iterator[str]:
    """A JSON array with one diagnostic per line, so that a large report need not fit in memory."""
    pending: str | None = None  # the last diagnostic must not be followed by a comma
    yield "["
    for diagnostic in diagnostics:
        if pending is not None:
            yield pending + ","
        pending = "  " + json_text(diagnostic.as_dict())
    if pending is not None:
        yield pending
    yield "]"
