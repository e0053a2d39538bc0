"""Lease the blocks of a list that several processes share.

The ledger leases the blocks. A process takes the next one that nobody has had when it reaches it, and at the end also
those of processes that were interrupted or died.
"""

import asyncio
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from qtgen._util.concurrency import Stop
from qtgen.errors import BudgetReached, Interrupted, LedgerError, LedgerUnavailable
from qtgen.generation.plan import BLOCK
from qtgen.generation.types import Outcome
from qtgen.llm.ledger import LedgerGroup
from qtgen.llm.ledger.leases import OpenBlocks
from qtgen.llm.ledger.writer import PATIENCE

_POLL = 0.5  # seconds between two queries of what other runs do
_UNAVAILABLE_PAUSE = 0.5  # seconds between two attempts while the ledger is unavailable
_LATEST = 1e300  # below the infinity of a process of this machine
_LEFT = frozenset({BudgetReached.kind, Interrupted.kind})  # kinds of failures that leave a row to others
T = TypeVar("T")
StepT = TypeVar("StepT")


class Block(NamedTuple):
    """A part of the list: its number in the ledger, and how many rows it has."""

    number: int
    size: int


def even_blocks(total: int) -> list[Block]:
    """Return the blocks of a list with `total` rows."""
    return [Block(start // BLOCK, min(BLOCK, total - start)) for start in range(0, total, BLOCK)]


def is_left(outcome: Outcome) -> bool:
    """Return whether a row is left to another process, because this one stopped or the budget is used up."""
    return outcome.error is not None and outcome.error.kind in _LEFT


class SharedBlocks:
    """The blocks that this process has leased.

    Args:
        group: The runs that share the list.
        blocks: All blocks, in the order in which `lease` asks for them.
        stop: A requested stop ends the waiting for other runs.
    """

    def __init__(self, group: LedgerGroup, blocks: Sequence[Block], stop: Stop) -> None:
        self._group, self._blocks, self._stop = group, blocks, stop
        self._numbers = [block.number for block in blocks]
        self._left: dict[int, int] = {}  # rows without an outcome, by the index of a block that this process has
        self._done: list[int] = []  # numbers of finished blocks that the ledger does not know yet
        self._lock = threading.Lock()  # `lease` is called in another thread
        self._current = -1  # the index of the last block that was taken
        self._takes_over = False

    def lease(self, index: int) -> bool:
        """Lease a block that no run has had, and return whether this process has the block. The index may only grow.

        Waits while the ledger is unavailable. Raises LedgerError, and Interrupted if a stop is requested meanwhile.
        """
        if index > self._current:
            taken = patiently(lambda: self._take(index), self._stop)
            self._current = len(self._blocks) if taken is None else index + taken
            if taken is not None:
                self._left[self._current] = self._blocks[self._current].size
        return index == self._current

    def _take(self, index: int) -> int | None:
        with self._lock:
            done, self._done = self._done, []
        try:
            return self._group.take_block(self._numbers[index:], done, left=self._takes_over)
        except LedgerError:
            with self._lock:
                self._done += done
            raise

    def finish(self, index: int) -> None:
        """Record that a row of a block has an outcome."""
        self._left[index] -= 1
        if not self._left[index]:
            with self._lock:
                self._done.append(self._numbers[index])

    def has_left(self) -> bool:
        """Return whether a row of a block that this process has taken has no outcome."""
        return any(self._left.values())

    async def has_more(self) -> bool:
        """Return whether there are blocks that no process will finish. `lease` then accepts all indexes again.

        Waits until it is known of each other run with a block whether it is alive. Raises LedgerError.
        """
        first: dict[str, float] = {}
        while not self._stop.requested:
            left = await asyncio.to_thread(patiently, self._look, self._stop)
            if left.can_be_taken:
                self._current, self._takes_over = -1, True
                return True
            # Another beat is a sign of life, also an earlier one: the clock may have been set back.
            if all(beat != first.setdefault(run, min(beat, _LATEST)) for run, beat in left.beats.items()):
                return False
            await asyncio.sleep(_POLL)
        return False

    def _look(self) -> OpenBlocks:
        with self._lock:
            done, self._done = self._done, []
        self._group.release_blocks(done, [])
        return self._group.open_blocks()

    def others(self) -> set[int]:
        """Return the numbers of the blocks that other processes have. Return none if the ledger cannot be used."""
        try:
            return self._group.blocks_of_others()
        except LedgerError:
            return set()

    def close(self) -> None:
        """Record the finished blocks, and release the others, so that another process can take them."""
        given_up = [self._numbers[index] for index, left in self._left.items() if left]
        try:
            self._group.release_blocks(self._done, given_up)
        except LedgerUnavailable:
            return  # this run ends, so other runs can take its blocks nevertheless


@dataclass
class NumberedSteps(Generic[StepT]):
    """Steps that can be read once, and the positions of the steps that were read."""

    steps: Iterator[StepT]
    positions: "array[int]"


def numbered_steps(
    steps: Iterable[StepT], is_elsewhere: Callable[[StepT], bool] = lambda _: False
) -> NumberedSteps[StepT]:
    """Return the steps with their positions, without those that are `is_elsewhere`."""
    positions = array("q")

    def read() -> Iterator[StepT]:
        for position, step in enumerate(steps):
            if not is_elsewhere(step):
                positions.append(position)
                yield step

    return NumberedSteps(read(), positions)


def patiently(call: Callable[[], T], stop: Stop) -> T:
    """Return what a call returns, and retry while the ledger is unavailable. Never call it in the event loop.

    Raises LedgerError, and Interrupted if a stop is requested meanwhile.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except LedgerUnavailable:
            if stop.requested:
                raise Interrupted("the run was interrupted before the request was sent") from None
            if time.monotonic() > deadline:
                raise
            time.sleep(_UNAVAILABLE_PAUSE)
