"""Giving pages new links: the page as it would be, and as it is on disk, one by one or by several processes."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from qtgen._util.files import as_output_error, check_replaceable, replace_files
from qtgen._util.processes import map_in_processes
from qtgen.errors import OutputError, QtgenError, SpliceError
from qtgen.page import Value, read, splice
from qtgen.site.discovery import read_page_bytes
from qtgen.site.index import digest

_WORTH_PROCESSES = 1_500  # pages to write; below, starting processes takes longer than they save
_PARCEL = 100  # pages that are written together


class Written(NamedTuple):
    """What became of a page, and how many of its links are added, replaced …; error: why it was left as it was."""

    path: str
    added: int
    replaced: int
    corrected: int
    removed: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class LinkEdit:
    """What is to become of one page's links.

    changes: as `splice` takes them; targets: the files of the pages that it did not name before; digest: of the page
    as it was when the links were chosen; added, corrected, replaced, removed: places, by what happens to them.
    """

    path: str
    changes: dict[str, Value]
    targets: tuple[str, ...]
    digest: int
    added: int
    corrected: int
    replaced: int
    removed: int

    def outcome(self, error: str = "") -> Written:
        return Written(self.path, self.added, self.replaced, self.corrected, self.removed, error)


@dataclass(frozen=True, slots=True)
class Linked:
    """A page before and after."""

    path: str
    before: bytes
    after: bytes


def linked(rewrite: LinkEdit) -> Linked:
    """The page with its new links.

    Raises OutputError if it cannot be read, is another by now, or a page that it is to name is gone, and
    SpliceError if it cannot be edited line by line.
    """
    with as_output_error(Path(rewrite.path)):
        before = read_page_bytes(rewrite.path)
    page = read(before)
    if digest(page.text) != rewrite.digest or page.text.encode() != before:
        raise OutputError(f"{rewrite.path}: changed while its links were chosen; nothing was written to it")
    gone = next((target for target in rewrite.targets if not os.path.lexists(target)), None)
    if gone:
        raise OutputError(f"{rewrite.path}: {gone}, which it was to name, is gone; nothing was written to it")
    return Linked(rewrite.path, before, splice(page, rewrite.changes).encode())


def tried(edits: Iterable[LinkEdit]) -> Iterator[tuple[Written, Linked | None]]:
    """What `written` would say of each page, and the page where there is no error; nothing is written."""
    for edit in edits:
        try:
            page = linked(edit)
            check_replaceable(Path(page.path), page.before)
        except QtgenError as error:
            yield edit.outcome(_said(edit, error)), None
        else:
            yield edit.outcome(), page


def written(rewrites: Iterable[LinkEdit], jobs: int | None = None) -> Iterator[Written]:
    """Write the pages, in order; one that cannot be written does not hold up the others.

    jobs: processes; None: as many as pay.
    """
    source = iter(rewrites)
    ahead = list(islice(source, _WORTH_PROCESSES))
    everything = chain(ahead, source)
    jobs = jobs or (os.cpu_count() or 1 if len(ahead) == _WORTH_PROCESSES else 1)
    if jobs == 1:
        while some := list(islice(everything, _PARCEL)):
            yield from _write_all(some)
        return
    parcels = ((None, (some,)) for some in iter(lambda: list(islice(everything, _PARCEL)), []))
    for _, done in map_in_processes(_write_all, parcels, jobs, spawn=True):  # the linear algebra has threads
        yield from done


def _write_all(edits: Sequence[LinkEdit]) -> list[Written]:
    """Give some pages their new links, on disk, which is waited for once."""
    pages = [_linked(edit) for edit in edits]
    made = [page for page in pages if isinstance(page, Linked)]
    errors = iter(replace_files([(Path(page.path), page.before, page.after) for page in made]))
    found = [page if isinstance(page, QtgenError) else next(errors) for page in pages]
    return [edit.outcome(_said(edit, error)) for edit, error in zip(edits, found, strict=True)]


def _linked(edit: LinkEdit) -> Linked | QtgenError:
    try:
        return linked(edit)
    except QtgenError as error:
        return error


def _said(edit: LinkEdit, error: QtgenError | None) -> str:
    """The error with the page's path; empty for none."""
    said = str(error or "")
    if isinstance(error, SpliceError):
        said = f"its links are written in a way that is not edited; mend that by hand ({said})"
    return said if not said or edit.path in said else f"{edit.path}: {said}"
