"""Carry many pages over to the new layout, in this process or in several."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from qtgen._util.files import as_output_error, check_replaceable, replace_files
from qtgen._util.processes import map_chunks
from qtgen.errors import QtgenError
from qtgen.page.profile import Profile
from qtgen.site.discovery import read_page_bytes
from qtgen.site.migration.apply import Refusal, migrate_page
from qtgen.site.migration.plan import Change, Migration, plan_migration

_MIN_FOR_PROCESSES = 1_000  # for fewer pages, starting processes takes longer than they save
_CHUNK = 100  # pages that are written together


@dataclass(frozen=True, slots=True)
class MigratedFile:
    """What became of a file.

    Attributes:
        path: The file.
        changes: The changes that were made, or would be.
        before: The former contents, if a preview needs them and the page would change.
        after: The new contents, if a preview needs them and the page would change.
        refusal: Why the page is left as it is, if it cannot be carried over.
        error: Why the file could not be read or written, if it could not.
        conforms: Whether the page has the keys, the order and the types of the new layout.
    """

    path: str
    changes: tuple[Change, ...] = ()
    before: bytes | None = None
    after: bytes | None = None
    refusal: Refusal | None = None
    error: str | None = None
    conforms: bool = True

    @property
    def is_changed(self) -> bool:
        """Whether the page was changed, or would be."""
        return bool(self.changes)


def migrate_files(
    paths: Iterable[str], migration: Migration, *, write: bool, texts: bool = False, jobs: int | None = None
) -> Iterator[MigratedFile]:
    """Yield the result of each file, in order. A file that cannot be updated does not stop the run.

    Args:
        paths: The files.
        migration: The difference of the profiles.
        write: Whether to write the changed pages, each atomically.
        texts: Whether the results have the contents.
        jobs: Number of worker processes; by default as many as CPUs if there are enough pages, else none.
    """
    function = partial(_migrate_chunk, migration.old, migration.new, write, texts)
    return map_chunks(function, paths, jobs, chunk=_CHUNK, worth_processes=_MIN_FOR_PROCESSES)


def _migrate_chunk(old: Profile, new: Profile, write: bool, texts: bool, paths: Sequence[str]) -> list[MigratedFile]:
    """Update some pages, and sync them to the disk together."""
    migration = plan_migration(old, new)  # a process plans once
    results: list[MigratedFile] = []
    changed: list[tuple[int, Path, bytes, bytes]] = []
    for path in paths:
        file, contents = _migrate_file(path, migration)
        if contents is not None:
            changed.append((len(results), Path(path), *contents))
            file = replace(file, before=contents[0], after=contents[1]) if texts else file
        results.append(file)
    if write:
        errors: Iterable[QtgenError | None] = replace_files([page[1:] for page in changed])
    else:
        errors = [_write_error(path, before) for _, path, before, _ in changed]
    for (number, *_), error in zip(changed, errors, strict=True):
        if error is not None:
            results[number] = MigratedFile(results[number].path, error=str(error))
    return results


def _migrate_file(path: str, migration: Migration) -> tuple[MigratedFile, tuple[bytes, bytes] | None]:
    """Return the result of a file, with its contents before and after if it changes."""
    try:
        with as_output_error(Path(path)):
            raw = read_page_bytes(path)
    except QtgenError as error:
        return MigratedFile(path, error=str(error)), None
    page = migrate_page(raw, path, migration)
    file = MigratedFile(path, page.changes, refusal=page.refusal, conforms=page.conforms)
    return file, None if page.after is None else (raw, page.after)


def _write_error(path: Path, before: bytes) -> QtgenError | None:
    """Return the error that writing a page would have."""
    try:
        check_replaceable(path, before)
    except QtgenError as error:
        return error
    return None
