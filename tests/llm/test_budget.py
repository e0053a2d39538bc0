"""The budget: nothing is sent that could exceed it."""

import asyncio

import pytest

from qtgen.errors import BudgetReached, Interrupted
from qtgen.llm.budget import Budget


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
