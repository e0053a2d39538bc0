"""Diagnostics for people: `path:line:column: CODE message`, the place in the source, and one line that sums up."""

from collections import Counter
from collections.abc import Iterable, Sequence

from qtgen._util.text import display_width, mask_unprintable
from qtgen.validation.diagnostics import Diagnostic, Severity

_WIDTH = 100  # characters of a source line that are shown


def line(diagnostic: Diagnostic) -> str:
    place = f"{diagnostic.path}:{diagnostic.line}:{diagnostic.column}"
    return f"{place}: {diagnostic.code} {diagnostic.message}"


def snippet(diagnostic: Diagnostic, lines: Sequence[str]) -> str:
    """The source line with carets below; a long one is cut to what lies around the place. "" where there is no line."""
    if not 0 < diagnostic.line <= len(lines) or lines == [""]:
        return ""
    source = lines[diagnostic.line - 1]
    start = diagnostic.column - 1
    end = diagnostic.end_column - 1 if diagnostic.end_line == diagnostic.line else len(source)
    begin = max(0, min(start - _WIDTH // 3, len(source) - _WIDTH))
    shown = source[begin : begin + _WIDTH]
    before = "…" if begin else ""
    behind = "…" if begin + _WIDTH < len(source) else ""
    number = f"{diagnostic.line:>5}"
    marks = max(1, display_width(source[start : min(end, begin + _WIDTH)]))
    pad = len(before) + display_width(source[begin:start])
    return f"{number} | {before}{mask_unprintable(shown)}{behind}\n      | {' ' * pad}{'^' * marks}"


class FindingCounts:
    """Counts diagnostics as they pass: by severity, by code, by folder."""

    def __init__(self) -> None:
        self.severities: Counter[Severity] = Counter()
        self.codes: Counter[tuple[str, str, str]] = Counter()
        self.folders: Counter[str] = Counter()
        self.fixable: Counter[bool] = Counter()
        self._affected = 0
        self._last = ""

    def add(self, diagnostic: Diagnostic, fix: str | None = None) -> None:
        """fix: "safe" or "unsafe" if the finding can be mended."""
        self.severities[diagnostic.severity] += 1
        self.codes[diagnostic.code, diagnostic.name, diagnostic.severity.value] += 1
        self.folders[diagnostic.path.rpartition("/")[0] or "."] += 1
        if fix:
            self.fixable[fix == "safe"] += 1
        if diagnostic.path != self._last:
            self._affected, self._last = self._affected + 1, diagnostic.path

    def summary(self, pages: int) -> str:
        """`12 pages checked: 3 errors and 1 warning in 2 of them`."""
        checked = f"{pages:,} page{'s' * (pages != 1)} checked"
        named = [f"{count:,} {s.value}{'s' * (count != 1)}" for s in Severity if (count := self.severities[s])]
        if not named:
            return f"{checked}: nothing found"
        listed = " and ".join([*([", ".join(named[:-1])] if named[1:] else []), named[-1]])
        return f"{checked}: {listed} in {self._affected:,} of them"

    def statistics(self) -> str:
        """Two tables: by code, and by folder."""
        by_code = [(f"{n:,}", code, name, severity) for (code, name, severity), n in sorted(self.codes.items())]
        by_folder = [(f"{n:,}", folder) for folder, n in self.folders.most_common()]
        return "\n\n".join(_table(rows) for rows in (by_code, by_folder) if rows)


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    """Columns side by side, the first to the right."""
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].rjust(widths[0]), *(cell.ljust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    )
