"""Fix pages: apply the fixes of a run's findings until none is left, and verify each one.

Each round applies the fixes of a page that do not overlap. The page is read and checked again, in memory, and the next
round applies what is left. A fix is not applied if a reader would lose something by it, if it would cause an error, if
it would change a url that links lead to, or if it would give a page the url of another one.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from qtgen._util.files import replace_file
from qtgen.errors import OutputError
from qtgen.page import Page, read
from qtgen.site.discovery import PageBatch, load_page, read_page_bytes
from qtgen.site.index import SiteIndex
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.fixes import FixPolicy, RejectedFix, apply_fixes
from qtgen.validation.records import KnownRecords, PageRecords, all_missing
from qtgen.validation.rules import REGISTRY, PageChecker, SiteRule
from qtgen.validation.run import ValidationOptions, ValidationResult
from qtgen.validation.selection import codes_by_path
from qtgen.validation.workers import RecordStore, page_file

SiteErrors: TypeAlias = dict[str, Counter[str]]
"""How many errors between pages each page has, by path and code."""

_ROUNDS_MAX = 24  # removing five links takes five rounds, and that can reveal more
_ROUNDS_OF_LONG_PAGES = 4
_CHARACTERS_MAX = 2_000_000  # that all rounds of a page read; most pages have 6,000
_PASSES_MAX = 8  # a pass ends when no fix is left, and the next one follows if it caused an error between pages
_LAST = ("QT403", "QT406")
_NAMING_ROLES = ("key", "id", "question", "subject", "hidden")  # other pages are compared with their fields


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


@dataclass(frozen=True, slots=True)
class FixReport:
    """The pages that fixes change, and the fixes that are not applied.

    Args:
        files: The changed pages, sorted by path.
        rejected: The fixes that would do harm, sorted by path and line.
        unsafe: How many unsafe fixes were left out because they were not requested.
    """

    files: list[FixedFile]
    rejected: list[RejectedFix]
    unsafe: int


def fix_pages(batches: Sequence[PageBatch], options: ValidationOptions, *, unsafe: bool = False) -> Iterator[FixedFile]:
    """Yield the pages that the fixes of the selected rules change, sorted by path. Nothing is written.

    Args:
        unsafe: Whether to apply unsafe fixes too.
    """
    yield from try_fixes(batches, options, unsafe=unsafe).files


def try_fixes(batches: Sequence[PageBatch], options: ValidationOptions, *, unsafe: bool = False) -> FixReport:
    """Apply the fixes of the selected rules in memory, and return what they change and which are not applied.

    Args:
        unsafe: Whether to apply unsafe fixes too.
    """
    store = _RunStore(options.cache)
    fixer = _Fixer(replace(options, fixes=True, unsafe=unsafe, cache=store), unsafe)
    for _ in range(_PASSES_MAX):
        for _ in range(_ROUNDS_MAX):
            # Links to missing pages come last: the missing page may be there and only have the wrong url.
            if not fixer.apply_round(batches, postponed=_LAST) and not (unsafe and fixer.apply_round(batches)):
                break
        if not fixer.restore_pages_with_new_errors() and not fixer.release_names():
            break
    return fixer.report()


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
        self._known: dict[tuple[str, ...], KnownRecords] = {}  # by the folder and the names of a batch

    def get(self, batch: PageBatch) -> KnownRecords:
        known = self._known.get((batch.folder, *batch.names)) or all_missing(len(batch.names))
        if self._cache and known.missing:
            known = self._cache.get(batch)
            self._remember(batch, known)
        return known

    def put(self, batch: PageBatch, records: PageRecords, left_out: Sequence[int]) -> None:
        self._remember(batch, KnownRecords(records).without(left_out))
        if self._cache:
            self._cache.put(batch, records, left_out)

    def has_result(self, name: str, key: str) -> bool:
        return self._cache is not None and self._cache.has_result(name, key)

    def get_result(self, name: str, key: str) -> bytes | None:
        return self._cache.get_result(name, key) if self._cache else None

    def put_result(self, name: str, key: str, newest: int, blob: bytes) -> None:
        if self._cache:
            self._cache.put_result(name, key, newest, blob)

    def _remember(self, batch: PageBatch, known: KnownRecords) -> None:
        self._known[batch.folder, *batch.names] = known


class _Fixer:
    def __init__(self, options: ValidationOptions, unsafe: bool) -> None:
        self._options, self._unsafe = options, unsafe
        self._checker = PageChecker(options.rules, profile=options.profile, fixes=True, settings=options.settings)
        self._codes_of = codes_by_path(options.rules, options.by_path, options.root)
        self._overlay: dict[str, bytes] = dict(options.overlay)
        self._before: dict[str, bytes] = dict(options.overlay)
        self._applied: Counter[str] = Counter()
        self._assigned_urls: set[str] = set()  # in this round
        self._keeps_names: set[str] = set()  # paths of pages whose names and links must not change
        self._released: dict[str, bytes] | None = None  # the pages when the names were last released
        self._site_errors: list[SiteErrors] = []  # of the first round and of the last one
        self._rounds: Counter[str] = Counter()
        self._rejected: dict[str, tuple[RejectedFix, ...]] = {}
        self._left_out = 0

    def apply_round(self, batches: Sequence[PageBatch], postponed: tuple[str, ...] = ()) -> bool:
        """Apply the fixes that do not overlap, and return whether any page changed.

        Args:
            postponed: Codes of rules whose fixes are left for a later round.
        """
        changed = False
        self._assigned_urls.clear()
        self._rejected.clear()
        self._left_out = 0
        errors: SiteErrors = {}
        with ValidationResult(batches, replace(self._options, overlay=self._overlay)) as result:
            for file in result:
                if between_pages := count_site_errors(file.diagnostics):
                    errors[file.path] = between_pages
                self._left_out += sum(found.fixable and found.fix_is_unsafe for found in file.diagnostics)
                offered = [found for found in file.diagnostics if found.fix and found.code not in postponed]
                if self._unsafe or any(found.fix and found.fix.safe for found in offered):
                    changed |= bool(offered) and self._fix_page(file.path, offered, result.site)
        self._site_errors = [*self._site_errors[:1], errors]
        return changed

    def _fix_page(self, path: str, diagnostics: list[Diagnostic], site: SiteIndex) -> bool:
        raw = self._overlay[path] if path in self._overlay else read_page_bytes(path)
        page = read(raw, self._options.profile, path)
        if page.text.encode() != raw:
            return False  # the file is not UTF-8, so writing it again would lose bytes
        self._rounds[path] += 1
        if self._rounds[path] > max(_ROUNDS_OF_LONG_PAGES, _CHARACTERS_MAX // len(raw)):
            reason = "is left for the next run, because the page is long and has many faults"
            self._rejected[path] = tuple(RejectedFix(path, found.line, found.code, reason) for found in diagnostics)
            return False
        policy = FixPolicy(self._checker, self._unsafe, self._codes_of(path), self._rejection(path, site))
        outcome = apply_fixes(page_file(path, page), diagnostics, policy)
        self._rejected[path] = outcome.rejected
        if outcome.page.text == page.text:
            return False
        self._before.setdefault(path, raw)
        self._overlay[path] = outcome.page.text.encode()
        self._applied[path] += outcome.applied
        self._assigned_urls.add(_key(outcome.page))
        return True

    def _rejection(self, path: str, site: SiteIndex) -> Callable[[Page, Page], str | None]:
        """Return the test of `FixPolicy` for a page: a page may change its url only if no link leads to it, and each
        url is assigned to one page only."""

        def rejection(before: Page, after: Page) -> str | None:
            old, new = _key(before), _key(after)
            if old != new and (new in self._assigned_urls or not site.can_change_url(old, new)):
                key = after.layout.roles.key
                return f"would change a `{key}` that links lead to, or give two pages the same one"
            if path in self._keeps_names and _names(before) != _names(after):
                return "would cause an error between pages"
            return None

        return rejection

    def restore_pages_with_new_errors(self) -> bool:
        """Undo the fixes of pages that have an error between pages which they did not have before.

        If the page itself did not change, those of the pages that it links to are undone. Return whether there was one.
        """
        first, last = self._site_errors[0], self._site_errors[-1]
        culprits: set[str] = set()
        for path, errors in last.items():
            if errors - first.get(path, Counter()):
                culprits |= {path} if self._has_changed(path) else self._changed_targets(path)
        for path in culprits:
            self._overlay[path] = self._before[path]
            self._applied[path] = 0
        self._keeps_names |= culprits
        return bool(culprits)

    def release_names(self) -> bool:
        """Let the restored pages change their names again, if a page has changed since the last time.

        Return whether there is one.
        """
        state = dict(self._overlay)
        if not self._keeps_names or state == self._released:
            return False
        self._keeps_names.clear()
        self._released = state
        return True

    def _has_changed(self, path: str) -> bool:
        return path in self._overlay and self._overlay[path] != self._before[path]

    def _changed_targets(self, path: str) -> set[str]:
        profile = self._options.profile
        urls = {*_texts(_names(load_page(path, -1, self._overlay, profile)).values())}
        changed = [other for other in self._overlay if self._has_changed(other)]
        return {
            other
            for other in changed
            if not urls.isdisjoint(_key(read(raw[other], profile, other)) for raw in (self._before, self._overlay))
        }

    def report(self) -> FixReport:
        """Return the changed pages and the fixes that were rejected in the last round."""
        files = [
            FixedFile(path, self._before[path], after, self._applied[path])
            for path, after in sorted(self._overlay.items())
            if after != self._before[path]
        ]
        rejected = sorted(chain.from_iterable(self._rejected.values()))
        return FixReport(files, rejected, 0 if self._unsafe else self._left_out)


def count_site_errors(diagnostics: Iterable[Diagnostic]) -> Counter[str]:
    """Return how many errors between pages a page has, by code."""
    return Counter(
        found.code
        for found in diagnostics
        if found.severity is Severity.ERROR and isinstance(REGISTRY.get(found.code), SiteRule)
    )


def _names(page: Page) -> dict[str, object]:
    """Return what errors between pages depend on: the names of a page, and its links."""
    roles, links = page.layout.roles, page.layout.links
    fields = {getattr(roles, role) for role in _NAMING_ROLES}
    return {
        path: value
        for path, value in page.values.items()
        if path in fields or (links and (path == links.field or links.number_of(path)))
    }


def _texts(values: Iterable[object]) -> Iterator[str]:
    """Yield the texts among values, and those in lists and maps."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | dict):
            yield from _texts(value.values() if isinstance(value, dict) else value)


def _key(page: Page) -> str:
    return page.text_of(page.layout.roles.key or "") or ""
