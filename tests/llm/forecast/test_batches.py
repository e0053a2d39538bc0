"""The simulation of batches."""

from dataclasses import replace
from random import Random

import pytest

from qtgen.llm.forecast import BatchService, Quantity, Scenario
from qtgen.llm.forecast.batches import BatchRun, simulate_batches

HOUR = 3_600.0
SERVICE = BatchService(completion=Quantity.around(HOUR, 0.0), processor=0.0)
SCENARIO = Scenario(
    pages=100_000,
    latency=Quantity.around(1.0, 0.2),
    sent=Quantity.around(1_000, 0.0),
    received=Quantity.around(700, 0.0),
    processor=0.0,
    service=SERVICE,
)


def run(scenario: Scenario = SCENARIO, max_rounds: int = 4, **limits: object) -> BatchRun:
    scenario = replace(scenario, service=replace(SERVICE, **limits))  # type: ignore[arg-type]
    return simulate_batches(scenario, Random(1), max_rounds=max_rounds)


def test_batches_that_need_not_wait_take_as_long_as_one() -> None:
    result = run()
    assert result.seconds == pytest.approx(HOUR, rel=0.01)
    assert (result.answers, result.remaining, result.rounds) == (100_000, 0, 1)
    assert not result.waits_for_tokens


def test_batches_wait_for_the_limit_of_enqueued_tokens() -> None:
    result = run(enqueued_tokens=25_000_000)
    assert result.seconds == pytest.approx(4 * HOUR, rel=0.01)
    assert result.waits_for_tokens


def test_a_limit_of_less_than_one_request_ends_all_the_same() -> None:
    assert run(replace(SCENARIO, pages=3), enqueued_tokens=10).seconds == pytest.approx(3 * HOUR, rel=0.01)


def test_lines_and_bytes_limit_a_batch() -> None:
    scenario = replace(SCENARIO, request_bytes=20_000.0)
    assert run(scenario, enqueued_tokens=10_000_000).seconds == pytest.approx(10 * HOUR, rel=0.01)


def test_repairs_are_requests_of_the_next_round() -> None:
    result = run(replace(SCENARIO, faulty=0.1))
    assert result.rounds == 4
    assert result.answers == pytest.approx(111_100, rel=0.01)
    assert result.remaining == pytest.approx(10, abs=12)
    assert run(replace(SCENARIO, faulty=0.1), max_rounds=1).remaining == pytest.approx(10_000, rel=0.05)


def test_what_expires_is_requested_again() -> None:
    result = run(completion=Quantity((HOUR, 30 * HOUR)), window=24 * HOUR)
    assert result.rounds > 1
    assert result.seconds > 24 * HOUR


def test_machines_share_the_work_on_files() -> None:
    one = run(replace(SCENARIO, processor=0.01))
    two = run(replace(SCENARIO, processor=0.01, machines=2))
    assert one.processor_seconds == pytest.approx(1_000)
    assert two.processor_seconds == pytest.approx(500)


def test_very_many_batches_are_extrapolated() -> None:
    many = replace(SCENARIO, pages=10**12)
    assert run(many).seconds == pytest.approx(HOUR, rel=0.01)
    assert run(many, max_rounds=1, enqueued_tokens=50_000_000).seconds == pytest.approx(2e7 * HOUR, rel=0.01)
    assert run(many, max_rounds=1, enqueued_tokens=5_000).seconds == pytest.approx(2e11 * HOUR, rel=0.01)
    some = replace(SCENARIO, pages=10_000_000)
    assert run(some, lines=1_000, enqueued_tokens=25_000_000).seconds == pytest.approx(400 * HOUR, rel=0.02)
