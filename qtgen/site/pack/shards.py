"""Encode pages as a shard, and read the pages of a shard. The same pages give the same bytes.

The reader checks contents, checksums and paths row by row, because a shard may be damaged or edited. It uses the intact
rows.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from qtgen._util.text import pluralize
from qtgen.errors import DamagedPack
from qtgen.site.pack.format import (
    COLUMNS,
    GROUP_BYTES,
    GROUP_PAGES,
    SHARD_BYTES,
    SHARD_PAGES,
    PackedPage,
    ShardRef,
    decode_path,
    encode_path,
)
from qtgen.site.pack.paths import reason_to_refuse
from qtgen.site.pack.storage import open_file

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

OnDamage = Callable[[DamagedPack], object]
"""Called with each part of a pack that cannot be used, if the others are still used."""

_LEVEL = 3  # of zstd


class ShardWriter:
    """Collects pages, and turns them into the bytes of a shard. Memory is bounded by the size of a shard."""

    def __init__(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.pages = 0
        self._bytes = self._group_bytes = 0
        self._group: list[PackedPage] = []
        self._sink = io.BytesIO()
        self._schema = pa.schema([(name, pa.binary()) for name in COLUMNS])
        self._parquet: Any = pq.ParquetWriter(
            self._sink,
            self._schema,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=False,
            write_statistics=["path"],
            store_schema=False,
        )

    @property
    def is_full(self) -> bool:
        """Whether the shard is complete."""
        return self._bytes >= SHARD_BYTES or self.pages >= SHARD_PAGES

    def has_room_for(self, size: int) -> bool:
        """Return whether a page of this size belongs to this shard and not to the next one."""
        return not self.pages or self._bytes + size <= SHARD_BYTES

    def add(self, page: PackedPage) -> None:
        """Append a page. Pages are added in the order of their paths."""
        self._group.append(page)
        self.pages += 1
        self._bytes += len(page.contents)
        self._group_bytes += len(page.contents)
        if self._group_bytes >= GROUP_BYTES or len(self._group) >= GROUP_PAGES:
            self._write_group()

    def finish(self) -> bytes:
        """Return the bytes of the shard."""
        self._write_group()
        self._parquet.close()
        return self._sink.getvalue()

    def _write_group(self) -> None:
        import pyarrow as pa

        if not self._group:
            return
        rows = [_row(page) for page in self._group]
        columns = [pa.array(column, pa.binary()) for column in zip(*rows, strict=True)]
        self._parquet.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._group, self._group_bytes = [], 0


def _row(page: PackedPage) -> tuple[bytes, bytes, bytes, bytes | None]:
    path, same_as = encode_path(page.path), None if page.same_as is None else encode_path(page.same_as)
    return path, page.contents, _checksum(path, page.contents, same_as), same_as


def _checksum(path: bytes, contents: bytes, same_as: bytes | None) -> bytes:
    """Return the SHA-256 of the path, the target of the link and the contents, which are separated by NULs."""
    digest = hashlib.sha256(b"%b\0%b\0" % (path, same_as or b""))
    digest.update(contents)
    return digest.digest()


class OpenShard:
    """A shard whose pages can be read, one row group at a time."""

    def __init__(self, ref: ShardRef, raw: bytes, on_damage: OnDamage) -> None:
        """Open the shard.

        Raises DamagedPack if no page of it can be read. If its bytes are not those that the manifest lists,
        `on_damage` is called, and the pages that are intact can be read.
        """
        self._ref = ref
        self._parquet = _open_parquet(ref, raw)
        self.groups: int = self._parquet.num_row_groups
        rows = self._parquet.metadata.num_rows
        if ref.sha256 and hashlib.sha256(raw).hexdigest() != ref.sha256:
            expected = "" if rows == ref.pages else f"; it has {pluralize(rows, 'page')}, and the pack {ref.pages:,}"
            message = f"differs from the manifest, so it was damaged or edited; its intact pages are used{expected}"
            on_damage(DamagedPack(message, path=ref.url))

    def pages(self, group: int, on_damage: OnDamage) -> list[PackedPage]:
        """Return the intact pages of a row group. `on_damage` is called with each of the others."""
        try:
            table = self._parquet.read_row_group(group, columns=list(COLUMNS), use_threads=False)
            columns = [table.column(name).to_pylist() for name in COLUMNS]
        except Exception as error:  # noqa: BLE001 - a damaged file can raise any of pyarrow's errors
            lost = pluralize(self._parquet.metadata.row_group(group).num_rows, "page")
            on_damage(DamagedPack(f"damaged: {lost} cannot be read ({_first_line(error)})", path=self._ref.url))
            return []
        pages = []
        for row in zip(*columns, strict=True):
            page = self._page(row, on_damage)
            if page is not None:
                pages.append(page)
        return pages

    def _page(self, row: Sequence[bytes | None], on_damage: OnDamage) -> PackedPage | None:
        raw_path, contents, sha256, same_as = row
        path = decode_path(raw_path or b"")
        reason = reason_to_refuse(path)
        if raw_path is None or contents is None or _checksum(raw_path, contents, same_as) != sha256:
            reason = "it does not match its checksum, so it was damaged or edited"
        if reason is not None or contents is None:
            on_damage(DamagedPack(f"not used: {reason}", path=self._ref.url, field=path))
            return None
        return PackedPage(path, contents, None if same_as is None else decode_path(same_as))


def _open_parquet(ref: ShardRef, raw: bytes) -> "ParquetFile":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(pa.BufferReader(raw), pre_buffer=False)
        schema = parquet.schema_arrow
        is_readable = all(schema.field(name).type == pa.binary() for name in COLUMNS)
    except Exception as error:  # noqa: BLE001 - a damaged file can raise any of pyarrow's errors
        raise _lost(ref, f"not a shard ({_first_line(error)})") from None
    if not is_readable:
        raise _lost(ref, f"not a shard (its columns are not {', '.join(COLUMNS)} in binary)")
    return parquet


def _lost(ref: ShardRef, message: str) -> DamagedPack:
    lost = f"; {pluralize(ref.pages, 'page')} cannot be read" if ref.pages else ""
    return DamagedPack(message + lost, path=ref.url)


def load_shard(ref: ShardRef, on_damage: OnDamage) -> OpenShard:
    """Read a shard's file and open it.

    Raises DamagedPack if the file is missing or no page of it can be read.
    """
    try:
        raw = open_file(ref.url)
    except OSError as error:
        raise _lost(ref, f"cannot be read: {error.strerror or error}") from None
    return OpenShard(ref, raw, on_damage)


def _raise(error: DamagedPack) -> None:
    raise error


def read_shard(shard: ShardRef | str, on_damage: OnDamage = _raise) -> Iterator[tuple[str, bytes]]:
    """Yield the path and the contents of each page of a shard, sorted by path. Memory is bounded by the shard.

    Any process can call it, because it needs only the shard. The paths are relative to the folder that was packed.

    Args:
        shard: The shard as `Pack.shards` lists it, or only its path or URL. Without the checksum of the manifest,
            a shard is not compared with the manifest.
        on_damage: Called with each part of the shard that cannot be used. By default, the error is raised.
    """
    ref = shard if isinstance(shard, ShardRef) else ShardRef(shard, 0, "")
    try:
        opened = load_shard(ref, on_damage)
    except DamagedPack as error:
        on_damage(error)
        return
    last = ""
    for group in range(opened.groups):
        for page in opened.pages(group, on_damage):
            if page.path <= last:
                on_damage(out_of_order(ref.url, page.path))
            else:
                last = page.path
                yield page.path, page.contents


def out_of_order(url: str, path: str) -> DamagedPack:
    """Return the error of a page that is listed twice, or not in the order of paths."""
    return DamagedPack("not used: its path is repeated or out of order", path=url, field=path)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
