"""Tests of concurrent work: the limit, back pressure, the two ways to stop, and fatal exceptions."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from qtgen._util.concurrency import FINISHING, STOPPING_NOW, ReadAhead, Stop, map_unordered, stop_on_interrupt
from qtgen.errors import Interrupted

Work = Callable[[int], Coroutine[Any, Any, int]]


def run(items: Iterable[int], work: Work, concurrency: int, stop: Stop | None = None) -> list[tuple[int, int]]:
    """Return all pairs that `map_unordered` yields."""

    async def collect() -> list[tuple[int, int]]:
        return [pair async for pair in map_unordered(items, work, concurrency=concurrency, stop=stop or Stop())]

    return asyncio.run(collect())


class Sleeper:
    """Work that sleeps until it is cancelled, except for the items in `actions`."""

    def __init__(self, actions: dict[int, Callable[[], None]]) -> None:
        self.actions = actions
        self.cancelled: list[int] = []

    async def __call__(self, number: int) -> int:
        if number in self.actions:
            self.actions[number]()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        return number


def test_items_are_read_ahead_in_a_thread_in_order_and_once() -> None:
    threads = set()

    def items() -> Iterator[int]:
        for number in range(100):
            threads.add(threading.current_thread().name)
            yield number

    async def work(number: int) -> int:
        await asyncio.sleep(0)
        return number

    async def collect() -> list[int]:
        with ThreadPoolExecutor(1, thread_name_prefix="reader") as thread:
            pairs = map_unordered(ReadAhead(items(), thread, 7), work, concurrency=5, stop=Stop())
            return [number async for number, _ in pairs]

    assert sorted(asyncio.run(collect())) == list(range(100))
    assert threads == {"reader_0"}


def test_an_error_while_reading_ahead_is_raised_after_what_came_before() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    async def work(number: int) -> int:
        return number

    seen = []

    async def collect() -> None:
        with ThreadPoolExecutor(1) as thread:
            async for number, _ in map_unordered(ReadAhead(items(), thread, 1), work, concurrency=1, stop=Stop()):
                seen.append(number)

    with pytest.raises(OSError, match="gone"):
        asyncio.run(collect())
    assert seen == [1]


def test_each_item_runs_once_within_the_limit() -> None:
    running = peak = finished = 0
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in range(40):
            read.append(number)
            assert len(read) - finished <= 4, "items are read only as there is room"
            yield number

    async def work(number: int) -> int:
        nonlocal running, peak, finished
        running += 1
        peak = max(peak, running)
        for _ in range(number % 3 + 3):
            await asyncio.sleep(0)
        running -= 1
        finished += 1
        return number * 2

    assert sorted(run(items(), work, 3)) == [(number, number * 2) for number in range(40)]
    assert peak == 3


def test_results_are_yielded_in_the_order_in_which_they_finish() -> None:
    gate = asyncio.Event()

    async def work(number: int) -> int:
        if number == 0:
            await gate.wait()
        elif number == 2:
            gate.set()
        return number

    assert [number for number, _ in run(range(3), work, 2)] == [1, 2, 0]


def test_finished_results_that_nobody_consumes_hold_back_new_work() -> None:
    started: list[int] = []

    async def work(number: int) -> int:
        started.append(number)
        return number

    async def consume_one() -> None:
        results = map_unordered(range(100), work, concurrency=3, stop=Stop())
        await anext(results)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(started) <= 4
        await results.aclose()

    asyncio.run(consume_one())


def test_none_is_an_item_like_any_other() -> None:
    async def work(item: None) -> None:
        return item

    async def collect() -> list[tuple[None, None]]:
        return [pair async for pair in map_unordered([None, None], work, concurrency=1, stop=Stop())]

    assert asyncio.run(collect()) == [(None, None)] * 2


def test_no_items_yield_no_results() -> None:
    assert run([], Sleeper({}), 2) == []


def test_after_a_request_to_stop_what_is_in_flight_finishes() -> None:
    stop = Stop()
    started: list[int] = []

    async def work(number: int) -> int:
        started.append(number)
        if number == 2:
            stop.request()
        await asyncio.sleep(0)
        return number

    finished = [number for number, _ in run(range(50), work, 2, stop)]
    assert sorted(finished) == sorted(started)
    assert len(started) < 6


def test_a_stop_requested_before_the_start_runs_nothing() -> None:
    stop = Stop()
    stop.request()
    assert run(range(3), Sleeper({}), 2, stop) == []


def test_a_request_to_stop_at_once_cancels_what_is_in_flight() -> None:
    stop = Stop()
    work = Sleeper({1: stop.request_now})
    assert run(range(50), work, 2, stop) == []
    assert sorted(work.cancelled) == [0, 1]


def test_an_exception_ends_the_run_after_what_is_in_flight_has_finished() -> None:
    started: list[int] = []
    finished: list[int] = []

    async def work(number: int) -> int:
        started.append(number)
        if number == 1:
            raise ValueError("fatal")
        for _ in range(9):
            await asyncio.sleep(0)
        return number

    async def collect() -> None:
        async for number, _ in map_unordered(range(50), work, concurrency=3, stop=Stop()):
            finished.append(number)

    with pytest.raises(ValueError, match="fatal"):
        asyncio.run(collect())
    assert sorted([*finished, 1]) == started


def test_of_several_exceptions_the_first_is_raised() -> None:
    async def work(number: int) -> int:
        for _ in range(number):
            await asyncio.sleep(0)
        raise ValueError(f"fatal {number}")

    with pytest.raises(ValueError, match="fatal 0"):
        run(range(9), work, 4)


def test_an_exception_of_the_items_ends_the_run() -> None:
    def items() -> Iterator[int]:
        yield 0
        raise ValueError("unreadable")

    async def work(number: int) -> int:
        return number

    with pytest.raises(ValueError, match="unreadable"):
        run(items(), work, 2)


def test_a_run_that_fails_starts_nothing_new() -> None:
    stop = Stop()
    started: list[int] = []

    async def work(number: int) -> int:
        started.append(number)
        if number == 2:
            stop.fail(ValueError("fatal"))
        await asyncio.sleep(0)
        return number

    with pytest.raises(ValueError, match="fatal"):
        run(range(50), work, 2, stop)
    assert len(started) < 6


def test_a_request_to_stop_at_once_cancels_what_a_failed_run_waits_for() -> None:
    stop = Stop()

    def fail() -> None:
        stop.fail(ValueError("fatal"))
        stop.request_now()

    work = Sleeper({1: fail})
    with pytest.raises(ValueError, match="fatal"):
        run(range(50), work, 2, stop)
    assert sorted(work.cancelled) == [0, 1]


def test_results_that_are_there_come_before_a_fatal_exception() -> None:
    async def work(number: int) -> int:
        if number == 2:
            raise ValueError("fatal")
        return number

    numbers: list[int] = []

    async def collect() -> None:
        async for number, _ in map_unordered(range(9), work, concurrency=1, stop=Stop()):
            numbers.append(number)

    with pytest.raises(ValueError, match="fatal"):
        asyncio.run(collect())
    assert numbers == [0, 1]


def test_closing_the_generator_cancels_what_is_in_flight() -> None:
    work = Sleeper({})

    async def quick_or_endless(number: int) -> int:
        return number if number == 0 else await work(number)

    async def close_early() -> None:
        results = map_unordered(range(9), quick_or_endless, concurrency=2, stop=Stop())
        assert await anext(results) == (0, 0)
        await asyncio.sleep(0)
        await results.aclose()

    asyncio.run(close_early())
    assert work.cancelled
    assert 0 not in work.cancelled


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_requests_a_stop_and_the_second_stops_at_once(number: signal.Signals) -> None:
    async def interrupt_twice() -> list[str]:
        told: list[str] = []
        with stop_on_interrupt(told.append) as stop:
            now = asyncio.create_task(stop.wait_now())
            assert not stop.requested
            signal.raise_signal(number)
            await asyncio.wait_for(stop.wait_requested(), 10)
            assert stop.requested
            await asyncio.sleep(0)
            assert not now.done(), "what is in flight may finish"
            signal.raise_signal(number)
            await asyncio.wait_for(now, 10)
        return told

    assert asyncio.run(interrupt_twice()) == [FINISHING, STOPPING_NOW]


def test_one_signal_after_a_stop_for_another_reason_lets_work_finish() -> None:
    async def interrupt_once() -> bool:
        with stop_on_interrupt(lambda _: None) as stop:
            stop.request()  # the budget is used up, for instance
            now = asyncio.create_task(stop.wait_now())
            signal.raise_signal(signal.SIGINT)
            for _ in range(5):
                await asyncio.sleep(0)
            was_cancelled = now.done()
            now.cancel()
            return was_cancelled

    assert asyncio.run(interrupt_once()) is False


def test_work_that_waits_for_its_turn_notices_the_request_and_sends_nothing() -> None:
    sent: list[int] = []

    async def interrupt_a_queue() -> None:
        turn = asyncio.Semaphore(1)

        async def work(number: int) -> str:
            waits = asyncio.create_task(turn.acquire()), asyncio.create_task(stop.wait_requested())
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in waits:
                task.cancel()
            if stop.requested:
                return "not sent"
            sent.append(number)
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0)
            return "finished"

        with stop_on_interrupt(lambda _: None) as stop:
            results = [pair async for pair in map_unordered(range(9), work, concurrency=4, stop=stop)]
        assert sorted(results) == [(0, "finished"), (1, "not sent"), (2, "not sent"), (3, "not sent")]

    asyncio.run(interrupt_a_queue())
    assert sent == [0]


def test_signals_have_their_usual_effect_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    async def leave() -> None:
        with stop_on_interrupt(lambda _: None):
            pass
        assert signal.getsignal(signal.SIGTERM) == before[1]

    asyncio.run(leave())
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_outside_the_main_thread_no_handler_is_set() -> None:
    async def enter() -> bool:
        with stop_on_interrupt(lambda _: None) as stop:
            return stop.requested

    async def in_a_thread() -> bool:
        return await asyncio.to_thread(asyncio.run, enter())

    assert asyncio.run(in_a_thread()) is False


def test_an_interrupted_item_has_no_result_and_does_not_end_the_run() -> None:
    async def work(number: int) -> int:
        if number == 1:
            raise Interrupted("before it was sent")
        return number

    async def main() -> list[int]:
        pairs = map_unordered(range(4), work, concurrency=2, stop=Stop())
        return sorted([number async for number, _ in pairs])

    assert asyncio.run(main()) == [0, 2, 3]


def test_signals_can_request_a_stop_that_is_already_shared() -> None:
    async def main() -> bool:
        stop = Stop()
        with stop_on_interrupt(lambda _: None, stop) as same:
            assert same is stop
            signal.raise_signal(signal.SIGINT)
            await asyncio.wait_for(stop.wait_requested(), 10)
        return stop.requested

    assert asyncio.run(main())
