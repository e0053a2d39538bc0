"""Simulate a run through a provider's Batch API: rounds of batches, until no request is left."""

import heapq
from dataclasses import dataclass
from math import ceil, sqrt
from random import Random

from qtgen.llm.forecast.scenario import Scenario

MAX_SIMULATED_BATCHES = 2_000
"""The time of further batches is extrapolated."""
_UNFINISHED = 0.5  # share of the requests of a batch that expires


@dataclass(frozen=True, slots=True)
class BatchRun:
    """The result of one simulation.

    Attributes:
        seconds: How long the rounds take.
        processor_seconds: The part of this time in which the machines write and read files.
        answers: Requests that were answered.
        remaining: Repairs that are still to be requested.
        rounds: Number of rounds.
        waits_for_tokens: Whether batches wait for the limit of enqueued tokens.
    """

    seconds: float
    processor_seconds: float
    answers: int
    remaining: int
    rounds: int
    waits_for_tokens: bool


def simulate_batches(scenario: Scenario, dice: Random, *, max_rounds: int) -> BatchRun:
    """Simulate rounds of batches. Stop after `max_rounds`, even if repairs remain."""
    service = scenario.service
    durations = service.completion.drawn(dice)
    requests, answers, rounds = scenario.pages, 0, 0
    seconds = processor_seconds = 0.0
    waits = False
    while requests and rounds < max_rounds:
        rounds += 1
        number, at_once = _batches(scenario, requests)
        waits = waits or at_once < number
        processor = requests * (service.processor + scenario.processor) / scenario.machines
        waited, expired = _complete(requests, number, at_once, durations, service.window, dice)
        seconds += waited + processor
        processor_seconds += processor
        answered = requests - expired
        answers += answered
        requests = expired + _binomial(answered, scenario.faulty, dice)
    return BatchRun(seconds, processor_seconds, answers, requests, rounds, waits)


def _batches(scenario: Scenario, requests: int) -> tuple[int, int]:
    """Return the number of batches, and how many of them may be unfinished at the same time."""
    service = scenario.service
    most = max(1, min(service.lines, int(service.bytes / scenario.request_bytes)))
    if service.enqueued_tokens is None:
        at_once = ceil(requests / most)
    else:
        affordable = max(1, int(service.enqueued_tokens / scenario.sent.mean))
        most = min(most, affordable)
        at_once = affordable // most
    return ceil(requests / most), at_once


def _complete(
    requests: int, number: int, at_once: int, durations: list[float], window: float, dice: Random
) -> tuple[float, int]:
    """Return the seconds until all batches have ended, and how many of their requests expired.

    Of very many batches, a part is simulated with that part of what may be unfinished at the same time.
    """
    simulated = min(number, MAX_SIMULATED_BATCHES)
    lanes = at_once if simulated == number else max(1, round(min(at_once, number) * simulated / number))
    unfinished: list[float] = []
    late = 0
    end = 0.0
    for _ in range(simulated):
        start = heapq.heappop(unfinished) if len(unfinished) >= lanes else 0.0
        duration = dice.choice(durations)
        if duration > window:
            duration = window
            late += 1
        heapq.heappush(unfinished, start + duration)
        end = max(end, start + duration)
    waves, simulated_waves = number / min(at_once, number), simulated / min(lanes, simulated)
    return end * waves / simulated_waves, int(requests * _UNFINISHED * late / simulated)


def _binomial(number: int, share: float, dice: Random) -> int:
    """Return how many of `number` requests have a property that a share of all requests has."""
    if number < 100:
        return sum(dice.random() < share for _ in range(number))
    expected = number * share
    return min(number, max(0, round(dice.gauss(expected, sqrt(expected * (1 - share))))))
