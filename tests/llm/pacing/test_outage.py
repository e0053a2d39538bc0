"""When an endpoint counts as down, and how it is probed."""

import pytest

from qtgen.llm.pacing import AdaptiveLimiter
from qtgen.llm.pacing.outage import MAX_SECONDS, Outage


def test_server_errors_of_several_requests_are_an_outage_that_began_with_the_first() -> None:
    outage = Outage()
    outage.failed(10.0, 9.0, "unavailable", b"a")
    assert not outage.declare_if_likely(11.0)
    outage.failed(20.0, 9.0, "dropped", b"b")
    assert outage.declare_if_likely(30.0)
    assert outage.seconds(30.0) == 20.0
    assert outage.is_over_limit(10.0 + MAX_SECONDS)


def test_one_request_that_always_fails_is_no_outage() -> None:
    outage = Outage()
    for second in range(50):
        outage.failed(float(second), 0.0, "unavailable", b"poisoned")
    assert not outage.declare_if_likely(50.0)


@pytest.mark.parametrize("kind", ["timeout", "malformed"])
def test_other_failures_show_that_the_endpoint_is_there(kind: str) -> None:
    outage = Outage()
    outage.unreachable(10.0)
    outage.failed(12.0, 9.0, kind, b"a")
    assert outage.is_on, "this attempt began before the outage"
    outage.failed(13.0, 11.0, kind, b"a")
    assert not outage.is_on


def test_an_answer_in_between_ends_the_suspicion() -> None:
    outage = Outage()
    outage.failed(1.0, 0.0, "unavailable", b"a")
    outage.answered()
    outage.failed(2.0, 0.0, "unavailable", b"b")
    assert not outage.declare_if_likely(3.0)
    assert outage.has_answered


def test_a_server_error_of_a_probe_keeps_the_outage_going() -> None:
    outage = Outage()
    outage.unreachable(10.0)
    outage.failed(12.0, 11.5, "unavailable", b"a")
    assert outage.seconds(12.0) == 2.0
    assert outage.probe_at == 13.0


def test_during_an_outage_one_request_now_and_then_probes() -> None:
    limiter, now, probes = AdaptiveLimiter(64), 100.0, 0
    for _ in range(8):
        limiter.start(now, 1)
    for _ in range(8):
        limiter.outage.unreachable(now)
        limiter.end(1, 1)
    while now < 400:
        if limiter.delay(now, 1) == 0:
            limiter.start(now, 1)
            probes += 1
            assert limiter.delay(now, 1) > 0, "one at a time"
            now += 0.01
            limiter.outage.unreachable(now)
            limiter.end(1, 1)
        now += 0.01
    assert 25 <= probes <= 60
    assert limiter.outage.seconds(now) == pytest.approx(300, abs=1)
    limiter.answered(now, None)
    assert (limiter.outage.seconds(now), limiter.delay(now, 1)) == (0, 0)


def test_an_outage_does_not_cut_the_concurrency_again_and_again() -> None:
    limiter = AdaptiveLimiter(64)
    for number in range(200):
        limiter.failed(float(number), number - 0.5, "unavailable", b"%d" % number)
    assert limiter.outage.is_on
    assert limiter.concurrency == 6.0, "cut once, when the outage began"
