"""Apply the fixes of one page: as many as do not overlap, each proved by checking the result."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

from qtgen.errors import SpliceError
from qtgen.page import Page, Span, read_text
from qtgen.page.edits import TextEdit, apply_edits
from qtgen.validation.diagnostics import Fix, Severity
from qtgen.validation.rules import PageChecker, PageFile

_ROUNDS_MAX = 12  # a fix can reveal a finding that another one fixes


def apply_fixes(
    file: PageFile, fixes: Sequence[Fix], checker: PageChecker, accept: Callable[[Page, Page], bool]
) -> tuple[Page, int]:
    """Return the page with fixes applied, and how many of them were.

    A fix is left out if it overlaps an earlier one, if it would cause an error that the page does not have, or if
    `accept` rejects the page before and after it.
    """
    page = file.page
    errors_before = count_errors(file, checker)
    edits: list[TextEdit] = []
    current, applied = page, 0
    for fix in fixes:
        more_edits = [*edits, *_text_edits(page, fix)]
        try:
            fixed = read_text(apply_edits(page.text, more_edits))
        except SpliceError:
            continue  # it overlaps another fix; the next round applies it
        if count_errors(file._replace(page=fixed), checker) - errors_before or not accept(current, fixed):
            continue
        edits, current, applied = more_edits, fixed, applied + 1
    return current, applied


def apply_safe_fixes(file: PageFile, checker: PageChecker, fields: Collection[str]) -> Page:
    """Return the page with the safe fixes of all findings about `fields`. No other field changes.

    `checker` must compute fixes.
    """

    def changes_only_fields(before: Page, after: Page) -> bool:
        changed = {*before.values.items()} ^ {*after.values.items()}
        return all(path in fields for path, _ in changed)

    for _ in range(_ROUNDS_MAX):
        offered = (diagnostic.fix for diagnostic in checker(file) if diagnostic.field in fields)
        safe = [fix for fix in offered if fix and fix.safe]
        page, applied = apply_fixes(file, safe, checker, changes_only_fields)
        if not applied:
            break
        file = file._replace(page=page)
    return file.page


def count_errors(file: PageFile, checker: PageChecker) -> Counter[str]:
    """Return how many errors a page has, by code."""
    return Counter(diagnostic.code for diagnostic in checker(file) if diagnostic.severity is Severity.ERROR)


def _text_edits(page: Page, fix: Fix) -> Iterator[TextEdit]:
    """Convert the lines and columns of a fix to offsets."""
    starts = page.line_starts()
    for line, column, end_line, end_column, text in fix.edits:
        yield TextEdit(Span(starts[line - 1] + column - 1, starts[end_line - 1] + end_column - 1), text)
