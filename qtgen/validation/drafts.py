"""A page while fixes are tried on it: its text, and which parts of the text the fixes wrote."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from qtgen.errors import SpliceError
from qtgen.page import Page, Span, read_text
from qtgen.page.edits import Part, TextEdit, apply_edits
from qtgen.page.markdown import segment_at
from qtgen.validation.diagnostics import Diagnostic, Fix
from qtgen.validation.harm import removes_content
from qtgen.validation.rules.edits import is_verbatim, parts_replaced


@dataclass(frozen=True, slots=True)
class Draft:
    """A page after some fixes.

    Args:
        written: The parts of its text that the fixes wrote, in order.
    """

    page: Page
    written: tuple[Span, ...] = ()

    def with_fixes(self, fixes: Iterable[Fix]) -> "Draft | str":
        """Return the draft with more fixes, or what a reader would lose by them."""
        edits_of = [(fix, [*text_edits(self.page, fix)]) for fix in fixes]
        edits = sorted(edit for _, edits in edits_of for edit in edits)
        try:
            fixed = read_text(apply_edits(self.page.text, edits), self.page.layout)
        except SpliceError as error:
            return str(error)
        loss = self._loss(fixed, self._parts(edits_of, edits))
        if loss:
            return f"would change what readers see: {loss}"
        return Draft(fixed, _moved(self.written, edits))

    def _loss(self, fixed: Page, parts: Sequence[Part] | None) -> str | None:
        """Return what a reader of the answer would lose by the fixes, or None."""
        path = self.page.layout.roles.answer or ""
        before, after = self.page.text_of(path) or "", fixed.text_of(path) or ""
        return None if before == after else removes_content(before, after, parts, codec=self.page.layout.codec)

    def _parts(
        self, edits_of: Sequence[tuple[Fix, list[TextEdit]]], edits: Iterable[TextEdit]
    ) -> Sequence[Part] | None:
        """Return the parts of the answer that fixes replace, if that is known."""
        rewrites = [fix.parts for fix, _ in edits_of if fix.parts is not None]
        return (
            rewrites[0] if len(rewrites) == 1 else parts_replaced(self.page, self.page.layout.roles.answer or "", edits)
        )

    def is_revealed(self, diagnostic: Diagnostic) -> bool:
        """Return whether a finding is about a part of the answer that no fix wrote.

        Readers lose nothing by the fixes, so the fault was there before them. It was only hidden, because code or a
        formula contained it.
        """
        path = self.page.layout.roles.answer or ""
        answer = self.page.text_of(path)
        if diagnostic.field != path or answer is None:
            return False
        span = self.page.span(path)
        if not is_verbatim(self.page, path, span):
            return False
        begin = span.start
        line_start = self.page.line_starts()[diagnostic.line - 1]
        start = line_start + diagnostic.column - 1
        end = max(start + 1, line_start + diagnostic.end_column - 1)
        if diagnostic.end_line != diagnostic.line or start < begin:
            return False
        segments = self.page.layout.codec.document(answer).segments
        for offset in (start - begin, end - 1 - begin):
            if segment := segment_at(segments, offset):
                start, end = min(start, begin + segment.start), max(end, begin + segment.end)
        number = bisect_right(self.written, (end, end))
        return not any(last >= start and first <= end for first, last in self.written[max(0, number - 1) : number + 1])


def text_edits(page: Page, fix: Fix) -> Iterator[TextEdit]:
    """Convert the lines and columns of a fix to offsets."""
    starts = page.line_starts()
    for line, column, end_line, end_column, text in fix.edits:
        yield TextEdit(Span(starts[line - 1] + column - 1, starts[end_line - 1] + end_column - 1), text)


def _moved(written: Sequence[Span], edits: Sequence[TextEdit]) -> tuple[Span, ...]:
    """Return the parts that earlier fixes and those with the given edits wrote, as offsets after these edits."""
    growth = [len(text) - (span.end - span.start) for span, text in edits]
    shifts = [*accumulate(growth, initial=0)]
    starts = [edit.span.start for edit in edits]
    moved = [
        Span(start + shifts[bisect_right(starts, start)], end + shifts[bisect_right(starts, end)])
        for start, end in written
    ]
    added = [
        Span(span.start + shift, span.start + shift + len(text))
        for (span, text), shift in zip(edits, shifts, strict=False)
    ]
    return tuple(_joined(sorted(span for span in (*moved, *added) if span.start <= span.end)))


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans in order, with those that touch or overlap joined."""
    last: Span | None = None
    for span in spans:
        if last and span.start <= last.end:
            last = Span(last.start, max(last.end, span.end))
            continue
        if last:
            yield last
        last = span
    if last:
        yield last
