"""Get the facts, sentences and findings of single pages, from the cache or from worker processes."""

import logging
import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import Protocol

from msgspec import msgpack

from qtgen._util.cpus import usable_cpus
from qtgen._util.engines import Engine
from qtgen.page import Page
from qtgen.page.profile import Profile
from qtgen.site.discovery import Overlay, PageBatch, check_unreadable, load_page
from qtgen.site.index import page_facts
from qtgen.site.sentences import page_sentences
from qtgen.site.values import has_values, with_values
from qtgen.validation.cache import PageRecord
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.plugins import LoadedPlugins, loaded_plugins, reload_plugins
from qtgen.validation.rules import REGISTRY, PageChecker, PageFile, rules_of
from qtgen.validation.rules.settings import DEFAULT_SETTINGS, RuleSettings

_PARCEL = 200  # pages, at least, that a worker is given at a time
_WORTH_A_WORKER = 4_000  # pages that are not cached; for fewer, starting a process takes longer than it saves
_CHECKED_FIRST = 30  # pages; a pattern that none of them needs is compiled in each worker
_LOOK_AHEAD = 50_000  # pages, at most, that are looked up in the cache before the first one is checked
_UNREADABLE = frozenset({"QT108"})
_NOT_CACHED = b"QT108"  # a file that cannot be read may be readable next time, although it looks the same

_log = logging.getLogger(__name__)


class RecordStore(Protocol):
    """Keeps the records of pages: the cache on disk, or the memory of a run."""

    def get(self, batch: PageBatch) -> list[PageRecord | None]:
        """Return the record of each page, or None if the page is new or has changed."""

    def put(self, batch: PageBatch, records: list[PageRecord | None]) -> None:
        """Keep the records of a batch. None means that a page's record must not be kept."""


