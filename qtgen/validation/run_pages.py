"""The pages of a run: they are listed, checked one by one, and compared with each other.

If the run has a cache, all pages are listed first. They are checked and compared only when a result is needed that is
not cached, or that is out of date because a page has changed.
"""

import os
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from qtgen._util.collector import paused_collector
from qtgen.page import Page
from qtgen.site.discovery import PageBatch, corpus_batches, exclude_pages, load_page
from qtgen.site.index import SiteIndex
from qtgen.site.similarity import question_words
from qtgen.site.values import SiteValues, has_values, split_values
from qtgen.validation.kept_results import KeptResults, States
from qtgen.validation.records import PageRecords
from qtgen.validation.rules import SiteRule
from qtgen.validation.site_findings import SiteFindings, find_between_pages, no_site_findings
from qtgen.validation.spool import spool_batches, spool_records
from qtgen.validation.workers import check_batches

if TYPE_CHECKING:
    from qtgen.validation.run import ValidationOptions

_RECENT_BATCHES = 8  # number of batches kept in memory
_LOADED_MAX = 1_000  # If more pages are read, the findings are not cached: one of the pages will probably change.


class RunPages:
    """The pages of a run, in batches. Close it after use.

    Attributes:
        kept: Results of the run that the cache keeps.
        page_count: The number of pages that are checked, without those of the corpus.
        batch_count: The number of their batches.
    """

    def __init__(self, batches: Iterable[PageBatch], options: "ValidationOptions") -> None:
        """List the pages. Raises UsageError for a path that does not exist and for a folder without pages."""
        self._options = options
        self._listed, self._records = spool_batches(), spool_records()  # including those of the corpus
        self._listed_batch = lru_cache(maxsize=_RECENT_BATCHES)(self._listed.__getitem__)
        self.kept = KeptResults(None if options.overlay else options.cache)
        self._is_checked = not self.kept.is_used  # then pages are checked while they are listed
        self._between: list[SiteFindings] | None = None
        self._sizes: list[int] = []  # of the batches
        self._checked_count = 0
        self._loaded: set[str] = set()  # the paths of pages that were read
        try:
            self._list_all(batches)
        except BaseException:  # also Ctrl-C
            self.close()
            raise

    def _list_all(self, batches: Iterable[PageBatch]) -> None:
        options = self._options
        self._list(batches)
        self.page_count = sum(self._sizes)
        self.batch_count = len(self._sizes)
        if self._site_rules and options.corpus is not None:
            checked = {os.path.realpath(path) for batch in self._listed for path in batch.paths()}
            self._list(exclude_pages(corpus_batches(options.corpus, options.profile), checked))
        self.kept.add_values(*self._depends_on())

    def _list(self, batches: Iterable[PageBatch]) -> None:
        """List pages. They are checked at the same time if no results are kept."""
        if self._is_checked:
            self._check(self._listing(batches))
            return
        for _ in self._listing(batches):
            pass

    def _listing(self, batches: Iterable[PageBatch]) -> Iterator[PageBatch]:
        for batch in batches:
            encoded = self._listed.add(batch)
            self._sizes.append(len(batch.names))
            if self.kept.is_used:
                self.kept.add(batch, encoded)
            yield batch

    def _check(self, batches: Iterable[PageBatch]) -> None:
        """Check batches, and keep their records in a temporary file."""
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
            self._records.add(records)
            self.kept.add_facts(batch, records, with_sentences=options.settings.compare_sentences)
            self._checked_count += len(batch.names)
            if options.on_progress:
                options.on_progress(self._checked_count)

    def _depends_on(self) -> tuple[object, ...]:
        """Return what results depend on, besides the pages and the cached rules."""
        options = self._options
        codes = [rule.code for rule in options.rules]
        scope = self.page_count, options.corpus is not None
        return codes, options.settings, scope, options.by_path, options.root.absolute(), options.unsafe

    @cached_property
    def _site_rules(self) -> list[SiteRule]:
        """The rules that compare the pages."""
        options = self._options
        if not self.page_count or (self.page_count == 1 and options.corpus is None):
            return []
        return [rule for rule in options.rules if isinstance(rule, SiteRule) and rule.applies(options.profile)]

    def batches(self) -> Iterator[PageBatch]:
        """Yield the batches of the pages that are checked, without those of the corpus."""
        return map(self._listed.__getitem__, range(self.batch_count))

    def results_of(self, batch: int) -> tuple[PageRecords, SiteFindings]:
        """Return the records of a batch, given by its number, and the findings between its pages and others."""
        between = self.compare()
        return self._records[batch], between[batch]

    def compare(self) -> list[SiteFindings]:
        """Return the findings between pages of each batch. The first call checks the pages and compares them."""
        if self._between is None:
            self._check_listed()
            self._between = [*self._find_between().split(self._sizes)]
        return self._between

    def _check_listed(self) -> None:
        """Check the pages, unless that has been done. After an error, the object cannot be used any more."""
        if self._is_checked:
            return
        try:
            self._check(self._listed)
        except BaseException:  # also Ctrl-C: the records of some batches are missing
            self.close()
            raise
        self._is_checked = True

    def _find_between(self) -> SiteFindings:
        """Compare the pages, unless their facts are those of the last run."""
        if not self._site_rules:
            return no_site_findings(self.page_count)
        found = self.kept.get_site_findings(self._states_of)
        if found is None:
            with paused_collector():
                found = find_between_pages(self, self._site_rules, self.page_count, self._options.profile)
            if len(self._loaded) < _LOADED_MAX:
                self.kept.put_site_findings(found, self._states_of(self._loaded))
        return found

    @cached_property
    def site(self) -> SiteIndex:
        """The facts of all pages, also of those of the corpus."""
        self._check_listed()
        options = self._options
        site = SiteIndex(options.settings.repeated_sentence_pages)
        site.selected = None if options.corpus is None else self.page_count
        site.values = SiteValues(options.profile) if has_values(options.profile) else None
        needs_words = any(rule.code == "QT410" for rule in options.rules)
        for batch, records in zip(self._listed, self._records, strict=True):
            _add_records(site, records, options.settings.compare_sentences)
            site.names.add(batch.folder, batch.names)
            if needs_words:
                site.question_words.add(question_words(_question(self.load(path))) for path in batch.paths())
        return site

    def _states_of(self, paths: Collection[str]) -> States:
        if not paths:
            return []
        pages = chain.from_iterable(zip(batch.paths(), batch.states, strict=True) for batch in self._listed)
        return [(path.encode("utf-8", "surrogatepass"), *state) for path, state in pages if path in paths]

    @cached_property
    def _starts(self) -> "array[int]":
        """The number of the first page of each batch."""
        return array("Q", accumulate(self._sizes[:-1], initial=0))

    def path_of(self, page: int) -> str:
        """Return the path of a page, by its number."""
        number = bisect_right(self._starts, page) - 1
        batch = self._listed_batch(number)
        return batch.folder + batch.names[page - self._starts[number]]

    def load(self, path: str) -> Page:
        """Read the page at a path."""
        if len(self._loaded) < _LOADED_MAX:
            self._loaded.add(path)
        return load_page(path, -1, self._options.overlay, self._options.profile)

    def close(self) -> None:
        """Delete the temporary files."""
        self._listed.close()
        self._records.close()


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
