"""Many at once: bounded, in step with the reader, stopped in one of two ways."""

import asyncio
from collections.abc import Iterator

import pytest

from qtgen._util.concurrency import Stop, run_all
from qtgen.errors import Interrupted


def drive(items: object, work: object, concurrency: int, stop: Stop | None = None) -> list[tuple[int, int]]:
    async def collect() -> list[tuple[int, int]]:
        return [pair async for pair in run_all(items, work, concurrency=concurrency, stop=stop or Stop())]  # type: ignore[arg-type, misc]

    return asyncio.run(collect())


def test_every_item_is_done_once_with_no_more_in_flight_than_allowed() -> None:
    running, peak, read = 0, 0, []

    def items() -> Iterator[int]:
        for number in range(40):
            read.append(number)
            assert len(read) - done <= 4, "items are read only as there is room"
            yield number

    done = 0

    async def work(number: int) -> int:
        nonlocal running, peak, done
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.0001 * (number % 3))
        running -= 1
        done += 1
        return number * 2

    assert sorted(drive(items(), work, 3)) == [(n, n * 2) for n in range(40)]
    assert peak == 3


def test_asked_to_stop_once_it_finishes_what_is_in_flight() -> None:
    stop = Stop()
    started = []

    async def work(number: int) -> int:
        started.append(number)
        if number == 2:
            stop.request()
        await asyncio.sleep(0.001)
        return number

    finished = [number for number, _ in drive(range(50), work, 2, stop)]
    assert sorted(finished) == sorted(started)
    assert len(started) < 6


def test_asked_twice_it_drops_what_is_in_flight() -> None:
    stop = Stop()
    cancelled = []

    async def work(number: int) -> int:
        if number == 1:
            stop.request()
            stop.request()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    assert drive(range(50), work, 2, stop) == []
    assert sorted(cancelled) == [0, 1]


def test_an_exception_ends_the_run_and_leaves_nothing_running() -> None:
    cancelled = []

    async def work(number: int) -> int:
        if number == 1:
            raise ValueError("fatal")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    with pytest.raises(ValueError, match="fatal"):
        drive(range(50), work, 2)
    assert cancelled == [0]


def test_an_item_that_is_interrupted_has_no_result_and_ends_no_run() -> None:
    stop = Stop()

    async def work(number: int) -> int:
        if number == 1:
            stop.request()
            raise Interrupted("before it was sent")
        await asyncio.sleep(0.001)
        return number

    assert [number for number, _ in drive(range(50), work, 2, stop)] == [0]


def test_waiting_for_a_stop() -> None:
    async def main() -> list[bool]:
        stop = Stop()
        waiting = asyncio.create_task(stop.wait_requested())
        await asyncio.sleep(0)
        before = waiting.done()
        stop.request()
        await waiting
        await stop.wait_requested()
        return [before, stop.requested]

    assert asyncio.run(main()) == [False, True]
