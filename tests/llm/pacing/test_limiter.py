"""The limiter against a simulated endpoint with a rate limit. The simulation is the only clock."""

import heapq
from itertools import count
from math import inf
from random import Random

import pytest

from qtgen.llm.pacing import AdaptiveLimiter, Allowance
from qtgen.llm.types import Limits


class Endpoint:
    """Accepts `rate` requests per second, with bursts of one second's worth, and answers after `latency` seconds.

    It rejects the share `accidents` of the requests by chance, whatever their rate. Rejections take as long as answers
    if `rejection_latency` is None.
    """

    def __init__(
        self,
        rate: float,
        latency: float = 0.01,
        retry_after: float | None = 1.0,
        *,
        accidents: float = 0.0,
        rejection_latency: float | None = None,
        seed: int = 0,
    ) -> None:
        self.rate, self.latency, self.retry_after = rate, latency, retry_after
        self.accidents, self.rejection_latency, self.dice = accidents, rejection_latency, Random(seed)
        self.level, self.at, self.rejections, self.peak = rate, 0.0, 0, 0

    def accepts(self, now: float) -> bool:
        if self.accidents and self.dice.random() < self.accidents:
            return False
        self.level = min(self.rate, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < 1:
            self.rejections += 1
            return False
        self.level -= 1
        return True

    def seconds(self, *, answered: bool) -> float:
        if not answered and self.rejection_latency is not None:
            return self.rejection_latency
        return self.latency * self.dice.uniform(0.5, 1.5) if self.accidents else self.latency


def drive(
    limiter: AdaptiveLimiter, endpoint: Endpoint, requests: int, limits: Limits | None = None, *, start: float = 0.0
) -> float:
    """Return when `requests` are done, each retried until it is answered."""
    now, waiting, done, order = start, requests, 0, count()
    flying: list[tuple[float, int, float, bool]] = []
    while done < requests:
        delay = inf
        while waiting and (delay := limiter.delay(now, 100)) == 0:
            limiter.start(now, 100)
            waiting -= 1
            answered = endpoint.accepts(now)
            heapq.heappush(flying, (now + endpoint.seconds(answered=answered), next(order), now, answered))
            endpoint.peak = max(endpoint.peak, limiter.in_flight)
        now = min(flying[0][0] if flying else inf, now + max(delay, 1e-4) if waiting else inf)
        while flying and flying[0][0] <= now:
            _, _, started, answered = heapq.heappop(flying)
            limiter.end(100, 100)
            if answered:
                limiter.answered(now, limits)
                done += 1
            else:
                limiter.rate_limited(now, started, endpoint.retry_after)
                waiting += 1
    return now


@pytest.mark.parametrize("latency", [0.0, 0.01, 0.2])
def test_a_limit_that_is_not_reported_is_found_and_kept(latency: float) -> None:
    endpoint = Endpoint(50, latency)
    assert drive(AdaptiveLimiter(256), endpoint, 600) < 1.15 * 11
    assert endpoint.rejections <= 30


@pytest.mark.parametrize("concurrency", [8, 64, 200])
@pytest.mark.parametrize("rejection_latency", [0.05, None])
@pytest.mark.parametrize("retry_after", [None, 1.0, 10.0])
def test_rejections_by_accident_cost_little(
    concurrency: int, rejection_latency: float | None, retry_after: float | None
) -> None:
    for seed, latency in enumerate((0.2, 2.0, 20.0)):
        endpoint = Endpoint(
            1e9, latency, retry_after, accidents=0.03, rejection_latency=rejection_latency, seed=seed + concurrency
        )
        rounds = 60
        seconds = drive(AdaptiveLimiter(concurrency), endpoint, rounds * concurrency)
        assert seconds < 1.5 * rounds * latency


@pytest.mark.parametrize("seed", range(3))
def test_a_limit_is_found_and_kept_among_accidents(seed: int) -> None:
    endpoint = Endpoint(50, 1.0, accidents=0.03, rejection_latency=0.05, seed=seed)
    assert drive(AdaptiveLimiter(200), endpoint, 3_000) < 1.5 * 60
    assert endpoint.rejections <= 100


@pytest.mark.parametrize("rate", [1.0, 2.0, 4.0])
def test_a_low_limit_is_found_and_kept_despite_long_latencies(rate: float) -> None:
    endpoint = Endpoint(rate, 8.0, rejection_latency=0.05)
    assert drive(AdaptiveLimiter(64), endpoint, 600) < 2.2 * 600 / rate


def test_headers_that_promise_too_much_do_not_matter() -> None:
    endpoint = Endpoint(50)
    promise = Limits(29_999, 0.02, None, None, 30_000, None)
    assert drive(AdaptiveLimiter(64), endpoint, 600, promise) < 1.15 * 11
    assert endpoint.rejections <= 30


def test_headers_that_report_an_exhausted_limit_are_heeded() -> None:
    limiter = AdaptiveLimiter(4)
    limiter.start(0.0, 10)
    limiter.end(10, 10)
    limiter.answered(0.0, Limits(0, 3.0))
    assert limiter.delay(0.0, 10) == pytest.approx(3.0)
    limiter.answered(5.0, Limits(None, None, 0, 2.0))
    assert limiter.delay(5.0, 10) == pytest.approx(2.0)


def test_a_limit_that_changes_is_found_again() -> None:
    endpoint, limiter = Endpoint(50), AdaptiveLimiter(64)
    begun = drive(limiter, endpoint, 500)
    endpoint.rate = 20.0
    lower = drive(limiter, endpoint, 600, start=begun)
    assert lower - begun < 1.2 * 30
    endpoint.rate = 200.0
    assert drive(limiter, endpoint, 4000, start=lower) - lower < 60, "at 20 a second it would be 200"


def test_the_users_limits_hold() -> None:
    assert drive(AdaptiveLimiter(64, Allowance(64, rpm=600)), Endpoint(1e9), 101) == pytest.approx(9.0, abs=1.1)
    assert drive(AdaptiveLimiter(64, Allowance(64, tpm=60_000)), Endpoint(1e9), 101) == pytest.approx(9.0, abs=1.1)
    endpoint = Endpoint(1e9, latency=0.1)
    drive(AdaptiveLimiter(7), endpoint, 100)
    assert endpoint.peak == 7


def test_tokens_that_were_not_used_are_refunded() -> None:
    limiter = AdaptiveLimiter(64, Allowance(64, tpm=60_000))
    limiter.start(0.0, 1_000)
    assert limiter.delay(0.0, 1_000) == pytest.approx(1.0)
    limiter.end(1_000, 100)
    assert limiter.delay(0.0, 500) == 0


def test_more_rejections_at_once_than_answers_have_earned_are_a_limit() -> None:
    limiter = AdaptiveLimiter(64)
    for _ in range(40):
        limiter.answered(1.0, None)
    concurrency = limiter.concurrency
    for _ in range(5):
        limiter.rate_limited(2.0, 1.9, 30.0)
    assert limiter.delay(2.0, 1) == 0
    assert (limiter.concurrency, limiter.rate) == (concurrency, inf)
    limiter.rate_limited(2.0, 1.9, 30.0)
    assert limiter.delay(2.0, 1) == pytest.approx(30.0), "everyone waits as long as the endpoint asks for"
    assert limiter.concurrency == concurrency / 2
    assert limiter.rate == pytest.approx(4.0), "40 answers in 10 s"


def test_concurrency_grows_and_is_halved_by_consecutive_failures() -> None:
    limiter = AdaptiveLimiter(64)
    before = limiter.concurrency
    for _ in range(40):
        limiter.answered(0.0, None)
    grown = limiter.concurrency
    assert grown > before
    for _ in range(4):
        limiter.failed(1.0, 0.5)
    assert limiter.concurrency == grown, "a few failures are accidents"
    for _ in range(20):
        limiter.failed(1.0, 0.5)
    assert limiter.concurrency == grown / 2, "an overload cuts once, not once for each request in flight"


def test_the_users_limits_hold_after_a_rejection() -> None:
    limiter = AdaptiveLimiter(64, Allowance(64, rpm=60))
    limiter.answered(0.0, None)
    limiter.start(0.0, 1)
    limiter.rate_limited(0.0, 0.0, 30.0)
    limiter.end(1, 1)
    assert limiter.delay(0.0, 1) == pytest.approx(1.0)
    assert limiter.delay(1.0, 1) == 0


def test_all_models_share_the_users_limits() -> None:
    allowance = Allowance(4, rpm=60)
    one, other = AdaptiveLimiter(4, allowance), AdaptiveLimiter(4, allowance)
    one.start(0.0, 1)
    assert other.delay(0.0, 1) == pytest.approx(1.0)
    for now, limiter in enumerate((other, one, other), 1):
        assert limiter.delay(now, 1) == 0
        limiter.start(now, 1)
    assert (one.delay(9.0, 1), other.delay(9.0, 1)) == (inf, inf)
    one.end(1, 1)
    assert other.delay(9.0, 1) == 0


def test_a_single_rejection_is_an_accident() -> None:
    limiter = AdaptiveLimiter(8)
    limiter.answered(0.0, None)
    concurrency = limiter.concurrency
    limiter.start(0.0, 1)
    limiter.rate_limited(0.0, 0.0, 2.0)
    limiter.end(1, 1)
    assert limiter.delay(0.0, 1) == 0
    assert (limiter.concurrency, limiter.rate) == (concurrency, inf)


def test_the_first_request_has_a_head_start() -> None:
    limiter = AdaptiveLimiter(8, head_start=2.0)
    assert limiter.delay(10.0, 1) == 0
    limiter.start(10.0, 1)
    assert limiter.delay(10.5, 1) == pytest.approx(1.5)
    limiter.end(1, 1)  # rejected
    assert limiter.delay(10.5, 1) == 0
    limiter.start(10.5, 1)
    assert limiter.delay(11.0, 1) == pytest.approx(1.0), "the second attempt has none of its own"
    limiter.answered(11.0, None)
    assert limiter.delay(11.0, 1) == 0


def test_without_an_answer_the_head_start_ends() -> None:
    limiter = AdaptiveLimiter(8, head_start=2.0)
    limiter.start(10.0, 1)
    assert limiter.delay(12.0, 1) == 0


def test_rejections_before_any_answer_halve_the_concurrency_and_teach_no_rate() -> None:
    limiter = AdaptiveLimiter(64)
    for now, concurrency in ((0.0, 6), (30.0, 3), (60.0, 1)):
        for _ in range(int(limiter.concurrency)):
            limiter.start(now, 1)
        for _ in range(limiter.in_flight):
            limiter.rate_limited(now + 0.1, now, 20.0)
            limiter.end(1, 1)
        assert limiter.delay(now + 1, 1) > 15, "everyone waits as long as the endpoint asks for"
        assert limiter.delay(now + 30, 1) == 0
        assert (int(limiter.concurrency), limiter.rate) == (concurrency, inf)


def test_the_pause_grows_while_no_request_succeeds() -> None:
    limiter, now, sent = AdaptiveLimiter(64), 0.0, 0
    while not limiter.is_starved(now):
        delay = limiter.delay(now, 1)
        now += delay
        limiter.start(now, 1)
        limiter.rate_limited(now, now, 0.0)
        limiter.end(1, 1)
        sent += 1
    assert sent < 20
    assert now < 180 + 31
