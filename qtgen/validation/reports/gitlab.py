"""Diagnostics as a GitLab code quality report (a subset of Code Climate's)."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator

from qtgen.validation.diagnostics import Diagnostic, Severity

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def document(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    """One array. A fingerprint stays the same while lines move: it is over path, code and message, and a count."""
    seen: Counter[str] = Counter()
    yield json.dumps([_finding(diagnostic, seen) for diagnostic in diagnostics], ensure_ascii=False, indent=1)


def _finding(d: Diagnostic, seen: Counter[str]) -> dict[str, object]:
    path = d.path.removeprefix("./")
    identity = f"{path}\n{d.code}\n{d.message}"
    seen[identity] += 1
    return {
        "description": d.message,
        "check_name": f"{d.code} {d.name}",
        "fingerprint": hashlib.sha256(f"{identity}\n{seen[identity]}".encode("utf-8", "surrogateescape")).hexdigest(),
        "severity": _SEVERITIES[d.severity],
        "location": {
            "path": path,
            "positions": {
                "begin": {"line": d.line, "column": d.column},
                "end": {"line": d.end_line, "column": d.end_column},
            },
        },
    }
