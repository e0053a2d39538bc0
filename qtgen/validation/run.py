"""Validate pages: paths in, diagnostics out.

Each page is first checked by itself, or its record is taken from the cache. It leaves two small things behind: its
findings, which are written to a temporary file, and its facts, which stay in memory. Then the site rules check the
facts of all pages at once, and both streams of findings are merged page by page. So memory grows with the facts of the
pages, and not with their findings.
"""

import os
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path

from msgspec import msgpack

from qtgen._util.engines import Engine
from qtgen._util.text_column import TextColumn
from qtgen.page import Page
from qtgen.page.compile import layouts_of
from qtgen.page.profile import Profile
from qtgen.page.sentences import find_sentence
from qtgen.site.discovery import Overlay, PageBatch, PageSource, corpus_batches, exclude_pages, load_page
from qtgen.site.entries import links_on
from qtgen.site.index import SiteIndex
from qtgen.site.similarity import question_words
from qtgen.site.values import SiteValues, has_values, split_values
from qtgen.validation.cache import PageRecord
from qtgen.validation.diagnostics import Diagnostic, printable
from qtgen.validation.places import fill_names, place_of, span_of_item
from qtgen.validation.rules import Rule, SiteFinding, SiteRule
from qtgen.validation.rules.checker import by_position, compute_fix
from qtgen.validation.rules.edits import span_within
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings
from qtgen.validation.selection import PathRules, codes_by_path
from qtgen.validation.site_findings import SiteFindings
from qtgen.validation.workers import (
    RecordStore,
    check_batches,
    decode_findings,
    page_checker,
    page_file,
)

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(tuple[bytes, list[bytes]]).decode
_SIZE = struct.Struct("<Q")  # of a block in the temporary file
_SENTENCE_SHOWN = 60  # characters


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file with diagnostics."""

    path: str
    diagnostics: list[Diagnostic]


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

    `pages` is the number of pages that were checked, and `site` holds their facts. It can be iterated over several
    times. Close it, or use it as a context manager.
    """

    def __init__(self, batches: Iterable[PageBatch], options: ValidationOptions) -> None:
        """Check the pages. Raises UsageError for a path that does not exist and for a folder without pages."""
        needs_sentences = any(rule.code == "QT611" for rule in options.rules)
        if needs_sentences != options.settings.compare_sentences:
            options = replace(options, settings=replace(options.settings, compare_sentences=needs_sentences))
        self._options, self._layout = options, layouts_of(options.profile)[0]
        self.site = SiteIndex(options.settings.repeated_sentence_pages)
        self.site.values = SiteValues(options.profile) if has_values(options.profile) else None
        self._spool = tempfile.SpooledTemporaryFile(max_size=1 << 23)  # noqa: SIM115 - close() closes it
        self._needs_words = any(rule.code == "QT410" for rule in options.rules)
        needs_paths = options.fixes or self._needs_words or options.corpus is not None
        self._paths = TextColumn() if needs_paths else None
        self.pages = 0
        self._read = 0  # pages, including those of the corpus
        try:
            self._check_pages(batches)
            self._site_findings = self._check_site()
        except BaseException:  # also Ctrl-C
            self.close()
            raise

    def _check_pages(self, batches: Iterable[PageBatch]) -> None:
        for batch, records in self._checked(batches):
            names = os.fsencode("\0".join([batch.folder, *batch.names]))  # also names that are not valid text
            block = _encode((names, [findings for _, findings, _ in records]))
            self._spool.write(_SIZE.pack(len(block)) + block)
            self.pages += len(records)

    def _checked(self, batches: Iterable[PageBatch]) -> Iterator[tuple[PageBatch, list[PageRecord]]]:
        """Check batches, and add the facts of their pages to the site."""
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
            self._add_facts([page_facts for page_facts, _, _ in records])
            self.site.names.add(batch.folder, batch.names)
            if options.settings.compare_sentences:
                self.site.sentences.add(sentences or b"" for _, _, sentences in records)
            if self._paths is not None:
                self._paths.extend(batch.paths())
            if self._needs_words:
                pages = map(self._load, batch.paths())
                self.site.question_words.add(question_words(_question(page)) for page in pages)
            self._read += len(records)
            if options.on_progress:
                options.on_progress(self._read)
            yield batch, records

    def _add_facts(self, facts: list[bytes]) -> None:
        values = self.site.values
        if values is not None:
            pairs = [split_values(page_facts) for page_facts in facts]
            facts = [page_facts for page_facts, _ in pairs]
            values.add(page_values for _, page_values in pairs)
        self.site.add(facts)

    def _check_site(self) -> "SiteFindings | None":
        profile = self._options.profile
        rules = [rule for rule in self._options.rules if isinstance(rule, SiteRule) and rule.applies(profile)]
        if not rules or not self.pages or (self.pages == 1 and self._options.corpus is None):
            return None
        if self._options.corpus is not None:
            self._add_corpus(self._options.corpus)
        return SiteFindings(self.site, rules, self.pages)

    def _add_corpus(self, corpus: Path | PageSource) -> None:
        """Add the facts of the site's other pages."""
        self.site.selected = self.pages
        checked_paths = {os.path.realpath(path) for path, _ in self._rows()}
        for _ in self._checked(exclude_pages(corpus_batches(corpus, self._options.profile), checked_paths)):
            pass

    def _load(self, path: str) -> Page:
        return load_page(path, -1, self._options.overlay, self._options.profile)

    def __enter__(self) -> "ValidationResult":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete the temporary file."""
        self._spool.close()

    def _rows(self) -> Iterator[tuple[str, bytes]]:
        """Yield the path and the findings of each page, from the temporary file."""
        self._spool.seek(0)
        while size := self._spool.read(_SIZE.size):
            all_names, findings = _decode(self._spool.read(*_SIZE.unpack(size)))
            folder, *names = os.fsdecode(all_names).split("\0")
            yield from zip(map(folder.__add__, names), findings, strict=True)

    def __iter__(self) -> Iterator[CheckedFile]:
        codes_of = codes_by_path(self._options.rules, self._options.by_path, self._options.root)
        site_findings = self._site_findings.by_page() if self._site_findings else repeat(())
        for (path, findings), page_site_findings in zip(self._rows(), site_findings):  # noqa: B905 - repeat is endless
            if not findings and not page_site_findings:
                continue
            codes = codes_of(path)
            diagnostics = self._page_diagnostics(path, findings, codes) if findings else []
            if page_site_findings:
                between_pages = (
                    self._site_diagnostic(path, rule, finding, row)
                    for rule, finding, row in page_site_findings
                    if rule.code in codes
                )
                diagnostics += filter(None, between_pages)
                diagnostics.sort(key=by_position)
            if diagnostics:
                yield CheckedFile(path, diagnostics)

    def _page_diagnostics(self, path: str, findings: bytes, codes: frozenset[str]) -> list[Diagnostic]:
        """Return the diagnostics of page rules. If fixes are needed and offered, the page is checked again."""
        diagnostics = decode_findings(path, findings, codes)
        if not self._options.fixes or not any(diagnostic.fixable for diagnostic in diagnostics):
            return diagnostics
        checker = page_checker(self._options.settings, profile=self._options.profile, fixes=True)
        with_fixes = checker(page_file(path, self._load(path)))
        return [diagnostic for diagnostic in with_fixes if diagnostic.code in codes]

    def _site_diagnostic(self, path: str, rule: SiteRule, finding: SiteFinding, row: int) -> Diagnostic | None:
        if finding.sentence is not None:
            return self._sentence_diagnostic(path, rule, finding, finding.sentence)
        link, message = self.site.link_number(row), finding.message
        layout = self._layout
        place = place_of(layout, link, finding.key)
        fix, fixable, is_unsafe = None, bool(rule.fix_link and link), rule.fix == "unsafe"
        position = self.site.location_of(row, place.key, self._options.profile)
        needs_fix = fixable and self._options.fixes and (self._options.unsafe or not is_unsafe)
        if position is None or needs_fix or (rule.explain_link and link):
            page = self._load(path)
            layout = page.layout
            place = place_of(layout, link, finding.key)
            span = span_of_item(page, place.path)
            position = (*page.position(span.start), *page.position(span.end))
            target = self._target(page, place.link) if link else None
            if needs_fix and rule.fix_link:
                fix = compute_fix(page, rule.fix_link(page, place.link, target))
            fixable = bool(fix) if needs_fix else fixable and not page.problems
            if rule.explain_link and target:
                message = rule.explain_link(page, place.link, target) or message
        message = fill_names(message, layout, link)
        if finding.other is not None and self._paths is not None:
            message = printable(message.format(other=self._paths[finding.other]))
        fixing = fix, fixable, fixable and is_unsafe
        return Diagnostic(path, *position, rule.code, rule.name, rule.severity, message, place.field, *fixing)

    def _sentence_diagnostic(self, path: str, rule: SiteRule, finding: SiteFinding, sentence: int) -> Diagnostic | None:
        """Return the diagnostic of a sentence, or None if the sentence is too short or contains math."""
        page = self._load(path)
        key = page.layout.roles.answer or ""
        answer = page.text_of(key) or ""
        place = find_sentence(answer, sentence, page.layout.codec)
        if place is None:
            return None
        shown = answer[slice(*place)][:_SENTENCE_SHOWN]
        message = printable(fill_names(finding.message, page.layout, 0).format(sentence=shown))
        span = span_within(page, key, *place)
        position = (*page.position(span.start), *page.position(span.end))
        return Diagnostic(path, *position, rule.code, rule.name, rule.severity, message, key, None, False)

    def _target(self, page: Page, section: str) -> Page | None:
        """Return the page that a link leads to."""
        key = next((link.key for link in links_on(page) if link.path == section), None)
        row = self.site.row_of_url(key or "")
        if row is None:
            return None
        if self._paths is None:
            place = self._spool.tell()  # of the iteration that needs the page
            self._paths = TextColumn(path for path, _ in self._rows())
            self._spool.seek(place)
        return self._load(self._paths[self.site.page_number(row)])


def _question(page: Page) -> str:
    return page.text_of(page.layout.roles.question) or ""
