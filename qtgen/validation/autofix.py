"""Fix pages: apply the fixes of a run's findings until none is left, and prove each.

Each round applies the fixes of a page that do not overlap. The page is read and checked again, in memory, and the next
round applies what is left. A fix is not applied if it would cause an error that the page does not have, if it would
change a url that links lead to, or if it would give a page the url of another one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qtgen._util.files import replace_file
from qtgen.errors import OutputError
from qtgen.page import Page, read
from qtgen.site.discovery import PageBatch, read_page_bytes
from qtgen.site.index import SiteIndex
from qtgen.validation.cache import PageRecord
from qtgen.validation.diagnostics import Fix
from qtgen.validation.fixes import apply_fixes
from qtgen.validation.rules import PageChecker
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.workers import RecordStore, page_file

_ROUNDS_MAX = 12  # removing five links takes five rounds, and that can reveal more
_LAST = ("QT403", "QT406")


@dataclass(frozen=True, slots=True)
class FixedFile:
    """A page before and after its fixes.

    Args:
        fixes: How many fixes were applied.
        error: Why the page could not be written, if it could not.
    """

    path: str
    before: bytes
    after: bytes
    fixes: int
    error: OutputError | None = None


def fix_pages(batches: Sequence[PageBatch], options: ValidationOptions, *, unsafe: bool = False) -> Iterator[FixedFile]:
    """Yield the pages that the fixes of the selected rules change, sorted by path. Nothing is written.

    Args:
        unsafe: Whether to apply unsafe fixes too.
    """
    store = _RunStore(options.cache)
    fixer = _Fixer(replace(options, fixes=True, unsafe=unsafe, cache=store), unsafe)
    for _ in range(_ROUNDS_MAX):
        # Links to missing pages come last: the missing page may be there and only have the wrong url.
        if not fixer.apply_round(batches, postponed=_LAST) and not (unsafe and fixer.apply_round(batches)):
            break
    for path, after in sorted(fixer.overlay.items()):
        if after != fixer.before[path]:
            yield FixedFile(path, fixer.before[path], after, fixer.applied[path])


def write_fixes(files: Iterable[FixedFile]) -> Iterator[FixedFile]:
    """Write fixed pages, each atomically, and yield them. A page that cannot be written is yielded with its error."""
    for file in files:
        try:
            replace_file(Path(file.path), file.before, file.after)
            yield file
        except OutputError as error:  # the other pages can still be written
            yield replace(file, error=error)


class _RunStore:
    """Keeps the records of files that no fix has changed, for the next round, in front of the cache on disk."""

    def __init__(self, cache: RecordStore | None) -> None:
        self._cache = cache
        self._records: dict[str, PageRecord] = {}

    def get(self, batch: PageBatch) -> list[PageRecord | None]:
        records = [self._records.get(path) for path in batch.paths()]
        if self._cache and None in records:
            records = self._cache.get(batch)
            self._remember(batch, records)
        return records

    def put(self, batch: PageBatch, records: list[PageRecord | None]) -> None:
        self._remember(batch, records)
        if self._cache:
            self._cache.put(batch, records)

    def _remember(self, batch: PageBatch, records: list[PageRecord | None]) -> None:
        self._records |= {path: record for path, record in zip(batch.paths(), records, strict=True) if record}


class _Fixer:
    def __init__(self, options: ValidationOptions, unsafe: bool) -> None:
        self._options, self._unsafe = options, unsafe
        self._checker = PageChecker(options.rules, settings=options.settings)
        self.overlay: dict[str, bytes] = dict(options.overlay)
        self.before: dict[str, bytes] = dict(options.overlay)
        self.applied: Counter[str] = Counter()
        self._assigned_urls: set[str] = set()  # in this round

    def apply_round(self, batches: Sequence[PageBatch], postponed: tuple[str, ...] = ()) -> bool:
        """Apply the fixes that do not overlap, and return whether any page changed.

        Args:
            postponed: Codes of rules whose fixes are left for a later round.
        """
        changed = False
        self._assigned_urls.clear()
        with ValidationResult(batches, replace(self._options, overlay=self.overlay)) as result:
            for file in result:
                offered = [diagnostic.fix for diagnostic in file.diagnostics if diagnostic.code not in postponed]
                fixes = [fix for fix in offered if fix and (fix.safe or self._unsafe)]
                changed |= bool(fixes) and self._fix_page(file.path, fixes, result.site)
        return changed

    def _fix_page(self, path: str, fixes: list[Fix], site: SiteIndex) -> bool:
        raw = self.overlay[path] if path in self.overlay else read_page_bytes(path)
        page = read(raw)
        if page.text.encode() != raw:
            return False  # the file is not UTF-8, so writing it again would lose bytes
        fixed, applied = apply_fixes(
            page_file(path, page), fixes, self._checker, lambda before, after: self._accepts_url(before, after, site)
        )
        if fixed.text == page.text:
            return False
        self.before.setdefault(path, raw)
        self.overlay[path] = fixed.text.encode()
        self.applied[path] += applied
        return True

    def _accepts_url(self, before: Page, after: Page, site: SiteIndex) -> bool:
        """Return whether a page may change its url. Each url is assigned to one page only."""
        old, new = before.text_of("url") or "", after.text_of("url") or ""
        if old == new:
            return True
        if new in self._assigned_urls or not site.can_change_url(old, new):
            return False
        self._assigned_urls.add(new)
        return True
