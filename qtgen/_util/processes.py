"""Work for several processes, in order, a few parcels in flight."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Any, TypeVar

_Kept = TypeVar("_Kept")
_Result = TypeVar("_Result")
_AHEAD = 3  # parcels a process that are in flight


def map_in_processes(
    work: Callable[..., _Result],
    parcels: Iterable[tuple[_Kept, tuple[Any, ...]]],
    jobs: int,
    *,
    spawn: bool = False,
) -> Iterator[tuple[_Kept, _Result]]:
    """What each parcel keeps here, and what `work` makes of its arguments, in their order.

    jobs: processes; afresh: they start from nothing, where the threads of a library would be taken along half-dead.
    Raises what `work` raises.
    """
    context = multiprocessing.get_context("spawn") if spawn else None
    waiting: deque[tuple[_Kept, Future[_Result]]] = deque()
    with ProcessPoolExecutor(jobs, context, _end_with_parent) as pool:
        for kept, arguments in parcels:
            waiting.append((kept, pool.submit(work, *arguments)))
            if len(waiting) > _AHEAD * jobs:
                yield _done(*waiting.popleft())
        while waiting:
            yield _done(*waiting.popleft())


def _done(kept: _Kept, future: "Future[_Result]") -> tuple[_Kept, _Result]:
    return kept, future.result()


def _end_with_parent() -> None:
    """A parent that is killed cannot end its processes, which would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(parent: int) -> None:
    wait([parent])
    os._exit(1)