_LookedUp = tuple[PageBatch, list[PageRecord | None]]
_Checked = tuple[PageBatch, list[PageRecord], bool]  # the last tells whether a page was not in the store


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
) -> Iterator[tuple[PageBatch, list[PageRecord]]]:
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
    for batch, records in looked_up:  # until it is clear whether workers pay
        ahead.append((batch, records))
        pages += len(records)
        missing += records.count(None)
        if missing >= _WORTH_A_WORKER or pages >= _LOOK_AHEAD:
            break
    everything = chain(ahead, looked_up)
    if engine is None:
        jobs = jobs or min(usable_cpus(), 1 + missing // _WORTH_A_WORKER)
        _log.debug("checking with %d process(es)", jobs)
        if jobs > 1:
            _check_first(ahead, overlay, settings, profile)
            engine = _processes(jobs, spawn)
    if engine is None:
        checked = _check_here(everything, overlay, settings, profile)
    else:
        checked = _check_in_workers(everything, engine, overlay, settings, profile)
    for batch, all_records, is_new in checked:
        if is_new and store and overlay.keys().isdisjoint(batch.paths()):
            store.put(batch, [None if _NOT_CACHED in record[1] else record for record in all_records])
        yield batch, all_records


def _look_up(
    batch: PageBatch, store: RecordStore | None, overlay: Overlay, settings: RuleSettings
) -> list[PageRecord | None]:
    if not store:
        return [None] * len(batch.names)
    records = store.get(batch)
    if settings.compare_sentences:  # a run that does not compare them leaves them out
        records = [record if record and record[2] is not None else None for record in records]
    if overlay:
        return [None if path in overlay else record for path, record in zip(batch.paths(), records, strict=True)]
    return records


def _check_first(looked_up: list[_LookedUp], overlay: Overlay, settings: RuleSettings, profile: Profile) -> None:
    """Check some pages here, so that worker processes inherit the patterns that checking pages compiles."""
    missing = chain.from_iterable(_missing(batch, records) for batch, records in looked_up)
    for page in islice(missing, _CHECKED_FIRST):
        check_file(*page, overlay, settings, profile=profile)


def _processes(jobs: int, spawn: bool) -> Engine:
    from qtgen._util.engines.local import LocalEngine  # slow to import, and single pages do not need it

    return LocalEngine(jobs, spawn=spawn)


def _check_here(
    looked_up: Iterable[_LookedUp], overlay: Overlay, settings: RuleSettings, profile: Profile
) -> Iterator[_Checked]:
    for batch, records in looked_up:
        new_records = (
            check_file(path, size, overlay, settings, profile=profile) for path, size in _missing(batch, records)
        )
        yield batch, [record or next(new_records) for record in records], None in records


def _missing(batch: PageBatch, records: list[PageRecord | None]) -> Iterator[tuple[str, int]]:
    """Yield the path and the size of each page without a record."""
    for path, (size, _), record in zip(batch.paths(), batch.states, records, strict=True):
        if record is None:
            yield path, size


def _check_in_workers(
    looked_up: Iterable[_LookedUp], engine: Engine, overlay: Overlay, settings: RuleSettings, profile: Profile
) -> Iterator[_Checked]:
    work = ((parcel, _arguments(parcel, overlay, settings, profile)) for parcel in _parcels(looked_up))
    for parcel, checked in engine.map(check_shard, work):
        if not engine.reads_files:
            _check_were_read(parcel, checked, overlay, profile)
        new_records = iter(checked)
        for batch, records in parcel:
            yield batch, [record or next(new_records) for record in records], None in records


def _check_were_read(parcel: list[_LookedUp], checked: list[PageRecord], overlay: Overlay, profile: Profile) -> None:
    """Raise FilesNotShared if a worker could not read a file that this process can read."""
    missing = chain.from_iterable(_missing(batch, records) for batch, records in parcel)
    for (path, _), record in zip(missing, checked, strict=True):
        for finding in decode_findings(path, record[1], _UNREADABLE) if _NOT_CACHED in record[1] else ():
            check_unreadable(path, finding.message, overlay, profile)


def _arguments(
    parcel: list[_LookedUp], overlay: Overlay, settings: RuleSettings, profile: Profile
) -> tuple[list[tuple[str, int]], dict[str, bytes], LoadedPlugins, RuleSettings, Profile]:
    missing = [page for batch, records in parcel for page in _missing(batch, records)]
    contents = {path: overlay[path] for path, _ in missing if path in overlay}
    return missing, contents, loaded_plugins(), settings, profile


def _parcels(looked_up: Iterable[_LookedUp]) -> Iterator[list[_LookedUp]]:
    """Join consecutive batches until they hold enough work for a worker."""
    parcel: list[_LookedUp] = []
    missing = 0
    for batch, records in looked_up:
        parcel.append((batch, records))
        missing += records.count(None)
        if missing >= _PARCEL:
            yield parcel
            parcel, missing = [], 0
    if parcel:
        yield parcel


def check_shard(
    pages: list[tuple[str, int]], overlay: Overlay, plugins: LoadedPlugins, settings: RuleSettings, profile: Profile
) -> list[PageRecord]:
    """Check pages in a worker, which may have been started without the plugins of its parent."""
    reload_plugins(plugins)
    return [check_file(path, size, overlay, settings, profile=profile) for path, size in pages]


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
    findings = _encode([diagnostic[1:] for diagnostic in diagnostics]) if diagnostics else b""
    facts = with_values(page_facts(page), page) if has_values(profile) else page_facts(page)
    return facts, findings, page_sentences(page) if settings.compare_sentences else None


def page_file(path: str, page: Page) -> PageFile:
    """Return the page with its path, and with its absolute path if `path` does not tell the file's folder."""
    is_unclear = path.count("/") < 2 or ".." in path
    location = os.path.abspath(path).replace(os.sep, "/") if is_unclear else None  # noqa: PTH100 - a Path is slower
    return PageFile(path, page, location)


def page_checker(settings: RuleSettings = DEFAULT_SETTINGS, *, profile: Profile, fixes: bool = False) -> PageChecker:
    """Return a checker with all rules of a site."""
    return _page_checker(settings, profile, fixes, len(REGISTRY))  # plugins may have added rules since the last call


@lru_cache(maxsize=8)
def _page_checker(settings: RuleSettings, profile: Profile, fixes: bool, _rules: int) -> PageChecker:
    return PageChecker(rules_of(profile), profile=profile, fixes=fixes, settings=settings)


# A stored finding: a diagnostic without its path and without a fix.
_Row = tuple[int, int, int, int, str, str, Severity, str, str | None, None, bool, bool]
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(list[_Row]).decode


def decode_findings(path: str, findings: bytes, codes: frozenset[str]) -> list[Diagnostic]:
    """Return the stored findings of a page that have one of the codes."""
    return [Diagnostic(path, *row) for row in _decode(findings) if row[4] in codes]
