"""Derive the weights and the scale of the overall score (`qtgen/evaluation/metrics/overall.toml`) from judged answers.

    python benchmarks/calibrate.py [FOLDER]

FOLDER holds answers that people judged [default: ../shared/data]. A metric's weight is its share (SHARES, chosen by
hand) divided by its spread: its standard deviation within a source, averaged over the sources. The scale is the
piecewise linear function from 0 to 1 with two inner knots that is nearest to the marks which people gave to the
answers of SQuALITY and LiveQA. Nothing else is fitted.

The table shows how often the overall score and people prefer the same one of two answers, for these weights and for
others. Weights that are chosen or fitted are tested on clusters of answers that they were not fitted to.
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
CANDIDATE_SHARES = list(product((1.0, 2.0), (0.0, 1.0, 2.0), (1.0, 2.0), (0.0, 0.5, 1.0)))  # in the order of SHARES
FOLDS = 5
COMPARED_ONLY = "RAGChecker"  # the source whose people compared answers and gave no marks

Array = NDArray[np.float64]
Sources = dict[str, list[JudgedAnswer]]
Tables = dict[str, Array]
"""One row per answer: the metrics of SHARES, then those of the penalties."""
WeightsFor = Callable[[Sources, Tables, int], Array]
"""Returns weights that are chosen or fitted without the clusters of one fold."""


def main(folder: Path) -> None:
    sources = read_sources(folder)
    tables = {name: metric_table(answers) for name, answers in sources.items()}
    derived = weights_from_spreads(tables)
    print("[weights]\n" + "\n".join(f"{name} = {weight:.3f}" for name, weight in zip(SHARES, derived, strict=True)))
    current = np.array([WEIGHTS.weights.get(name, 0.0) for name in SHARES])
    knots = ", ".join(f"{score:.2f}" for score in fit_scale(sources, tables, current))
    print(f"\n[scale] inner scores: {knots}\n")
    print("| weights | " + " | ".join(sources) + " | mean |\n|---" + "|---" * (len(sources) + 1) + "|")
    equal = np.ones(len(SHARES))
    for label, weights in (("current shares", current), ("equal weights", equal)):
        print_row(label, [accuracy(sources[name], overall_scores(tables[name], weights)) for name in sources])
    print_row("current shares, spreads of other clusters", cross_validated(sources, tables, spreads_of_other_folds))
    print_row("shares chosen on other clusters", cross_validated(sources, tables, shares_chosen_on_other_folds))
    print_row(
        "weights fitted to pairs of other clusters", cross_validated(sources, tables, weights_fitted_to_other_folds)
    )


def metric_table(answers: list[JudgedAnswer]) -> Array:
    """Return the metrics of every answer. Those of an empty answer are 0."""
    names = [*SHARES, *WEIGHTS.penalties]
    results = score_samples(answer.sample for answer in answers)
    return np.array([[result.metrics.get(name) or 0.0 for name in names] for result in results])


def spreads(tables: Tables) -> Array:
    """Return the standard deviation of each metric within a source, averaged over the sources."""
    spread: Array = np.mean([table[:, : len(SHARES)].std(axis=0) for table in tables.values()], axis=0)
    return spread


def weights_from_spreads(tables: Tables, shares: tuple[float, ...] = tuple(SHARES.values())) -> Array:
    weights: Array = np.array(shares) / spreads(tables)
    normalized: Array = weights / weights.sum()
    return normalized


def weighted_means(table: Array, weights: Array) -> Array:
    means: Array = table[:, : len(SHARES)] @ weights / weights.sum()
    return means


def overall_scores(table: Array, weights: Array) -> Array:
    """Return the overall score of every answer, with the current scale and penalties."""
    scores = np.array([to_scale(mean) for mean in weighted_means(table, weights)])
    for column, penalty in enumerate(WEIGHTS.penalties.values(), len(SHARES)):
        scores = scores * (1 - penalty * table[:, column])
    return scores


def fit_scale(sources: Sources, tables: Tables, weights: Array) -> list[float]:
    """Return the scores at the inner knots that are nearest to the marks of people. Every source counts the same."""
    names = [name for name in sources if name != COMPARED_ONLY]
    means = np.concatenate([weighted_means(tables[name], weights) for name in names])
    marks = np.concatenate([[answer.human for answer in sources[name]] for name in names])
    importance = np.concatenate([np.full(len(sources[name]), len(sources[name]) ** -0.5) for name in names])
    knots = [mean for mean, _ in WEIGHTS.knots]
    # A piecewise linear function is a sum of one hat function per knot, weighted with the scores at the knots. The
    # first score is 0 and the last one is 1.
    hats = np.array([np.interp(means, knots, unit) for unit in np.eye(len(knots))])
    scores, *_ = np.linalg.lstsq(hats[1:-1].T * importance[:, None], (marks - hats[-1]) * importance, rcond=None)
    return [float(score) for score in scores]


def accuracy(answers: list[JudgedAnswer], scores: Array, is_included: Callable[[str], bool] = lambda _: True) -> float:
    """Return how often scores and people prefer the same answer, over the pairs of the included clusters."""
    included = [pair for pair in answer_pairs(answers) if is_included(pair.cluster)]
    return pairwise_accuracy(
        [scores[pair.second] - scores[pair.first] for pair in included], [pair.human for pair in included]
    )


def cross_validated(sources: Sources, tables: Tables, weights_for: WeightsFor) -> list[float]:
    """Return the accuracy in each source, each pair judged with weights from the folds that it does not belong to."""
    scores: dict[tuple[str, int], Array] = {}
    for fold in range(FOLDS):
        weights = weights_for(sources, tables, fold)
        scores |= {(name, fold): overall_scores(tables[name], weights) for name in sources}
    accuracies = []
    for name, answers in sources.items():
        all_pairs = answer_pairs(answers)
        pair_scores = [scores[name, fold_of(answers, pair.cluster)] for pair in all_pairs]
        differences = [row[pair.second] - row[pair.first] for row, pair in zip(pair_scores, all_pairs, strict=True)]
        accuracies.append(pairwise_accuracy(differences, [pair.human for pair in all_pairs]))
    return accuracies


def fold_of(answers: list[JudgedAnswer], cluster: str) -> int:
    """Return the fold of a cluster. Clusters are assigned to folds in turn."""
    return list(dict.fromkeys(answer.cluster for answer in answers)).index(cluster) % FOLDS


def spreads_of_other_folds(
    sources: Sources, tables: Tables, fold: int, shares: tuple[float, ...] = tuple(SHARES.values())
) -> Array:
    others = {
        name: tables[name][[fold_of(answers, answer.cluster) != fold for answer in answers]]
        for name, answers in sources.items()
    }
    return weights_from_spreads(others, shares)


def shares_chosen_on_other_folds(sources: Sources, tables: Tables, fold: int) -> Array:
    """Return the weights of those CANDIDATE_SHARES that agree best with people."""

    def agreement(weights: Array) -> float:
        accuracies = []
        for name, answers in sources.items():
            is_other = {answer.cluster: fold_of(answers, answer.cluster) != fold for answer in answers}
            accuracies.append(accuracy(answers, overall_scores(tables[name], weights), is_other.__getitem__))
        return fmean(accuracies)

    return max((spreads_of_other_folds(sources, tables, fold, shares) for shares in CANDIDATE_SHARES), key=agreement)


def weights_fitted_to_other_folds(sources: Sources, tables: Tables, fold: int) -> Array:
    """Return the non-negative weights that order pairs best, by logistic loss. Every source counts the same."""
    spread = spreads(tables)
    preferences = []  # for each source and pair, the metrics of the better answer minus those of the worse one
    for name, answers in sources.items():
        others = [pair for pair in answer_pairs(answers) if fold_of(answers, pair.cluster) != fold]
        table = tables[name][:, : len(SHARES)] / spread
        signs = np.sign([pair.human for pair in others])[:, None]
        differences = table[[pair.second for pair in others]] - table[[pair.first for pair in others]]
        preferences.append(signs * differences)

    def loss(weights: Array) -> float:
        losses = sum(np.logaddexp(0, -differences @ weights).mean() for differences in preferences)
        return float(losses + 0.01 * (weights**2).sum())

    fitted: Array = minimize(loss, np.ones(len(SHARES)), bounds=[(0, None)] * len(SHARES)).x / spread
    return fitted


def print_row(label: str, accuracies: list[float]) -> None:
    print(f"| {label} | " + " | ".join(f"{value:.3f}" for value in accuracies) + f" | {np.mean(accuracies):.3f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data")
