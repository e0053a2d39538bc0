"""Giving pages new links: the page as it would be, and as it is on disk, one by one or by several processes."""

import multiprocessing
import os
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from qtgen.corpus import page_bytes
from qtgen.errors import OutputError, QtgenError
from qtgen.files import explained, replace_file
from qtgen.page import Page, Value, read, splice
from qtgen.site import WIDTH, facts

_WORTH_PROCESSES = 1_500  # pages to write; below, starting processes takes longer than they save
_WRITERS = 4  # threads of a process
_PARCEL = 100  # pages that a process is handed at a time


@dataclass(frozen=True, slots=True)
class LinkEdit:
    """What is to become of one page's links.

    changes: as `splice` takes them; targets: the files of the pages that it did not name before; links: what the page
    said when the links were chosen; added, corrected, replaced, removed: places, by what happens to them.
    """

    path: str
    changes: dict[str, Value]
    targets: tuple[str, ...]
    links: list[int] = field(repr=False)
    added: int
    corrected: int
    replaced: int
    removed: int


@dataclass(frozen=True, slots=True)
class Linked:
    """A page before and after."""

    path: str
    before: bytes
    after: bytes


def links_in(page: Page) -> list[int]:
    """Urls, texts and ids of a page and its links in numbers: whether it says what it said."""
    numbers = array("Q", facts(page))
    return [number for column in range(WIDTH - 1) for number in numbers[column::WIDTH]]


def linked(rewrite: LinkEdit) -> Linked:
    """The page with its new links.

    Raises OutputError if it cannot be read, says something else by now, or a page that it is to name is gone, and
    SpliceError if it cannot be edited line by line.
    """
    with explained(Path(rewrite.path)):
        before = page_bytes(rewrite.path)
    page = read(before)
    if links_in(page) != rewrite.links or page.text.encode() != before:
        raise OutputError(f"{rewrite.path}: changed while its links were chosen; nothing was written to it")
    gone = next((target for target in rewrite.targets if not os.path.lexists(target)), None)
    if gone:
        raise OutputError(f"{rewrite.path}: {gone}, which it was to name, is gone; nothing was written to it")
    return Linked(rewrite.path, before, splice(page, rewrite.changes).encode())


class Written(NamedTuple):
    """What became of a rewrite; error: why the page was left as it was."""

    rewrite: LinkEdit
    error: str = ""


def written(rewrites: Iterable[LinkEdit], jobs: int | None = None) -> Iterator[Written]:
    """Write the pages, in order; one that cannot be written does not hold up the others.

    jobs: processes; None: as many as pay.
    """
    ahead = list(islice(rewrites, _WORTH_PROCESSES))
    everything = chain(ahead, rewrites)
    jobs = jobs or (os.cpu_count() or 1 if len(ahead) == _WORTH_PROCESSES else 1)
    if jobs == 1:
        yield from _write_all(everything)
        return
    # A fork would take along the threads of the linear algebra, half-dead.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        waiting: deque[Future[list[Written]]] = deque()
        while some := list(islice(everything, _PARCEL)):
            waiting.append(pool.submit(_write_all, some))
            if len(waiting) > 3 * jobs:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _write_all(rewrites: Iterable[LinkEdit]) -> list[Written]:
    """Half of the time is waiting for the disk, which several threads can do at once."""
    with ThreadPoolExecutor(_WRITERS) as writers:
        return list(writers.map(write, rewrites))


def write(rewrite: LinkEdit) -> Written:
    """Give one page its new links, on disk."""
    try:
        page = linked(rewrite)
        replace_file(Path(page.path), page.before, page.after)
    except QtgenError as error:
        said = str(error)
        return Written(rewrite, said if rewrite.path in said else f"{rewrite.path}: {said}")
    return Written(rewrite)
