"""Diagnostics as SARIF 2.1.0, with fixes, for code scanning services and editors.

SARIF readers expect columns in UTF-16 code units. So the source is needed where a line has characters that take two.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from qtgen.validation.diagnostics import Diagnostic, Edit, Severity
from qtgen.validation.reports.registry import ReportContext, report_format
from qtgen.validation.rules.types import Rule

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_Source = Callable[[str], Sequence[str]]


@report_format("sarif", needs_fixes=True)
def sarif(diagnostics: Iterable[Diagnostic], context: ReportContext) -> Iterator[str]:
    """SARIF 2.1.0: a log with one run, and the fixes of the diagnostics."""
    source: _Source = lru_cache(maxsize=1)(context.source)  # diagnostics come page by page
    index = {rule.code: position for position, rule in enumerate(context.rules)}
    driver = {"name": "qtgen", "version": context.version, "rules": [_rule(rule) for rule in context.rules]}
    results = [_result(diagnostic, index[diagnostic.code], source(diagnostic.path)) for diagnostic in diagnostics]
    run = {"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": results}
    yield json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1)


def _rule(rule: Rule) -> dict[str, Any]:
    doc = rule.doc
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": doc.partition("\n\n")[0].replace("\n", " ")},
        "fullDescription": {"text": doc},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(diagnostic: Diagnostic, rule_index: int, lines: Sequence[str]) -> dict[str, Any]:
    artifact = {"uri": quote(diagnostic.path.encode("utf-8", "surrogateescape"))}
    place = Edit(diagnostic.line, diagnostic.column, diagnostic.end_line, diagnostic.end_column, "")
    result: dict[str, Any] = {
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
