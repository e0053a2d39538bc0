"""Validate pages: paths in, diagnostics out.

Each page is first checked by itself, or its records are taken from the cache. They are written to a temporary file:
its findings and its facts. Then the site rules compare the facts of all pages, and both kinds of findings are merged
batch by batch. So memory grows with the facts of the pages, and not with their findings. The cache keeps the merged
findings, and nothing of this is done if they are still valid.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from qtgen._util.engines import Engine
from qtgen.page.profile import Profile
from qtgen.site.discovery import Overlay, PageBatch, PageSource
from qtgen.site.index import SiteIndex
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.finding_fixes import FindingFixer, decode_fixed, fixed_findings
from qtgen.validation.findings import CodesOf, FindingKind, Findings, findings_of, merge_findings
from qtgen.validation.records import decode_findings, encode
from qtgen.validation.rules import Rule
from qtgen.validation.rules.checker import by_position
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings
from qtgen.validation.run_pages import RunPages
from qtgen.validation.selection import PathRules, codes_by_path
from qtgen.validation.workers import RecordStore


class CheckedFile(NamedTuple):
    """A file with diagnostics."""

    path: str
    diagnostics: list[Diagnostic]


class FolderCounts(NamedTuple):
    """The findings of pages of one folder.

    Attributes:
        folder: The folder, without `/` at its end.
        kinds: The number of findings of each kind.
        pages: The number of pages that have a finding.
    """

    folder: str
    kinds: Mapping[FindingKind, int]
    pages: int


@dataclass(frozen=True)
class ValidationOptions:
    """What to check, and how.

    Args:
        rules: The rules to report. All rules of the site run, so that the cache holds the findings of each.
        profile: The layout of the site.
        by_path: Rules that apply to some paths only.
        root: The folder that the patterns of `by_path` are relative to.
        corpus: The whole site: its folder, or another source of pages. Site rules compare the pages with it.
        cache: Keeps the records of pages between runs.
        jobs: The number of worker processes. The default depends on the number of pages.
        overlay: Contents to use instead of those of the files, by path.
        spawn: Whether worker processes start afresh, because a library has started threads in this process.
        fixes: Whether diagnostics carry their fixes. Pages with findings are then read again.
        unsafe: Whether they carry unsafe fixes of links too.
        settings: What the rules read from the settings.
        on_progress: Called with the number of pages that have been checked so far.
        engine: Where to check pages, instead of in worker processes of this machine.
    """

    rules: Sequence[Rule]
    profile: Profile = field(kw_only=True)
    by_path: Sequence[PathRules] = ()
    root: Path = Path()
    corpus: Path | PageSource | None = None
    cache: RecordStore | None = None
    jobs: int | None = None
    overlay: Overlay = field(default_factory=dict)
    spawn: bool = False
    fixes: bool = False
    unsafe: bool = True
    settings: RuleSettings = DEFAULT_SETTINGS
    on_progress: Callable[[int], None] | None = None
    engine: Engine | None = None


class ValidationResult:
    """The result of a run. Iterating over it yields each file that has diagnostics, sorted by path.

    It can be iterated over several times. Close it, or use it as a context manager.
    """

    def __init__(self, batches: Iterable[PageBatch], options: ValidationOptions) -> None:
        """List the pages, and check them unless cached results are valid.

        Raises UsageError for a path that does not exist and for a folder without pages.
        """
        needs_sentences = any(rule.code == "QT611" for rule in options.rules)
        if needs_sentences != options.settings.compare_sentences:
            options = replace(options, settings=replace(options.settings, compare_sentences=needs_sentences))
        self._options = options
        self._pages = RunPages(batches, options)
        try:
            # Batches are stored in order: if the last one is cached, the others usually are too.
            if not self._pages.kept.has(self._name_of(self._pages.batch_count - 1)):
                self._pages.compare()
        except BaseException:  # also Ctrl-C
            self.close()
            raise

    @property
    def pages(self) -> int:
        """The number of pages that were checked."""
        return self._pages.page_count

    @property
    def site(self) -> SiteIndex:
        """The facts of all pages, also of those of the corpus."""
        return self._pages.site

    def __enter__(self) -> "ValidationResult":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete the temporary files."""
        self._pages.close()

    def __iter__(self) -> Iterator[CheckedFile]:
        diagnostics_of = self._diagnostics_with_fixes() if self._options.fixes else self._diagnostics()
        for number, batch in enumerate(self._pages.batches()):
            paths = [*batch.paths()]
            for path, diagnostics in zip(paths, diagnostics_of(number, paths), strict=True):
                if diagnostics:
                    yield CheckedFile(path, diagnostics)

    def counts(self) -> Iterator[FolderCounts]:
        """Yield the numbers of findings of consecutive pages. They are counted without making diagnostics."""
        if self._options.by_path:
            for file in self:
                yield FolderCounts(file.path.rpartition("/")[0], findings_of([file.diagnostics]).count_kinds(), 1)
            return
        codes = frozenset(rule.code for rule in self._options.rules)
        for number, batch in enumerate(self._pages.batches()):
            findings = self._findings(number).of_rules(codes)
            pages = len(findings.counts) - findings.counts.count(0)
            yield FolderCounts(batch.folder[:-1], findings.count_kinds(), pages)

    def _name_of(self, batch: int) -> str:
        """Return the name of the cached result for a batch."""
        return f"{'fixes' if self._options.fixes else 'findings'}/{batch}"

    def _findings(self, batch: int) -> Findings:
        """Return all findings of the pages of a batch, without fixes."""
        kept = self._pages.kept.get(f"findings/{batch}")
        if kept is not None:
            return decode_findings(kept)
        records, between = self._pages.results_of(batch)
        findings = merge_findings(records.findings, between.findings)
        if self._pages.kept.is_used:
            self._pages.kept.put(f"findings/{batch}", encode(findings))
        return findings

    def _codes_by_path(self) -> CodesOf:
        return codes_by_path(self._options.rules, self._options.by_path, self._options.root)

    def _diagnostics(self) -> "_DiagnosticsOf":
        """Return a function that yields the diagnostics of each page of a batch."""
        codes_of = self._codes_by_path()
        return lambda batch, paths: self._findings(batch).diagnostics(paths, codes_of)

    def _diagnostics_with_fixes(self) -> "_DiagnosticsOf":
        """Return a function that yields the diagnostics of each page of a batch with their fixes."""
        pages, codes_of = self._pages, self._codes_by_path()
        fixer = FindingFixer(pages, self._options)

        def diagnostics_of(batch: int, paths: Sequence[str]) -> Iterator[list[Diagnostic]]:
            name = f"fixes/{batch}"
            kept = pages.kept.get(name)
            if kept is not None:
                yield from decode_fixed(kept).diagnostics(paths)
                return
            records, between = pages.results_of(batch)
            fixed = itertools.starmap(_merged, fixer.fixed(paths, records.findings, between, codes_of))
            if not pages.kept.is_used:
                yield from fixed
                return
            every = [*fixed]
            pages.kept.put(name, encode(fixed_findings(every)))
            yield from every

        return diagnostics_of


_DiagnosticsOf = Callable[[int, Sequence[str]], Iterator[list[Diagnostic]]]


def _merged(on_page: list[Diagnostic], between_pages: list[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics of a page by position."""
    if not between_pages:
        return on_page
    return sorted(on_page + between_pages, key=by_position)
