"""Run many jobs at once and write their pages, yielding each outcome as it finishes."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, nullcontext
from dataclasses import replace
from typing import Any, TypeVar

from qtgen._util.concurrency import ReadAhead, Stop, map_unordered
from qtgen.errors import BudgetReached, Interrupted
from qtgen.generation.answer_brake import AnswerBrake
from qtgen.generation.answer_candidates import Selector
from qtgen.generation.config import GenerationConfig
from qtgen.generation.generator import generate_page
from qtgen.generation.output import OutputFolder
from qtgen.generation.page_writer import PageWriter
from qtgen.generation.plan import Job
from qtgen.generation.types import Outcome, Status
from qtgen.llm.types import Completion, Prompt, PromptStyle, Provider

_WRITERS = 8  # threads that wait for the disk
_READ_AHEAD = 32  # rows
_JOBS_PER_REQUEST = 2  # for each request in flight, a second job waits for the ledger, the disk or another attempt

Step = TypeVar("Step")
Result = TypeVar("Result")
RunOnDisk = Callable[..., Coroutine[Any, Any, Any]]
"""Calls a function with its arguments in a thread, because it may wait for the disk."""


async def generate_pages(
    steps: Iterable[Job | Outcome],
    config: GenerationConfig,
    providers: Sequence[Provider],
    output: OutputFolder | None,
    *,
    concurrency: int,
    stop: Stop,
    selector: Selector | None = None,
    brake: AnswerBrake | None = None,
) -> AsyncGenerator[tuple[int, Outcome], None]:
    """Yield the position and the outcome of each step as it finishes. `steps` is read only as fast as there is room.

    Once the budget is reached, a stop is requested or an error ends the run, no further job starts, and what is in
    flight finishes. Then the error is raised.

    Args:
        steps: Jobs, and outcomes that pass through.
        config: How pages are made.
        providers: The model and its fallbacks.
        output: Where pages are written; None to leave each page in its outcome's draft.
        concurrency: Maximum number of requests in flight.
        stop: The run's stop request.
        selector: Chooses between several candidates; None to choose by the checks.
        brake: Ends the run if the first answers all have the same fault.

    Raises ProviderUnusable, LedgerError, and OutputError if a page cannot be written, because every further answer
    would be paid for and lost.
    """

    stoppable = [StoppableProvider(provider, stop) for provider in providers]

    async def make(step: Job | Outcome, run_on_disk: RunOnDisk) -> Outcome:
        if isinstance(step, Outcome):
            return step
        outcome = await generate_page(step, config, stoppable, selector, brake)
        if output is None or writer is None:
            return outcome
        if outcome.draft is None:
            await run_on_disk(_save_answers, output, outcome)
        elif not await writer.write(outcome.draft):
            return replace(outcome, status=Status.EXISTS, draft=None)
        elif outcome.other_answers:
            await run_on_disk(_save_answers, output, outcome)
        return replace(outcome, draft=None)

    results = run_steps(
        steps, make, concurrency=concurrency, stop=stop, ends_run=is_budget_reached, read_ahead=_READ_AHEAD
    )
    try:
        with PageWriter(output) if output else nullcontext() as writer:
            async with aclosing(results):
                async for pair in results:
                    yield pair
    finally:
        if output:
            output.remove_empty_folders()


async def run_steps(
    steps: Iterable[Step],
    make: Callable[[Step, RunOnDisk], Coroutine[Any, Any, Result]],
    *,
    concurrency: int,
    stop: Stop,
    ends_run: Callable[[Result], bool],
    read_ahead: int = 1,
) -> AsyncGenerator[tuple[int, Result], None]:
    """Yield the position and the result of each step as it finishes.

    Args:
        steps: The steps. They are read in a thread.
        make: Turns a step into its result.
        concurrency: Maximum number of requests in flight.
        stop: The run's stop request.
        ends_run: Tells whether a result means that no further step may start.
        read_ahead: How many steps are read at a time.
    """
    loop = asyncio.get_running_loop()
    is_over = False

    def numbered() -> Iterator[tuple[int, Step]]:
        for pair in enumerate(steps):
            if is_over:
                return
            yield pair

    async def run_on_disk(function: Callable[..., Any], *arguments: Any) -> Any:
        return await loop.run_in_executor(disk, function, *arguments)

    async def work(pair: tuple[int, Step]) -> Result:
        nonlocal is_over
        if is_over:  # it was read ahead
            raise Interrupted("the run ended before the request was sent")
        result = await make(pair[1], run_on_disk)
        is_over = is_over or ends_run(result)
        return result

    with (
        ThreadPoolExecutor(_WRITERS, thread_name_prefix="disk") as disk,
        ThreadPoolExecutor(1, thread_name_prefix="steps") as reader,
    ):
        pairs = ReadAhead(numbered(), reader, read_ahead)
        results = map_unordered(pairs, work, concurrency=_JOBS_PER_REQUEST * concurrency, stop=stop)
        async with aclosing(results):  # whatever ends this loop, nothing stays in flight
            async for (position, _), result in results:
                yield position, result


class StoppableProvider:
    """A provider whose `complete` raises Interrupted once a stop was requested, instead of sending a request."""

    def __init__(self, provider: Provider, stop: Stop) -> None:
        self.name = provider.name
        self.model = provider.model
        self.reject = provider.reject
        self.forget = provider.forget
        self._provider = provider
        self._stop = stop

    @property
    def style(self) -> PromptStyle:
        """How prompts for the model are written now."""
        return self._provider.style

    async def complete(self, prompt: Prompt) -> Completion:
        """Complete a prompt. Raises Interrupted after a stop was requested."""
        if self._stop.requested:
            raise Interrupted("the run was interrupted before the request was sent")
        return await self._provider.complete(prompt)


def is_budget_reached(outcome: Outcome) -> bool:
    """Return whether an outcome says that the budget is used up."""
    return outcome.error is not None and outcome.error.kind == BudgetReached.kind


def _save_answers(output: OutputFolder, outcome: Outcome) -> None:
    """Save a failed outcome for inspection, or the answers that were not chosen."""
    if outcome.status is Status.FAILED:
        output.keep_failed(outcome)
    if outcome.other_answers:
        output.keep_other_answers(outcome)
