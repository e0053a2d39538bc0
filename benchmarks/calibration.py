"""Measure how often the 95% intervals of corrected pass rates contain the true rate.

    python benchmarks/calibration.py

Each run draws the verdicts of people and of a judge for all items of a report, and labels some of them. The true rate
is that of the population which the items come from.
"""

from collections import defaultdict

import numpy as np

from qtgen.evaluation.people.calibration import JudgedItem, calibrate

RUNS = 2_000
CASES = (  # items, labels, true pass rate, sensitivity, specificity
    (80, 20, 0.7, 0.93, 0.93), (80, 30, 0.9, 0.95, 0.7), (200, 50, 0.8, 0.9, 0.6), (500, 100, 0.5, 0.95, 0.7),
    (500, 50, 0.95, 0.9, 0.8), (1000, 200, 0.7, 0.7, 0.9), (1000, 100, 0.6, 0.95, 0.95),
)  # fmt: skip


def draw(
    generator: np.random.Generator, items: int, labels: int, rate: float, hits: float, rejections: float
) -> list[JudgedItem]:
    human = generator.random(items) < rate
    judged = generator.random(items) < np.where(human, hits, 1 - rejections)
    rows = enumerate(zip(judged, human, strict=True))
    return [JudgedItem(str(i), float(f), float(y) if i < labels else None) for i, (f, y) in rows]


def main() -> None:
    print(f"{RUNS:,} runs per row; coverage of the true rate, and the mean width of the interval")
    names = ["uncorrected", "labels alone", "corrected for errors", "prediction-powered"]
    print(f"| items | labels | pass rate | sensitivity | specificity | {' | '.join(names)} |\n{'|---' * 9}|")
    for case in CASES:
        generator = np.random.default_rng(1)
        covered, widths = defaultdict(list), defaultdict(list)
        for _ in range(RUNS):
            for name, value, low, high, _ in calibrate(draw(generator, *case), 0.5).pass_rates:
                if value is not None and low is not None and high is not None:
                    covered[name].append(low <= case[2] <= high)
                    widths[name].append(high - low)
        cells = [f"{np.mean(covered[name]):.1%} ({np.mean(widths[name]):.2f})" for name in names]
        print(f"| {' | '.join(map(str, case))} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
