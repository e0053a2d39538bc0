"""Apply the fixes of one page: as many as do not overlap, and only those that do no harm.

A set of fixes is applied and checked at once, so that most pages are checked a single time. A set that does harm is
halved, until the fixes that do it are found.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qtgen.page import Page
from qtgen.page.edits import TextEdit
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.drafts import Draft, text_edits
from qtgen.validation.rules import PageChecker, PageFile

_ROUNDS_MAX = 24  # a fix can reveal a finding that another one fixes
_REVEALED_ROUNDS_MAX = 4  # of the fixes that a set of fixes reveals
_CHARACTERS_MAX = 8_000_000  # that are checked to find out which fixes of a page do harm
_ATTEMPTS = (16, 400)  # the fewest and the most, whatever the length of the page


class RejectedFix(NamedTuple):
    """A fix that is not applied, and the reason as a clause."""

    path: str
    line: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class FixPolicy:
    """Which fixes of a page may be applied.

    Args:
        checker: Finds the errors of a page. It must compute fixes.
        unsafe: Whether unsafe fixes may be applied.
        codes: The codes of the rules whose fixes may be applied, or None for those of all rules.
        reject: Returns why a page must not be changed from the first to the second state, or None.
    """

    checker: PageChecker
    unsafe: bool = False
    codes: Collection[str] | None = None
    reject: Callable[[Page, Page], str | None] = lambda _before, _after: None

    def offered(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the diagnostics with a fix that may be applied."""
        return [
            diagnostic
            for diagnostic in diagnostics
            if diagnostic.fix
            and (diagnostic.fix.safe or self.unsafe)
            and (self.codes is None or diagnostic.code in self.codes)
        ]


@dataclass(frozen=True, slots=True)
class FixOutcome:
    """A page after its fixes: how many were applied, and which were not."""

    page: Page
    applied: int
    rejected: tuple[RejectedFix, ...] = ()


def apply_fixes(file: PageFile, diagnostics: Sequence[Diagnostic], policy: FixPolicy) -> FixOutcome:
    """Return the page with the fixes of diagnostics applied.

    A fix that overlaps an earlier one is left for the next round. A fix is rejected if a reader would lose something by
    it, if it would cause an error that is still there after the fixes that it reveals, or if the policy rejects it.
    """
    fixer = _PageFixer(file, policy)
    remaining = policy.offered(diagnostics)
    while remaining:
        chosen, waiting = _without_overlaps(file.page, remaining, fixer.accepted)
        rejected = len(fixer.rejected)
        fixer.add(chosen)
        if len(fixer.rejected) == rejected:
            break
        remaining = waiting  # some of them overlap only what has been rejected
    return FixOutcome(fixer.page, len(fixer.accepted) + fixer.revealed, tuple(fixer.rejected))


def apply_safe_fixes(file: PageFile, checker: PageChecker, fields: Collection[str]) -> Page:
    """Return the page with the safe fixes of all findings about `fields`. No other field changes.

    `checker` must compute fixes.
    """

    def changes_other_fields(before: Page, after: Page) -> str | None:
        changed = {*before.values.items()} ^ {*after.values.items()}
        others = [path for path, _ in changed if path not in fields]
        return f"would change `{min(others)}`" if others else None

    policy = FixPolicy(checker, reject=changes_other_fields)
    for _ in range(_ROUNDS_MAX):
        outcome = apply_fixes(file, [found for found in checker(file) if found.field in fields], policy)
        if not outcome.applied:
            break
        file = file._replace(page=outcome.page)
    return file.page


def count_errors(file: PageFile, checker: PageChecker) -> Counter[str]:
    """Return how many errors a page has, by code."""
    return _count(checker(file))


def _count(diagnostics: Iterable[Diagnostic]) -> Counter[str]:
    return Counter(diagnostic.code for diagnostic in diagnostics if diagnostic.severity is Severity.ERROR)


class _State(NamedTuple):
    """A page after some fixes, and how many more fixes those revealed."""

    page: Page
    revealed: int = 0


