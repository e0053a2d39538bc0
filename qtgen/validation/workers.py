"""Get the facts, sentences and findings of single pages, from the cache or from worker processes."""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Protocol

from qtgen._util import extras
from qtgen._util.cpus import usable_cpus
from qtgen._util.engines import Engine, ThisProcess
from qtgen.page import Page
from qtgen.page.profile import Profile
from qtgen.site.discovery import Overlay, PageBatch, check_unreadable, load_page
from qtgen.site.index import page_facts
from qtgen.site.sentences import page_sentences
from qtgen.site.values import has_values, with_values
from qtgen.validation.findings import Findings
from qtgen.validation.plugins import LoadedPlugins, loaded_plugins, reload_plugins
from qtgen.validation.records import (
    NO_RECORDS,
    KnownRecords,
    PageRecord,
    PageRecords,
    RecordSlices,
    all_missing,
    records_of,
)
from qtgen.validation.rules import REGISTRY, PageChecker, PageFile, rules_of
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings

_PARCEL = 200  # pages, at least, that a worker is given at a time
_PARCEL_OF_COLUMNS = 1_000  # pages, at least, that are checked by column at a time
_PARCEL_MAX = 20_000  # pages of a parcel, including those that need not be checked
_WORTH_A_WORKER = 4_000  # pages that are not cached; for fewer, starting a process takes longer than it saves
_WORTH_COLUMNS = 4_000  # the same, and loading NumPy
_CHECKED_FIRST = 30  # pages; a pattern that none of them needs is compiled in each worker
_LOOK_AHEAD = 50_000  # pages, at most, that are looked up in the cache before the first one is checked
UNREADABLE = "QT108"
"""The code of the rule that reports a file that could not be read. It may be readable next time."""

_log = logging.getLogger(__name__)


class RecordStore(Protocol):
    """Keeps the records of pages: the cache on disk, or the memory of a run."""

    def get(self, batch: PageBatch) -> KnownRecords:
        """Return the records of the pages that have not changed since they were kept."""

    def put(self, batch: PageBatch, records: PageRecords, left_out: Sequence[int]) -> None:
        """Keep the records of a batch, except those of the pages whose numbers are left out."""

    def has_result(self, name: str, key: str) -> bool:
        """Return whether a result was stored under a name and a key."""

    def get_result(self, name: str, key: str) -> bytes | None:
        """Return the result that was stored last under a name, or None if it was stored under another key."""

    def put_result(self, name: str, key: str, newest: int, blob: bytes) -> None:
        """Store a result that depends on all pages, the last of which changed at `newest`, in nanoseconds."""


_LookedUp = tuple[PageBatch, KnownRecords]
_Checked = tuple[PageBatch, PageRecords, bool]  # the last tells whether a page was not in the store


