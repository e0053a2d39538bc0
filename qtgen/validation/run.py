"""Validate pages: paths in, diagnostics out.

Each page is first checked by itself, or its records are taken from the cache. They are written to a temporary file:
its findings and its facts. Then the site rules compare the facts of all pages, and both kinds of findings are merged
page by page. So memory grows with the facts of the pages, and not with their findings.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from qtgen._util.engines import Engine
from qtgen._util.text_column import TextColumn
from qtgen.page import Page
from qtgen.page.profile import Profile
from qtgen.site.discovery import Overlay, PageBatch, PageSource, corpus_batches, exclude_pages, load_page
from qtgen.site.index import SiteIndex
from qtgen.site.similarity import question_words
from qtgen.site.values import SiteValues, has_values, split_values
from qtgen.validation.diagnostics import Diagnostic
from qtgen.validation.finding_fixes import FindingFixer, decode_fixed, fixed_findings
from qtgen.validation.findings import CodesOf, FindingKind, findings_of
from qtgen.validation.kept_results import KeptResults
from qtgen.validation.records import PageRecords, encode
from qtgen.validation.rules import Rule, SiteRule
from qtgen.validation.rules.checker import by_position
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings
from qtgen.validation.selection import PathRules, codes_by_path
from qtgen.validation.site_findings import SiteFindings, decode_site_findings, find_between_pages, no_site_findings
from qtgen.validation.spool import Spool, SpooledBatch
from qtgen.validation.workers import RecordStore, check_batches


@dataclass(frozen=True, slots=True)
class CheckedFile:
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

    `pages` is the number of pages that were checked. It can be iterated over several times. Close it, or use it as a
    context manager.
    """

    def __init__(self, batches: Iterable[PageBatch], options: ValidationOptions) -> None:
        """Check the pages. Raises UsageError for a path that does not exist and for a folder without pages."""
        needs_sentences = any(rule.code == "QT611" for rule in options.rules)
        if needs_sentences != options.settings.compare_sentences:
            options = replace(options, settings=replace(options.settings, compare_sentences=needs_sentences))
        self._options = options
        self._spool = Spool()
        self._kept = KeptResults(None if options.overlay else options.cache)
        self._sizes: list[int] = []  # of the batches, including those of the corpus
        try:
            self._check(batches)
            self.pages = sum(self._sizes)
            self._kept.add_values(*self._depends_on())
            self._site_findings = self._check_site()
        except BaseException:  # also Ctrl-C
            self.close()
            raise

    def _check(self, batches: Iterable[PageBatch]) -> None:
        """Check batches, and keep their records in the temporary file."""
        options = self._options
        checked = check_batches(
            batches,
            options.cache,
            options.jobs,
            options.overlay,
            options.settings,
            profile=options.profile,
            spawn=options.spawn,
            engine=options.engine,
        )
        for batch, records in checked:
            self._spool.add(SpooledBatch(batch.folder, batch.names, records))
            self._kept.add(batch, records)
            self._sizes.append(len(batch.names))
            if options.on_progress:
                options.on_progress(sum(self._sizes))

    def _depends_on(self) -> tuple[object, ...]:
        """Return what the findings between pages and the fixes depend on, besides the pages and the cached rules."""
        options = self._options
        codes = [rule.code for rule in options.rules]
        scope = self.pages, options.corpus is not None
        return codes, options.settings, scope, options.by_path, options.root.absolute(), options.unsafe

    def _check_site(self) -> SiteFindings:
        options = self._options
        rules = [rule for rule in options.rules if isinstance(rule, SiteRule) and rule.applies(options.profile)]
        if not rules or not self.pages or (self.pages == 1 and options.corpus is None):
            return no_site_findings(self.pages)
        if options.corpus is not None:
            checked = {os.path.realpath(path) for batch in self._spool for path in batch.paths()}
            self._check(exclude_pages(corpus_batches(options.corpus, options.profile), checked))
        return self._find_between_pages(rules)

    def _find_between_pages(self, rules: Sequence[SiteRule]) -> SiteFindings:
        """Return the findings between pages, from the cache if no page has changed since they were kept."""
        kept = self._kept.get("site")
        if kept is not None:
            return decode_site_findings(kept)
        found = find_between_pages(self, rules, self.pages, self._options.profile)
        if self._kept.is_used:
            self._kept.put("site", encode(found))
        return found

    @cached_property
    def site(self) -> SiteIndex:
        """The facts of all pages, also of those of the corpus."""
        options = self._options
        site = SiteIndex(options.settings.repeated_sentence_pages)
        site.selected = None if options.corpus is None else self.pages
        site.values = SiteValues(options.profile) if has_values(options.profile) else None
        needs_words = any(rule.code == "QT410" for rule in options.rules)
        for batch in self._spool:
            _add_records(site, batch.records, options.settings.compare_sentences)
            site.names.add(batch.folder, batch.names)
            if needs_words:
                site.question_words.add(question_words(_question(self.load(path))) for path in batch.paths())
        return site

    @cached_property
    def _paths(self) -> TextColumn:
        return TextColumn(path for batch in self._spool for path in batch.paths())

    def path_of(self, page: int) -> str:
        """Return the path of a page, by its number."""
        return self._paths[page]

    def load(self, path: str) -> Page:
        """Read the page at a path."""
        return load_page(path, -1, self._options.overlay, self._options.profile)

    def __enter__(self) -> "ValidationResult":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete the temporary file."""
        self._spool.close()

    def _batches(self) -> Iterator[tuple[SpooledBatch, SiteFindings]]:
        """Yield the batches of the pages that were checked, without those of the corpus."""
        left = self.pages
        for batch, between in zip(self._spool, self._site_findings.split(self._sizes), strict=True):
            if not left:
                return
            yield batch, between
            left -= len(batch.names)

    def __iter__(self) -> Iterator[CheckedFile]:
        diagnostics_of = self._diagnostics_with_fixes() if self._options.fixes else self._diagnostics()
        for number, (batch, between) in enumerate(self._batches()):
            for path, diagnostics in zip(batch.paths(), diagnostics_of(number, batch, between), strict=True):
                if diagnostics:
                    yield CheckedFile(path, diagnostics)

    def counts(self) -> Iterator[FolderCounts]:
        """Yield the numbers of findings of consecutive pages. They are counted without making diagnostics."""
        if self._options.by_path:
            for file in self:
                yield FolderCounts(file.path.rpartition("/")[0], findings_of([file.diagnostics]).count_kinds(), 1)
            return
        codes = frozenset(rule.code for rule in self._options.rules)
        for batch, between in self._batches():
            both = [findings.of_rules(codes) for findings in (batch.records.findings, between.findings)]
            pages = sum(map(any, zip(both[0].counts, both[1].counts, strict=True)))
            for findings in both:
                yield FolderCounts(batch.folder[:-1], findings.count_kinds(), pages)
                pages = 0

    def _codes_by_path(self) -> CodesOf:
        return codes_by_path(self._options.rules, self._options.by_path, self._options.root)

    def _diagnostics(self) -> "_DiagnosticsOf":
        """Return a function that yields the diagnostics of each page of a batch."""
        codes_of = self._codes_by_path()

        def diagnostics_of(_: int, batch: SpooledBatch, between: SiteFindings) -> Iterator[list[Diagnostic]]:
            on_pages = batch.records.findings.diagnostics(batch.paths(), codes_of)
            return map(_merged, on_pages, between.findings.diagnostics(batch.paths(), codes_of))

        return diagnostics_of

    def _diagnostics_with_fixes(self) -> "_DiagnosticsOf":
        """Return a function that yields the diagnostics of each page of a batch with their fixes."""
        options, codes_of = self._options, self._codes_by_path()
        fixer = FindingFixer(self, options)

        def diagnostics_of(number: int, batch: SpooledBatch, between: SiteFindings) -> Iterator[list[Diagnostic]]:
            name = f"fixes/{number}"
            kept = self._kept.get(name)
            if kept is not None:
                yield from decode_fixed(kept).diagnostics(batch.paths())
                return
            fixed = fixer.fixed(batch.paths(), batch.records.findings, between, codes_of)
            pages = itertools.starmap(_merged, fixed)
            if not self._kept.is_used:
                yield from pages
                return
            every = [*pages]
            self._kept.put(name, encode(fixed_findings(every)))
            yield from every

        return diagnostics_of


_DiagnosticsOf = Callable[[int, SpooledBatch, SiteFindings], Iterator[list[Diagnostic]]]


def _merged(on_page: list[Diagnostic], between_pages: list[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics of a page by position."""
    if not between_pages:
        return on_page
    return sorted(on_page + between_pages, key=by_position)


def _add_records(site: SiteIndex, records: PageRecords, compared: bool) -> None:
    """Add the records of pages to the facts of a site.

    Args:
        compared: Whether the sentences of the pages are compared.
    """
    facts, sentences = records.facts, records.sentences
    if site.values is None:
        site.add_block(*facts)
    else:
        pairs = [split_values(page_facts) for page_facts in facts.pages()]
        site.add(page_facts for page_facts, _ in pairs)
        site.values.add(page_values for _, page_values in pairs)
    if compared and sentences:
        site.sentences.add_block(*sentences)


def _question(page: Page) -> str:
    return page.text_of(page.layout.roles.question) or ""
