"""The temporary file of a run: the pages, their findings and their facts, batch by batch."""

import struct
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import msgpack

from qtgen.validation.records import PageRecords, encode, restore_numbers

_SIZE = struct.Struct("<Q")  # of a block
_IN_MEMORY = 1 << 23  # bytes; a longer file is on disk
_decode = msgpack.Decoder(tuple[bytes, PageRecords], dec_hook=restore_numbers).decode


class SpooledBatch(NamedTuple):
    """Pages of one folder, with their records."""

    folder: str
    names: list[str]
    records: PageRecords

    def paths(self) -> Iterator[str]:
        """Yield the paths of the pages."""
        return map(self.folder.__add__, self.names)


class Spool:
    """A temporary file with the records of pages. It can be read several times, also at once."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - close() closes it
        self._size = 0

    def add(self, batch: SpooledBatch) -> None:
        """Write a batch."""
        names = "\0".join([batch.folder, *batch.names]).encode(
            "utf-8", "surrogatepass"
        )  # also names that are not valid text
        block = encode((names, batch.records))
        self._file.seek(self._size)
        self._file.write(_SIZE.pack(len(block)) + block)
        self._size += _SIZE.size + len(block)

    def __iter__(self) -> Iterator[SpooledBatch]:
        place = 0
        while place < self._size:
            self._file.seek(place)
            (size,) = _SIZE.unpack(self._file.read(_SIZE.size))
            all_names, records = _decode(self._file.read(size))
            place += _SIZE.size + size
            folder, *names = all_names.decode("utf-8", "surrogatepass").split("\0")
            yield SpooledBatch(folder, names, records)

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
