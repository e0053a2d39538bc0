"""Packs for tests: small shards, and shards that somebody edited."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qtgen.site.locations import MANIFEST_NAME
from qtgen.site.pack import ShardRef, read_shard
from qtgen.site.pack.format import COLUMNS, PackedPage
from qtgen.site.pack.shards import ShardWriter

Row = tuple[bytes | None, bytes | None, bytes | None, bytes | None]


def use_small_shards(monkeypatch: pytest.MonkeyPatch, *, pages: int = 4, group: int = 2) -> None:
    """Let shards and row groups hold few pages."""
    monkeypatch.setattr("qtgen.site.pack.shards.SHARD_PAGES", pages)
    monkeypatch.setattr("qtgen.site.pack.shards.GROUP_PAGES", group)


def write_tree(folder: Path, pages: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for name, contents in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(contents)


def read_tree(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shard_of(pages: Iterable[PackedPage]) -> bytes:
    """Return a shard with these pages, whatever their paths are."""
    writer = ShardWriter()
    for page in pages:
        writer.add(page)
    return writer.finish()


def pages_of(shard: ShardRef) -> list[tuple[str, bytes]]:
    """Return the pages of a shard. A worker process can call it."""
    return list(read_shard(shard))


def rows_of(shard: Path) -> list[Row]:
    """Return the rows of a shard."""
    table = pq.read_table(shard)
    return list(zip(*(table.column(name).to_pylist() for name in COLUMNS), strict=True))


def write_rows(shard: Path, rows: Iterable[Row]) -> None:
    """Write rows into a shard, as a program that knows nothing of checksums."""
    columns = [pa.array(column, pa.binary()) for column in zip(*rows, strict=True)]
    pq.write_table(pa.Table.from_arrays(columns, names=list(COLUMNS)), shard)


def write_pack(folder: Path, shards: Iterable[bytes], pages: Iterable[int], **changes: Any) -> None:
    """Write a pack of these shards, whose manifest fits them."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for number, (raw, count) in enumerate(zip(shards, pages, strict=True)):
        name = f"pages-{number:05}.parquet"
        (folder / name).write_bytes(raw)
        entries.append({"name": name, "pages": count, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()})
    total = sum(entry["pages"] for entry in entries)  # type: ignore[misc]
    fields = {"format": "qtgen-pack", "version": 1, "folder": "site", "pages": total, "bytes": 0, "shards": entries}
    (folder / MANIFEST_NAME).write_text(json.dumps({**fields, **changes}))
