"""Mending pages: the fixes of a check's findings, applied until none is left, and proved.

Fixes are edits with ranges. A round applies those of a page that do not touch each other; the page is read and checked
again, in memory, and the next round takes what is left. A fix that would leave a page with an error it did not have
is not applied.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from qtgen.corpus import FileEntry
from qtgen.errors import SpliceError
from qtgen.page import Page, Span, read, read_text
from qtgen.page.edits import Edit, apply_edits
from qtgen.page.read import MAX_BYTES
from qtgen.records import Diagnostic, Fix, Severity
from qtgen.rules import PageChecker, PageFile
from qtgen.validator import Check, Validation

_ROUNDS = 12  # five links to remove, one a round, and what that brings


@dataclass(frozen=True, slots=True)
class Fixed:
    """A page before and after, and how many findings were mended."""

    path: str
    before: bytes
    after: bytes
    fixes: int


def fix(entries: list[FileEntry], check: Check, contents: "Contents", *, unsafe: bool = False) -> Iterator[Fixed]:
    """What the fixes of `check`'s rules make of the pages; nothing is written. Sorted by path."""
    fixer = _Fixer(replace(check, fixes=True), contents, unsafe)
    for _ in range(_ROUNDS):
        if not fixer.round(entries):
            break
    for path, after in sorted(fixer.overlay.items()):
        if after != fixer.before[path]:
            yield Fixed(path, fixer.before[path], after, fixer.count[path])


class Contents:
    """The bytes of pages: of those in hand, else of the files."""

    def __init__(self, in_hand: Mapping[str, bytes] | None = None) -> None:
        self._in_hand = in_hand or {}

    def __call__(self, path: str) -> bytes:
        if path in self._in_hand:
            return self._in_hand[path]
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            raise FileNotFoundError(path)  # opening a pipe would wait for ever
        with open(path, "rb") as file:  # noqa: PTH123 - a path as it was given, maybe with odd bytes
            return file.read(MAX_BYTES + 1)


class _Fixer:
    def __init__(self, check: Check, contents: Contents, unsafe: bool) -> None:
        self._check, self._contents, self._unsafe = check, contents, unsafe
        self._checker = PageChecker(check.rules)
        self.overlay: dict[str, bytes] = dict(check.overlay)
        self.before: dict[str, bytes] = dict(check.overlay)
        self.count: Counter[str] = Counter()
        self._refused: set[tuple[str, str, str]] = set()

    def round(self, entries: list[FileEntry]) -> bool:
        """Apply what can be applied at once; False if that is nothing."""
        changed = False
        with Validation(entries, replace(self._check, overlay=self.overlay)) as validation:
            for checked in validation:
                wanted = [d for d in checked.diagnostics if d.fix and (d.fix.safe or self._unsafe)]
                wanted = [d for d in wanted if (d.path, d.code, d.message) not in self._refused]
                changed |= bool(wanted) and self._mend(checked.path, wanted)
        return changed

    def _mend(self, path: str, wanted: list[Diagnostic]) -> bool:
        raw = self.overlay[path] if path in self.overlay else self._contents(path)
        page = read(raw)
        if page.text.encode() != raw:
            return False  # not UTF-8: what cannot be read to its end is not written back
        errors = self._errors(path, page)
        applied: list[Diagnostic] = []
        edits: list[Edit] = []
        text = page.text
        for diagnostic in wanted:
            assert diagnostic.fix is not None  # noqa: S101 - chosen for it
            more = [*edits, *_in_offsets(page, diagnostic.fix)]
            try:
                tried = apply_edits(page.text, more)
            except SpliceError:
                continue  # touches another fix: its turn comes in the next round
            if self._errors(path, read_text(tried)) - errors:
                self._refused.add((path, diagnostic.code, diagnostic.message))
                continue
            edits, text = more, tried
            applied.append(diagnostic)
        if text == page.text:
            return False
        self.before.setdefault(path, raw)
        self.overlay[path] = text.encode()
        self.count[path] += len(applied)
        return True

    def _errors(self, path: str, page: Page) -> Counter[str]:
        found = self._checker(PageFile(path, page))
        return Counter(diagnostic.code for diagnostic in found if diagnostic.severity is Severity.ERROR)


def _in_offsets(page: Page, fix: Fix) -> list[Edit]:
    starts = [0]
    while (newline := page.text.find("\n", starts[-1])) >= 0:
        starts.append(newline + 1)
    return [
        Edit(Span(starts[e.line - 1] + e.column - 1, starts[e.end_line - 1] + e.end_column - 1), e.text)
        for e in fix.edits
    ]
