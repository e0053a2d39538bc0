"""What `qtgen validate` prints: the report in the selected format, diffs, and summaries on stderr."""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from qtgen import __version__
from qtgen._util.text import pluralize
from qtgen.commands._echo import Styled, echo
from qtgen.commands._output import diff_lines, note, severity_painter, warn
from qtgen.page.profile import Profile
from qtgen.page.reader import MAX_BYTES
from qtgen.site.discovery import read_page_bytes
from qtgen.validation.autofix import FixedFile, FixReport
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.reports import ReportContext, ReportFormat
from qtgen.validation.reports.text import FindingCounts
from qtgen.validation.rules import rules_of
from qtgen.validation.rules.types import FixSafety
from qtgen.validation.run import ValidationResult

_REJECTED_SHOWN = 10
_LINES_AT_ONCE = 200  # per write; writing each line alone would take longer than checking a cached page


class Report:
    """Prints the diagnostics of a run and counts them.

    Args:
        report_format: The format to print.
        profile: The site, whose rules the report describes.
        selected: The codes that the user selected. An informational diagnostic with one of them is always listed.
        statistics: Whether to print counts by rule and by folder instead of the diagnostics.
        verbose: Whether to list every informational diagnostic.
        rejected: Path, line and code of each finding whose fix was tried and rejected. The summary does not offer it.
    """

    def __init__(
        self,
        report_format: ReportFormat,
        profile: Profile,
        selected: Collection[str],
        *,
        statistics: bool,
        verbose: bool,
        rejected: Collection[tuple[str, int, str]] = (),
    ) -> None:
        self._rejected, self._profile = frozenset(rejected), profile
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
            rules_of(self._profile),
            lambda path: _source_lines(overlay, path),
            severity_painter(sys.stderr if to_stderr else sys.stdout),
            lambda line: warn([line], "warning"),
        )
        lines = (
            self._lines_of_statistics(result)
            if self._statistics
            else self._format.render(self._counted(result), context)
        )
        rest = iter(lines)
        while block := [*islice(rest, _LINES_AT_ONCE)]:
            echo(Styled("\n".join(block)), err=to_stderr)

    def _lines_of_statistics(self, result: ValidationResult) -> Iterator[str]:
        if self._rejected:  # some of the fixes must not be offered
            for _ in self._counted(result):
                pass
        else:
            for counts in result.counts():
                self._counts.add_counts(*counts)
        return self._counts.statistics()

    def _counted(self, result: ValidationResult) -> Iterator[Diagnostic]:
        """Count all diagnostics, and yield those that the report lists."""
        for file in result:
            for diagnostic in file.diagnostics:
                is_listed = self._is_listed(diagnostic)
                self._counts.add(diagnostic, self._offered_fix(diagnostic), listed=is_listed)
                if is_listed:
                    yield diagnostic

    def _offered_fix(self, diagnostic: Diagnostic) -> FixSafety | None:
        if not diagnostic.fixable or (diagnostic.path, diagnostic.line, diagnostic.code) in self._rejected:
            return None
        return "unsafe" if diagnostic.fix_is_unsafe else "safe"

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


def print_diff(report: FixReport) -> int:
    """Print what fixes would change, and return the exit code: 1 if they would change anything."""
    for file in report.files:
        for line in diff_lines(file.path, file.before.decode(), file.after.decode()):
            echo(line)
    print_fix_summary(report, report.files, "would fix")
    if report.unsafe:
        noun = "more finding" if report.files else "finding"
        note(f"{pluralize(report.unsafe, noun)} can be fixed with `--fix --unsafe`")
    return int(bool(report.files))


def print_fix_summary(report: FixReport, files: Sequence[FixedFile], verb: str) -> None:
    """Print on stderr how many findings were fixed, and why others were not.

    Args:
        files: The changed pages that could be written.
        verb: What became of the fixes, as in `fixed 4 findings in 1 page`.
    """
    if files:
        findings = pluralize(sum(file.fixes for file in files), "finding")
        note(f"{verb} {findings} in {pluralize(len(files), 'page')}")
    else:
        note("no safe fix to apply" if report.unsafe else "nothing to fix")
    for fix in report.rejected[:_REJECTED_SHOWN]:
        note(f"not fixed: {fix.path}:{fix.line}: {fix.code}: the fix {fix.reason}")
    if len(report.rejected) > _REJECTED_SHOWN:
        note(f"not fixed: {pluralize(len(report.rejected) - _REJECTED_SHOWN, 'more finding')} for reasons like these")


def _source_lines(overlay: Mapping[str, bytes], path: str) -> list[str]:
    """Return the lines of a page as diagnostics count them, or none if it cannot be shown."""
    try:
        raw = overlay[path] if path in overlay else read_page_bytes(path)
    except OSError:
        return []
    return raw.decode("utf-8", "replace").split("\n") if len(raw) <= MAX_BYTES else []
