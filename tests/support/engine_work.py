"""Functions that workers call in tests."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from qtgen._util.engines import K, R, Shared, ThisProcess


def double(number: int) -> int:
    return number * 2


def fail_at_three(number: int) -> int:
    if number == 3:
        raise ValueError("fatal")
    return number


def process_id(_: int) -> int:
    return os.getpid()


def total(number: int, shared: Shared[Any]) -> float:
    return number + float(shared.get()["numbers"].sum())


def identity(shared: Shared[Any]) -> tuple[int, int]:
    """Return the process, and the id of the shared object in it."""
    return os.getpid(), id(shared.get())


def kill_once(marker: str) -> str:
    """Kill the worker unless the marker exists, so that the second attempt succeeds."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def kill_always() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def current_folder() -> str:
    return str(Path.cwd())


class Elsewhere(ThisProcess):
    """An engine whose workers have a folder without the files."""

    reads_files = False

    def map(self, work: Callable[..., R], parcels: Iterable[tuple[K, tuple[Any, ...]]]) -> Iterator[tuple[K, R]]:
        """Yield each parcel's label and the function's result."""
        here, empty = Path.cwd(), Path("empty").absolute()
        empty.mkdir(exist_ok=True)
        for label, arguments in parcels:
            os.chdir(empty)
            try:
                result = work(*arguments)
            finally:
                os.chdir(here)
            yield label, result
