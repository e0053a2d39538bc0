"""Diagnostics as GitHub workflow commands, which become annotations in the changed files of a pull request."""

from collections.abc import Iterable, Iterator

from qtgen._util.text import escape_controls
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.reports.registry import ReportContext, report_format

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


@report_format("github")
def github(diagnostics: Iterable[Diagnostic], _context: ReportContext) -> Iterator[str]:
    """Annotations in GitHub Actions, one line per diagnostic (GitHub: "Workflow commands for GitHub Actions").

    GitHub shows the first 10 errors, 10 warnings and 10 notices of a step, and 50 annotations of a job. The log of the
    step contains all of them. The `sarif` format has higher limits.
    """
    for diagnostic in diagnostics:
        place = f"file={escape_property(diagnostic.path)},line={diagnostic.line},endLine={diagnostic.end_line}"
        if diagnostic.line == diagnostic.end_line:  # GitHub accepts columns only within one line
            place += f",col={diagnostic.column},endColumn={max(diagnostic.end_column, diagnostic.column)}"
        title = escape_property(f"{diagnostic.code} {diagnostic.name}")
        yield f"::{_COMMANDS[diagnostic.severity]} {place},title={title}::{escape_data(diagnostic.message)}"


def escape_data(text: str) -> str:
    """Escape the message of a workflow command. Characters that could control a terminal are escaped too."""
    encoded = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escape_controls(encoded)


def escape_property(text: str) -> str:
    """Escape the value of a property of a workflow command."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
