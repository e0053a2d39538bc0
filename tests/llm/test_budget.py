"""The budget: nothing is sent that could exceed it."""

import asyncio

import pytest

from qtgen.errors import BudgetReached, Interrupted
from qtgen.llm.budget import Budget
from qtgen.llm.ledger.allowances import MoneyDraw, MoneyGrant


def test_a_request_waits_for_those_in_flight_to_cost_less_than_they_could() -> None:
    async def main() -> Budget:
        budget = Budget(1.0)
        await budget.reserve(0.6)
        second = asyncio.create_task(budget.reserve(0.6))
        await asyncio.sleep(0)
        assert not second.done()
        budget.settle(0.6, 0.1)
        await asyncio.wait_for(second, 5)
        budget.settle(0.6, 0.2)
        return budget

    budget = asyncio.run(main())
    assert [budget.spent, budget.known] == pytest.approx([0.3, 0.3])
    assert not budget.is_unknown


def test_a_request_that_does_not_fit_is_refused_once_nothing_is_in_flight() -> None:
    async def main() -> None:
        budget = Budget(1.0)
        await budget.reserve(0.6)
        second = asyncio.create_task(budget.reserve(0.6))
        await asyncio.sleep(0)
        budget.settle(0.6, 0.6)
        with pytest.raises(BudgetReached, match=r"the budget of \$1.00 is used up: .* the \$0.4000 left"):
            await second

    asyncio.run(main())


def test_an_unknown_cost_counts_as_the_most_that_it_can_be() -> None:
    budget = Budget(1.0)
    asyncio.run(budget.reserve(0.6))
    budget.settle(0.6, None)
    assert (budget.spent, budget.known, budget.is_unknown) == (0.6, 0.0, True)


def test_without_a_limit_everything_fits_and_costs_are_still_counted() -> None:
    budget = Budget()
    asyncio.run(budget.reserve(1e9))
    budget.settle(1e9, 2.0)
    assert budget.spent == 2.0


def test_a_cancelled_reservation_takes_nothing() -> None:
    async def main() -> None:
        budget = Budget(1.0)
        await budget.reserve(0.6)
        waiting = asyncio.create_task(budget.reserve(0.6))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        budget.settle(0.6, 0.0)
        await asyncio.wait_for(budget.reserve(1.0), 5)

    asyncio.run(main())


def test_an_interrupt_ends_the_waiting() -> None:
    async def main() -> None:
        budget = Budget(1.0)
        await budget.reserve(1.0)
        waiting = asyncio.create_task(budget.reserve(0.5))
        await asyncio.sleep(0)
        budget.interrupt()
        with pytest.raises(Interrupted):
            await waiting

    asyncio.run(main())


class SharedLimit:
    """What the ledger does for a budget of 1, with another run that has spent and set aside something."""

    def __init__(self, budget: Budget, others: float = 0.0, pending: float = 0.0) -> None:
        self.budget, self.others, self.pending = budget, others, pending
        self.need = asyncio.Event()
        budget.share(self.need.set)

    def draw(self) -> MoneyDraw:
        self.need.clear()
        draw = self.budget.draw(0.0)
        room = 1.0 - self.others - self.pending - draw.spent - draw.kept
        extra = max(0.0, min(draw.wanted, room)) if draw.first <= room else 0.0
        self.budget.grant(draw, MoneyGrant(extra, self.others, self.pending))
        return draw


async def settle_tasks() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_shared_budget_spends_only_what_it_has_drawn() -> None:
    async def main() -> None:
        budget = Budget(1.0)
        ledger = SharedLimit(budget)
        waiting = asyncio.create_task(budget.reserve(0.2))
        await settle_tasks()
        assert ledger.need.is_set()
        assert not waiting.done()
        draw = ledger.draw()
        assert (draw.first, draw.wanted) == (0.2, 0.2)
        await asyncio.wait_for(waiting, 5)
        budget.settle(0.2, 0.1)
        draw = ledger.draw()
        assert (draw.spent, draw.kept, draw.first) == pytest.approx((0.1, 0.1, 0.0))
        assert draw.wanted == pytest.approx(0.1), "as much as within the last second"

    asyncio.run(main())


def test_a_shared_budget_waits_for_what_others_may_give_back() -> None:
    async def main() -> None:
        budget = Budget(1.0)
        ledger = SharedLimit(budget, others=0.2, pending=0.5)
        waiting = asyncio.create_task(budget.reserve(0.4))
        await settle_tasks()
        for _ in range(3):
            ledger.draw()
            await settle_tasks()
        assert not waiting.done()
        assert budget.waits_for_others
        ledger.others, ledger.pending = 0.5, 0.0
        ledger.draw()
        await asyncio.wait_for(waiting, 5)
        assert budget.total == 0.5

    asyncio.run(main())


def test_a_shared_budget_is_used_up_once_nobody_can_give_anything_back() -> None:
    async def main() -> None:
        budget = Budget(1.0)
        ledger = SharedLimit(budget, others=0.7)
        waiting = [asyncio.create_task(budget.reserve(amount)) for amount in (0.4, 0.2)]
        for _ in range(4):
            await settle_tasks()
            ledger.draw()
        await asyncio.wait_for(waiting[1], 5)
        assert not waiting[0].done(), "what is in flight may cost less"
        budget.settle(0.2, 0.15)
        for _ in range(4):
            await settle_tasks()
            ledger.draw()
        with pytest.raises(BudgetReached, match=r"more than the \$0.1500 left"):
            await waiting[0]

    asyncio.run(main())


def test_a_shared_budget_gives_everything_back_in_the_end() -> None:
    async def main() -> None:
        budget = Budget(1.0)
        ledger = SharedLimit(budget)
        waiting = asyncio.create_task(budget.reserve(0.2))
        await settle_tasks()
        ledger.draw()
        await waiting
        budget.settle(0.2, 0.05)
        assert budget.draw(0.0, is_last=True) == MoneyDraw(0.05, 0.0, 0.0, 0.0)

    asyncio.run(main())
