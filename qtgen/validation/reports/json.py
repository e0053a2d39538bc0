"""Diagnostics as one JSON array, sorted by path, line, column and code."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from json.encoder import encode_basestring

from qtgen._util.text import escape_json
from qtgen.validation.diagnostics import Diagnostic, Edit, Fix
from qtgen.validation.reports.registry import ReportContext, report_format


@report_format("json", needs_fixes=True)
def json_array(diagnostics: Iterable[Diagnostic], _context: ReportContext) -> Iterator[str]:
    """A JSON array with one diagnostic per line, so that a large report need not fit in memory."""
    pending: str | None = None  # the last diagnostic must not be followed by a comma
    yield "["
    for diagnostic in diagnostics:
        if pending is not None:
            yield pending + ","
        pending = f"  {_diagnostic(diagnostic)}"
    if pending is not None:
        yield pending
    yield "]"


# `json.dumps` of `Diagnostic.as_dict` would give the same texts. It takes six times as long, and most parts of a
# diagnostic occur again and again.
def _diagnostic(diagnostic: Diagnostic) -> str:
    path, line, column, end_line, end_column = diagnostic[:5]
    place = f'"line": {line}, "column": {column}, "end_line": {end_line}, "end_column": {end_column}'
    fix = "null" if diagnostic.fix is None else _fix(diagnostic.fix)
    return escape_json(f'{{"path": {_text(path)}, {place}, {_kind(*diagnostic[5:10])}, "fix": {fix}}}')


@lru_cache(maxsize=1024)
def _kind(code: str, name: str, severity: str, message: str, field: str | None) -> str:
    about = "null" if field is None else encode_basestring(field)
    texts = map(encode_basestring, (code, name, severity, message))
    return '"code": {}, "name": {}, "severity": {}, "message": {}'.format(*texts) + f', "field": {about}'


@lru_cache(maxsize=8)
def _text(path: str) -> str:
    return encode_basestring(path)


def _fix(fix: Fix) -> str:
    edits = ", ".join(map(_edit, fix.edits))
    safe = "true" if fix.safe else "false"
    return f'{{"safe": {safe}, "description": {encode_basestring(fix.description)}, "edits": [{edits}]}}'


def _edit(edit: Edit) -> str:
    line, column, end_line, end_column, text = edit
    place = f'"line": {line}, "column": {column}, "end_line": {end_line}, "end_column": {end_column}'
    return f'{{{place}, "text": {encode_basestring(text)}}}'
