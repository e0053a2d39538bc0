"""Diagnostics for people: `path:line:column: CODE message`, and one line that sums up."""

from collections import Counter
from collections.abc import Sequence

from qtgen.records import Diagnostic, Severity


def line(diagnostic: Diagnostic) -> str:
    place = f"{diagnostic.path}:{diagnostic.line}:{diagnostic.column}"
    return f"{place}: {diagnostic.code} {diagnostic.message}"


def summary(diagnostics: Sequence[Diagnostic], pages: int) -> str:
    """`12 pages checked: 3 errors and 1 warning in 2 of them`."""
    checked = f"{pages:,} page{'s' * (pages != 1)} checked"
    if not diagnostics:
        return f"{checked}: nothing found"
    counts = Counter(diagnostic.severity for diagnostic in diagnostics)
    named = [f"{counts[s]:,} {s.value}{'s' * (counts[s] != 1)}" for s in Severity if counts[s]]
    affected = len({diagnostic.path for diagnostic in diagnostics})
    return f"{checked}: {' and '.join(named)} in {affected:,} of them"
