"""Repeat the work of a command until no request is left for a batch."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from qtgen._util.text import pluralize
from qtgen.commands._options import folder, options_of
from qtgen.commands._run import Item, Models, Run, Work
from qtgen.commands._stats import RunStats
from qtgen.errors import Deferred, Failure, Interrupted, QtgenError, UsageError
from qtgen.generation.types import Status
from qtgen.llm.batch.session import BatchOptions, BatchSession
from qtgen.llm.budget import Budget
from qtgen.llm.client import Client
from qtgen.llm.factory import open_clients
from qtgen.llm.providers import provider_name
from qtgen.llm.types import Provider
from qtgen.settings import Settings, project_folder

PENDING = Failure(Deferred.kind, "requests are in batches, or wait for a batch")
FOLDER = Path(".qtgen") / "batches"
"""Where batch files are until the provider has them, beside qtgen.toml."""
_LAST = 1_000  # requests that are sent live at the end of a run with a deadline
_LIVE_SHARE = 0.25  # maximum share of the time until the deadline that is kept for cancelling and for live requests
_LIVE_SECONDS = 3_600.0  # the same maximum in seconds
_CANCEL_SHARE = 0.5  # share of that time in which batches may finish cancelling
_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_batch = options_of("Batch")


@dataclass(frozen=True, slots=True)
class BatchFlags:
    """The options of a batch run.

    Attributes:
        wait: Whether to wait until the batches are finished.
        files: Where to write batch files instead of submitting them.
        deadline: Seconds until the run has to be finished, or None.
    """

    wait: bool = True
    files: Path | None = None
    deadline: float | None = None

    @staticmethod
    def from_parameters(parameters: dict[str, Any]) -> "BatchFlags | None":
        """Remove the options of a batch run from `parameters` and return them. Return None if the run is no batch run.

        Raises UsageError for options that exclude each other.
        """
        is_batch, wait = parameters.pop("batch_api"), parameters.pop("wait")
        files, deadline = parameters.pop("batch_files"), parameters.pop("deadline")
        for name, is_given in (("--no-wait", not wait), ("--deadline", deadline is not None)):
            if is_given and not is_batch and files is None:
                raise UsageError(f"{name} needs --batch")
        if files is not None and (not wait or deadline is not None):
            raise UsageError("--batch-files only writes files", remedy="leave out --no-wait and --deadline")
        if not wait and deadline is not None:
            raise UsageError("--deadline needs a run that waits", remedy="leave out --no-wait")
        return BatchFlags(wait and files is None, files, deadline) if is_batch or files is not None else None


def _duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """Return a duration such as `6h` in seconds."""
    if value is None:
        return None
    try:
        seconds = float(value[:-1]) * _UNITS[value[-1:]]
    except (ValueError, KeyError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise click.BadParameter(f"`{value}` is not a duration; write a number with a unit, such as 6h or 90m")
    return seconds


_OPTIONS = (
    _batch(
        "--batch",
        "batch_api",
        is_flag=True,
        help="Send requests through the provider's Batch API, wait, and repeat until no request is left.",
    ),
    _batch(
        "--wait/--no-wait",
        default=True,
        help="With --batch: wait for the batches, or end after submitting them.  [default: wait]",
    ),
    _batch(
        "--deadline",
        metavar="TIME",
        callback=_duration,
        help="With --batch: finish within this time, such as 6h, by sending the remaining requests live.",
    ),
    _batch("--batch-files", type=folder, help="Write batch files to this folder instead of submitting them."),
)


def batch_options(command: Any) -> Any:
    """Add the options of commands that can send their requests in batches."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_batch(settings: Settings, *, share: bool = False) -> None:
    """Raise UsageError if the provider in force has no Batch API, or if the list is also shared."""
    if share:
        message = "--share cannot be combined with --batch or --batch-files"
        raise UsageError(message, remedy="leave out --share; batch runs never submit the same request")
    name = provider_name(settings)
    if name != "openai":
        raise UsageError(
            f"the provider `{name}` has no Batch API", remedy="use --provider openai, or leave out --batch"
        )


