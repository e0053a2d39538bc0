"""Estimates of a run."""

from functools import partial

import pytest

from qtgen.llm.estimate import Range, RunEstimate, seconds


def estimate(**options: object) -> RunEstimate:
    found = RunEstimate(**options)  # type: ignore[arg-type]
    for _ in range(10):
        found.add("explain", 4_000, 1_000)
    return found


def test_without_a_history_the_guess_is_wide() -> None:
    found = estimate()
    assert found.requests == Range(10, 10, 10)
    assert found.sent() == Range(7_500, 10_000, 12_500)
    assert found.received() == Range(3_000, 6_000, 10_000)


def test_with_a_history_it_is_narrow_and_follows_the_answers() -> None:
    history = [("explain", 4_000, 1_100, 480 + 10 * n) for n in range(5)] + [("other", 4_000, 1_100, 9_000)] * 5
    received = estimate(history=history).received()
    assert received.expected == 5_000
    assert 4_500 < received.low < 5_000 < received.high < 5_500
    assert estimate(history=history).sent().expected == pytest.approx(11_000)


def test_repairs_add_requests_and_tokens() -> None:
    found = estimate(repair_share=0.5)
    assert (found.requests.low, found.requests.expected) == (10, 20)
    assert found.requests.high > 20
    assert found.received().expected == 12_000
    assert estimate(repair_share=1.0).requests.expected == pytest.approx(110), "bounded, though every answer fails"


def test_an_empty_run_takes_nothing() -> None:
    found = RunEstimate()
    assert (found.requests, found.sent(), found.received()) == (Range(0, 0, 0),) * 3


def test_the_strictest_limit_decides_the_time() -> None:
    run = partial(seconds, 100, 1e5, latency=2.0, concurrency=10)
    assert run(rpm=None, tpm=None) == 20
    assert run(rpm=60, tpm=None) == 100
    assert run(rpm=60, tpm=10_000) == 600
