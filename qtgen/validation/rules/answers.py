"""What the rules about the answer share: its field, its markdown, and findings at offsets inside it."""

from qtgen.page.markdown import Document, expand_line_breaks, parse
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.edits import span_within
from qtgen.validation.rules.types import Finding, FixFactory, FixSafety, PageFile

ANSWER = "answer"


def answer_of(file: PageFile) -> str:
    """Return the answer as it is in the page, or an empty string."""
    return file.page.text_of(ANSWER) or ""


def markdown_of(file: PageFile) -> str:
    """Return the answer with real line breaks. Offsets are the same as in the page."""
    return expand_line_breaks(answer_of(file))


def document_of(file: PageFile) -> Document:
    """Return the answer as the site's renderer reads it. Offsets are the same as in the page."""
    return parse(markdown_of(file))


def answer_finding(
    file: PageFile,
    start: int,
    end: int,
    message: str,
    fix: FixFactory | None = None,
    severity: Severity | None = None,
    fix_safety: FixSafety | None = None,
) -> Finding:
    """Return a finding about a part of the answer."""
    return Finding(message, span_within(file.page, ANSWER, start, end), ANSWER, fix, severity, fix_safety)
