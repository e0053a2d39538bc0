"""Diagnostics for programs: one array, in the order they come: by path, line, column and code."""

import json
from collections.abc import Iterable, Iterator

from qtgen.validation.diagnostics import Diagnostic


def document(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    """The lines of the document, one diagnostic a line, so that a large one need not fit in memory."""
    held: str | None = None
    yield "["
    for diagnostic in diagnostics:
        if held is not None:
            yield held + ","
        held = "  " + json.dumps(diagnostic.as_dict(), ensure_ascii=False)
    if held is not None:
        yield held
    yield "]"
