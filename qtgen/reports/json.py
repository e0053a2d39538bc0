"""Diagnostics for programs: one array, in the order of CLI's contract."""

import json
from collections.abc import Sequence

from qtgen.records import Diagnostic


def document(diagnostics: Sequence[Diagnostic]) -> str:
    return json.dumps([diagnostic.as_dict() for diagnostic in diagnostics], ensure_ascii=False, indent=2)
