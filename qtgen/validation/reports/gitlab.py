"""Diagnostics as a GitLab code quality report, a subset of Code Climate's format."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from qtgen._util.text import json_text
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.reports.registry import ReportContext, report_format

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


@report_format("gitlab")
def gitlab(diagnostics: Iterable[Diagnostic], _context: ReportContext) -> Iterator[str]:
    """A GitLab code quality report.

    A fingerprint does not change if lines move. It covers the path, the code, the message, and how many equal findings
    precede it.
    """
    seen: Counter[str] = Counter()
    yield json_text([_issue(diagnostic, seen) for diagnostic in diagnostics], indent=1)


def _issue(diagnostic: Diagnostic, seen: Counter[str]) -> dict[str, object]:
    path = diagnostic.path.removeprefix("./")
    identity = f"{path}\n{diagnostic.code}\n{diagnostic.message}"
    seen[identity] += 1
    return {
        "description": diagnostic.message,
        "check_name": f"{diagnostic.code} {diagnostic.name}",
        "fingerprint": hashlib.sha256(f"{identity}\n{seen[identity]}".encode("utf-8", "surrogateescape")).hexdigest(),
        "severity": _SEVERITIES[diagnostic.severity],
        "location": {
            "path": path,
            "positions": {
                "begin": {"line": diagnostic.line, "column": diagnostic.column},
                "end": {"line": diagnostic.end_line, "column": diagnostic.end_column},
            },
        },
    }
