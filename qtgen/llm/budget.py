"""The budget of a run: requests in flight count with the most that they can cost."""

import asyncio

from qtgen._util.text import money
from qtgen.errors import BudgetReached, Interrupted

_EPSILON = 1e-12


class Budget:
    """Args:
        limit: US dollars that the run may cost, None for no limit.

    Attributes:
        spent: US dollars, including the most that requests of unknown cost can have cost.
        known: US dollars of the requests whose cost is known.
        is_unknown: True if the cost of any request is unknown.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.spent = 0.0
        self.known = 0.0
        self.is_unknown = False
        self._reserved = 0.0
        self._waiting: list[asyncio.Future[None]] = []
        self._is_interrupted = False

    async def reserve(self, ceiling: float) -> None:
        """Reserve the most that a request can cost. Wait if requests in flight may leave enough.

        Raises BudgetReached if nothing is in flight and the amount exceeds what is left, and Interrupted after
        `interrupt`.
        """
        if self.limit is None:
            return
        while self.spent + self._reserved + ceiling > self.limit:
            if self._is_interrupted:
                raise Interrupted("the run was interrupted before the request was sent")
            if self._reserved <= _EPSILON:
                raise BudgetReached(self.used_up())
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
        self._reserved += ceiling

    def try_reserve(self, ceiling: float) -> bool:
        """Reserve the most that a request can cost, without waiting. Return False if it exceeds what is left."""
        if self.limit is None:
            return True
        if self.spent + self._reserved + ceiling > self.limit:
            return False
        self._reserved += ceiling
        return True

    def set_aside(self, amount: float) -> None:
        """Reserve an amount that was committed before, even if it exceeds what is left."""
        if self.limit is not None:
            self._reserved += amount

    @property
    def has_reservations(self) -> bool:
        """True if anything is reserved, so that more may be left later."""
        return self._reserved > _EPSILON

    def used_up(self) -> str:
        """Return a sentence that says that the budget is used up."""
        left = max(0.0, (self.limit or 0.0) - self.spent)
        return (
            f"the budget of {money(self.limit)} is used up: another request might cost more than the {money(left)} left"
        )

    def settle(self, ceiling: float, cost: float | None) -> None:
        """Release a reservation and count the actual cost. An unknown cost (None) counts as the ceiling."""
        self.spent += ceiling if cost is None else cost
        self.known += cost or 0.0
        self.is_unknown |= cost is None
        if self.limit is not None:
            self._reserved -= ceiling
            self._wake()

    def interrupt(self) -> None:
        """Make every request that waits, now or later, raise Interrupted."""
        self._is_interrupted = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
