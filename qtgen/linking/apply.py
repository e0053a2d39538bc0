"""Make the planned changes of links on disk, one page after the other or in several processes."""

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qtgen._util.files import as_output_error, check_replaceable, replace_files
from qtgen._util.processes import map_chunks
from qtgen.errors import OutputError, QtgenError, SpliceError
from qtgen.linking.edits import LinkEdit, LinkResult
from qtgen.page import read, splice
from qtgen.site.discovery import read_page_bytes
from qtgen.site.index import digest

logger = logging.getLogger(__name__)

_MIN_FOR_PROCESSES = 1_500  # pages to write; for fewer, starting processes takes longer than they save
_CHUNK = 100  # pages that are written together


@dataclass(frozen=True, slots=True)
class EditedPage:
    """A page before and after a change of its links."""

    path: str
    before: bytes
    after: bytes


def edit_page(edit: LinkEdit) -> EditedPage:
    """Return the page with its new links; nothing is written.

    Raises:
        OutputError: The page cannot be read or changed since the plan was made, or a page that it would link to is
            gone.
        SpliceError: The page cannot be edited line by line.
    """
    with as_output_error(edit.path):
        before = read_page_bytes(edit.path)
    page = read(before, edit.profile, edit.path)
    if digest(page.text) != edit.digest or page.text.encode() != before:
        raise OutputError("changed while its links were chosen; nothing was written to it", path=edit.path)
    gone = next((target for target in edit.targets if not os.path.lexists(target)), None)
    if gone:
        raise OutputError(f"would link to {gone}, which is gone; nothing was written to it", path=edit.path)
    return EditedPage(edit.path, before, splice(page, edit.changes).encode())


def preview_edits(edits: Iterable[LinkEdit]) -> Iterator[tuple[LinkResult, EditedPage | None]]:
    """Yield what `write_edits` would return for each page, and the page unless there is an error; write nothing."""
    for edit in edits:
        try:
            page = edit_page(edit)
            check_replaceable(Path(page.path), page.before)
        except QtgenError as error:
            yield edit.result(_message(edit, error)), None
        else:
            yield edit.result(), page


def write_edits(edits: Iterable[LinkEdit], jobs: int | None = None) -> Iterator[LinkResult]:
    """Write the pages, in order. A page that cannot be written does not stop the others.

    Args:
        jobs: Number of worker processes; by default as many as CPUs if there are enough pages, else none.
    """
    # The libraries for linear algebra have threads, which a forked process would inherit in a broken state.
    return map_chunks(_write_chunk, edits, jobs, chunk=_CHUNK, worth_processes=_MIN_FOR_PROCESSES, spawn=True)


def _write_chunk(edits: Sequence[LinkEdit]) -> list[LinkResult]:
    """Write some pages, with one wait for the disk."""
    pages = [_try_edit(edit) for edit in edits]
    edited = [page for page in pages if isinstance(page, EditedPage)]
    errors = iter(replace_files([(page.path, page.before, page.after) for page in edited]))
    outcomes = [page if isinstance(page, QtgenError) else next(errors) for page in pages]
    return [edit.result(_message(edit, error) if error else "") for edit, error in zip(edits, outcomes, strict=True)]


def _try_edit(edit: LinkEdit) -> EditedPage | QtgenError:
    try:
        return edit_page(edit)
    except QtgenError as error:
        return error


def _message(edit: LinkEdit, error: QtgenError) -> str:
    """Return the error as one line that begins with the page's path."""
    message = str(error)
    if isinstance(error, SpliceError):
        message = f"its links are laid out in a way that cannot be edited; edit them by hand ({message})"
    if edit.path not in message:
        message = f"{edit.path}: {message}"
    logger.info("did not write %s", message)
    return message
