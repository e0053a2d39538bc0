"""Many questions -> pages on disk, many stale pages -> the same written again, handed out as each is done."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from qtgen.engine import Stop, run_all
from qtgen.errors import BudgetReached, PageInTheWay
from qtgen.generator import Recipe, generate
from qtgen.planning import Job
from qtgen.records import Failure, Outcome, Provider, Status
from qtgen.rewriting import Revision, Rewritten, key_of_attempt, rejected_record, rewrite
from qtgen.store import Store

_WRITERS = 8  # threads that wait for the disk
_IN_THE_MAKING = 2  # pages for every request in flight: some wait for the ledger, the disk, or another try

S = TypeVar("S")
R = TypeVar("R")
OnDisk = Callable[..., Coroutine[Any, Any, Any]]


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

    async def make(step: Job | Outcome, on_disk: OnDisk) -> Outcome:
        if isinstance(step, Outcome):
            return step
        outcome = await generate(step, recipe, providers)
        _end_with_the_budget(outcome, stop)
        kept: Outcome = await on_disk(_keep, store, outcome)
        return kept

    done = _many(steps, make, concurrency, stop)
    async with aclosing(done):
        async for pair in done:
            yield pair


async def rewrite_all(
    steps: Iterable[Revision | Rewritten],
    recipe: Recipe,
    providers: Sequence[Provider],
    judges: Sequence[Provider],
    store: Store,
    *,
    concurrency: int,
    stop: Stop,
    writes: bool = True,
    asks_again: bool = False,
) -> AsyncGenerator[tuple[int, Rewritten], None]:
    """The same for stale pages. writes: else all is asked and compared, and no page changes; asks_again: also for pages
    of which the same attempt was not taken before.

    A page that changed, went or is read-only is a failed one among the others.
    """
    names = [provider.model for provider in providers], [judge.model for judge in judges]

    async def make(step: Revision | Rewritten, on_disk: OnDisk) -> Rewritten:
        made = step if isinstance(step, Rewritten) else await ask(step)
        kept: Rewritten = await on_disk(keep, made)
        return kept

    async def ask(step: Revision) -> Rewritten:
        known = None if asks_again else store.rejected(step.path)
        if known and known.get("key") == key_of_attempt(step, recipe, *names):
            outcome = replace(step.blank, status=Status.KEPT, draft=step.fixed())
            return Rewritten(step, outcome, why=f"{known.get('why')} (an earlier run; --fresh asks anew)")
        rewritten = await rewrite(step, recipe, providers, judges)
        _end_with_the_budget(rewritten.outcome, stop)
        return rewritten

    def keep(one: Rewritten) -> Rewritten:
        if one.rejected:
            key = key_of_attempt(one.revision, recipe, *names)
            store.keep_rejected(one.revision.path, rejected_record(one, key))
        return _replace(store, one) if writes else one

    done = _many(steps, make, concurrency, stop)
    async with aclosing(done):
        async for pair in done:
            yield pair


async def _many(
    steps: Iterable[S], make: Callable[[S, OnDisk], Coroutine[Any, Any, R]], concurrency: int, stop: Stop
) -> AsyncGenerator[tuple[int, R], None]:
    """Each step with its place. make: is handed what does something in a thread that may wait for the disk."""
    loop = asyncio.get_running_loop()

    async def on_disk(do: Callable[..., Any], *arguments: Any) -> Any:
        return await loop.run_in_executor(disk, do, *arguments)

    async def work(numbered: tuple[int, S]) -> R:
        return await make(numbered[1], on_disk)

    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="disk") as disk:
        running = run_all(enumerate(steps), work, concurrency=_IN_THE_MAKING * concurrency, stop=stop)
        async with aclosing(running):  # whatever ends this loop, nothing is left in flight
            async for (place, _), made in running:
                yield place, made


def _end_with_the_budget(outcome: Outcome, stop: Stop) -> None:
    if outcome.error and outcome.error.kind == BudgetReached.kind and not stop.requested:
        stop.request()  # once: what is in flight is finished


def _keep(store: Store, outcome: Outcome) -> Outcome:
    """Write the page, or keep what failed to be looked at."""
    if outcome.status is Status.FAILED:
        store.keep_failed(outcome)
    if outcome.draft is not None and not store.write(outcome.draft):
        return replace(outcome, status=Status.EXISTS, draft=None)
    return replace(outcome, draft=None)


def _replace(store: Store, one: Rewritten) -> Rewritten:
    """Write the page again, or keep what failed to be looked at. The draft stays, for it can be shown."""
    outcome = one.outcome
    if outcome.status is Status.FAILED and outcome.attempts:
        store.keep_failed(outcome)
    if outcome.draft is None:
        return one
    try:
        store.rewrite(outcome.draft)
    except PageInTheWay as error:
        failed = replace(outcome, status=Status.FAILED, draft=None, error=Failure(error.kind, str(error)))
        return replace(one, outcome=failed)
    return one
