"""Read the pages of a folder in worker processes, and keep what the inference needs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from qtgen._util.cpus import usable_cpus
from qtgen._util.engines import Engine, ThisProcess
from qtgen.page.document import Page
from qtgen.page.reader import MAX_BYTES, oversized_page, read_as, unreadable_page
from qtgen.site.discovery import OnUnusable, iter_batches, read_page_bytes
from qtgen.site.inference.observe import (
    Items,
    Node,
    Observed,
    ObservedPage,
    Unusable,
    Writing,
    observe,
    open_layout,
)

_PARCEL = 200  # pages that a worker reads at a time
_WORTH_A_WORKER = 1_000  # pages; starting a process takes as long as reading these


@dataclass(slots=True)
class Observations:
    """What the pages of a site contain.

    Attributes:
        pages: The pages that can be used, in the order of their paths.
        unusable: The others.
        writing: How the pages write their values.
    """

    pages: list[ObservedPage] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)
    writing: Writing = field(default_factory=Writing)


def collect(paths: Iterable[Path], on_unusable: OnUnusable, jobs: int | None = None) -> Observations:
    """Return the content of the pages below `paths`.

    Args:
        paths: Files and folders.
        on_unusable: Called with the error of each path that cannot be used.
        jobs: The number of worker processes; by default, as many as pay for the number of pages.
    """
    parcels = list(_parcels(paths, on_unusable))
    pages = sum(len(parcel) for parcel in parcels)
    jobs = jobs or min(usable_cpus(), 1 + pages // _WORTH_A_WORKER)
    engine = _engine(jobs)
    observations = Observations()
    keys: dict[tuple[str, ...], tuple[str, ...]] = {}
    try:
        for _, (observed, writing) in engine.map(observe_files, ((None, (parcel,)) for parcel in parcels)):
            observations.writing.add(writing)
            for page in observed:
                if isinstance(page, Unusable):
                    observations.unusable.append(page)
                else:
                    _share_keys(page.root, keys)
                    observations.pages.append(page)
    finally:
        engine.close()
    return observations


def _engine(jobs: int) -> Engine:
    if jobs == 1:
        return ThisProcess()
    from qtgen._util.engines.local import LocalEngine  # slow to import

    return LocalEngine(jobs)


def _parcels(paths: Iterable[Path], on_unusable: OnUnusable) -> Iterator[list[tuple[str, int]]]:
    for batch in iter_batches(paths, on_unusable):
        files = [(path, size) for path, (size, _) in zip(batch.paths(), batch.states, strict=True)]
        for start in range(0, len(files), _PARCEL):
            yield files[start : start + _PARCEL]


def observe_files(files: list[tuple[str, int]]) -> tuple[list[ObservedPage | Unusable], Writing]:
    """Read files, given as paths with sizes. Return their content and the spelling of their values."""
    writing = Writing()
    return [observe(path, read_open(path, size), writing) for path, size in files], writing


def read_open(path: str, size: int = -1) -> Page:
    """Read a file with the layout that reads every page. If it cannot be read, the page carries that problem.

    Args:
        size: The size of the file in bytes, or -1 if it is unknown.
    """
    if size > MAX_BYTES:
        return oversized_page(size, open_layout())
    try:
        return read_as(read_page_bytes(path, size), open_layout())
    except OSError as error:
        return unreadable_page(error.strerror or str(error), open_layout())


def _share_keys(value: Observed, known: dict[tuple[str, ...], tuple[str, ...]]) -> None:
    """Let all maps with the same keys share one tuple, because each worker sends its own."""
    if isinstance(value, Node):
        value.keys = known.setdefault(value.keys, value.keys)
        for inner in value.values:
            if isinstance(inner, Node | Items):
                _share_keys(inner, known)
    elif isinstance(value, Items):
        for inner in value.items:
            if isinstance(inner, Node | Items):
                _share_keys(inner, known)