class _PageFixer:
    """Finds the largest part of a page's fixes that does no harm."""

    def __init__(self, file: PageFile, policy: FixPolicy) -> None:
        self._file, self._policy = file, policy
        self._errors = count_errors(file, policy.checker)
        fewest, most = _ATTEMPTS
        self._attempts = min(most, max(fewest, _CHARACTERS_MAX // (len(file.page.text) + 1)))
        self.page, self.revealed = file.page, 0
        self.accepted: list[Diagnostic] = []
        self.rejected: list[RejectedFix] = []

    def add(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Accept all fixes of the diagnostics that can be accepted besides the accepted ones."""
        if not diagnostics:
            return
        if not self._attempts:
            self._reject(diagnostics, "is not tried, because many other fixes of this page were rejected")
            return
        self._attempts -= 1
        state = self._attempt([*self.accepted, *diagnostics])
        if isinstance(state, _State):
            self.accepted += diagnostics
            self.page, self.revealed = state
        elif len(diagnostics) == 1:
            self._reject(diagnostics, state)
        else:
            middle = len(diagnostics) // 2
            self.add(diagnostics[:middle])
            self.add(diagnostics[middle:])

    def _reject(self, diagnostics: Iterable[Diagnostic], reason: str) -> None:
        self.rejected += (RejectedFix(found.path, found.line, found.code, reason) for found in diagnostics)

    def _attempt(self, diagnostics: Sequence[Diagnostic]) -> _State | str:
        """Return the page with the fixes, or why it would be worse than before."""
        draft, revealed, reason = Draft(self._file.page), 0, ""
        for _ in range(_REVEALED_ROUNDS_MAX):
            changed = draft.with_fixes(found.fix for found in diagnostics if found.fix)
            if isinstance(changed, str):
                return reason or changed
            draft = changed
            found = self._policy.checker(self._file._replace(page=draft.page))
            made = self._made_errors(found, draft)
            if not made:
                return self._policy.reject(self._file.page, draft.page) or _State(draft.page, revealed)
            error = next(diagnostic for diagnostic in found if diagnostic.code in made)
            reason = reason or f"would cause {error.code}: {error.message}"
            fixes = self._policy.offered(diagnostic for diagnostic in found if diagnostic.code in made)
            diagnostics, _ = _without_overlaps(draft.page, fixes)
            if not diagnostics:
                break
            revealed += len(diagnostics)
        return reason

    def _made_errors(self, found: Sequence[Diagnostic], draft: Draft) -> Counter[str]:
        """Return the errors that fixes made, by code: those that the page did not have, except those that were only
        hidden in it."""
        new = _count(found) - self._errors
        if new:
            new -= _count(
                diagnostic for diagnostic in found if diagnostic.code in new and draft.is_revealed(diagnostic)
            )
        return new


def _without_overlaps(
    page: Page, diagnostics: Iterable[Diagnostic], accepted: Iterable[Diagnostic] = ()
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Return the diagnostics whose fixes neither overlap nor repeat an earlier or accepted one, and the others."""
    taken = sorted(edit for found in accepted if found.fix for edit in text_edits(page, found.fix))
    chosen, waiting = [], []
    for diagnostic in diagnostics:
        edits = [*text_edits(page, diagnostic.fix)] if diagnostic.fix else []
        if any(_overlaps(taken, edit) for edit in edits):
            waiting.append(diagnostic)
            continue
        chosen.append(diagnostic)
        for edit in edits:
            insort(taken, edit)
    return chosen, waiting


def _overlaps(taken: Sequence[TextEdit], edit: TextEdit) -> bool:
    """Return whether an edit overlaps one of others, which are in order, or is one of them."""
    number = bisect_left(taken, edit)
    before, after = taken[max(0, number - 1) : number], taken[number : number + 1]
    return edit in after or any(
        other.span.start < edit.span.end and edit.span.start < other.span.end for other in (*before, *after)
    )
