"""Forecast a run from simulations with different seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from math import exp
from random import Random
from statistics import fmean

from qtgen.llm.estimate import Range
from qtgen.llm.forecast.batches import BatchRun, simulate_batches
from qtgen.llm.forecast.live import LiveRun, LiveSimulation
from qtgen.llm.forecast.scenario import BatchService, Rates, Scenario, Way

MAX_SIMULATED_PAGES = 20_000
"""Further pages are extrapolated."""
_ROUNDS = 40  # answers for each request in flight, so that most of a simulation is steady
_MODEL_ERROR = 0.08  # relative standard error of a simulation, by comparison with real runs
_START = 1.0  # seconds until the first request is sent
_SEEDS_FOR_GAIN = 5
_NO_SERVICE = BatchService()


class Bottleneck(StrEnum):
    """What limits the speed of a run."""

    CONCURRENCY = "concurrency"
    RATE_LIMIT = "rate_limit"
    ENDPOINT_LIMIT = "endpoint_limit"
    PROCESSOR = "processor"
    BATCHES = "batches"
    ENQUEUED_TOKENS = "enqueued_tokens"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class MachineGain:
    """The effect of one more machine: the expected seconds with it, and the share of the time that it saves."""

    seconds: float
    saved: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast for one way to send the requests. Ranges are 90% intervals around the median.

    Attributes:
        requests: Requests that are answered.
        cost: US dollars; None if a price is unknown.
        pages: Pages that the budget is enough for.
        rounds: Rounds of batches; 0 without batches.
        gain: The effect of one more machine.
    """

    way: Way
    seconds: Range
    requests: Range
    cost: Range | None
    pages: int
    bottleneck: Bottleneck
    rounds: int
    gain: MachineGain


@dataclass(frozen=True, slots=True)
class _Run:
    """One simulated run. `parts` are the seconds that each limit would take alone."""

    seconds: float
    answers: float
    cost: float | None
    parts: Mapping[Bottleneck, float]
    rounds: int = 0


def forecast(scenario: Scenario, way: Way, seeds: int) -> Forecast:
    """Return the forecast for a scenario, from as many simulations as there are seeds."""
    simulate = _SIMULATIONS[way]
    runs = [simulate(scenario, seed) for seed in range(seeds)]
    gain = _gain(scenario, simulate, runs[:_SEEDS_FOR_GAIN])
    parts = {name: fmean(run.parts.get(name, 0.0) for run in runs) for name in Bottleneck}
    seconds = _range([run.seconds for run in runs])
    costs = [run.cost for run in runs if run.cost is not None]
    whole = Forecast(
        way,
        seconds,
        requests=_range([run.answers for run in runs]),
        cost=_range(costs) if costs else None,
        pages=scenario.pages,
        bottleneck=max(parts, key=parts.__getitem__),
        rounds=max(run.rounds for run in runs),
        gain=MachineGain(seconds.expected * (1 - gain), gain),
    )
    return _within_budget(whole, scenario.budget)


def _gain(scenario: Scenario, simulate: Callable[[Scenario, int], _Run], runs: Sequence[_Run]) -> float:
    """Return the part of the time that one more machine saves."""
    more = replace(scenario, machines=scenario.machines + 1)
    after = _range([simulate(more, seed).seconds for seed in range(len(runs))]).expected
    return max(0.0, 1 - after / _range([run.seconds for run in runs]).expected)


def _within_budget(whole: Forecast, budget: float | None) -> Forecast:
    """Return the forecast of a run that ends when its budget is reached."""
    if budget is None or whole.cost is None or whole.cost.expected <= budget:
        return whole
    share = budget / whole.cost.expected
    return replace(
        whole,
        seconds=whole.seconds.map(lambda value: value * share),
        requests=whole.requests.map(lambda value: value * share),
        cost=whole.cost.map(lambda value: min(value, budget)),
        pages=int(whole.pages * share),
        bottleneck=Bottleneck.BUDGET,
        gain=MachineGain(whole.gain.seconds * share, whole.gain.saved),
    )


def _range(values: Sequence[float]) -> Range:
    ordered = sorted(values)
    return Range(*(_quantile(ordered, part) for part in (0.05, 0.5, 0.95)))


def _quantile(ordered: Sequence[float], part: float) -> float:
    position = part * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


# --- one run ---------------------------------------------------------------------------------------------------------


