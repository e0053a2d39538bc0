"""Where the figures of qtgen/metrics/overall.toml come from: the judged answers of a folder.

    python benchmarks/calibrate.py [FOLDER]

A metric's weight is its share (SHARES, chosen by hand) over its spread: the standard deviation within a source, on
average. The scale is the line from 0 to 1 with two knots that is nearest to what people gave to SQuALITY and LiveQA.
Nothing else is fitted. What a fit of all weights would gain is shown beside it: pairwise accuracy on
clusters that were not fitted to.
"""

import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from qtgen.evaluation.agreement import JudgedAnswer, answer_pairs, pairwise_accuracy, read_sources
from qtgen.evaluation.metrics.overall import WEIGHTS, to_scale
from qtgen.evaluation.scoring import score_samples

SHARES = {"similarity": 1.0, "key_similarity": 1.0, "coverage": 1.0, "rouge_l": 0.5}
GRID = list(product((1.0, 2.0), (0.0, 1.0, 2.0), (1.0, 2.0), (0.0, 0.5, 1.0)))  # shares to choose from, in that order
FOLDS = 5
Array = NDArray[np.float64]
Sources = dict[str, list[JudgedAnswer]]
Tables = dict[str, Array]  # one row an answer: the metrics of SHARES, then those of the penalties


def main(folder: Path) -> None:
    sources = read_sources(folder)
    tables = {name: table(judged) for name, judged in sources.items()}
    weights = weighted(tables)
    print("[weights]\n" + "\n".join(f"{name} = {value:.3f}" for name, value in zip(SHARES, weights, strict=True)))
    kept = np.array([WEIGHTS.weights.get(name, 0.0) for name in SHARES])
    print(f"\n[scale] inner scores: {', '.join(f'{value:.2f}' for value in scale(sources, tables, kept))}\n")
    print("| weights | " + " | ".join(sources) + " | mean |\n|---" + "|---" * (len(sources) + 1) + "|")
    row("of this file's shares", [accuracy(sources[name], penalised(tables[name], kept)) for name in sources])
    row(
        "equal raw weights",
        [accuracy(sources[name], penalised(tables[name], np.ones(len(SHARES)))) for name in sources],
    )
    row("shares, spreads of other clusters", held_out(sources, tables, spread_of_others))
    row("shares chosen on other clusters", held_out(sources, tables, chosen_on_others))
    row("fitted to pairs of other clusters", held_out(sources, tables, fitted))


def table(judged: list[JudgedAnswer]) -> Array:
    """One row an answer: the metrics of SHARES, then those of the penalties. An empty answer has zeros."""
    names = [*SHARES, *WEIGHTS.penalties]
    results = score_samples(answer.sample for answer in judged)
    return np.array([[result.metrics.get(name) or 0.0 for name in names] for result in results], np.float64)


def weighted(tables: Tables, shares: tuple[float, ...] = tuple(SHARES.values())) -> Array:
    spreads = np.mean([rows[:, : len(SHARES)].std(axis=0) for rows in tables.values()], axis=0)
    raw: Array = np.array(shares) / spreads
    total: float = raw.sum()
    return raw / total


def means_of(rows: Array, weights: Array) -> Array:
    means: Array = rows[:, : len(SHARES)] @ weights / weights.sum()
    return means


def penalised(rows: Array, weights: Array) -> Array:
    """The overall score, on the scale that is in force."""
    values = np.array([to_scale(mean) for mean in means_of(rows, weights)])
    for column, penalty in enumerate(WEIGHTS.penalties.values(), len(SHARES)):
        values = values * (1 - penalty * rows[:, column])
    return values


def scale(sources: Sources, tables: Tables, weights: Array) -> list[float]:
    """The scores at the inner knots that are nearest to what people gave, each source counting the same."""
    names = [name for name in sources if name != "RAGChecker"]  # whose people only compared
    means = np.concatenate([means_of(tables[name], weights) for name in names])
    given = np.concatenate([[one.human for one in sources[name]] for name in names])
    each = np.concatenate([np.full(len(sources[name]), len(sources[name]) ** -0.5) for name in names])
    at = [mean for mean, _ in WEIGHTS.knots]
    hats = np.array([np.interp(means, at, row) for row in np.eye(len(at))])  # a line with knots is a sum of these
    found, *_ = np.linalg.lstsq(hats[1:-1].T * each[:, None], (given - hats[-1]) * each, rcond=None)
    return [float(value) for value in found]


def accuracy(judged: list[JudgedAnswer], values: Array, wanted: Callable[[str], bool] = lambda _: True) -> float:
    every = [pair for pair in answer_pairs(judged) if wanted(pair.cluster)]
    return pairwise_accuracy([values[p.second] - values[p.first] for p in every], [p.human for p in every])


def held_out(sources: Sources, tables: Tables, weights_without: Callable[[Sources, Tables, int], Array]) -> list[float]:
    """Accuracy over all folds together, each judged with weights of the others; clusters go to folds in turn."""
    values: dict[tuple[str, int], Array] = {}
    for fold in range(FOLDS):
        weights = weights_without(sources, tables, fold)
        values |= {(name, fold): penalised(tables[name], weights) for name in sources}
    found = []
    for name, judged in sources.items():
        every = answer_pairs(judged)
        at = [values[name, fold_of(judged, pair.cluster)] for pair in every]
        differences = [rows[pair.second] - rows[pair.first] for rows, pair in zip(at, every, strict=True)]
        found.append(pairwise_accuracy(differences, [pair.human for pair in every]))
    return found


def fold_of(judged: list[JudgedAnswer], cluster: str) -> int:
    return list(dict.fromkeys(one.cluster for one in judged)).index(cluster) % FOLDS


def spread_of_others(
    sources: Sources, tables: Tables, fold: int, shares: tuple[float, ...] = tuple(SHARES.values())
) -> Array:
    kept = {name: [fold_of(judged, one.cluster) != fold for one in judged] for name, judged in sources.items()}
    return weighted({name: tables[name][kept[name]] for name in sources}, shares)


def chosen_on_others(sources: Sources, tables: Tables, fold: int) -> Array:
    """The shares of GRID that agree best with people on the other folds."""

    def agreement_of(weights: Array) -> float:
        def outside(judged: list[JudgedAnswer]) -> Callable[[str], bool]:
            return lambda cluster: fold_of(judged, cluster) != fold

        return fmean(
            accuracy(judged, penalised(tables[name], weights), outside(judged)) for name, judged in sources.items()
        )

    return max((spread_of_others(sources, tables, fold, shares) for shares in GRID), key=agreement_of)


def fitted(sources: Sources, tables: Tables, fold: int) -> Array:
    """Non-negative weights that best order the pairs of other folds (logistic loss), each source counting the same."""
    spreads = np.mean([rows[:, : len(SHARES)].std(axis=0) for rows in tables.values()], axis=0)
    parts = []
    for name, judged in sources.items():
        every = [pair for pair in answer_pairs(judged) if fold_of(judged, pair.cluster) != fold]
        rows = tables[name][:, : len(SHARES)] / spreads
        signs = np.sign([pair.human for pair in every])[:, None]
        parts.append(signs * (rows[[p.second for p in every]] - rows[[p.first for p in every]]))

    def loss(weights: Array) -> float:
        return float(sum(np.logaddexp(0, -part @ weights).mean() for part in parts) + 0.01 * (weights**2).sum())

    best = minimize(loss, np.ones(len(SHARES)), bounds=[(0, None)] * len(SHARES))
    weights: Array = best.x / spreads
    return weights


def row(name: str, values: list[float]) -> None:
    print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + f" | {np.mean(values):.3f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data")
