"""Many stale pages -> the same pages rewritten on disk, returned as each one finishes."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace

from qtgen._util.concurrency import Stop
from qtgen.errors import Failure, PageConflict
from qtgen.generation.generator import GenerationConfig
from qtgen.generation.output import Store
from qtgen.generation.pipeline import OnDisk, run_steps, stop_at_budget
from qtgen.generation.types import Status
from qtgen.llm.types import Provider
from qtgen.regeneration.rewrite import RewriteJob, RewriteResult, key_of_attempt, rejected_record, rewrite


async def rewrite_all(
    steps: Iterable[RewriteJob | RewriteResult],
    recipe: GenerationConfig,
    providers: Sequence[Provider],
    judges: Sequence[Provider],
    store: Store,
    *,
    concurrency: int,
    stop: Stop,
    writes: bool = True,
    asks_again: bool = False,
) -> AsyncGenerator[tuple[int, RewriteResult], None]:
    """The same for stale pages. writes: else all is asked and compared, and no page changes; asks_again: also for pages
    of which the same attempt was not taken before.

    A page that changed, went or is read-only is a failed one among the others.
    """
    names = [provider.model for provider in providers], [judge.model for judge in judges]

    async def make(step: RewriteJob | RewriteResult, on_disk: OnDisk) -> RewriteResult:
        made = step if isinstance(step, RewriteResult) else await ask(step)
        kept: RewriteResult = await on_disk(keep, made)
        return kept

    async def ask(step: RewriteJob) -> RewriteResult:
        known = None if asks_again else store.rejected(step.path)
        if known and known.get("key") == key_of_attempt(step, recipe, *names):
            outcome = replace(step.blank, status=Status.KEPT, draft=step.fixed())
            return RewriteResult(step, outcome, why=f"{known.get('why')} (an earlier run; --fresh asks anew)")
        rewritten = await rewrite(step, recipe, providers, judges)
        stop_at_budget(rewritten.outcome, stop)
        return rewritten

    def keep(one: RewriteResult) -> RewriteResult:
        if one.rejected:
            key = key_of_attempt(one.revision, recipe, *names)
            store.keep_rejected(one.revision.path, rejected_record(one, key))
        return _replace(store, one) if writes else one

    done = run_steps(steps, make, concurrency, stop)
    async with aclosing(done):
        async for pair in done:
            yield pair


def _replace(store: Store, one: RewriteResult) -> RewriteResult:
    """Write the page again, or keep what failed to be looked at. The draft stays, for it can be shown."""
    outcome = one.outcome
    if outcome.status is Status.FAILED and outcome.attempts:
        store.keep_failed(outcome)
    if outcome.draft is None:
        return one
    try:
        store.rewrite(outcome.draft)
    except PageConflict as error:
        failed = replace(outcome, status=Status.FAILED, draft=None, error=Failure(error.kind, str(error)))
        return replace(one, outcome=failed)
    return one
