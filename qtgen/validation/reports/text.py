"""Diagnostics for people: `path:line:column: CODE message`, the place in the source, and counts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from qtgen._util.text import display_width, enumeration, escape_controls, mask_unprintable, pluralize
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.findings import FindingKind
from qtgen.validation.reports.registry import Paint, ReportContext, plain, report_format

_WIDTH = 100  # characters of a source line that are shown


@report_format("text", counts_info=True)
def text(diagnostics: Iterable[Diagnostic], context: ReportContext) -> Iterator[str]:
    """Lines for people, each with the place in the source."""
    path: str | None = None
    lines: Sequence[str] = ()
    for diagnostic in diagnostics:
        if diagnostic.path != path:
            path, lines = diagnostic.path, context.source(diagnostic.path)
        code = context.paint(diagnostic.code, diagnostic.severity)
        yield diagnostic_line(diagnostic._replace(code=code))
        if excerpt := source_excerpt(diagnostic, lines, context.paint):
            yield excerpt


def diagnostic_line(diagnostic: Diagnostic) -> str:
    """Return `path:line:column: CODE message`."""
    place = f"{escape_controls(diagnostic.path)}:{diagnostic.line}:{diagnostic.column}"
    return f"{place}: {diagnostic.code} {diagnostic.message}"


def source_excerpt(diagnostic: Diagnostic, lines: Sequence[str], paint: Paint = plain) -> str:
    """Return the source line with carets below the place, or "" if there is no such line.

    A long line is cut to the part around the place.
    """
    if not 0 < diagnostic.line <= len(lines) or lines == [""]:
        return ""
    source = lines[diagnostic.line - 1]
    start = diagnostic.column - 1
    end = diagnostic.end_column - 1 if diagnostic.end_line == diagnostic.line else len(source)
    first = max(0, min(start - _WIDTH // 3, len(source) - _WIDTH))
    shown = source[first : first + _WIDTH]
    before = "…" if first else ""
    after = "…" if first + _WIDTH < len(source) else ""
    number = f"{diagnostic.line:>5}"
    carets = "^" * max(1, display_width(source[start : min(end, first + _WIDTH)]))
    pad = len(before) + display_width(source[first:start])
    return (
        f"{number} | {before}{mask_unprintable(shown)}{after}\n      | {' ' * pad}{paint(carets, diagnostic.severity)}"
    )


class FindingCounts:
    """Counts diagnostics by severity, by code, by folder and by kind of fix."""

    def __init__(self) -> None:
        self.severities: Counter[Severity] = Counter()
        self.safe_fixes = 0
        self.unsafe_fixes = 0
        self.unlisted: Counter[str] = Counter()
        self._codes: Counter[tuple[str, str, str]] = Counter()
        self._folders: Counter[str] = Counter()
        self._affected_pages = 0
        self._last_path: str | None = None

    def add(self, diagnostic: Diagnostic, fix: str | None = None, *, listed: bool = True) -> None:
        """Count a diagnostic.

        Args:
            fix: "safe" or "unsafe" if there is a fix.
            listed: Whether the report shows it. Others are only counted, and do not make a page an affected one.
        """
        self._count(diagnostic, diagnostic.path.rpartition("/")[0], fix, 1)
        if not listed:
            self.unlisted[diagnostic.code] += 1
        elif diagnostic.path != self._last_path:
            self._affected_pages += 1
            self._last_path = diagnostic.path

    def add_counts(self, folder: str, kinds: Mapping[FindingKind, int], pages: int) -> None:
        """Count findings of pages of one folder, all of which are listed.

        Args:
            kinds: The number of findings of each kind.
            pages: The number of pages that have a finding and were not counted before.
        """
        for kind, count in kinds.items():
            fix = ("unsafe" if kind.fix_is_unsafe else "safe") if kind.fixable else None
            self._count(kind, folder, fix, count)
        self._affected_pages += pages

    def _count(self, found: Diagnostic | FindingKind, folder: str, fix: str | None, count: int) -> None:
        self._codes[found.code, found.name, found.severity.value] += count
        self._folders[folder or "."] += count
        self.severities[found.severity] += count
        self.safe_fixes += count * (fix == "safe")
        self.unsafe_fixes += count * (fix == "unsafe")

    def summary(self, pages: int, paint: Paint = plain) -> str:
        """Return a line such as `12 pages checked: 3 errors and 1 warning in 2 pages`."""
        listed = Counter(self.severities)
        listed[Severity.INFO] -= self.unlisted.total()
        nouns = {Severity.INFO: "informational finding"}
        parts = [
            paint(pluralize(listed[severity], nouns.get(severity, severity.value)), severity)
            for severity in Severity
            if listed[severity] > 0
        ]
        findings = (
            f"{enumeration(parts)} in {pluralize(self._affected_pages, 'page')}" if parts else "no problems found"
        )
        return f"{pluralize(pages, 'page')} checked: {findings}"

    def statistics(self) -> Iterator[str]:
        """Yield two tables: the number of findings by code, and by folder."""
        by_code = [(f"{n:,}", code, name, severity) for (code, name, severity), n in sorted(self._codes.items())]
        by_folder = [(f"{n:,}", escape_controls(folder)) for folder, n in self._folders.most_common()]
        if by_code:
            yield from (_table(by_code), "", _table(by_folder))


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Align the columns of a table, the first one to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].rjust(widths[0]), *(cell.ljust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    )
