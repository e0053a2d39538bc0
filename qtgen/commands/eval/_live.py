"""Live requests of `eval run`: generate a suite's pages and let judges score them.

Everything is recorded while it runs. A run that fails leaves its recording behind, and the next one continues it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from qtgen._util.concurrency import Stop, stop_on_interrupt
from qtgen.commands._options import open_ledger
from qtgen.commands._output import note
from qtgen.commands._run import Item, Run, RunOptions
from qtgen.commands._sharing import work_of
from qtgen.commands._stats import RunStats
from qtgen.commands._steps import progress_after
from qtgen.errors import Failure, Interrupted, ProviderUnusable
from qtgen.evaluation.judging.panel import (
    JUDGE_CONCURRENCY,
    JudgedResult,
    JudgePlan,
    Panel,
    PanelLog,
    judge_candidates,
)
from qtgen.evaluation.offline import replay_settings
from qtgen.evaluation.scoring import SampleResult
from qtgen.evaluation.suites.candidates import Candidate, generate_candidates, in_suite_order
from qtgen.evaluation.suites.recordings import Recording, RecordingProvider
from qtgen.evaluation.suites.suite import Suite
from qtgen.generation.config import GenerationConfig
from qtgen.generation.types import Outcome, Status
from qtgen.llm.budget import Budget
from qtgen.llm.cassettes import strict_client
from qtgen.llm.factory import concurrency, endpoints_for, open_clients
from qtgen.llm.ledger import LedgerGroup, Work, open_writer
from qtgen.llm.shared_limits import shared_budget
from qtgen.llm.types import Completion, Prompt, PromptStyle, Provider
from qtgen.settings import Settings

RESUME = "run the same command with --resume to continue"


class LiveSession:
    """One live run of a suite, which keeps to one budget for all its requests."""

    def __init__(self, suite: Suite, config: GenerationConfig, settings: Settings, repeats: int) -> None:
        self.suite, self.config, self.settings, self.repeats = suite, config, settings, repeats
        self._group: str | None = None  # of the session's runs in the ledger

    def generate(self, recording: Recording) -> list[Candidate]:
        """Return the candidates of all repeats; those that the budget did not allow have an error.

        Every request is entered in the ledger, and no response of an earlier run is used. Each repeat is a run of its
        own in the ledger, which would otherwise answer the repeated requests. Raises Interrupted, ProviderUnusable,
        LedgerError and SettingsError.
        """
        candidates: list[Candidate] = []
        for repeat in range(1, self.repeats + 1):
            work = _RepeatWork(self.suite, self.config, self.settings, repeat, recording)
            total = len(self.suite.references)
            options = RunOptions(self.settings, total, "page", fresh=True, resume=RESUME, work=self._work())
            with open_ledger(self.settings) as ledger:
                try:
                    Run(options, ledger).execute(work)
                finally:
                    self._group = work.group.id if work.group else self._group
            candidates += work.candidates
        return in_suite_order(self.suite, candidates)

    async def judge(
        self,
        candidates: Sequence[Candidate],
        results: Sequence[SampleResult],
        plan: JudgePlan,
        recording: Recording | None,
        *,
        fresh: bool = False,
        spent: float = 0.0,
        remedy: str | None = None,
    ) -> Panel:
        """Return the results with the metrics of live judges.

        If the judges become unusable, the remaining results have notes that give the reason.

        Args:
            candidates: The pages.
            results: Their scores.
            plan: The judges and their judgements.
            recording: Where the requests are recorded. Without it, qtgen reuses earlier judgements from the ledger.
            fresh: Whether to request judgements again that the ledger has.
            spent: US dollars of the budget that the pages used outside this session.
            remedy: How to resume after an interruption.

        Raises Interrupted, LedgerError and SettingsError.
        """
        settings = self.settings.model_copy(update={"model": plan.models})
        fresh = fresh or recording is not None
        stop = Stop()
        log = PanelLog(candidates, results, plan)
        with progress_after("Judging", len(results)) as step, stop_on_interrupt(note, stop):
            # Each repeat is a run of its own, as in `generate`.
            for _, group in groupby(range(len(results)), key=lambda index: candidates[index].repeat):
                indices = list(group)
                pages, scores = [candidates[index] for index in indices], [results[index] for index in indices]
                work = _JudgeWork(pages, scores, plan, settings, fresh, spent)
                spent = 0.0  # the first repeat has told the ledger, so the others count it
                try:
                    async for index, judged in self._judge_repeat(work, recording, stop):
                        log.add(indices[index], judged)
                        step.advance()
                except Interrupted:  # the count below says what is missing
                    pass
                except ProviderUnusable as error:
                    log.end(error)
                    break
        if log.remaining:
            message = f"interrupted with {log.remaining:,} of {len(results):,} pages not judged"
            raise Interrupted(message, remedy=remedy)
        return log.panel()

    async def _judge_repeat(
        self, work: "_JudgeWork", recording: Recording | None, stop: Stop
    ) -> AsyncIterator[tuple[int, JudgedResult]]:
        settings = work.settings
        budget = Budget(settings.budget)
        budget.spent = work.spent
        with open_ledger(settings) as ledger:
            async with AsyncExitStack() as stack:
                writing = open_writer(ledger, fresh=work.fresh, stop=stop, work=self._work())
                writer = await stack.enter_async_context(writing)
                self._group = writer.group.id if writer.group else self._group
                await stack.enter_async_context(shared_budget(budget, writer.group, stop))
                clients = await stack.enter_async_context(open_clients(settings, writer, budget, stop))
                judges = await stack.enter_async_context(_resumed(clients, settings, recording, _Costless))
                pages_at_once = min(concurrency(settings), JUDGE_CONCURRENCY)
                async for index, judged in judge_candidates(
                    work.candidates, work.results, judges, work.plan, concurrency=pages_at_once, stop=stop
                ):
                    yield index, judged
                for client in clients:
                    if unusable := client.brake.verdict():
                        raise unusable

    def _work(self) -> Work:
        """Return what the session works on. All its runs share one budget."""
        facts = {"suite": self.suite.digest, "repeats": self.repeats}
        return replace(work_of("eval run", self.settings, self.config, facts), group=self._group)


class _JudgeWork(NamedTuple):
    """Judge the pages of one repeat."""

    candidates: Sequence[Candidate]
    results: Sequence[SampleResult]
    plan: JudgePlan
    settings: Settings
    fresh: bool
    spent: float


class _RepeatWork:
    """The work of the run loop for one repeat: a page for each reference."""

    def __init__(
        self, suite: Suite, config: GenerationConfig, settings: Settings, repeat: int, recording: Recording
    ) -> None:
        self._suite, self._config, self._settings = suite, config, settings
        self._repeat, self._recording = repeat, recording
        self.candidates: list[Candidate] = []
        self.group: LedgerGroup | None = None

    async def items(self, run: Run) -> AsyncGenerator[Item, None]:
        """Yield each page as it finishes."""
        positions = {reference.id: position for position, reference in enumerate(self._suite.references)}
        async with run.open_models() as models, _resumed(models.clients, self._settings, self._recording) as providers:
            self.group = models.writer.group
            pages = generate_candidates(
                self._suite,
                self._config,
                providers,
                repeat=self._repeat,
                concurrency=concurrency(self._settings),
                stop=models.stop,
            )
            async with aclosing(pages):
                async for candidate, outcome in pages:
                    self.candidates.append(candidate)
                    yield Item(positions[candidate.reference.id], outcome, {})

    def unfinished(self, failure: Failure, is_finished: Callable[[int], bool]) -> Iterable[Item]:
        """Yield the pages that the run did not get to."""
        for position, reference in enumerate(self._suite.references):
            if not is_finished(position):
                self.candidates.append(Candidate(reference, self._repeat, error=failure))
                yield Item(position, Outcome(reference.question, Status.SKIPPED, error=failure), {})

    def notes(self, stats: RunStats) -> Iterable[str]:  # noqa: ARG002  # the run loop's signature
        """Return no lines: the report says where the results are."""
        return ()


class _Costless:
    """A provider whose responses cost nothing, because an earlier run has paid for them."""

    def __init__(self, provider: Provider) -> None:
        self.name, self.model, self._provider = provider.name, provider.model, provider

    @property
    def style(self) -> PromptStyle:
        return self._provider.style

    async def complete(self, prompt: Prompt) -> Completion:
        """Return the response without its cost. Raises as the provider does."""
        completion = await self._provider.complete(prompt)
        usage, lost = (replace(part, cost_usd=0.0, reported_usd=None) for part in (completion.usage, completion.lost))
        return replace(completion, usage=usage, lost=lost)

    def reject(self, completion: Completion) -> None:
        self._provider.reject(completion)

    def forget(self, completion: Completion) -> None:
        self._provider.forget(completion)


@asynccontextmanager
async def _resumed(
    clients: Sequence[Provider],
    settings: Settings,
    recording: Recording | None,
    wrap: Callable[[Provider], Provider] = lambda provider: provider,
) -> AsyncIterator[list[Provider]]:
    """Replay recorded responses first, and record the responses to other requests.

    `wrap` changes how recordings are answered.
    """
    if recording is None:
        yield list(clients)
        return
    async with AsyncExitStack() as stack:
        endpoints = endpoints_for(replay_settings(settings))
        recorded = [await stack.enter_async_context(strict_client(endpoint, recording)) for endpoint in endpoints]
        yield [RecordingProvider(wrap(first), live, recording) for first, live in zip(recorded, clients, strict=True)]
