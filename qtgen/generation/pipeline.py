"""Many questions -> pages on disk, returned as each one finishes."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from qtgen._util.concurrency import Stop, map_unordered
from qtgen.errors import BudgetReached
from qtgen.generation.generator import GenerationConfig, generate
from qtgen.generation.output import Store
from qtgen.generation.plan import Job
from qtgen.generation.types import Outcome, Status
from qtgen.llm.types import Provider

_WRITERS = 8  # threads that wait for the disk
_IN_THE_MAKING = 2  # pages for every request in flight: some wait for the ledger, the disk, or another try

S = TypeVar("S")
R = TypeVar("R")
OnDisk = Callable[..., Coroutine[Any, Any, Any]]


async def generate_all(
    steps: Iterable[Job | Outcome],
    recipe: GenerationConfig,
    providers: Sequence[Provider],
    store: Store,
    *,
    concurrency: int,
    stop: Stop,
) -> AsyncGenerator[tuple[int, Outcome], None]:
    """Pairs of a step's place and its outcome, the page being on disk by then. `steps` is read as there is room.

    concurrency: requests in flight. Where the budget ends, the run finishes what is in flight. Raises ProviderUnusable,
    LedgerError, and OutputError when a page cannot be written: every further answer would be paid for and lost.
    """

    async def make(step: Job | Outcome, on_disk: OnDisk) -> Outcome:
        if isinstance(step, Outcome):
            return step
        outcome = await generate(step, recipe, providers)
        stop_at_budget(outcome, stop)
        kept: Outcome = await on_disk(_keep, store, outcome)
        return kept

    done = run_steps(steps, make, concurrency, stop)
    async with aclosing(done):
        async for pair in done:
            yield pair


async def run_steps(
    steps: Iterable[S], make: Callable[[S, OnDisk], Coroutine[Any, Any, R]], concurrency: int, stop: Stop
) -> AsyncGenerator[tuple[int, R], None]:
    """Each step with its place. make: is handed what does something in a thread that may wait for the disk."""
    loop = asyncio.get_running_loop()

    async def on_disk(do: Callable[..., Any], *arguments: Any) -> Any:
        return await loop.run_in_executor(disk, do, *arguments)

    async def work(numbered: tuple[int, S]) -> R:
        return await make(numbered[1], on_disk)

    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="disk") as disk:
        running = map_unordered(enumerate(steps), work, concurrency=_IN_THE_MAKING * concurrency, stop=stop)
        async with aclosing(running):  # whatever ends this loop, nothing is left in flight
            async for (place, _), made in running:
                yield place, made


def stop_at_budget(outcome: Outcome, stop: Stop) -> None:
    if outcome.error and outcome.error.kind == BudgetReached.kind and not stop.requested:
        stop.request()  # once: what is in flight is finished


def _keep(store: Store, outcome: Outcome) -> Outcome:
    """Write the page, or keep what failed to be looked at."""
    if outcome.status is Status.FAILED:
        store.keep_failed(outcome)
    if outcome.draft is not None and not store.write(outcome.draft):
        return replace(outcome, status=Status.EXISTS, draft=None)
    return replace(outcome, draft=None)