class BatchRounds:
    """Work for the run loop that repeats the work of a command in rounds.

    Args:
        work: The command's work. It asks `run.is_finished` which items it can leave out.
        settings: The settings in force.
        flags: The options of the batch run.
        total: Number of items.
        fresh: Whether answers of earlier runs are replaced.
        scope: Distinguishes requests that must not reuse answers of other runs.
    """

    def __init__(
        self, work: Work, settings: Settings, flags: BatchFlags, total: int, *, fresh: bool = False, scope: str = ""
    ) -> None:
        self._work, self._settings, self._flags = work, settings, flags
        self._options = BatchOptions(
            flags.files or project_folder() / FOLDER, is_manual=flags.files is not None, fresh=fresh, scope=scope
        )
        self._finished = bytearray(total)
        self._judges: dict[tuple[str, ...], Sequence[Provider]] = {}
        self._stack = AsyncExitStack()
        self._live: Models | None = None
        self.models: Models | None = None
        self.session: BatchSession | None = None
        self._budget: Budget | None = None
        self._unasked = 0

    def is_finished(self, position: int) -> bool:
        """Return whether an item is finished."""
        return bool(self._finished[position])

    async def items(self, run: Run) -> AsyncGenerator[Item, None]:
        """Yield each item as it finishes, and at the end those that are pending."""
        failure: QtgenError | None = None
        async with self._stack:
            self._live = models = await self._stack.enter_async_context(run.open_models())
            session = BatchSession(
                self._settings, run.ledger, models.writer, run.budget, models.stop, self._options, run.say
            )
            self._stack.push_async_callback(session.aclose)
            self.session, self._budget = session, run.budget
            try:
                clients = [client for client in models.clients if isinstance(client, Client)]
                self.models = Models(await session.defer(clients), models.writer, models.stop)
                run.rounds = self
                async for item in self._rounds(run, session, models):
                    yield item
            except QtgenError as error:
                failure = error
                if not isinstance(error, Interrupted):
                    models.stop.fail(error)  # so that the run lists the items that it did not get to
        if not isinstance(failure, QtgenError) or isinstance(failure, Interrupted):
            pending = 0
            for item in self._pending():
                pending += 1
                yield item
            if models.stop.requested and not models.stop.failure and pending:
                message = f"interrupted with {pluralize(pending, run.options.noun)} pending"
                raise Interrupted(message, remedy=f"{run.options.resume}; the submitted batches continue")
        if failure and not isinstance(failure, Interrupted):
            raise failure

    async def _rounds(self, run: Run, session: BatchSession, models: Models) -> AsyncGenerator[Item, None]:
        clock = _Deadline(self._flags.deadline)
        number = 0
        while not models.stop.requested:
            number += 1
            await session.begin_round()
            async for item in self._round(run):
                yield item
            if models.stop.requested:
                return
            is_last = clock.is_set and number > 1 and len(session.queue) <= _LAST and not await session.waits_for()
            if clock.is_due or (is_last and len(session.queue)):
                break
            await session.submit()
            waits = session.is_waiting or bool(await session.waits_for())
            if not waits or not self._flags.wait:
                if not waits:
                    self._unasked = await session.unasked()
                    await session.finish()
                return
            await session.wait(lambda: clock.is_due)
            if clock.is_due and await session.waits_for():
                await self._cut_short(run, session, clock)
                break
        if models.stop.requested:
            return
        session.drop_queue()
        run.say("sending the remaining requests live")
        self.models, self.session = self._live, None
        async for item in self._round(run):
            yield item

    async def _round(self, run: Run) -> AsyncGenerator[Item, None]:
        """Yield the items that this round has finished."""
        async for item in self._work.items(run):
            if item.outcome.status is not Status.PENDING and not self._finished[item.position]:
                self._finished[item.position] = 1
                yield item

    async def _cut_short(self, run: Run, session: BatchSession, clock: "_Deadline") -> None:
        """Cancel the unfinished batches, and collect their results."""
        await session.cancel()
        while await session.waits_for() and not clock.is_past_cancelling:
            await session.wait(lambda: clock.is_past_cancelling)
        if left := await session.waits_for():
            count = "1 batch" if len(left) == 1 else f"{len(left):,} batches"
            run.say(f"warning: {count} could not be cancelled in time; their requests stay pending")

    def _pending(self) -> Iterator[Item]:
        """Yield the items that are not finished."""
        for item in self._work.unfinished(PENDING, self.is_finished):
            if item.outcome.error is PENDING:
                record = {**item.record, **({"status": Status.PENDING.value} if "status" in item.record else {})}
                item = Item(item.position, replace(item.outcome, status=Status.PENDING), record)
            yield item

    async def open_judges(self, settings: Settings) -> Sequence[Provider]:
        """Return the judges, whose requests go into batches. Each round gets the same ones."""
        assert self._live  # noqa: S101  # they are opened within a round
        assert self.session  # noqa: S101
        if settings.model not in self._judges:
            live = open_clients(settings, self._live.writer, self._budget, self._live.stop)
            self._judges[settings.model] = await self.session.defer(await self._stack.enter_async_context(live))
        return self._judges[settings.model]

    def unfinished(self, failure: Failure, is_finished: Callable[[int], bool]) -> Iterable[Item]:
        """Yield the items that the run did not get to."""
        return self._work.unfinished(failure, is_finished)

    def notes(self, stats: RunStats) -> Iterable[str]:
        """Yield the notes of the work, and how many paid answers no page needs."""
        yield from self._work.notes(stats)
        if self._unasked:
            yield (
                f"{pluralize(self._unasked, 'paid answer')} from these batches belong to no page of this run any more, "
                "because prompts or pages changed"
            )
        if self._flags.files and self.session and self.session.written:
            yield f"batch files: {self._flags.files}/   `qtgen batch collect --from FILE` reads their results"


class _Deadline:
    """When a run has to end."""

    def __init__(self, seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._now = loop.time
        self.is_set = seconds is not None
        reserve = min(_LIVE_SECONDS, _LIVE_SHARE * (seconds or 0.0))
        self._cancel_at = loop.time() + (seconds or 0.0) - reserve
        self._live_at = self._cancel_at + _CANCEL_SHARE * reserve

    @property
    def is_due(self) -> bool:
        """True once batches have to be cancelled."""
        return self.is_set and self._now() >= self._cancel_at

    @property
    def is_past_cancelling(self) -> bool:
        """True once the run stops waiting for batches that are being cancelled."""
        return self.is_set and self._now() >= self._live_at
