"""Work in processes of this machine."""

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from qtgen._util.engines import K, R, Shared, V
from qtgen._util.processes import map_in_processes

_KEPT = 4  # shared values that a process keeps loaded
_PAGE = 4096  # bytes; buffers begin at a multiple of it


class SharedFiles:
    """Values in temporary files, from which all processes of this machine map the same memory."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._values = 0

    def add(self, value: V) -> Shared[V]:
        """Write a value to a file of its own."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="qtgen-shared-"))
        self._values += 1
        path = self._folder / str(self._values)
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        places: list[tuple[int, int]] = []
        with path.open("wb") as file:
            for raw in (memoryview(pickled), *(buffer.raw() for buffer in buffers)):
                file.seek(-file.tell() % _PAGE, os.SEEK_CUR)
                places.append((file.tell(), raw.nbytes))
                file.write(raw)
        return _Mapped(path, tuple(places))

    def close(self) -> None:
        """Delete the files."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class _Mapped(Shared[V]):
    """A value in a file: the places of its pickle and of its buffers in the file."""

    def __init__(self, path: Path, places: tuple[tuple[int, int], ...]) -> None:
        self._path, self._places = path, places

    def get(self) -> V:
        value: V = _load(self._path, self._places)
        return value


@lru_cache(maxsize=_KEPT)
def _load(path: Path, places: tuple[tuple[int, int], ...]) -> Any:
    with path.open("rb") as file:
        view = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
    pickled, *buffers = (view[start : start + length] for start, length in places)
    return pickle.loads(pickled, buffers=buffers)  # noqa: S301 - a process of the same user has written it


class LocalEngine:
    """An engine with worker processes on this machine.

    Args:
        jobs: The number of processes.
        spawn: Start new processes instead of forked ones; see `map_in_processes`.
    """

    reads_files = True

    def __init__(self, jobs: int, *, spawn: bool = False) -> None:
        self._jobs, self._spawn = jobs, spawn
        self._files = SharedFiles()

    def share(self, value: V) -> Shared[V]:
        """Write a value to a temporary file, from which each process maps the same memory."""
        return self._files.add(value)

    def map(self, work: Callable[..., R], parcels: Iterable[tuple[K, tuple[Any, ...]]]) -> Iterator[tuple[K, R]]:
        """Yield each parcel's label and the function's result, in the order of the parcels."""
        return map_in_processes(work, parcels, self._jobs, spawn=self._spawn)

    def close(self) -> None:
        """Delete the shared values."""
        self._files.close()
