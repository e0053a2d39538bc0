"""Pages by themselves: the facts of each and the findings of its rules, from memory, this process or several."""

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Protocol

from msgspec import msgpack

from qtgen._util.processes import map_in_processes
from qtgen.page import Page, read
from qtgen.site.discovery import PageBatch, read_page
from qtgen.site.index import page_facts
from qtgen.validation.cache import Known
from qtgen.validation.diagnostics import Diagnostic, Severity
from qtgen.validation.rules import REGISTRY, PageChecker, PageFile

_CHUNK = 200  # pages, at least, that a process is handed at a time
_WORTH_A_PROCESS = 4_000  # pages not in the cache; below, starting processes takes longer than they save
_MAY_PASS = b"QT108"  # a file that cannot be read may be readable next time, and look the same
_LOOK_AHEAD = 50_000  # pages, at most, that are looked up before the first is checked

Overlay = Mapping[str, bytes]
"""Contents to take instead of the files' own, by path."""


class Memory(Protocol):
    """What is known of files from before: the cache on disk, or a run's own."""

    def get(self, run: PageBatch) -> list[Known | None]: ...

    def put(self, run: PageBatch, known: list[Known | None]) -> None: ...


RULES_VERSION = 2
"""Part of the cache's key. Raise it with every change of a rule's findings or of a page's facts; a golden test fails
when they change under an unchanged version."""


def rules_key() -> str:
    """Changes when the findings or the facts of a page could."""
    return f"rules {RULES_VERSION}"


_LookedUp = tuple[PageBatch, list[Known | None]]
_Examined = tuple[PageBatch, list[Known], bool]


def examined(
    runs: Iterable[PageBatch], memory: Memory | None, jobs: int | None, overlay: Overlay
) -> Iterator[tuple[PageBatch, list[Known]]]:
    """Every run with the facts and findings of its pages: from memory, from this process, or from several.

    jobs: processes; None: as many as pay.
    """
    looked_up = ((run, _looked_up(run, memory, overlay)) for run in runs)
    ahead: list[_LookedUp] = []
    pages = missing = 0
    for run, known in looked_up:  # until it is clear whether processes pay
        ahead.append((run, known))
        pages += len(known)
        missing += known.count(None)
        if missing >= _WORTH_A_PROCESS or pages >= _LOOK_AHEAD:
            break
    jobs = jobs or min(os.cpu_count() or 1, 1 + missing // _WORTH_A_PROCESS)
    everything = chain(ahead, looked_up)
    for run, all_known, is_new in _by_processes(everything, jobs, overlay) if jobs > 1 else _here(everything, overlay):
        if is_new and memory and overlay.keys().isdisjoint(run.paths()):
            memory.put(run, [None if _MAY_PASS in known[1] else known for known in all_known])
        yield run, all_known


def _looked_up(run: PageBatch, memory: Memory | None, overlay: Overlay) -> list[Known | None]:
    if not memory:
        return [None] * len(run.names)
    known = memory.get(run)
    if overlay:
        return [None if path in overlay else one for path, one in zip(run.paths(), known, strict=True)]
    return known


def _here(looked_up: Iterable[_LookedUp], overlay: Overlay) -> Iterator[_Examined]:
    for run, known in looked_up:
        fresh = (examine(path, size, overlay) for path, size in _missing(run, known))
        yield run, [one or next(fresh) for one in known], None in known


def _missing(run: PageBatch, known: list[Known | None]) -> Iterator[tuple[str, int]]:
    """Path and size of the pages of which nothing is known."""
    for path, (size, _), one in zip(run.paths(), run.states, known, strict=True):
        if one is None:
            yield path, size


def _by_processes(looked_up: Iterable[_LookedUp], jobs: int, overlay: Overlay) -> Iterator[_Examined]:
    """The same by several processes, in order."""
    work = ((parcel, _work(parcel, overlay)) for parcel in _parcels(looked_up))
    for parcel, made in map_in_processes(_examine_all, work, jobs):
        fresh = iter(made)
        for run, known in parcel:
            yield run, [one or next(fresh) for one in known], None in known


def _work(parcel: list[_LookedUp], overlay: Overlay) -> tuple[list[tuple[str, int]], dict[str, bytes]]:
    missing = [page for run, known in parcel for page in _missing(run, known)]
    return missing, {path: overlay[path] for path, _ in missing if path in overlay}


def _parcels(looked_up: Iterable[_LookedUp]) -> Iterator[list[_LookedUp]]:
    """Runs in a row that together have enough to do for a process."""
    parcel: list[_LookedUp] = []
    missing = 0
    for run, known in looked_up:
        parcel.append((run, known))
        missing += known.count(None)
        if missing >= _CHUNK:
            yield parcel
            parcel, missing = [], 0
    if parcel:
        yield parcel


def _examine_all(pages: list[tuple[str, int]], overlay: Overlay) -> list[Known]:
    return [examine(path, size, overlay) for path, size in pages]


def examine(path: str, size: int, overlay: Overlay) -> Known:
    """Facts of one page, and the findings of all page rules: which were asked for is decided when they are shown.

    size: as its folder lists it; -1: not known.
    """
    page = page_at(path, size, overlay)
    diagnostics = checker()(page_file(path, page))
    return page_facts(page), _encode([diagnostic[1:] for diagnostic in diagnostics]) if diagnostics else b""


def page_file(path: str, page: Page) -> PageFile:
    """The page with the path it has, also from the root of the disk where the name given does not say its folder."""
    unclear = path.count("/") < 2 or ".." in path
    location = os.path.abspath(path).replace(os.sep, "/") if unclear else None  # noqa: PTH100 - a Path costs more
    return PageFile(path, page, location)


def page_at(path: str, size: int, overlay: Overlay) -> Page:
    return read(overlay[path]) if path in overlay else read_page(path, size)


@lru_cache
def checker(fixes: bool = False) -> PageChecker:
    return PageChecker(REGISTRY.values(), fixes=fixes)


# A finding as it is kept: a diagnostic without its path; it has no fix yet.
_Row = tuple[int, int, int, int, str, str, Severity, str, str | None, None, bool]
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(list[_Row]).decode


def decoded(path: str, findings: bytes, codes: frozenset[str]) -> list[Diagnostic]:
    """Those of a page's findings that have one of the codes."""
    return [Diagnostic(path, *row) for row in _decode(findings) if row[4] in codes]
