"""Many questions -> pages on disk: generate, write, and hand out what became of each as it is done."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from qtgen.engine import Stop, run_all
from qtgen.generator import Recipe, generate
from qtgen.planning import Job
from qtgen.records import Outcome, Provider, Status
from qtgen.store import Store


async def generate_all(
    jobs: Sequence[tuple[int, Job]], recipe: Recipe, provider: Provider, store: Store, *, concurrency: int, stop: Stop
) -> AsyncGenerator[tuple[int, Outcome], None]:
    """Pairs of a job's place and its outcome, the page being on disk by then.

    Raises ProviderUnusable, and OutputError when a page cannot be written: every further answer would be paid for and
    lost.
    """
    work = run_all(jobs, lambda job: generate(job[1], recipe, provider), concurrency=concurrency, stop=stop)
    async with aclosing(work):  # whatever ends this loop, nothing is left in flight
        async for (place, _), outcome in work:
            yield place, _keep(store, outcome)


def _keep(store: Store, outcome: Outcome) -> Outcome:
    """Write the page, or keep what failed to be looked at."""
    if outcome.status is Status.FAILED:
        store.keep_failed(outcome)
    if outcome.draft is not None and not store.write(outcome.draft):
        return replace(outcome, status=Status.EXISTS, draft=None)
    return replace(outcome, draft=None)
