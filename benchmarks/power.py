"""Measure how often the gate finds a fall with the number of references that `qtgen eval power` reports.

    python benchmarks/power.py

Each run draws the differences of all metrics from normal distributions, and asks the gate's own test. One metric falls;
the others do not change. The report aims at a power of 80 %.
"""

import numpy as np

from qtgen.evaluation.report import Verdict
from qtgen.evaluation.statistics.paired import compare, correct_for_multiple_tests
from qtgen.evaluation.statistics.power import GateTest, fewest_references, gate_power, references_needed

RUNS = 1_000
DEVIATION = 0.1
CASES = (  # the fall, and the number of metrics
    (0.05, 1), (0.07, 1), (0.1, 1), (0.15, 1), (0.3, 1), (0.05, 5), (0.1, 5), (0.15, 5), (0.3, 5),
)  # fmt: skip


def is_found(generator: np.random.Generator, references: int, fall: float, gate: GateTest) -> bool:
    """Return whether the gate calls the first metric of a simulated run worse."""
    comparisons = []
    for number in range(gate.metrics):
        differences = generator.normal(0 if number else -fall, DEVIATION, references)
        comparison = compare(
            str(number), np.full(references, 0.5), 0.5 + differences, range(references), higher_is_better=True,
            alpha=gate.alpha, matters=gate.matters,
        )  # fmt: skip
        comparisons.append(comparison)
    return correct_for_multiple_tests(comparisons, gate.alpha, gate.matters)[0].verdict is Verdict.WORSE


def main() -> None:
    print(f"deviation {DEVIATION:g}, {RUNS:,} runs per row")
    print("| fall | metrics | references | fewest that can decide | expected power | power of the gate |")
    print("|---|---|---|---|---|---|")
    for fall, metrics in CASES:
        gate = GateTest(metrics=metrics)
        references = references_needed(DEVIATION, fall, gate)
        assert references
        generator = np.random.default_rng(1)
        found = sum(is_found(generator, references, fall, gate) for _ in range(RUNS))
        expected = gate_power(references, DEVIATION, fall, gate)
        cells = f"{references} | {fewest_references(gate)} | {expected:.0%} | {found / RUNS:.0%}"
        print(f"| {fall:g} | {metrics} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
