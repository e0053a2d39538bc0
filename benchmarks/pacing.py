"""Measure in simulations what rejections by chance cost: the time of a run, divided by the ideal time.

    python benchmarks/pacing.py [SEEDS]

Each endpoint rejects a share of the requests with status 429, whatever their rate. The ideal time is that of a run in
which every slot is always in use and nothing is rejected.
"""

import sys
from itertools import product
from random import Random

from qtgen.llm.forecast import Quantity, Scenario
from qtgen.llm.forecast.live import LiveSimulation

ROUNDS = 60  # answers for each request in flight
LATENCIES, CONCURRENCIES, PAUSES = (0.2, 2.0, 20.0), (8, 64, 200), (None, 1.0)


def ratio(latency: float, concurrency: int, retry_after: float | None, share: float, seed: int) -> float:
    scenario = Scenario(
        pages=ROUNDS * concurrency,
        latency=Quantity.around(latency, 0.3),
        sent=Quantity.around(900, 0.1),
        received=Quantity.around(700, 0.3),
        concurrency=concurrency,
        processor=0.0,
        commit=0.0,
        rejections=share,
        retry_after=retry_after,
    )
    return LiveSimulation(scenario, Random(seed)).run().seconds / (ROUNDS * latency)


def main(seeds: int) -> None:
    print("| rejected by chance | runs | median | 9 of 10 | longest | over 1.5 |\n|---|---|---|---|---|---|")
    for share in (0.0, 0.01, 0.03, 0.05):
        cases = product(LATENCIES, CONCURRENCIES, PAUSES, [share], range(seeds))
        ratios = sorted(ratio(*case) for case in cases)
        median, most = ratios[len(ratios) // 2], ratios[int(0.9 * len(ratios))]
        over = sum(value > 1.5 for value in ratios) / len(ratios)
        print(f"| {share:.0%} | {len(ratios)} | {median:.2f} | {most:.2f} | {ratios[-1]:.2f} | {over:.1%} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
