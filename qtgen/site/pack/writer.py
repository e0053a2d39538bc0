"""Pack the pages of a folder into shards."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from qtgen.errors import PackExists, QtgenError, UsageError
from qtgen.site.discovery import iter_batches
from qtgen.site.locations import MANIFEST_NAME, Location, shard_name
from qtgen.site.pack.format import (
    PAGE_BYTES,
    Manifest,
    PackedPage,
    ShardEntry,
    encode_manifest,
    is_pack_file,
)
from qtgen.site.pack.paths import reason_to_refuse
from qtgen.site.pack.shards import ShardWriter
from qtgen.site.pack.storage import Store, open_store


class NotPacked(NamedTuple):
    """A file or folder that could not be packed, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class PackReport:
    """What was packed.

    Attributes:
        pages: The number of packed pages.
        bytes: The size of their contents.
        packed_bytes: The size of the shards.
        shards: The number of shards.
        not_packed: What could not be packed.
    """

    pages: int = 0
    bytes: int = 0
    packed_bytes: int = 0
    shards: int = 0
    not_packed: list[NotPacked] = field(default_factory=list)


def pack_folder(
    folder: Path, location: Location, *, replace: bool = False, on_packed: Callable[[int], object] | None = None
) -> PackReport:
    """Write the pages of a folder into shards, each byte for byte, and return what was packed.

    The manifest is written last, so an interrupted pack has none. Only pages are packed.

    Args:
        location: A folder or a URL. It must be empty, or hold only an unfinished pack.
        replace: Replace the pack that is there.
        on_packed: Called with the number of pages of each shard that was written.

    Raises:
        PackExists: There is a pack at the location, and `replace` is false.
        UsageError: The folder has no pages, or the location is not empty.
        OutputError: A shard cannot be written.
    """
    if not folder.is_dir():
        raise UsageError("no such folder", path=folder)
    store, report = open_store(location), PackReport()
    old_names = _check_empty(store, replace)
    pages = _read_pages(folder, report.not_packed)
    first = next(pages, None)
    if first is None:
        raise UsageError("no page of this folder can be read", path=folder)
    if MANIFEST_NAME in old_names:
        store.remove(MANIFEST_NAME)  # it must never list shards of two packs
    entries = list(_write_shards(store, first, pages, report, on_packed))
    manifest = Manifest(folder=_name_in_reports(folder), pages=report.pages, bytes=report.bytes, shards=tuple(entries))
    store.write(MANIFEST_NAME, encode_manifest(manifest))
    for name in old_names - {entry.name for entry in entries} - {MANIFEST_NAME}:
        store.remove(name)
    return report


def _check_empty(store: Store, replace: bool) -> set[str]:
    """Return the names of the files of an older pack. Raises UsageError if there is another file."""
    names = {name for name in store.names() if not name.startswith(".")}
    foreign = sorted(name for name in names if not is_pack_file(name))
    if foreign:
        raise UsageError(
            f"the folder is not empty ({foreign[0]})", path=store.place_of(), remedy="choose another folder"
        )
    if MANIFEST_NAME in names and not replace:
        raise PackExists("there is a pack already", path=store.place_of())
    return names


def _read_pages(folder: Path, not_packed: list[NotPacked]) -> Iterator[PackedPage]:
    prefix, real_folder = _prefix(folder), os.path.realpath(folder) + "/"

    def report(error: QtgenError) -> None:
        if error.path is None or os.path.realpath(error.path) + "/" == real_folder:
            raise error
        not_packed.append(NotPacked(str(error.path), error.message))

    for path in (path for batch in iter_batches([folder], report) for path in batch.paths()):
        name = path.removeprefix(prefix)
        try:
            reason = reason_to_refuse(name)
            contents = b"" if reason else _read_file(path)
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            not_packed.append(NotPacked(path, reason))
        else:
            yield PackedPage(name, contents, _target_of(path, real_folder))


def _read_file(path: str) -> bytes:
    """Return the contents of a file. Only regular files are opened, because opening a pipe would wait forever."""
    status = os.stat(path)  # noqa: PTH116 - a Path would change the path
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
        contents = file.read(PAGE_BYTES + 1) if status.st_size > PAGE_BYTES else file.read()
    if len(contents) > PAGE_BYTES:
        raise OSError(f"larger than {PAGE_BYTES >> 20:,} MiB")
    return contents


def _target_of(path: str, real_folder: str) -> str | None:
    """Return the page that a symbolic link leads to, relative to the folder, if it is in the folder."""
    if not os.path.islink(path):  # noqa: PTH114 - a Path for each page takes longer than the system call
        return None
    target = os.path.realpath(path)
    name = target.removeprefix(real_folder)
    return name if name != target and reason_to_refuse(name) is None else None


def _prefix(folder: Path) -> str:
    text = folder.as_posix()
    return "" if text == "." else f"{text.rstrip('/')}/"


def _name_in_reports(folder: Path) -> str:
    """Return the folder as reports show it. For paths without a name (`.`, `..`), return the name of the folder."""
    return folder.as_posix() if folder.name not in ("", "..") else folder.resolve().name


def _write_shards(
    store: Store,
    first: PackedPage,
    pages: Iterator[PackedPage],
    report: PackReport,
    on_packed: Callable[[int], object] | None,
) -> Iterator[ShardEntry]:
    writer = ShardWriter()
    page: PackedPage | None = first
    while page is not None:
        writer.add(page)
        report.bytes += len(page.contents)
        page = next(pages, None)
        if page is None or writer.is_full or not writer.has_room_for(len(page.contents)):
            yield _write_shard(store, writer, report)
            if on_packed:
                on_packed(writer.pages)
            writer = ShardWriter()


def _write_shard(store: Store, writer: ShardWriter, report: PackReport) -> ShardEntry:
    raw = writer.finish()
    name = shard_name(report.shards)
    store.write(name, raw)
    report.shards += 1
    report.pages += writer.pages
    report.packed_bytes += len(raw)
    return ShardEntry(name=name, pages=writer.pages, bytes=len(raw), sha256=hashlib.sha256(raw).hexdigest())
