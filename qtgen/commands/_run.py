"""The run loop of commands that send requests: jobs in, outcomes out.

A command passes its `Work` to `Run.execute`. That shows progress, collects the JSON lines, ends the run when the budget
is used up or a signal arrives, prints the summary and returns the exit code.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from qtgen._util.concurrency import Stop, stop_on_interrupt
from qtgen._util.credentials import masked_address
from qtgen._util.text import money, pluralize
from qtgen.commands._echo import echo
from qtgen.commands._json_lines import JsonLines
from qtgen.commands._output import note
from qtgen.commands._page_findings import PageFindings
from qtgen.commands._progress import Display, open_display, ticking
from qtgen.commands._stats import RunStats
from qtgen.commands._work import Item, Models, RunOptions, Work
from qtgen.errors import (
    BadRequest,
    BudgetReached,
    Denied,
    Failure,
    Interrupted,
    ProviderUnusable,
    QtgenError,
    UsageError,
)
from qtgen.generation.repair_loop import INTERRUPTED
from qtgen.generation.types import Outcome, Status
from qtgen.llm.budget import Budget
from qtgen.llm.factory import endpoints_for, needs_fetch, open_clients
from qtgen.llm.ledger import Ledger, open_writer
from qtgen.llm.providers import provider_name
from qtgen.llm.shared_limits import shared_budget
from qtgen.llm.types import Provider
from qtgen.settings import Settings

if TYPE_CHECKING:
    from qtgen.commands._batch import BatchRounds

__all__ = ["REJECTED", "Item", "Models", "Run", "RunOptions", "Work", "describe_models", "require_prices"]

_SOON = 1.0  # seconds; what finishes sooner is not announced
REJECTED = frozenset({BadRequest.kind, Denied.kind})
"""Kinds of failures that concern one item, or all of them."""


class Run:
    """One run of a command.

    Attributes:
        has_left_items: Tells whether this process has taken items from another one that it did not finish.
        rounds: The rounds of a batch run.
    """

    def __init__(self, options: RunOptions, ledger: Ledger) -> None:
        self.options, self.ledger = options, ledger
        self.budget = Budget(options.settings.budget)
        self.findings = PageFindings()
        self.stats = RunStats(options.total, self.budget, options.settings.tpm)
        self._stop: Stop | None = None
        self._display: Display | None = None
        self._rejected: list[Outcome] = []
        self._elsewhere = bytearray(options.total)  # 1 for each item that another process had
        self.has_left_items: Callable[[], bool] = lambda: False
        self.rounds: BatchRounds | None = None

    def is_finished(self, position: int) -> bool:
        """Return whether an earlier round of a batch run has finished an item."""
        return self.rounds is not None and self.rounds.is_finished(position)

    def say(self, message: str) -> None:
        """Print a line that stays on the screen above the progress."""
        if self._display:
            self._display.say(message)
        else:
            note(message)

    def execute(self, work: Work) -> int:
        """Do the work and return the exit code.

        Raises Interrupted if a signal ended the run before all items were finished, and what `work.items` raises.
        """
        with JsonLines(self.options.total, is_printed=self.options.as_json) as lines:
            try:
                return asyncio.run(self._run(work, lines))
            finally:  # also if the run ended early
                for line in lines if self.options.as_json else ():
                    echo(line)

    async def _run(self, work: Work, lines: JsonLines) -> int:
        fatal: QtgenError | None = None
        try:
            with open_display(self.stats) as display:
                self._display = display
                try:
                    async with ticking(display), aclosing(work.items(self)) as items:
                        async for item in items:
                            if self._is_cut_short(item.outcome):
                                self._add(self._with_failure(item), lines)
                            else:
                                self._add(item, lines)
                                self._show(item.outcome)
                except QtgenError as error:
                    fatal = error
                fatal = fatal or self._verdict()
                self._show_rejected(fatal)
            if failure := self._early_end():
                for item in work.unfinished(failure, lambda number: number in lines and not self._elsewhere[number]):
                    self._add(item, lines)
        finally:
            self._display = None
            self.findings.print()
            for line in (*self.stats.summary(), *work.notes(self.stats)):
                note(line)
        if fatal:
            raise fatal
        return self._exit_code()

    def _add(self, item: Item, lines: JsonLines) -> None:
        """Count an item. Its last outcome counts: a process that had it elsewhere may have died."""
        if self._elsewhere[item.position]:
            self.stats.counts[Status.ELSEWHERE] -= 1
        self._elsewhere[item.position] = item.outcome.status is Status.ELSEWHERE
        lines.add(item.position, item.record)
        self.stats.add(item.outcome)
        if self.options.writes_pages:
            self.findings.add(item.outcome)

    def _is_cut_short(self, outcome: Outcome) -> bool:
        """Return True for an item that an error of the run cut short."""
        is_interrupted = outcome.error is not None and outcome.error.kind == Interrupted.kind
        return is_interrupted and self._stop is not None and self._stop.failure is not None

    def _with_failure(self, item: Item) -> Item:
        """Return an item that could not continue, with what it has cost and the error that ended the run."""
        failure = self._early_end() or INTERRUPTED
        record = {**item.record, **({"error": asdict(failure)} if "error" in item.record else {})}
        return Item(item.position, replace(item.outcome, error=failure), record)

    def _show(self, outcome: Outcome) -> None:
        """Show an outcome. Rejected items are shown once it is clear that they say nothing about the others."""
        if outcome.error and outcome.error.kind in REJECTED and not self.stats.counts[Status.WRITTEN]:
            self._rejected.append(outcome)
        elif self._display:
            if outcome.status is Status.WRITTEN and self._rejected:
                self._show_rejected()
            self._display.update(outcome)

    def _show_rejected(self, fatal: QtgenError | None = None) -> None:
        """Show the items that were rejected, except those about which the error that ends the run says the same."""
        for outcome in self._rejected:
            is_repeated = fatal and outcome.error and outcome.error.message in str(fatal)
            if self._display and not is_repeated:
                self._display.update(outcome)
        self._rejected.clear()

    def _verdict(self) -> ProviderUnusable | None:
        """Return the error of a run whose requests were all rejected, or None."""
        if self.stats.counts[Status.WRITTEN] or not self.stats.counts[Status.FAILED]:
            return None
        return next((verdict for client in self.stats.clients if (verdict := client.brake.verdict())), None)

    def _early_end(self) -> Failure | None:
        """Return why the run ended before all items were finished, or None if it did not."""
        if self._stop and self._stop.failure:
            error = self._stop.failure
            return Failure(getattr(error, "kind", "bug"), f"the run ended: {error}")
        is_complete = self.stats.done >= self.options.total and not self.has_left_items()
        if self._stop and self._stop.requested and not is_complete:
            return INTERRUPTED
        if self.stats.failures[BudgetReached.kind]:
            return Failure(BudgetReached.kind, f"the budget of {money(self.budget.limit)} is used up")
        return None

    def _exit_code(self) -> int:
        total = pluralize(self.options.total, self.options.noun)
        if pending := self.stats.counts[Status.PENDING]:
            remedy = "`qtgen batch collect` records finished ones, and the same command then writes the pages"
            note(f"{pending:,} of {total} pending: their requests are in batches; {remedy}")
        if left := self.stats.failures[Interrupted.kind]:
            raise Interrupted(f"interrupted with {left:,} of {total} left", remedy=self.options.resume)
        if left := self.stats.failures[BudgetReached.kind]:
            echo(
                f"the budget of {money(self.budget.limit)} is used up with {left:,} of {total} left; "
                f"raise --budget and {self.options.resume}",
                err=True,  # also with --quiet, because it explains the exit code
            )
            return 1
        return int(self.stats.counts[Status.FAILED] > 0 or (pending > 0 and not self.options.accepts_pending))

    @asynccontextmanager
    async def open_models(self) -> AsyncIterator[Models]:
        """Open the models in force. Until the block ends, SIGINT and SIGTERM request a stop.

        The rounds of a batch run share their models. Raises ProviderUnusable and SettingsError.
        """
        if self.rounds and self.rounds.models:
            yield self.rounds.models
            return
        settings = self.options.settings
        if needs_fetch(settings):
            self.say("downloading the built-in model (98 MB, once) …")
        stop = self._stop = Stop()
        async with (
            open_writer(self.ledger, fresh=self.options.fresh, stop=stop, work=self.options.work) as writer,
            shared_budget(self.budget, writer.group, stop),
            open_clients(settings, writer, self.budget, stop) as clients,
        ):
            writer.gate.notify = self.say
            self.stats.clients = clients
            self.say(describe_models(settings, [client.model for client in clients]))
            for client in clients:
                if client.learned:
                    self.say(f"requests to {client.model} changed as before: {'; '.join(client.learned)}")
            watcher = asyncio.create_task(self._announce_failure(stop))
            try:
                with stop_on_interrupt(self.say, stop):
                    yield Models(clients, writer, stop)
            finally:
                watcher.cancel()

    @asynccontextmanager
    async def open_judges(self, settings: Settings, models: Models) -> AsyncIterator[Sequence[Provider]]:
        """Open the models that judge answers. In a batch run, their requests go into batches too."""
        if self.rounds and self.rounds.session:
            yield await self.rounds.open_judges(settings)
            return
        async with open_clients(settings, models.writer, self.budget, models.stop) as judges:
            yield judges

    async def _announce_failure(self, stop: Stop) -> None:
        """Say that the run ends with an error, and what it waits for."""
        await stop.wait_requested()
        await asyncio.sleep(_SOON)
        in_flight = sum(client.stats().in_flight for client in self.stats.clients)
        if stop.failure and in_flight:
            self.say(f"an error ends the run; waiting for {pluralize(in_flight, 'request')} in flight")


def describe_models(settings: Settings, models: Sequence[str]) -> str:
    """Return which models answer, and why a local one if that was not asked for."""
    name = provider_name(settings)
    if name != "local":
        address = "OpenAI" if name == "openai" else None
        if settings.base_url:
            address = masked_address(settings.base_url)
        return f"provider {name}: {', then '.join(models)}" + (f" at {address}" if address else "")
    unused = [name for name in ("model", "base_url") if getattr(settings, name)]
    reasons = [] if settings.provider else ["neither a key nor a base URL is set"]
    if unused:
        reasons.append(f"{' and '.join(unused)} not used")
    reason = f" ({'; '.join(reasons)})" if reasons else ""
    return f"provider local{reason}: {models[0]} on this machine"


def require_prices(settings: Settings, *, in_batches: bool = False) -> None:
    """Raise UsageError if there is a budget and a model without a price, because it could not be kept."""
    if settings.budget is None:
        return
    for endpoint in endpoints_for(settings):
        if in_batches and endpoint.cost(1, 1, 0) is not None and endpoint.in_batches().cost(1, 1, 0) is None:
            raise UsageError(
                f"needs the price of `{endpoint.model}` in batches",
                setting="budget",
                remedy=f'set `batch` in [prices."{endpoint.model}"] in qtgen.toml, the factor of its live price',
            )
        if endpoint.cost(1, 1, 0) is None:
            raise UsageError(
                f"needs the price of `{endpoint.model}`",
                setting="budget",
                remedy=f'set [prices."{endpoint.model}"] in qtgen.toml',
            )
