"""What `qtgen validate` prints: the report in the selected format, diffs, and summaries on stderr."""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence

from qtgen import __version__
from qtgen._util.text import pluralize
from qtgen.commands._echo import Styled, echo
from qtgen.commands._output import diff_lines, note, severity_painter, warn
from qtgen.page.reader import MAX_BYTES
from qtgen.site.discovery import read_page_bytes
from qtgen.validation.autofix import FixedFile
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.reports import ReportContext, ReportFormat
from qtgen.validation.reports.text import FindingCounts
from qtgen.validation.rules import REGISTRY
from qtgen.validation.run import ValidationResult


class Report:
    """Prints the diagnostics of a run and counts them.

    Args:
        report_format: The format to print.
        selected: The codes that the user selected. An informational diagnostic with one of them is always listed.
        statistics: Whether to print counts by rule and by folder instead of the diagnostics.
        verbose: Whether to list every informational diagnostic.
    """

    def __init__(
        self, report_format: ReportFormat, selected: Collection[str], *, statistics: bool, verbose: bool
    ) -> None:
        self._format, self._selected, self._statistics = report_format, selected, statistics
        self._lists_info = verbose or statistics or not report_format.counts_info
        self._counts = FindingCounts()

    @property
    def exit_code(self) -> int:
        """1 if an error was reported, else 0."""
        return int(self._counts.severities[Severity.ERROR] > 0)

    def print(self, result: ValidationResult, overlay: Mapping[str, bytes], *, to_stderr: bool = False) -> None:
        """Print the report on stdout.

        Args:
            overlay: Contents of pages that are not read from their files, by path.
        """
        context = ReportContext(
            result.pages,
            __version__,
            [rule for _, rule in sorted(REGISTRY.items())],
            lambda path: _source_lines(overlay, path),
            severity_painter(sys.stderr if to_stderr else sys.stdout),
            lambda line: warn([line], "warning"),
        )
        diagnostics = self._counted(result)
        if self._statistics:
            for _ in diagnostics:
                pass
        lines = self._counts.statistics() if self._statistics else self._format.render(diagnostics, context)
        for line in lines:
            echo(Styled(line), err=to_stderr)

    def _counted(self, result: ValidationResult) -> Iterator[Diagnostic]:
        """Count all diagnostics, and yield those that the report lists."""
        for file in result:
            for diagnostic in file.diagnostics:
                is_listed = self._is_listed(diagnostic)
                fix = REGISTRY[diagnostic.code].fix if diagnostic.fixable else None
                self._counts.add(diagnostic, fix, listed=is_listed)
                if is_listed:
                    yield diagnostic

    def _is_listed(self, diagnostic: Diagnostic) -> bool:
        return diagnostic.severity is not Severity.INFO or self._lists_info or diagnostic.code in self._selected

    def print_summary(self, pages: int, skipped: int) -> None:
        """Print on stderr how many pages were checked, what was found, and what can be fixed.

        Args:
            skipped: The number of files that are not pages.
        """
        counts = self._counts
        files = f" ({pluralize(skipped, 'other file')} skipped)" if skipped else ""
        note(Styled(f"{counts.summary(pages, severity_painter(sys.stderr))}{files}"))
        if counts.unlisted:
            findings = pluralize(counts.unlisted.total(), "informational finding")
            note(f"not listed: {findings}; list them with -v or `--select {','.join(sorted(counts.unlisted))}`")
        if counts.safe_fixes:
            note(f"{pluralize(counts.safe_fixes, 'finding')} can be fixed with `--fix`")
        if counts.unsafe_fixes:
            noun = "more finding" if counts.safe_fixes else "finding"
            note(f"{pluralize(counts.unsafe_fixes, noun)} can be fixed with `--fix --unsafe`")


def print_diff(fixed: Sequence[FixedFile]) -> int:
    """Print what fixes would change, and return the exit code: 1 if they would change anything."""
    for file in fixed:
        for line in diff_lines(file.path, file.before.decode(), file.after.decode()):
            echo(line)
    note(fix_summary(fixed, "would fix"))
    return int(bool(fixed))


def fix_summary(fixed: Sequence[FixedFile], verb: str) -> str:
    """Return a line such as `fixed 4 findings in 1 page`."""
    findings = sum(file.fixes for file in fixed)
    return f"{verb} {pluralize(findings, 'finding')} in {pluralize(len(fixed), 'page')}" if fixed else "nothing to fix"


def _source_lines(overlay: Mapping[str, bytes], path: str) -> list[str]:
    """Return the lines of a page as diagnostics count them, or none if it cannot be shown."""
    try:
        raw = overlay[path] if path in overlay else read_page_bytes(path)
    except OSError:
        return []
    return raw.decode("utf-8", "replace").split("\n") if len(raw) <= MAX_BYTES else []
