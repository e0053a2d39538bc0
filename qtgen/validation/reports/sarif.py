"""Diagnostics as SARIF 2.1.0, with fixes, for code scanning services and editors.

SARIF readers expect columns in UTF-16 code units. So the source is needed where a line has characters that take two.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from qtgen._util.text import json_text
from qtgen.validation.diagnostics import Diagnostic, Edit, Severity
from qtgen.validation.reports.registry import ReportContext, report_format
from qtgen.validation.rules.types import Rule

RESULTS_MAX = 25_000
"""Results in one run. GitHub rejects a file with more."""
COMPRESSED_MAX = 10_000_000
"""Bytes of the compressed file. GitHub rejects a larger one."""

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_Source = Callable[[str], Sequence[str]]
_Result = dict[str, Any]


@report_format("sarif", needs_fixes=True)
def sarif(diagnostics: Iterable[Diagnostic], context: ReportContext) -> Iterator[str]:
    """SARIF 2.1.0: a log with one run, and the fixes of the diagnostics.

    GitHub rejects a run with more than 25,000 results. If there are more, the report contains the errors first, then
    the warnings, and a line on stderr says how many results were left out.
    GitHub also rejects a file of more than 10 MB when it is compressed. A larger one is written without the fixes.
    """
    results = _most_serious(diagnostics, context)
    report = _log(results, context)
    if len(report) > COMPRESSED_MAX and _compressed_size(report) > COMPRESSED_MAX:
        for result in results:
            result.pop("fixes", None)
        context.warn("the SARIF report contains no fixes, because GitHub accepts 10 MB of compressed SARIF")
        report = _log(results, context)
    yield report


def _most_serious(diagnostics: Iterable[Diagnostic], context: ReportContext) -> list[_Result]:
    """Return the results in order, or as many as a run may have, the most serious ones first."""
    source: _Source = lru_cache(maxsize=1)(context.source)  # diagnostics come page by page
    index = {rule.code: position for position, rule in enumerate(context.rules)}
    in_order: list[_Result] = []
    by_severity: dict[Severity, list[_Result]] = {severity: [] for severity in _LEVELS}
    total = 0
    for total, diagnostic in enumerate(diagnostics, 1):
        alike = by_severity[diagnostic.severity]
        if len(alike) < RESULTS_MAX:
            result = _result(diagnostic, index[diagnostic.code], source(diagnostic.path))
            alike.append(result)
            if total <= RESULTS_MAX:
                in_order.append(result)
    if total <= RESULTS_MAX:
        return in_order
    context.warn(
        f"{total - RESULTS_MAX:,} of {total:,} results left out of the SARIF report, the least serious ones first; "
        f"GitHub accepts {RESULTS_MAX:,}"
    )
    return [result for severity in _LEVELS for result in by_severity[severity]][:RESULTS_MAX]


def _log(results: list[_Result], context: ReportContext) -> str:
    driver = {"name": "qtgen", "version": context.version, "rules": [_rule(rule) for rule in context.rules]}
    run = {"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": results}
    return json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1)


def _compressed_size(text: str) -> int:
    return len(zlib.compress(text.encode("utf-8", "replace"), 1))


def _rule(rule: Rule) -> dict[str, Any]:
    doc = rule.doc
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": doc.partition("\n\n")[0].replace("\n", " ")},
        "fullDescription": {"text": doc},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(diagnostic: Diagnostic, rule_index: int, lines: Sequence[str]) -> _Result:
    artifact = {"uri": quote(diagnostic.path.encode("utf-8", "surrogateescape"))}
    place = Edit(diagnostic.line, diagnostic.column, diagnostic.end_line, diagnostic.end_column, "")
    result: _Result = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": diagnostic.message},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": _region(place, lines)}}],
    }
    if diagnostic.fix:
        replacements = [
            {"deletedRegion": _region(edit, lines), "insertedContent": {"text": edit.text}}
            for edit in diagnostic.fix.edits
        ]
        change = {"artifactLocation": artifact, "replacements": replacements}
        result["fixes"] = [{"description": {"text": diagnostic.fix.description}, "artifactChanges": [change]}]
        result["properties"] = {"fixIsSafe": diagnostic.fix.safe}
    return result


def _region(place: Edit, lines: Sequence[str]) -> dict[str, int]:
    return {
        "startLine": place.line,
        "startColumn": _utf16_column(place.line, place.column, lines),
        "endLine": place.end_line,
        "endColumn": _utf16_column(place.end_line, place.end_column, lines),
    }


def _utf16_column(line: int, column: int, lines: Sequence[str]) -> int:
    """Convert a column to UTF-16 code units. A character outside the Basic Multilingual Plane takes two."""
    before = lines[line - 1][: column - 1] if 0 < line <= len(lines) else ""
    return column if before.isascii() else column + sum(char > "\uffff" for char in before)
