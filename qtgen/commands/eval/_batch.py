"""Generate the pages of a suite through the provider's Batch API, all repeats in the same batches."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import replace

from qtgen.commands._batch import BatchFlags, BatchRounds
from qtgen.commands._options import open_ledger
from qtgen.commands._run import Item, Run, RunOptions
from qtgen.commands._stats import RunStats
from qtgen.commands.eval._live import RESUME
from qtgen.errors import Deferred, Failure
from qtgen.evaluation.suites.candidates import Candidate, generate_candidates, in_suite_order
from qtgen.evaluation.suites.suite import Suite
from qtgen.generation.config import GenerationConfig
from qtgen.generation.types import Outcome, Status
from qtgen.llm.batch.client import DeferredClient
from qtgen.llm.factory import concurrency
from qtgen.settings import Settings


def is_pending(candidate: Candidate) -> bool:
    """Return whether a candidate waits for a batch."""
    return candidate.error is not None and candidate.error.kind == Deferred.kind


def batch_candidates(
    suite: Suite, config: GenerationConfig, settings: Settings, repeats: int, flags: BatchFlags, *, resume: bool
) -> list[Candidate]:
    """Return the candidates of all repeats. Those that wait for a batch have an error of the kind `pending`.

    No answer of another run is used, unless this one resumes it. Raises Interrupted, ProviderError, LedgerError and
    SettingsError.
    """
    total = repeats * len(suite.references)
    options = RunOptions(settings, total, "page", resume=RESUME, accepts_pending=True, writes_pages=False)
    with open_ledger(settings) as ledger:
        scope = ledger.batches.scope(f"eval {suite.name}", renew=not resume)
        work = _Repeats(suite, config, settings, repeats)
        Run(options, ledger).execute(BatchRounds(work, settings, flags, total, scope=scope))
    return in_suite_order(suite, [*work.candidates.values()])


class _Repeats:
    """The work of the run loop: a page for each reference and repeat."""

    def __init__(self, suite: Suite, config: GenerationConfig, settings: Settings, repeats: int) -> None:
        self._suite, self._config, self._settings, self._repeats = suite, config, settings, repeats
        self.candidates: dict[int, Candidate] = {}

    async def items(self, run: Run) -> AsyncGenerator[Item, None]:
        """Yield each page as it finishes."""
        async with run.open_models() as models:
            for repeat in range(1, self._repeats + 1):
                first = (repeat - 1) * len(self._suite.references)
                places = [place for place in range(len(self._suite.references)) if not run.is_finished(first + place)]
                suite = replace(self._suite, references=tuple(self._suite.references[place] for place in places))
                positions = {
                    reference.id: first + place for reference, place in zip(suite.references, places, strict=True)
                }
                providers = [
                    client.for_repeat(repeat) for client in models.clients if isinstance(client, DeferredClient)
                ]
                limit = concurrency(self._settings)
                pages = generate_candidates(
                    suite, self._config, providers, repeat=repeat, concurrency=limit, stop=models.stop
                )
                async with aclosing(pages):
                    async for candidate, outcome in pages:
                        position = positions[candidate.reference.id]
                        self.candidates[position] = candidate
                        yield Item(position, outcome, {})

    def unfinished(self, failure: Failure, is_finished: Callable[[int], bool]) -> Iterable[Item]:
        """Yield the pages that the run did not get to."""
        for position in range(self._repeats * len(self._suite.references)):
            if not is_finished(position):
                repeat, place = divmod(position, len(self._suite.references))
                reference = self._suite.references[place]
                self.candidates[position] = Candidate(reference, repeat + 1, error=failure)
                yield Item(position, Outcome(reference.question, Status.SKIPPED, error=failure), {})

    def notes(self, stats: RunStats) -> Iterable[str]:  # noqa: ARG002  # the run loop's signature
        """Return no lines: the report says where the results are."""
        return ()
