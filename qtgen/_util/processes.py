"""Run a function in several processes, with results in order and a bounded number of tasks in flight."""

import logging
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing.connection import wait
from typing import Any, TypeVar

from qtgen._util.cpus import usable_cpus

_log = logging.getLogger(__name__)
_Item = TypeVar("_Item")
_Label = TypeVar("_Label")
_Result = TypeVar("_Result")
_TASKS_PER_PROCESS = 3


def map_chunks(
    function: Callable[[list[_Item]], Iterable[_Result]],
    items: Iterable[_Item],
    jobs: int | None,
    *,
    chunk: int,
    worth_processes: int,
    spawn: bool = False,
) -> Iterator[_Result]:
    """Yield the results of a function for chunks of items, in order, in this process or in several.

    Args:
        function: Maps a list of items to their results. It and the items must be picklable.
        items: The items.
        jobs: The number of processes. By default, as many as CPUs if there are enough items, else none.
        chunk: The number of items in a chunk.
        worth_processes: The number of items that is enough.
        spawn: As in `map_in_processes`.
    """
    source = iter(items)
    ahead = list(islice(source, worth_processes))
    if jobs is None:
        jobs = usable_cpus() if len(ahead) == worth_processes else 1
    everything = chain(ahead, source)
    chunks = iter(lambda: list(islice(everything, chunk)), [])
    if jobs == 1:
        for some in chunks:
            yield from function(some)
        return
    _log.debug("working in %d processes", jobs)
    for _, results in map_in_processes(function, ((None, (some,)) for some in chunks), jobs, spawn=spawn):
        yield from results


def map_in_processes(
    function: Callable[..., _Result],
    tasks: Iterable[tuple[_Label, tuple[Any, ...]]],
    processes: int,
    *,
    spawn: bool = False,
) -> Iterator[tuple[_Label, _Result]]:
    """Yield each task's label and the function's result, in the order of the tasks.

    `tasks` is read only a few tasks ahead of the results. Raises what `function` raises.

    Args:
        function: A function of a module, called with a task's arguments in another process.
        tasks: Pairs of a label, which stays in this process, and the arguments, which must be picklable.
        processes: The number of processes.
        spawn: Start the processes afresh. Forking copies the locks of a library's threads, but not the threads, so a
            process that uses the library (linear algebra, for instance) can hang.
    """
    context = multiprocessing.get_context("spawn") if spawn else None
    pending: deque[tuple[_Label, Future[_Result]]] = deque()
    with ProcessPoolExecutor(processes, context, _exit_with_parent) as pool:
        for label, arguments in tasks:
            pending.append((label, pool.submit(function, *arguments)))
            if len(pending) > _TASKS_PER_PROCESS * processes:
                yield _result_of(*pending.popleft())
        while pending:
            yield _result_of(*pending.popleft())


def _result_of(label: _Label, future: "Future[_Result]") -> tuple[_Label, _Result]:
    return label, future.result()


def _exit_with_parent() -> None:
    """Watch the parent process, because one that is killed cannot end its workers, which would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