def _live(scenario: Scenario, seed: int) -> _Run:
    """Simulate a part of the pages on a part of the machines, with that part of every limit."""
    machines = max(1, min(scenario.machines, MAX_SIMULATED_PAGES // (_ROUNDS * scenario.concurrency)))
    part = machines / scenario.machines
    pages = max(1, round(scenario.pages * part))
    simulated = min(pages, MAX_SIMULATED_PAGES)
    run = _simulate_live(_part_of(_essence(scenario), part, simulated, machines), seed)
    scale = scenario.pages / simulated
    seconds = run.seconds + (pages - simulated) * run.page_seconds
    error = exp(_dice(f"model {seed}").gauss(0.0, _MODEL_ERROR))
    cost = scenario.rates.cost(run.sent * scale, run.received * scale)
    return _Run(_START + seconds * error, run.answers * scale, cost, _live_parts(scenario))


@lru_cache(maxsize=128)
def _simulate_live(scenario: Scenario, seed: int) -> LiveRun:
    """Return the result of a simulation. Live and mixed runs share the result, because a simulation takes seconds."""
    return LiveSimulation(scenario, _dice(seed)).run()


def _essence(scenario: Scenario) -> Scenario:
    """Return the scenario without what a live simulation does not depend on."""
    return replace(scenario, budget=None, rates=Rates(), service=_NO_SERVICE)


def _part_of(scenario: Scenario, part: float, pages: int, machines: int) -> Scenario:
    """Return a smaller scenario with a part of every limit."""
    return replace(
        scenario,
        pages=pages,
        machines=machines,
        rpm=scenario.rpm and scenario.rpm * part,
        tpm=scenario.tpm and scenario.tpm * part,
        endpoint_rpm=scenario.endpoint_rpm and scenario.endpoint_rpm * part,
        endpoint_tpm=scenario.endpoint_tpm and scenario.endpoint_tpm * part,
    )


def _dice(seed: int | str) -> Random:
    return Random(seed)  # noqa: S311  # chance, not secrecy


def _live_parts(scenario: Scenario) -> dict[Bottleneck, float]:
    """Return the seconds that each limit of a live run would take alone."""
    attempts = scenario.pages * scenario.attempts_per_page
    tokens = scenario.pages * scenario.requests_per_page * (scenario.sent.mean + scenario.received.mean)

    def limited(rpm: float | None, tpm: float | None) -> float:
        return max(attempts / rpm * 60 if rpm else 0.0, tokens / tpm * 60 if tpm else 0.0)

    in_flight = scenario.machines * scenario.concurrency
    return {
        Bottleneck.CONCURRENCY: attempts * scenario.latency.mean / in_flight,
        Bottleneck.RATE_LIMIT: limited(scenario.rpm, scenario.tpm),
        Bottleneck.ENDPOINT_LIMIT: limited(scenario.endpoint_rpm, scenario.endpoint_tpm),
        Bottleneck.PROCESSOR: scenario.pages * scenario.processor / scenario.machines,
    }


def _batch(scenario: Scenario, seed: int) -> _Run:
    dice = _dice(seed)
    run = simulate_batches(scenario, dice, max_rounds=1 + scenario.max_repairs)
    cost = _batch_cost(scenario, run, dice)
    return _Run(_START + run.seconds, run.answers, cost, _batch_parts(run), run.rounds)


def _mixed(scenario: Scenario, seed: int) -> _Run:
    dice = _dice(seed)
    batches = simulate_batches(scenario, dice, max_rounds=1)
    cost = _batch_cost(scenario, batches, dice)
    parts = _batch_parts(batches)
    if not batches.remaining:
        return _Run(_START + batches.seconds, batches.answers, cost, parts, batches.rounds)
    live = _live(replace(scenario, pages=batches.remaining), seed)
    return _Run(
        batches.seconds + live.seconds,
        batches.answers + live.answers,
        None if cost is None or live.cost is None else cost + live.cost,
        {name: parts.get(name, 0.0) + live.parts.get(name, 0.0) for name in Bottleneck},
        batches.rounds,
    )


def _batch_parts(run: BatchRun) -> dict[Bottleneck, float]:
    waited = run.seconds - run.processor_seconds
    return {
        Bottleneck.BATCHES: 0.0 if run.waits_for_tokens else waited,
        Bottleneck.ENQUEUED_TOKENS: waited if run.waits_for_tokens else 0.0,
        Bottleneck.PROCESSOR: run.processor_seconds,
    }


def _batch_cost(scenario: Scenario, run: BatchRun, dice: Random) -> float | None:
    sent, received = (fmean(quantity.drawn(dice)) * run.answers for quantity in (scenario.sent, scenario.received))
    return scenario.rates.cost(sent, received, in_batches=True)


_SIMULATIONS: Mapping[Way, Callable[[Scenario, int], _Run]] = {
    Way.LIVE: _live,
    Way.BATCH: _batch,
    Way.MIXED: _mixed,
}
