"""Findings in the pages that a run writes. They are those that `qtgen validate` reports for each page alone."""

import sys
from bisect import insort
from collections import Counter
from collections.abc import Iterator

from qtgen._util.text import pluralize
from qtgen.commands._echo import Styled, echo
from qtgen.commands._output import note, severity_painter
from qtgen.generation.types import Outcome, Status
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.reports.text import diagnostic_line

_SHOWN = 20  # findings that are printed; the others are counted


class PageFindings:
    """Collects the findings of written pages. It keeps only those that it prints, because a run can have many."""

    def __init__(self) -> None:
        self._first: list[Diagnostic] = []
        self._severities: Counter[Severity] = Counter()
        self._pages = 0

    def add(self, outcome: Outcome) -> None:
        """Add the findings of a page, if it was written."""
        if outcome.status is not Status.WRITTEN:
            return
        self._severities.update(diagnostic.severity for diagnostic in outcome.diagnostics)
        listed = [diagnostic for diagnostic in outcome.diagnostics if diagnostic.severity is not Severity.INFO]
        self._pages += bool(listed)
        for diagnostic in listed:
            insort(self._first, diagnostic, key=_place)
            del self._first[_SHOWN:]

    def print(self) -> None:
        """Print the first findings by path on stderr, and how many there are. Informational findings are counted."""
        paint = severity_painter(sys.stderr)
        for diagnostic in self._first:
            code = paint(diagnostic.code, diagnostic.severity)
            echo(Styled(diagnostic_line(diagnostic._replace(code=code))), err=True)
        for line in self._summary():
            note(line)

    def _summary(self) -> Iterator[str]:
        infos = self._severities[Severity.INFO]
        total = self._severities.total() - infos
        more = total - len(self._first)
        if more:
            yield f"… and {more:,} more {'finding' if more == 1 else 'findings'}; `qtgen validate` lists all of them"
        if total:
            counts = [
                pluralize(self._severities[severity], severity.value)
                for severity in (Severity.ERROR, Severity.WARNING)
                if self._severities[severity]
            ]
            yield f"{' and '.join(counts)} in {pluralize(self._pages, 'written page')}"
        if infos:
            yield f"not listed: {pluralize(infos, 'informational finding')}"


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    return diagnostic.path, diagnostic.line, diagnostic.column, diagnostic.code
