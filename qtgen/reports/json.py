"""Diagnostics for programs: one array, sorted by path, line, column and code."""

import json
from collections.abc import Sequence

from qtgen.records import Diagnostic


def document(diagnostics: Sequence[Diagnostic]) -> str:
    in_order = sorted(diagnostics, key=lambda d: (d.path, d.line, d.column, d.code))
    return json.dumps([diagnostic.as_dict() for diagnostic in in_order], ensure_ascii=False, indent=2)
