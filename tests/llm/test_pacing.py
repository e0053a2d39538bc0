"""The pace, simulated: an endpoint with a real limit, and no clock but the simulation's own."""

import asyncio
import heapq
from itertools import count
from math import inf

import pytest

from qtgen.llm.pacing import Allowance, Pace, Pacer
from qtgen.llm.types import Limits


class Endpoint:
    """Takes `rate` requests a second, with a store of a second's worth; answers after `latency` seconds."""

    def __init__(self, rate: float, latency: float = 0.01, retry_after: float | None = 1.0) -> None:
        self.rate, self.latency, self.retry_after = rate, latency, retry_after
        self.level, self.at, self.refusals, self.peak = rate, 0.0, 0, 0

    def takes(self, now: float) -> bool:
        self.level = min(self.rate, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < 1:
            self.refusals += 1
            return False
        self.level -= 1
        return True


def drive(pace: Pace, endpoint: Endpoint, requests: int, limits: Limits | None = None, *, begun: float = 0.0) -> float:
    """When `requests` are done, each tried until it is answered."""
    now, waiting, done, order = begun, requests, 0, count()
    flying: list[tuple[float, int, float, bool]] = []
    while done < requests:
        delay = inf
        while waiting and (delay := pace.delay(now, 100)) == 0:
            pace.start(now, 100)
            waiting -= 1
            heapq.heappush(flying, (now + endpoint.latency, next(order), now, endpoint.takes(now)))
            endpoint.peak = max(endpoint.peak, pace.in_flight)
        now = min(flying[0][0] if flying else inf, now + max(delay, 1e-4) if waiting else inf)
        while flying and flying[0][0] <= now:
            _, _, started, answered = heapq.heappop(flying)
            pace.end(100, 100)
            if answered:
                pace.answered(now, limits)
                done += 1
            else:
                pace.refused(now, started, endpoint.retry_after)
                waiting += 1
    return now


@pytest.mark.parametrize("latency", [0.0, 0.01, 0.2])
def test_a_limit_that_nobody_told_is_found_and_kept(latency: float) -> None:
    endpoint = Endpoint(50, latency)
    assert drive(Pace(256), endpoint, 600) < 1.15 * 11
    assert endpoint.refusals <= 30


def test_headers_that_promise_too_much_are_not_believed() -> None:
    endpoint = Endpoint(50)
    promise = Limits(29_999, 0.02, None, None, 30_000, None)
    assert drive(Pace(64), endpoint, 600, promise) < 1.15 * 11
    assert endpoint.refusals <= 30


def test_headers_that_say_that_nothing_is_left_are_heeded() -> None:
    pace = Pace(4)
    pace.start(0.0, 10)
    pace.end(10, 10)
    pace.answered(0.0, Limits(0, 3.0))
    assert pace.delay(0.0, 10) == pytest.approx(3.0)
    pace.answered(5.0, Limits(None, None, 0, 2.0))
    assert pace.delay(5.0, 10) == pytest.approx(2.0)


def test_a_limit_that_changes_is_followed() -> None:
    endpoint, pace = Endpoint(50), Pace(64)
    begun = drive(pace, endpoint, 500)
    endpoint.rate = 20.0
    lower = drive(pace, endpoint, 600, begun=begun)
    assert lower - begun < 1.2 * 30
    endpoint.rate = 200.0
    assert drive(pace, endpoint, 4000, begun=lower) - lower < 60, "at 20 a second it would be 200"


def test_what_the_user_allows_is_kept() -> None:
    assert drive(Pace(64, Allowance(64, rpm=600)), Endpoint(1e9), 101) == pytest.approx(9.0, abs=1.1)
    assert drive(Pace(64, Allowance(64, tpm=60_000)), Endpoint(1e9), 101) == pytest.approx(9.0, abs=1.1)
    endpoint = Endpoint(1e9, latency=0.1)
    drive(Pace(7), endpoint, 100)
    assert endpoint.peak == 7


def test_tokens_that_were_not_used_are_free_again() -> None:
    pace = Pace(64, Allowance(64, tpm=60_000))
    pace.start(0.0, 1_000)
    assert pace.delay(0.0, 1_000) == pytest.approx(1.0)
    pace.end(1_000, 100)
    assert pace.delay(0.0, 500) == 0


def test_one_refusal_is_an_accident_when_all_others_pass() -> None:
    pace = Pace(64)
    for _ in range(20):
        pace.start(1.0, 1)
    pace.refused(1.1, 1.0, 30.0)
    assert pace.delay(1.1, 1) == inf, "while others are in flight, everyone waits"
    for _ in range(5):
        pace.end(1, 1)
        pace.answered(1.2, None)
    assert pace.rate == inf
    for _ in range(15):
        pace.end(1, 1)
    assert pace.delay(1.2, 1) == 0


def test_concurrency_grows_and_is_halved_by_failures_in_a_row() -> None:
    pace = Pace(64)
    before = pace.allowed
    for _ in range(40):
        pace.answered(0.0, None)
    grown = pace.allowed
    assert grown > before
    for _ in range(4):
        pace.failed(1.0, 0.5)
    assert pace.allowed == grown, "a few failures are accidents"
    for _ in range(20):
        pace.failed(1.0, 0.5)
    assert pace.allowed == grown / 2, "and an overload is cut once, not for each that was in flight"


def test_a_trial_after_a_refusal_keeps_what_the_user_allows() -> None:
    pace = Pace(64, Allowance(64, rpm=60))
    pace.start(0.0, 1)
    pace.refused(0.0, 0.0, 30.0)
    pace.end(1, 1)
    assert pace.delay(0.0, 1) == pytest.approx(1.0)
    assert pace.delay(1.0, 1) == 0


def test_during_an_outage_all_wait_but_for_one_request_now_and_then() -> None:
    pace, now, probes = Pace(64), 100.0, 0
    for _ in range(8):
        pace.start(now, 1)
    for _ in range(8):
        pace.lost(now)
        pace.end(1, 1)
    while now < 400:
        if pace.delay(now, 1) == 0:
            pace.start(now, 1)
            probes += 1
            assert pace.delay(now, 1) > 0, "one at a time"
            now += 0.01
            pace.lost(now)
            pace.end(1, 1)
        now += 0.01
    assert 25 <= probes <= 60
    assert pace.lost_for(now) == pytest.approx(300, abs=1)
    pace.answered(now, None)
    assert (pace.lost_for(now), pace.delay(now, 1)) == (0, 0)


def test_what_the_user_allows_holds_for_all_models_together() -> None:
    allowance = Allowance(4, rpm=60)
    one, other = Pace(4, allowance), Pace(4, allowance)
    one.start(0.0, 1)
    assert other.delay(0.0, 1) == pytest.approx(1.0)
    for now, pace in enumerate((other, one, other), 1):
        assert pace.delay(now, 1) == 0
        pace.start(now, 1)
    assert (one.delay(9.0, 1), other.delay(9.0, 1)) == (inf, inf)
    one.end(1, 1)
    assert other.delay(9.0, 1) == 0


def test_a_model_that_waits_for_another_s_slot_gets_it() -> None:
    async def both() -> float:
        allowance = Allowance(1)
        one, other = Pacer(Pace(1, allowance)), Pacer(Pace(1, allowance))
        await one.acquire(1)
        waiting = asyncio.create_task(other.acquire(1))
        await asyncio.sleep(0)
        assert not waiting.done()
        one.release(1, 1)
        return await asyncio.wait_for(waiting, 5)

    assert asyncio.run(both()) > 0
