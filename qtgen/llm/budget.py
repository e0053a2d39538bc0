"""The budget of a run: requests in flight count with their maximum cost.

Runs of a group share one budget. Each of them may spend only what it has set aside in the ledger, so it draws money for
the requests that wait and returns what it does not need (`shared_limits`).
"""

import asyncio
from collections.abc import Callable
from math import exp, inf

from qtgen._util.text import money
from qtgen.errors import BudgetReached, Interrupted
from qtgen.llm.ledger.allowances import MoneyDraw, MoneyGrant

_EPSILON = 1e-12


class Budget:
    """Args:
        limit: US dollars that may be spent, None for no limit.

    Attributes:
        spent: US dollars, including the most that requests of unknown cost can have cost.
        known: US dollars of the requests whose cost is known.
        is_unknown: True if the cost of any request is unknown.
        spent_by_others: US dollars that other runs with the same budget have spent, as far as this run knows.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.spent = 0.0
        self.known = 0.0
        self.is_unknown = False
        self.spent_by_others = 0.0
        self._reserved = 0.0
        self._waiting: list[asyncio.Future[None]] = []
        self._ceilings: dict[object, float] = {}  # of the requests that wait
        self._is_interrupted = False
        self._granted = limit or 0.0  # what this run may spend in all
        self._on_need: Callable[[], None] | None = None  # requests more money; None if the budget is not shared
        self._is_short = False  # the ledger did not have enough for any request that waits
        self._refused = inf  # the ledger does not have as much, and nothing was settled since
        self._recent = self._pace = 0.0  # reserved since the last draw, and within about a second
        self._last_ceiling = 0.0

    async def reserve(self, ceiling: float) -> None:
        """Reserve the most that a request can cost. Wait if requests in flight may leave enough.

        Raises BudgetReached if nothing is in flight and the amount exceeds what is left, and Interrupted after
        `interrupt`.
        """
        if self.limit is None:
            return
        waiter = object()
        try:
            while self.spent + self._reserved + ceiling > self._granted:
                self._ceilings[waiter] = ceiling
                self._check_waiting(ceiling)
                self._waiting.append(asyncio.get_running_loop().create_future())
                await self._waiting[-1]
        finally:
            self._ceilings.pop(waiter, None)
        self._reserved += ceiling
        self._recent += ceiling
        self._last_ceiling = ceiling
        if self._slack < self._pace / 2 and not self._is_short:
            self._ask()  # before the next request has to wait

    def _check_waiting(self, ceiling: float) -> None:
        """Draw more money if that can help. Raises Interrupted, and BudgetReached if waiting is useless."""
        if self._is_interrupted:
            raise Interrupted("the run was interrupted before the request was sent")
        is_idle = self._reserved <= _EPSILON
        if is_idle and (self._on_need is None or ceiling >= self._refused):
            raise BudgetReached(self.used_up())
        if not self._is_short or (is_idle and self._refused < inf):
            self._ask()

    @property
    def total(self) -> float:
        """US dollars that all runs with this budget have spent, as far as this run knows."""
        return self.spent + self.spent_by_others

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
        left = max(0.0, (self.limit or 0.0) - self.total)
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
            self._refused = inf
            if self._is_short:
                self._ask()
            self._wake()

    def interrupt(self) -> None:
        """Make every request that waits, now or later, raise Interrupted."""
        self._is_interrupted = True
        self._wake()

    # --- a budget that several runs share -----------------------------------------------------------------------------

    def share(self, on_need: Callable[[], None]) -> None:
        """Spend only what `grant` allows from now on. `on_need` is called when a request waits for more."""
        self._on_need = on_need
        self._granted = self.spent + self._reserved

    @property
    def _slack(self) -> float:
        return max(0.0, self._granted - self.spent - self._reserved)

    def draw(self, seconds: float, *, is_last: bool = False) -> MoneyDraw:
        """Return what to draw from the ledger. The caller then has to call `grant` with the result.

        The run draws what it needs for waiting requests and for about a second. It returns what exceeds that,
        and everything at the end of the run (`is_last`) or if the ledger did not have enough the last time: another run
        may need just this. `seconds` have passed since the last draw.
        """
        waiting = () if is_last else self._ceilings.values()
        self._pace = 0.0 if is_last else self._pace * exp(-seconds) + self._recent
        if self._pace < self._last_ceiling:
            self._pace = 0.0
        self._recent = 0.0
        target = sum(waiting) + self._pace
        kept = 0.0 if self._is_short or is_last else min(self._slack, target)
        self._granted = self.spent + self._reserved + kept
        first = max(_EPSILON, min(waiting) - kept) if waiting else 0.0
        return MoneyDraw(self.spent, max(0.0, self._reserved + kept), first, max(first, target - kept))

    def grant(self, draw: MoneyDraw, grant: MoneyGrant) -> None:
        """Continue with what the ledger has granted."""
        self._granted += grant.extra
        self.spent_by_others = grant.others
        was_short, self._is_short = self._is_short, grant.extra < draw.first
        is_final = self._is_short and was_short and grant.pending <= _EPSILON
        self._refused = draw.first if is_final else inf
        if self._is_short and not was_short:
            self._ask()
        self._wake()

    @property
    def waits_for_others(self) -> bool:
        """True if requests wait for money that other runs have set aside."""
        return self._is_short and self._refused == inf

    def _ask(self) -> None:
        if self._on_need:
            self._on_need()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
