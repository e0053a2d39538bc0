"""One page and the fixes of its findings: applied as far as they do not touch each other, and proved."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

from qtgen.errors import SpliceError
from qtgen.page import Page, Span, read_text
from qtgen.page.edits import TextEdit, apply_edits
from qtgen.validation.diagnostics import Fix, Severity
from qtgen.validation.rules import PageChecker, PageFile

_ROUNDS = 12  # a fix can uncover what another one mends


def with_fixes(
    file: PageFile, fixes: Sequence[Fix], checker: PageChecker, may: Callable[[Page, Page], bool]
) -> tuple[Page, int]:
    """The page with those fixes that can be made at once, and how many these are.

    A fix is left out where it touches an earlier one, where the page would have an error that it did not have, and
    where `may` (the page before and after it) says no.
    """
    page = file.page
    before = errors(file, checker)
    edits: list[TextEdit] = []
    so_far, applied = page, 0
    for fix in fixes:
        more = [*edits, *_in_offsets(page, fix)]
        try:
            fixed = read_text(apply_edits(page.text, more))
        except SpliceError:
            continue  # touches another fix: its turn comes in the next round
        if errors(file._replace(page=fixed), checker) - before or not may(so_far, fixed):
            continue
        edits, so_far, applied = more, fixed, applied + 1
    return so_far, applied


def mended(file: PageFile, checker: PageChecker, fields: Collection[str]) -> Page:
    """The page with all safe fixes of findings about `fields`, no other field changed. checker: with fixes."""

    def is_inside(before: Page, after: Page) -> bool:
        changed = {*before.values.items()} ^ {*after.values.items()}
        return all(path in fields for path, _ in changed)

    for _ in range(_ROUNDS):
        found = (diagnostic.fix for diagnostic in checker(file) if diagnostic.field in fields)
        page, applied = with_fixes(file, [fix for fix in found if fix and fix.safe], checker, is_inside)
        if not applied:
            break
        file = file._replace(page=page)
    return file.page


def errors(file: PageFile, checker: PageChecker) -> Counter[str]:
    """How often each rule finds an error in a page."""
    return Counter(one.code for one in checker(file) if one.severity is Severity.ERROR)


def _in_offsets(page: Page, fix: Fix) -> Iterator[TextEdit]:
    starts = page.line_starts()
    for line, column, end_line, end_column, text in fix.edits:
        yield TextEdit(Span(starts[line - 1] + column - 1, starts[end_line - 1] + end_column - 1), text)