def check_batches(
    batches: Iterable[PageBatch],
    store: RecordStore | None,
    jobs: int | None,
    overlay: Overlay,
    settings: RuleSettings = DEFAULT_SETTINGS,
    *,
    profile: Profile,
    spawn: bool = False,
    engine: Engine | None = None,
) -> Iterator[tuple[PageBatch, PageRecords]]:
    """Yield each batch with the records of its pages, in order.

    Args:
        jobs: The number of worker processes; by default, as many as pay for the pages that must be read.
        settings: What the rules read from the settings.
        profile: The layout of the site.
        spawn: Whether worker processes start afresh, because a library has started threads in this process.
        engine: Where to check pages, instead of in worker processes of this machine.

    Raises FilesNotShared if workers of another machine cannot read the pages.
    """
    looked_up = ((batch, _look_up(batch, store, overlay, settings)) for batch in batches)
    ahead: list[_LookedUp] = []
    pages = missing = 0
    for batch, known in looked_up:  # until it is clear whether workers pay
        ahead.append((batch, known))
        pages += known.page_count
        missing += len(known.missing)
        if missing >= _WORTH_A_WORKER or pages >= _LOOK_AHEAD:
            break
    everything = chain(ahead, looked_up)
    by_columns = missing >= _WORTH_COLUMNS and not extras.missing("numpy")
    if engine is None:
        jobs = jobs or min(usable_cpus(), 1 + missing // _WORTH_A_WORKER)
        _log.debug("checking with %d process(es)", jobs)
        if jobs > 1:
            _check_first(ahead, overlay, settings, profile)
            engine = _processes(jobs, spawn)
        elif by_columns:
            engine = ThisProcess()
    if engine is None:
        checked = _check_here(everything, overlay, settings, profile)
    else:
        checked = _check_in_parcels(everything, engine, overlay, settings, profile, by_columns)
    for batch, records, is_new in checked:
        if is_new and store and overlay.keys().isdisjoint(batch.paths()):
            store.put(batch, records, records.findings.pages_with(UNREADABLE))
        yield batch, records


def _look_up(batch: PageBatch, store: RecordStore | None, overlay: Overlay, settings: RuleSettings) -> KnownRecords:
    if not store:
        return all_missing(len(batch.names))
    known = store.get(batch)
    if settings.compare_sentences:
        known = known.with_sentences()
    if overlay:
        return known.without(number for number, path in enumerate(batch.paths()) if path in overlay)
    return known


def _check_first(looked_up: list[_LookedUp], overlay: Overlay, settings: RuleSettings, profile: Profile) -> None:
    """Check some pages here, so that worker processes inherit the patterns that checking pages compiles."""
    missing = chain.from_iterable(_missing(batch, known) for batch, known in looked_up)
    for page in islice(missing, _CHECKED_FIRST):
        check_file(*page, overlay, settings, profile=profile)


def _processes(jobs: int, spawn: bool) -> Engine:
    from qtgen._util.engines.local import LocalEngine  # slow to import, and single pages do not need it

    return LocalEngine(jobs, spawn=spawn)


def _check_here(
    looked_up: Iterable[_LookedUp], overlay: Overlay, settings: RuleSettings, profile: Profile
) -> Iterator[_Checked]:
    for batch, known in looked_up:
        new = NO_RECORDS
        if known.missing:
            new = check_shard([*_missing(batch, known)], overlay, loaded_plugins(), settings, profile)
        yield batch, known.completed(new), bool(known.missing)


def _missing(batch: PageBatch, known: KnownRecords) -> Iterator[tuple[str, int]]:
    """Yield the path and the size of each page without a record."""
    return ((batch.folder + batch.names[page], batch.states[page][0]) for page in known.missing)


def _check_in_parcels(
    looked_up: Iterable[_LookedUp],
    engine: Engine,
    overlay: Overlay,
    settings: RuleSettings,
    profile: Profile,
    by_columns: bool,
) -> Iterator[_Checked]:
    parcels = _parcels(looked_up, _PARCEL_OF_COLUMNS if by_columns else _PARCEL)
    work = ((parcel, (*_arguments(parcel, overlay, settings, profile), by_columns)) for parcel in parcels)
    for parcel, checked in engine.map(check_shard, work):
        if not engine.reads_files:
            _check_were_read(parcel, checked.findings, overlay, profile)
        slices = RecordSlices(checked)
        start = 0
        for batch, known in parcel:
            end = start + len(known.missing)
            yield batch, known.completed(slices.cut(start, end)), bool(known.missing)
            start = end


def _check_were_read(parcel: list[_LookedUp], findings: Findings, overlay: Overlay, profile: Profile) -> None:
    """Raise FilesNotShared if a worker could not read a file that this process can read."""
    missing = (path for batch, known in parcel for path, _ in _missing(batch, known))
    for diagnostics in findings.diagnostics(missing, lambda _: frozenset({UNREADABLE})):
        for finding in diagnostics:
            check_unreadable(finding.path, finding.message, overlay, profile)


def _arguments(
    parcel: list[_LookedUp], overlay: Overlay, settings: RuleSettings, profile: Profile
) -> tuple[list[tuple[str, int]], dict[str, bytes], LoadedPlugins, RuleSettings, Profile]:
    missing = [page for batch, known in parcel for page in _missing(batch, known)]
    contents = {path: overlay[path] for path, _ in missing if path in overlay}
    return missing, contents, loaded_plugins(), settings, profile


def _parcels(looked_up: Iterable[_LookedUp], least: int) -> Iterator[list[_LookedUp]]:
    """Join consecutive batches until so many of their pages have no record, or they have many pages."""
    parcel: list[_LookedUp] = []
    missing = pages = 0
    for batch, known in looked_up:
        parcel.append((batch, known))
        missing += len(known.missing)
        pages += known.page_count
        if missing >= least or pages >= _PARCEL_MAX:
            yield parcel
            parcel, missing, pages = [], 0, 0
    if parcel:
        yield parcel


def check_shard(
    pages: list[tuple[str, int]],
    overlay: Overlay,
    plugins: LoadedPlugins,
    settings: RuleSettings,
    profile: Profile,
    by_columns: bool = False,
) -> PageRecords:
    """Check pages in a worker, which may have been started without the plugins of its parent.

    Args:
        by_columns: Whether to check them by column, if NumPy is installed. That pays if there are many.
    """
    reload_plugins(plugins)
    if by_columns and not extras.missing("numpy"):  # a worker of another machine may lack it
        from qtgen.validation.columns import can_check_by_columns, check_by_columns

        if can_check_by_columns(profile):
            return check_by_columns(pages, overlay, settings, profile)
    return records_of(check_file(path, size, overlay, settings, profile=profile) for path, size in pages)


def check_file(
    path: str, size: int, overlay: Overlay, settings: RuleSettings = DEFAULT_SETTINGS, *, profile: Profile
) -> PageRecord:
    """Return the facts of a page, the findings of all rules, and the hashes of its sentences if they are compared.

    Rules are selected when findings are shown.

    Args:
        size: The size of the file in bytes, as its folder lists it. -1 means unknown.
        settings: What the rules read from the settings.
        profile: The layout of the site.
    """
    page = load_page(path, size, overlay, profile)
    diagnostics = page_checker(settings, profile=profile)(page_file(path, page))
    facts = with_values(page_facts(page), page) if has_values(profile) else page_facts(page)
    return PageRecord(facts, diagnostics, page_sentences(page) if settings.compare_sentences else None)


def page_file(path: str, page: Page) -> PageFile:
    """Return the page with its path, and with its absolute path if `path` does not tell the file's folder."""
    return PageFile(path, page, location_of(path))


def location_of(path: str) -> str | None:
    """Return the absolute path of a page, or None if `path` tells the file's folder."""
    is_unclear = path.count("/") < 2 or ".." in path
    return os.path.abspath(path).replace(os.sep, "/") if is_unclear else None  # noqa: PTH100 - a Path is slower


def page_checker(settings: RuleSettings = DEFAULT_SETTINGS, *, profile: Profile, fixes: bool = False) -> PageChecker:
    """Return a checker with all rules of a site."""
    return _page_checker(settings, profile, fixes, len(REGISTRY))  # plugins may have added rules since the last call


@lru_cache(maxsize=8)
def _page_checker(settings: RuleSettings, profile: Profile, fixes: bool, _rules: int) -> PageChecker:
    return PageChecker(rules_of(profile), profile=profile, fixes=fixes, settings=settings)
