"""The simulation of a live run. What a real run would take is known in these cases."""

from dataclasses import replace
from random import Random

import pytest

from qtgen.llm.forecast import Quantity, Scenario
from qtgen.llm.forecast.live import LiveRun, LiveSimulation

SCENARIO = Scenario(
    pages=3_000,
    latency=Quantity.around(1.0, 0.2),
    sent=Quantity.around(900, 0.1),
    received=Quantity.around(700, 0.3),
    concurrency=50,
    processor=0.0,
    commit=0.0,
)


def run(seed: int = 1, **changes: object) -> LiveRun:
    return LiveSimulation(replace(SCENARIO, **changes), Random(seed)).run()  # type: ignore[arg-type]


def test_latency_and_concurrency_limit_a_run() -> None:
    result = run()
    assert result.seconds == pytest.approx(60, rel=0.15)
    assert result.page_seconds == pytest.approx(1 / 50, rel=0.05)
    assert (result.answers, result.failed) == (3_000, 0)
    assert result.received == pytest.approx(3_000 * 700, rel=0.05)


def test_machines_have_their_own_concurrency() -> None:
    assert run(machines=3).page_seconds == pytest.approx(1 / 150, rel=0.15)


@pytest.mark.parametrize("machines", [1, 3])
def test_machines_share_the_users_limit(machines: int) -> None:
    assert run(machines=machines, rpm=1_200).seconds == pytest.approx(150, rel=0.05)
    assert run(machines=machines, tpm=1_200 * 1_600).seconds == pytest.approx(150, rel=0.1)


def test_a_limit_of_tokens_that_many_machines_share() -> None:
    result = run(pages=6_000, machines=4, concurrency=256, latency=Quantity.around(8.0, 0.4), tpm=1_600_000)
    assert result.seconds == pytest.approx(360, rel=0.1)


@pytest.mark.parametrize("machines", [1, 3])
def test_machines_share_the_endpoints_limit(machines: int) -> None:
    assert run(machines=machines, endpoint_rpm=1_200).seconds == pytest.approx(150, rel=0.2)


def test_the_processor_limits_each_machine() -> None:
    assert run(processor=0.05).seconds == pytest.approx(150, rel=0.05)
    assert run(processor=0.05, machines=2).seconds == pytest.approx(75, rel=0.05)


def test_repairs_and_failures_are_further_requests() -> None:
    result = run(faulty=0.2, failures=0.1)
    assert result.answers == pytest.approx(3_000 * 1.25, rel=0.05)
    assert result.page_seconds == pytest.approx(1.25 / 0.9 / 50, rel=0.1)


def test_rejections_by_chance_cost_little() -> None:
    assert run(rejections=0.03).seconds < 1.2 * run().seconds


def test_a_request_that_keeps_failing_is_given_up() -> None:
    result = run(pages=300, failures=0.45, tries=2)
    assert result.failed == pytest.approx(300 * 0.45**2, rel=0.4)
    assert result.answers == 300 - result.failed


def test_a_seed_gives_the_same_run_again() -> None:
    assert run(7, failures=0.05, faulty=0.1) == run(7, failures=0.05, faulty=0.1)
    assert run(7) != run(8)


def test_a_single_page() -> None:
    result = run(pages=1)
    assert 0.3 < result.seconds < 3
    assert result.answers == 1
