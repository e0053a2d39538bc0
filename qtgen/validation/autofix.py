"""Mending pages: the fixes of a check's findings, applied until none is left, and proved.

Fixes are edits with ranges. A round applies those of a page that do not touch each other; the page is read and checked
again, in memory, and the next round takes what is left. A fix that would leave a page with an error it did not have
is not applied, nor one that takes a url from under a link or gives it to two pages.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from qtgen.page import Page, read
from qtgen.site.discovery import PageBatch, read_page_bytes
from qtgen.site.index import SiteIndex
from qtgen.validation.cache import Known
from qtgen.validation.diagnostics import Fix
from qtgen.validation.fixes import with_fixes
from qtgen.validation.rules import PageChecker
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.workers import Memory, page_file

_ROUNDS = 12  # five links to remove, one a round, and what that brings
_LAST = ("QT403", "QT406")  # their fixes are unsafe ones


@dataclass(frozen=True, slots=True)
class FixedFile:
    """A page before and after, and how many findings were mended."""

    path: str
    before: bytes
    after: bytes
    fixes: int


def fix(runs: list[PageBatch], check: ValidationOptions, *, unsafe: bool = False) -> Iterator[FixedFile]:
    """What the fixes of `check`'s rules make of the pages; nothing is written. Sorted by path."""
    fixer = _Fixer(replace(check, fixes=True, unsafe=unsafe, cache=_Remembered(check.cache)), unsafe)
    for _ in range(_ROUNDS):
        # What a link leads to is mended first: the page that is missing may only have the wrong url.
        if not fixer.round(runs, but_for=_LAST) and not (unsafe and fixer.round(runs)):
            break
    for path, after in sorted(fixer.overlay.items()):
        if after != fixer.before[path]:
            yield FixedFile(path, fixer.before[path], after, fixer.count[path])


class _Remembered:
    """What a round found out about the files that no fix has changed, for the next one."""

    def __init__(self, behind: Memory | None) -> None:
        self._behind = behind
        self._known: dict[str, Known] = {}

    def get(self, run: PageBatch) -> list[Known | None]:
        known = [self._known.get(path) for path in run.paths()]
        if self._behind and None in known:
            known = self._behind.get(run)
            self._known |= {path: one for path, one in zip(run.paths(), known, strict=True) if one}
        return known

    def put(self, run: PageBatch, known: list[Known | None]) -> None:
        self._known |= {path: one for path, one in zip(run.paths(), known, strict=True) if one}
        if self._behind:
            self._behind.put(run, known)


class _Fixer:
    def __init__(self, check: ValidationOptions, unsafe: bool) -> None:
        self._check, self._unsafe = check, unsafe
        self._checker = PageChecker(check.rules)
        self.overlay: dict[str, bytes] = dict(check.overlay)
        self.before: dict[str, bytes] = dict(check.overlay)
        self.count: Counter[str] = Counter()
        self._given: set[str] = set()  # urls, in this round

    def round(self, runs: list[PageBatch], but_for: tuple[str, ...] = ()) -> bool:
        """Apply what can be applied at once; False if that is nothing. but_for: rules whose turn is later."""
        changed = False
        self._given.clear()
        with ValidationResult(runs, replace(self._check, overlay=self.overlay)) as validation:
            for checked in validation:
                mends = [diagnostic.fix for diagnostic in checked.diagnostics if diagnostic.code not in but_for]
                wanted = [mend for mend in mends if mend and (mend.safe or self._unsafe)]
                changed |= bool(wanted) and self._mend(checked.path, wanted, validation.site)
        return changed

    def _mend(self, path: str, wanted: list[Fix], site: SiteIndex) -> bool:
        raw = self.overlay[path] if path in self.overlay else read_page_bytes(path)
        page = read(raw)
        if page.text.encode() != raw:
            return False  # not UTF-8: what cannot be read to its end is not written back
        fixed, applied = with_fixes(
            page_file(path, page), wanted, self._checker, lambda one, other: self._may_have_url(one, other, site)
        )
        if fixed.text == page.text:
            return False
        self.before.setdefault(path, raw)
        self.overlay[path] = fixed.text.encode()
        self.count[path] += applied
        return True

    def _may_have_url(self, before: Page, after: Page, site: SiteIndex) -> bool:
        """Whether the site can bear it if a page's url changes. A url is given away once."""
        old, new = before.text_of("url") or "", after.text_of("url") or ""
        if old == new:
            return True
        if new in self._given or not site.can_change_url(old, new):
            return False
        self._given.add(new)
        return True
