"""Money: what may be spent, with what is in flight already set aside."""

import asyncio

from qtgen._util.text import money
from qtgen.errors import BudgetReached


class Budget:
    """limit in US dollars, None: any. What a request may cost at most is set aside before it is sent."""

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.spent = 0.0  # with the most that a request can have cost of which that is not known
        self.known = 0.0
        self.is_unknown = False  # what some request cost
        self._aside = 0.0
        self._changed = asyncio.Condition()

    async def reserve(self, most: float) -> None:
        """Set `most` dollars aside; waits for requests in flight to cost less than they might.

        Raises BudgetReached when nothing is in flight and it still does not fit.
        """
        if self.limit is None:
            return
        async with self._changed:
            while self.spent + self._aside + most > self.limit:
                if self._aside <= 1e-12:
                    raise BudgetReached(self.used_up())
                await self._changed.wait()
            self._aside += most

    def used_up(self) -> str:
        left = max(0.0, (self.limit or 0.0) - self.spent)
        return f"the budget of {money(self.limit)} is used up: one request more might cost over the {money(left)} left"

    async def settle(self, most: float, cost: float | None) -> None:
        """What was set aside is free again, and what it did cost is spent; None: that is not known."""
        self.spent += most if cost is None else cost
        self.known += cost or 0.0
        self.is_unknown |= cost is None
        if self.limit is None:
            return
        async with self._changed:
            self._aside -= most
            self._changed.notify_all()
