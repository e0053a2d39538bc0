"""The inputs of the run loop: the work of a command, its options, and its models."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from qtgen._util.concurrency import Stop
from qtgen.commands._stats import RunStats
from qtgen.errors import Failure
from qtgen.generation.types import Outcome
from qtgen.llm.ledger import LedgerWriter
from qtgen.llm.ledger import Work as LedgerWork
from qtgen.llm.types import Provider
from qtgen.settings import Settings

if TYPE_CHECKING:
    from qtgen.commands._run import Run


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run sends requests and reports results.

    Args:
        settings: The settings in force.
        total: Number of items.
        noun: What an item is: `question` or `page`.
        fresh: Whether to ignore answers of earlier runs.
        as_json: Whether to print one JSON line per item at the end.
        writes_pages: Whether pages are written, so that their findings are reported.
        accepts_pending: Whether the run may end while requests are in batches.
        resume: How to resume a run that ended early.
        work: What the run works on. Runs with the same work share one budget. None for a run on its own.
    """

    settings: Settings
    total: int
    noun: str
    fresh: bool = False
    as_json: bool = False
    writes_pages: bool = True
    accepts_pending: bool = False
    resume: str = "run the same command again to resume"
    work: LedgerWork | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A finished item: its position in the input, its outcome, and its JSON line."""

    position: int
    outcome: Outcome
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Models:
    """What a run sends requests with. After `stop` is requested, nothing may be sent."""

    clients: Sequence[Provider]
    writer: LedgerWriter
    stop: Stop


class Work(Protocol):
    """What differs between the commands."""

    def items(self, run: "Run") -> AsyncGenerator[Item, None]:
        """Yield each item as it finishes. Requests are sent with `run.open_models()`."""

    def unfinished(self, failure: Failure, is_finished: Callable[[int], bool]) -> Iterable[Item]:
        """Yield the items that a run did not get to, by position. Those that needed a request failed with `failure`."""

    def notes(self, stats: RunStats) -> Iterable[str]:
        """Yield lines for the end of the run, such as where the results are."""
