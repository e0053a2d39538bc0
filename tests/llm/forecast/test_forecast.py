"""The forecast from several simulations."""

from dataclasses import replace
from itertools import product

import pytest

from qtgen.llm.forecast import BatchService, Bottleneck, Quantity, Rates, Scenario, Way, forecast

SCENARIO = Scenario(
    pages=1_000_000,
    latency=Quantity.around(8.0, 0.3),
    sent=Quantity.around(900, 0.1),
    received=Quantity.around(700, 0.3),
    rates=Rates(1e-6, 4e-6, 0.5),
)
SEEDS = 3


def test_further_pages_are_extrapolated() -> None:
    result = forecast(SCENARIO, Way.LIVE, SEEDS)
    assert result.seconds.expected == pytest.approx(8 * 1_000_000 / 64, rel=0.15)
    assert result.seconds.low <= result.seconds.expected <= result.seconds.high
    assert result.cost is not None
    assert result.cost.expected == pytest.approx(1_000_000 * (900 + 4 * 700) * 1e-6, rel=0.03)
    assert (result.pages, result.rounds) == (1_000_000, 0)


def test_further_machines_are_extrapolated() -> None:
    result = forecast(replace(SCENARIO, machines=100, rpm=60_000), Way.LIVE, SEEDS)
    assert result.seconds.expected == pytest.approx(max(8 * 1_000_000 / 6_400, 1_000), rel=0.15)


@pytest.mark.parametrize(
    ("changes", "bottleneck", "saved"),
    [
        ({}, Bottleneck.CONCURRENCY, 0.5),
        ({"rpm": 60}, Bottleneck.RATE_LIMIT, 0.0),
        ({"endpoint_rpm": 120}, Bottleneck.ENDPOINT_LIMIT, 0.0),
        ({"processor": 1.0}, Bottleneck.PROCESSOR, 0.5),
    ],
)
def test_the_bottleneck_of_a_live_run_and_what_a_machine_brings(
    changes: dict[str, float], bottleneck: Bottleneck, saved: float
) -> None:
    scenario = replace(SCENARIO, pages=2_500, **changes)  # type: ignore[arg-type]
    result = forecast(scenario, Way.LIVE, SEEDS)
    assert result.bottleneck is bottleneck
    assert result.gain.saved == pytest.approx(saved, abs=0.12)


def test_batches_cost_half_and_an_unknown_price_stays_unknown() -> None:
    live, batch, mixed = (forecast(replace(SCENARIO, pages=2_000, faulty=0.1), way, SEEDS) for way in Way)
    assert live.cost
    assert batch.cost
    assert mixed.cost
    assert batch.cost.expected == pytest.approx(live.cost.expected / 2, rel=0.1)
    assert batch.cost.expected < mixed.cost.expected < live.cost.expected
    for rates, way in product((Rates(), Rates(1e-6, 4e-6)), (Way.BATCH, Way.MIXED)):
        assert forecast(replace(SCENARIO, pages=2_000, rates=rates), way, 1).cost is None
    assert forecast(replace(SCENARIO, pages=2_000, rates=Rates(0.0, 0.0)), Way.BATCH, 1).cost is not None


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("pages", [1, 2, 10])
def test_few_pages_of_which_only_some_simulations_repair_one(pages: int, way: Way) -> None:
    result = forecast(replace(SCENARIO, pages=pages, faulty=0.2), way, 20)
    assert result.bottleneck in ({Bottleneck.CONCURRENCY} if way is Way.LIVE else {Bottleneck.BATCHES})


def test_a_budget_ends_a_run() -> None:
    whole = forecast(replace(SCENARIO, pages=2_000), Way.LIVE, SEEDS)
    assert whole.cost
    half = forecast(replace(SCENARIO, pages=2_000, budget=whole.cost.expected / 2), Way.LIVE, SEEDS)
    assert half.bottleneck is Bottleneck.BUDGET
    assert half.pages == pytest.approx(1_000, abs=1)
    assert half.seconds.expected == pytest.approx(whole.seconds.expected / 2)
    assert forecast(replace(SCENARIO, pages=2_000, budget=1e9), Way.LIVE, SEEDS).pages == 2_000


def test_the_limit_of_enqueued_tokens_is_the_bottleneck_of_batches() -> None:
    limited = replace(SCENARIO, service=BatchService(enqueued_tokens=5_000_000))
    assert forecast(SCENARIO, Way.BATCH, SEEDS).bottleneck is Bottleneck.BATCHES
    assert forecast(limited, Way.BATCH, SEEDS).bottleneck is Bottleneck.ENQUEUED_TOKENS


def test_an_uncertain_latency_widens_the_range() -> None:
    known, guessed = (
        forecast(replace(SCENARIO, pages=2_000, latency=Quantity.around(8.0, 0.3, error)), Way.LIVE, 10).seconds
        for error in (0.0, 0.4)
    )
    assert guessed.high / guessed.low > 1.5 * known.high / known.low


def test_what_was_observed_has_its_own_distribution() -> None:
    latency = Quantity.observed([1.0] * 9 + [11.0])
    assert latency.mean == 2.0
    assert latency.error > 0.05
