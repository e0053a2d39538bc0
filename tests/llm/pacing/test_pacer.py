"""The queue of requests in front of a limiter."""

import asyncio

import pytest

from qtgen.errors import Interrupted
from qtgen.llm.pacing import AdaptiveLimiter, Allowance, Pacer
from support.simulated import simulate


def test_a_request_that_goes_first_overtakes_those_that_wait() -> None:
    async def main() -> list[str]:
        pacer, order = Pacer(AdaptiveLimiter(1)), []

        async def ask(name: str, *, goes_first: bool = False) -> None:
            await pacer.acquire(1, goes_first=goes_first)
            order.append(name)
            pacer.release(1, 1)

        await pacer.acquire(1)
        waiting = [asyncio.create_task(ask(name, goes_first=name == "c")) for name in "abc"]
        await asyncio.sleep(0)
        pacer.release(1, 1)
        await asyncio.gather(*waiting)
        return order

    assert asyncio.run(main()) == ["c", "a", "b"]


def test_requests_start_in_the_order_in_which_they_came() -> None:
    async def main() -> list[int]:
        pacer, order = Pacer(AdaptiveLimiter(1)), []

        async def one(number: int) -> None:
            await pacer.acquire(1)
            order.append(number)
            await asyncio.sleep(1)
            pacer.release(1, 1)

        await asyncio.gather(*(one(number) for number in range(5)))
        return order

    assert simulate(main()) == [0, 1, 2, 3, 4]


def test_a_request_starts_when_its_limit_allows() -> None:
    async def main() -> list[float]:
        pacer = Pacer(AdaptiveLimiter(8, Allowance(8, rpm=60)))
        return [await pacer.acquire(1) for _ in range(3)]

    assert simulate(main()) == pytest.approx([0.0, 1.0, 2.0])


def test_a_model_gets_the_slot_that_another_one_releases() -> None:
    async def main() -> float:
        allowance = Allowance(1)
        first, second = (Pacer(AdaptiveLimiter(1, allowance)) for _ in range(2))
        await first.acquire(1)
        asyncio.get_running_loop().call_later(5, first.release, 1, 1)
        return await second.acquire(1)

    assert simulate(main()) == 5


def test_a_cancelled_request_leaves_the_queue() -> None:
    async def main() -> None:
        pacer = Pacer(AdaptiveLimiter(1))
        await pacer.acquire(1)
        waiting = [asyncio.create_task(pacer.acquire(1)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pacer.release(1, 1)
        await waiting[1]
        assert pacer.limiter.in_flight == 1

    simulate(main())


def test_a_request_that_is_cancelled_just_as_its_turn_comes_gives_the_slot_back() -> None:
    async def main() -> int:
        pacer = Pacer(AdaptiveLimiter(1))
        await pacer.acquire(1)
        waiting = asyncio.create_task(pacer.acquire(1))
        await asyncio.sleep(0)
        pacer.release(1, 1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return pacer.limiter.in_flight

    assert simulate(main()) == 0


def test_an_interrupt_empties_the_queue_and_keeps_what_is_in_flight() -> None:
    async def main() -> None:
        pacer = Pacer(AdaptiveLimiter(1))
        await pacer.acquire(1)
        waiting = [asyncio.create_task(pacer.acquire(1)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pacer.interrupt()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError, Interrupted, Interrupted]
        assert pacer.limiter.in_flight == 1
        pacer.release(1, 1)
        with pytest.raises(Interrupted):
            await pacer.acquire(1)

    simulate(main())
