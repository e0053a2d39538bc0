"""Check pages and describe them for the index in one pass: each file that changed is read once.

The validator takes an engine, which runs its work in processes. This engine runs the work on the contents of the files,
and describes the pages in the same process.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from qtgen._util.cpus import usable_cpus
from qtgen._util.engines import Engine, K, R, Shared, ThisProcess, V
from qtgen._util.engines.local import LocalEngine
from qtgen.page.profile import Profile
from qtgen.review.page_rows import PageRow, describe, read_file, stored_findings
from qtgen.site.discovery import Overlay, PageBatch
from qtgen.validation.run import ValidationOptions, ValidationResult

_WORTH_A_WORKER = 4_000  # pages that must be checked; the validator uses the same number
_PARCEL = 500  # pages that are described without a check


@dataclass(slots=True)
class CheckedPages:
    """What a pass found: the rows of pages by path, and the stored findings of every page that has some."""

    rows: dict[str, PageRow] = field(default_factory=dict)
    findings: dict[str, str] = field(default_factory=dict)


def check_pages(batches: Sequence[PageBatch], options: ValidationOptions, wanted: Set[str]) -> CheckedPages:
    """Validate pages, and describe those that are wanted.

    Args:
        batches: The pages.
        options: What to check. Its cache gives the findings of pages that have not changed.
        wanted: Paths of pages whose rows are needed.
    """
    checked = CheckedPages()
    engine = _DescribingEngine(options.jobs, wanted, checked.rows, options.profile)
    try:
        with ValidationResult(batches, replace(options, engine=engine, fixes=False)) as result:
            for file in result:
                checked.findings[file.path] = stored_findings(tuple([one[5:8:2] for one in file.diagnostics]))
        sizes = ((path, size) for batch in batches for path, (size, _) in zip(batch.paths(), batch.states, strict=True))
        engine.describe([(path, size) for path, size in sizes if path in wanted and path not in checked.rows])
    finally:
        engine.close()
    return checked


class _DescribingEngine:
    """An engine that also describes the pages that the validator checks.

    Args:
        jobs: The number of processes, or None to choose it by the number of pages.
        wanted: Paths of the pages to describe.
        rows: Receives the rows by path.
        profile: The page layout of the site.
    """

    reads_files = True

    def __init__(self, jobs: int | None, wanted: Set[str], rows: dict[str, PageRow], profile: Profile) -> None:
        self._jobs, self._wanted, self._rows, self._profile = jobs, wanted, rows, profile
        self._inner: Engine | None = None

    def share(self, value: V) -> Shared[V]:
        """Return a handle of the value. The validator shares nothing."""
        return ThisProcess().share(value)

    def map(self, work: Callable[..., R], parcels: Iterable[tuple[K, tuple[Any, ...]]]) -> Iterator[tuple[K, R]]:
        """Yield each parcel's label and the records of its pages."""
        everything = iter(parcels)
        ahead, missing = [], 0
        for parcel in everything:
            ahead.append(parcel)
            missing += len(parcel[1][0])
            if missing >= _WORTH_A_WORKER:
                break
        tasks = (
            (label, (work, arguments, self._wanted & {path for path, _ in arguments[0]}, self._profile))
            for label, arguments in chain(ahead, everything)
        )
        for label, (records, rows) in self._engine(missing).map(check_and_describe, tasks):
            self._rows.update(rows)
            yield label, records

    def describe(self, pages: Sequence[tuple[str, int]]) -> None:
        """Describe pages, given as path and size, whose findings are known."""
        parcels = ((None, (pages[start : start + _PARCEL], self._profile)) for start in range(0, len(pages), _PARCEL))
        for _, rows in self._engine(len(pages)).map(describe_files, parcels):
            self._rows.update(rows)

    def close(self) -> None:
        """End the workers."""
        if self._inner is not None:
            self._inner.close()

    def _engine(self, pages: int) -> Engine:
        jobs = self._jobs or min(usable_cpus(), 1 + pages // _WORTH_A_WORKER)
        spawn = threading.active_count() > 1  # forking copies the locks of other threads, but not the threads
        self._inner = LocalEngine(jobs, spawn=spawn) if jobs > 1 and pages > 1 else ThisProcess()
        return self._inner


def check_and_describe(
    work: Callable[..., R], arguments: tuple[Any, ...], wanted: Set[str], profile: Profile
) -> tuple[R, dict[str, PageRow]]:
    """Call the validator's function with the contents of the files, and describe the wanted pages."""
    pages: Sequence[tuple[str, int]] = arguments[0]
    overlay: Overlay = arguments[1]
    contents, rows = dict(overlay), {}
    for path, size in pages:
        raw, page = read_file(path, size, profile)
        if raw is not None:
            contents.setdefault(path, raw)
        if path in wanted:
            rows[path] = describe(path, raw, page)
    return work(pages, contents, *arguments[2:]), rows


def describe_files(pages: Sequence[tuple[str, int]], profile: Profile) -> dict[str, PageRow]:
    """Return the rows of pages by path."""
    return {path: describe(path, *read_file(path, size, profile)) for path, size in pages}
