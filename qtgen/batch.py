"""Many questions -> pages on disk: generate, write, and hand out what became of each as it is done."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace

from qtgen.engine import Stop, run_all
from qtgen.errors import BudgetReached
from qtgen.generator import Recipe, generate
from qtgen.planning import Job
from qtgen.records import Outcome, Provider, Status
from qtgen.store import Store

_WRITERS = 8  # threads that wait for the disk
_IN_THE_MAKING = 2  # pages for every request in flight: some wait for the ledger, the disk, or another try


async def generate_all(
    steps: Iterable[Job | Outcome],
    recipe: Recipe,
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
    loop = asyncio.get_running_loop()

    async def work(numbered: tuple[int, Job | Outcome]) -> Outcome:
        _, step = numbered
        if isinstance(step, Outcome):
            return step
        outcome = await generate(step, recipe, providers)
        if outcome.error and outcome.error.kind == BudgetReached.kind and not stop.requested:
            stop.request()  # once: what is in flight is finished
        return await loop.run_in_executor(disk, _keep, store, outcome)

    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="disk") as disk:
        running = run_all(enumerate(steps), work, concurrency=_IN_THE_MAKING * concurrency, stop=stop)
        async with aclosing(running):  # whatever ends this loop, nothing is left in flight
            async for (place, _), outcome in running:
                yield place, outcome


def _keep(store: Store, outcome: Outcome) -> Outcome:
    """Write the page, or keep what failed to be looked at."""
    if outcome.status is Status.FAILED:
        store.keep_failed(outcome)
    if outcome.draft is not None and not store.write(outcome.draft):
        return replace(outcome, status=Status.EXISTS, draft=None)
    return replace(outcome, draft=None)
