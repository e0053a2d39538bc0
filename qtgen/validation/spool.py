"""The temporary files of a run: its pages, and what was found on them, batch by batch."""

import tempfile
from array import array
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from msgspec import msgpack

from qtgen.site.discovery import PageBatch
from qtgen.validation.records import PageRecords, encode, restore_numbers

_IN_MEMORY = 1 << 20  # bytes; a longer file is on disk

T = TypeVar("T")


class Spool(Generic[T]):
    """A temporary file of items. They can be read several times, also by several readers at once.

    Args:
        encode: Returns an item as bytes.
        decode: Restores it.
    """

    def __init__(self, encode: Callable[[T], bytes], decode: Callable[[bytes], T]) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - close() closes it
        self._encode, self._decode = encode, decode
        self._ends = array("Q", [0])  # of the items

    def add(self, item: T) -> bytes:
        """Append an item, and return it as bytes."""
        block = self._encode(item)
        self._file.seek(self._ends[-1])
        self._file.write(block)
        self._ends.append(self._ends[-1] + len(block))
        return block

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> T:
        start, end = self._ends[number : number + 2]
        self._file.seek(start)
        return self._decode(self._file.read(end - start))

    def __iter__(self) -> Iterator[T]:
        return map(self.__getitem__, range(len(self)))

    def close(self) -> None:
        """Delete the file."""
        self._file.close()


_decode_records = msgpack.Decoder(PageRecords, dec_hook=restore_numbers).decode
_decode_batch = msgpack.Decoder(tuple[bytes, bytes, bytes, bool]).decode


def spool_records() -> Spool[PageRecords]:
    """Return a temporary file of the records of batches."""
    return Spool(encode, _decode_records)


def spool_batches() -> Spool[PageBatch]:
    """Return a temporary file of batches."""
    return Spool(_encoded_batch, _restored_batch)


def _encoded_batch(batch: PageBatch) -> bytes:
    # Names of files need not be valid text.
    names = "\0".join([batch.folder, *batch.names]).encode("utf-8", "surrogatepass")
    sizes, times = zip(*batch.states, strict=True)
    return encode((names, array("q", sizes), array("q", times), batch.complete))


def _restored_batch(block: bytes) -> PageBatch:
    names, sizes, times, complete = _decode_batch(block)
    folder, *names_of_pages = names.decode("utf-8", "surrogatepass").split("\0")
    return PageBatch(folder, names_of_pages, [*zip(array("q", sizes), array("q", times), strict=True)], complete)
