"""Find marks of Markdown that the site shows as they are, although they were meant to open or close something."""

import re
from collections.abc import Iterator

from qtgen.page.markdown import Document, Run, segment_at
from qtgen.validation.diagnostics import Severity
from qtgen.validation.rules.answers import answer_finding
from qtgen.validation.rules.types import Finding, PageFile

_WORDS = re.compile(r"[A-Za-z]{2,}")
_LATEX_SIGN = re.compile(r"\\[A-Za-z]{2}|\^|[A-Za-z0-9)]_[{\d]")
_SHOWN_DOLLARS = re.compile(r"(?<![\\$])\$\$(?!\$)")


def shown_dollars(file: PageFile, document: Document) -> Iterator[Finding]:
    """Yield findings about `$$` that the site shows although it was meant to open or close math."""
    text = document.content
    for start, end in document.inline_ranges():
        marks = [mark.start() for mark in _SHOWN_DOLLARS.finditer(text, start, end)]
        shown = [mark for mark in marks if not segment_at(document.segments, mark)]
        is_math = len(shown) < len(marks) or (shown and _LATEX_SIGN.search(text, start, end))
        for mark in shown:
            line = (
                text[max(text.rfind("\n", 0, mark) + 1, mark - 80) : mark]
                + text[mark + 2 : mark + 80].partition("\n")[0]
            )
            if is_math or not line.strip():
                message = "this `$$` is shown as two dollar signs; write its counterpart in the same paragraph"
                yield answer_finding(file, mark, mark + 2, message, severity=Severity.ERROR)


_MEANT = re.compile(
    r"(?:(?<=\d)\*\*(?=\w)|(?<=\w)\*\*(?=\d)|(?<=/)\*\*|\*\*(?=/|(?:kwargs|kw|args|opts|options|params)\b)"
    r"|(?<=\d)\*\*(?!\w))"
)
_AROUND = 300  # characters of the same line
_SIGNIFICANCE = re.compile(r"[pP][ ]?[<=≤][ ]?0?\.\d+\Z")


def shown_bold(file: PageFile, document: Document) -> Iterator[Finding]:
    """Yield findings about asterisks that the site shows although they were meant as bold."""
    text = document.text
    emphasis, shown = document.emphasis
    edges = {part.start for part in emphasis if part.mark == "*"} | {part.end for part in emphasis if part.mark == "*"}
    lines: dict[int, list[Run]] = {}
    for run in shown:
        marks = text[run.start : run.end]
        if marks == "**" and not _is_meant(text, run):
            lines.setdefault(text.rfind("\n", 0, run.start), []).append(run)
        elif marks == "*" and (run.start in edges or run.end in edges):
            message = "one of these two asterisks is shown; write as many before the words as after them"
            start = run.start if run.end in edges else run.start - 1
            yield answer_finding(file, start, start + 2, message)
    for runs in lines.values():
        # Unlike `2 ** 3 ** 4`, bold text has words inside.
        may_be_bold = len(runs) > 1 and _WORDS.search(text, runs[0].end, runs[-1].start) is not None
        faults = [(run, _fault(text, run, may_be_bold=may_be_bold)) for run in runs]
        faulty = [(run, fault) for run, fault in faults if fault]
        unmatched = [(run, "add its counterpart") for run in runs if run.can_open or run.can_close]
        for run, remedy in faulty or unmatched:
            yield answer_finding(file, run.start, run.end, f"this `**` is shown as two asterisks; {remedy}")


def _is_meant(text: str, run: Run) -> bool:
    """Return whether `**` means something else than bold text: a power, a path, arguments, or a significance."""
    meant = _MEANT.match(text, run.start)
    if meant is None:
        return False
    if text[run.start - 1 : run.start].isdigit() and not text[run.end : run.end + 1].isalnum():
        before = text[max(0, run.start - _AROUND) : run.start].rpartition("\n")[2]
        behind = text[run.end : run.end + _AROUND].partition("\n")[0]
        if behind[:1] in ("(", "-") and "**" not in before + behind:
            return True
        return _SIGNIFICANCE.search(text, max(0, run.start - 12), run.start) is not None
    return True


def _fault(text: str, run: Run, *, may_be_bold: bool) -> str:
    """Return the remedy for a mark that can neither open nor close bold text where it is, or an empty string."""
    before, behind = text[run.start - 1 : run.start].strip(), text[run.end : run.end + 1].strip()
    if before and behind:
        is_between = before.isalnum() != behind.isalnum() and not (run.can_open and run.can_close)
        return "put a space between it and the word" if is_between else ""
    return "remove the space inside the bold text" if may_be_bold and not before and not behind else ""
