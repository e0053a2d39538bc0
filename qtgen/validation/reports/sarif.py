"""Diagnostics as SARIF 2.1.0, with fixes: what code scanning services and editors read.

Columns are counted in UTF-16 code units, as SARIF's readers expect, so the source is needed where a line holds
characters that take two.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from qtgen.validation.diagnostics import Diagnostic, Edit, Severity

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}

Lines = Callable[[str], Sequence[str]]


def document(
    diagnostics: Iterable[Diagnostic], rules: Sequence[tuple[str, str, str, str]], version: str, lines_of: Lines
) -> Iterator[str]:
    """One log with one run.

    rules: code, name, severity and documentation; lines_of: path -> the lines of its source.
    """
    lines_of = lru_cache(maxsize=1)(lines_of)
    number = {code: place for place, (code, *_) in enumerate(rules)}
    driver = {"name": "qtgen", "version": version, "rules": [_rule(*rule) for rule in rules]}
    results = [_result(d, number[d.code], lines_of(d.path)) for d in diagnostics]
    run = {"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": results}
    yield json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1)


def _rule(code: str, name: str, severity: str, doc: str) -> dict[str, Any]:
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": doc.partition("\n\n")[0].replace("\n", " ")},
        "fullDescription": {"text": doc},
        "defaultConfiguration": {"level": _LEVELS[Severity(severity)]},
    }


def _result(d: Diagnostic, rule: int, lines: Sequence[str]) -> dict[str, Any]:
    artifact = {"uri": quote(d.path.encode("utf-8", "surrogateescape"))}
    place = Edit(d.line, d.column, d.end_line, d.end_column, "")
    result: dict[str, Any] = {
        "ruleId": d.code,
        "ruleIndex": rule,
        "level": _LEVELS[d.severity],
        "message": {"text": d.message},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": _region(place, lines)}}],
    }
    if d.fix:
        replacements = [
            {"deletedRegion": _region(edit, lines), "insertedContent": {"text": edit.text}} for edit in d.fix.edits
        ]
        change = {"artifactLocation": artifact, "replacements": replacements}
        result["fixes"] = [{"description": {"text": d.fix.description}, "artifactChanges": [change]}]
        result["properties"] = {"fixIsSafe": d.fix.safe}
    return result


def _region(place: Edit, lines: Sequence[str]) -> dict[str, int]:
    return {
        "startLine": place.line,
        "startColumn": _units(place.line, place.column, lines),
        "endLine": place.end_line,
        "endColumn": _units(place.end_line, place.end_column, lines),
    }


def _units(line: int, column: int, lines: Sequence[str]) -> int:
    """A column in UTF-16 code units: a character beyond the Basic Multilingual Plane takes two."""
    before = lines[line - 1][: column - 1] if 0 < line <= len(lines) else ""
    return column if before.isascii() else column + sum(char > "\uffff" for char in before)
