"""Diagnostics as GitHub's workflow commands: annotations in the changed files of a pull request."""

from collections.abc import Iterable, Iterator

from qtgen.validation.diagnostics import Diagnostic, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def document(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    """One line a diagnostic; see GitHub's "Workflow commands for GitHub Actions"."""
    for d in diagnostics:
        place = f"file={as_property(d.path)},line={d.line},endLine={d.end_line}"
        if d.line == d.end_line:  # GitHub knows columns only within a line
            place += f",col={d.column},endColumn={max(d.end_column, d.column)}"
        title = as_property(f"{d.code} {d.name}")
        yield f"::{_COMMANDS[d.severity]} {place},title={title}::{as_data(d.message)}"


def as_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def as_property(text: str) -> str:
    return as_data(text).replace(":", "%3A").replace(",", "%2C")
