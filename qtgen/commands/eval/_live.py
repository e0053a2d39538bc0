"""Live requests of `eval run`: generate a suite's pages and let judges score them, with progress and a budget.

Everything is recorded while it runs. An interrupted run leaves its recording behind, and `--resume` continues it.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from qtgen._util.concurrency import Stop, stop_on_interrupt
from qtgen.commands import _progress as progress
from qtgen.commands._delayed_progress import progress_after
from qtgen.commands._options import open_book
from qtgen.commands._output import note
from qtgen.commands._run import asking
from qtgen.errors import BudgetReached, Failure, Interrupted
from qtgen.evaluation.candidates import Candidate, generate_candidates, in_suite_order
from qtgen.evaluation.offline import replay_settings
from qtgen.evaluation.recordings import Recording, ResumedProvider
from qtgen.evaluation.runner import JUDGE_CONCURRENCY, judge_candidates
from qtgen.evaluation.scoring import SampleResult
from qtgen.evaluation.suites import Suite
from qtgen.generation.generator import GenerationConfig
from qtgen.llm.budget import Budget
from qtgen.llm.cassettes import strict_client
from qtgen.llm.client import Client
from qtgen.llm.factory import concurrency, endpoints_for, open_clients
from qtgen.llm.ledger import opened
from qtgen.llm.types import Provider
from qtgen.settings import Settings, project_folder

RESUME = "run the same command with --resume to continue"


def live_cassette(suite: Suite) -> Path:
    """Return the cassette of a live run, which is kept only while the run is unfinished."""
    return project_folder() / ".qtgen" / "eval" / f"{suite.name}-live.yaml"


@dataclass(frozen=True, slots=True)
class LiveSession:
    """One live run of a suite. `budget` counts what all its requests cost."""

    suite: Suite
    config: GenerationConfig
    settings: Settings
    repeats: int
    budget: Budget

    async def generate(self, recording: Recording) -> list[Candidate]:
        """Return the candidates of all repeats; those that the budget did not allow have an error.

        Every request is entered in the ledger, and no response of an earlier run is used. Raises Interrupted,
        ProviderUnusable, LedgerError and SettingsError.
        """
        candidates: list[Candidate] = []
        total = len(self.suite.references) * self.repeats
        stats = progress.RunStats(total, self.budget, self.settings.tpm)
        is_stopped = False
        try:
            with progress.display(stats) as display:
                async with progress.ticking(display):
                    for repeat in range(1, self.repeats + 1):
                        if not is_stopped:
                            is_stopped = await self._generate_repeat(repeat, recording, stats, display, candidates)
        finally:
            note(progress.summary(stats))
        has_budget_error = any(_is_budget_error(candidate) for candidate in candidates)
        if is_stopped and len(candidates) < total and not has_budget_error:
            left = total - len(candidates)
            raise Interrupted(f"interrupted with {left:,} of {total:,} pages left", remedy=RESUME)
        if has_budget_error:
            note(f"{self.budget.used_up()}; raise --budget and add --resume to continue")
        return in_suite_order(self.suite, [*candidates, *self._left_by_budget(candidates)])

    async def _generate_repeat(
        self,
        repeat: int,
        recording: Recording,
        stats: progress.RunStats,
        display: progress.Display,
        candidates: list[Candidate],
    ) -> bool:
        """Add the candidates of one repeat; return whether the run was stopped.

        Each repeat is a run of its own in the ledger, which would otherwise answer the repeated requests.
        """
        settings = self.settings
        with open_book(settings) as ledger:
            async with AsyncExitStack() as stack:
                clients, _, stop = await stack.enter_async_context(
                    asking(settings, ledger, self.budget, stats, display, fresh=True)
                )
                providers = await stack.enter_async_context(_resumed(clients, settings, recording))
                pages = generate_candidates(
                    self.suite, self.config, providers, repeat=repeat, concurrency=concurrency(settings), stop=stop
                )
                with suppress(Interrupted):  # of requests that were not sent yet; the caller counts what is missing
                    async for candidate, outcome in pages:
                        candidates.append(candidate)
                        stats.add(outcome)
                        display.update(outcome)
                return stop.requested

    def _left_by_budget(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        done = {(candidate.reference.id, candidate.repeat) for candidate in candidates}
        error = Failure(BudgetReached.kind, self.budget.used_up())
        return [
            Candidate(reference, repeat, error=error)
            for repeat in range(1, self.repeats + 1)
            for reference in self.suite.references
            if (reference.id, repeat) not in done
        ]

    async def judge(
        self,
        candidates: Sequence[Candidate],
        results: Sequence[SampleResult],
        judges: Sequence[str],
        recording: Recording | None,
        remedy: str | None = None,
    ) -> list[SampleResult]:
        """Return the results with the metrics of live judges.

        Without a recording, the ledger answers what these judges were asked before. `remedy` says how to resume after
        an interruption. Raises as `generate` does.
        """
        settings = self.settings.model_copy(update={"model": tuple(judges)})
        budget = self._remaining_budget()
        judged = list(results)
        done = 0
        with progress_after("Judging", len(results)) as advance, stop_on_interrupt(note) as stop:
            # Each repeat is a run of its own, as in `generate`.
            for _, group in groupby(range(len(results)), key=lambda index: candidates[index].repeat):
                indices = list(group)
                pages, scores = [candidates[index] for index in indices], [results[index] for index in indices]
                with suppress(Interrupted):  # the count below says what is missing
                    async for index, result in self._judge_repeat(pages, scores, settings, budget, recording, stop):
                        judged[indices[index]] = result
                        done += 1
                        advance()
        if done < len(results):
            message = f"interrupted with {len(results) - done:,} of {len(results):,} pages not judged"
            raise Interrupted(message, remedy=remedy)
        return judged

    async def _judge_repeat(
        self,
        candidates: Sequence[Candidate],
        results: Sequence[SampleResult],
        settings: Settings,
        budget: Budget,
        recording: Recording | None,
        stop: Stop,
    ) -> AsyncIterator[tuple[int, SampleResult]]:
        with open_book(settings) as ledger:
            async with AsyncExitStack() as stack:
                writer = await stack.enter_async_context(opened(ledger, fresh=recording is not None))
                clients = await stack.enter_async_context(open_clients(settings, writer, budget))
                judges = await stack.enter_async_context(_resumed(clients, settings, recording))
                pages_at_once = min(concurrency(settings), JUDGE_CONCURRENCY)
                judged = judge_candidates(candidates, results, judges, concurrency=pages_at_once, stop=stop)
                async for index, result in judged:
                    yield index, result

    def _remaining_budget(self) -> Budget:
        """Return a budget of what is left: a budget belongs to one event loop."""
        limit = self.budget.limit
        return Budget(None if limit is None else max(0.0, limit - self.budget.spent))


@asynccontextmanager
async def _resumed(
    clients: Sequence[Client], settings: Settings, recording: Recording | None
) -> AsyncIterator[list[Provider]]:
    """Let an interrupted recording answer first, if there is one."""
    if recording is None or not recording.resumed:
        yield list(clients)
        return
    async with AsyncExitStack() as stack:
        endpoints = endpoints_for(replay_settings(settings))
        recorded = [await stack.enter_async_context(strict_client(endpoint, recording)) for endpoint in endpoints]
        yield [ResumedProvider(first, second) for first, second in zip(recorded, clients, strict=True)]


def _is_budget_error(candidate: Candidate) -> bool:
    return candidate.error is not None and candidate.error.kind == BudgetReached.kind
