"""Fit the weights and the scale of the overall score (`qtgen/evaluation/metrics/overall.toml`) to judged answers.

    python benchmarks/calibrate.py [FOLDER]

FOLDER holds answers that people judged [default: ../shared/data]. The weights order pairs of answers as people do: a
logistic regression on the differences of the metrics in NAMES, with weights of one sign and a ridge penalty. Every
source counts the same. The scale is the piecewise linear function from 0 to 1 with two inner knots that is nearest to
the marks which people gave to the answers of SQuALITY and LiveQA, with inner scores of at most 0.9. The penalties are
not fitted here.

The weights are the mean of fits with five strengths of the penalty, so no strength has to be chosen. The table shows
how often the overall score and people prefer the same one of two answers, when each pair is judged with weights that
were fitted without its cluster. The last rows are for comparison: six features of a plain regression in the same way,
and the weights in use on the pairs that they were fitted to, which is too optimistic.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear, minimize

from qtgen.evaluation.metrics.overall import WEIGHTS, to_scale
from qtgen.evaluation.people.agreement import AnswerPair, JudgedAnswer, answer_pairs, pairwise_accuracy, read_sources
from qtgen.evaluation.scoring import SampleResult, score_samples
from qtgen.page.profile import default_profile

NAMES = tuple(WEIGHTS.weights)
SIX = ("similarity", "token_f1", "idf_recall", "coverage", "soft_precision", "length_difference")
LOWER_IS_BETTER = ("excess_length", "length_difference")
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)
FOLDS, REPEATS = 5, 8
MAX_INNER_SCORE = 0.9  # so that the score still rises towards the reference
COMPARED_ONLY = "RAGChecker"  # the source whose people compared answers and gave no marks

Array = NDArray[np.float64]
Include = Callable[[str, str], bool]
"""Whether a cluster of a source is used, by the names of both."""


class Source:
    """The judged answers of one source, with the metrics in `names` and the factor of the penalties of each."""

    def __init__(self, answers: Sequence[JudgedAnswer], results: Sequence[SampleResult], names: Sequence[str]) -> None:
        self.answers, self.pairs = answers, answer_pairs(answers)
        self.table = np.array([[metric_value(result, name) for name in names] for result in results])
        self.factors = np.array([penalty_factor(result) for result in results])
        self.clusters = list(dict.fromkeys(answer.cluster for answer in answers))

    def differences(self, pairs: Sequence[AnswerPair]) -> Array:
        """Return the metrics of the answer that people prefer, minus those of the other one."""
        rows = [self.table[pair.second] - self.table[pair.first] for pair in pairs]
        return np.sign([[pair.human] for pair in pairs]) * np.array(rows)


Sources = Mapping[str, Source]


def main(folder: Path) -> None:
    data = {name: (answers, score_all(answers)) for name, answers in read_sources(folder, default_profile()).items()}
    sources = {name: Source(*judged, NAMES) for name, judged in data.items()}
    weights = fit(sources, NAMES)
    print("[weights]\n" + "\n".join(f"{name} = {weight:.3f}" for name, weight in zip(NAMES, weights, strict=True)))
    current = np.array([WEIGHTS.weights[name] for name in NAMES])
    print(f"\n[scale] inner scores: {', '.join(f'{score:.2f}' for score in fit_scale(sources, current))}\n")
    print("| weights | " + " | ".join(sources) + " | mean |\n|---" + "|---" * (len(sources) + 1) + "|")
    print_row("fitted to other clusters", cross_validated(sources, NAMES))
    six = {name: Source(*judged, SIX) for name, judged in data.items()}
    print_row("six features, fitted to other clusters", cross_validated(six, SIX))
    print_row("in use, on the pairs that they were fitted to", [[accuracy(one, current) for one in sources.values()]])


def score_all(answers: Sequence[JudgedAnswer]) -> list[SampleResult]:
    return list(score_samples(answer.sample for answer in answers))


def metric_value(result: SampleResult, name: str) -> float:
    """Return a metric with its sign changed if lower is better. Those of an empty answer are 0."""
    if result.error is not None:
        return 0.0
    if name == "length_difference":
        return -abs(float(np.log(max(result.metrics["length_ratio"] or 0.0, 1e-3))))
    value = result.metrics.get(name) or 0.0
    return -value if name in LOWER_IS_BETTER else value


def penalty_factor(result: SampleResult) -> float:
    """Return what penalties and soundness multiply the score by."""
    if result.error is not None:
        return 0.0
    factor = result.metrics["soundness"] or 0.0
    for name, penalty in WEIGHTS.penalties.items():
        factor *= penalty.factor(result.metrics[name] or 0.0)
    return factor


def fit(sources: Sources, names: Sequence[str], is_included: Include = lambda *_: True) -> Array:
    """Return weights with the sign of their metric; those of metrics of which more is better sum to 1."""
    spread = np.mean([source.table.std(axis=0) for source in sources.values()], axis=0)
    preferences = [
        source.differences([pair for pair in source.pairs if is_included(name, pair.cluster)]) / spread
        for name, source in sources.items()
    ]
    signs = np.array([-1.0 if name in LOWER_IS_BETTER else 1.0 for name in names])
    fits = []
    for strength in STRENGTHS:
        weights = fit_one(preferences, strength) / spread
        fits.append(weights / weights[signs > 0].sum())
    mean: Array = signs * np.mean(fits, axis=0)
    return mean


def fit_one(preferences: Sequence[Array], strength: float) -> Array:
    """Return the weights of a logistic regression with a ridge penalty; none is below 0."""

    def loss(weights: Array) -> float:
        losses = sum(np.logaddexp(0, -differences @ weights).mean() for differences in preferences)
        return float(losses + strength * (weights**2).sum())

    count = preferences[0].shape[1]
    weights: Array = minimize(loss, np.full(count, 0.3), bounds=[(0, None)] * count).x
    return weights


def scores(source: Source, weights: Array) -> Array:
    """Return the overall score of every answer."""
    sums = source.table @ np.abs(weights)
    return np.array([to_scale(value) for value in sums]) * source.factors


def accuracy(source: Source, weights: Array) -> float:
    """Return how often scores and people prefer the same answer, over all pairs."""
    values = scores(source, weights)
    differences = [values[pair.second] - values[pair.first] for pair in source.pairs]
    return pairwise_accuracy(differences, [pair.human for pair in source.pairs])


def folds(sources: Sources, count: int, seed: int) -> dict[tuple[str, str], int]:
    """Return a fold for every cluster of every source."""
    numbers = np.random.default_rng(seed)
    return {
        (name, cluster): int(fold) % count
        for name, source in sources.items()
        for cluster, fold in zip(source.clusters, numbers.permutation(len(source.clusters)), strict=True)
    }


def cross_validated(sources: Sources, names: Sequence[str]) -> list[list[float]]:
    """Return the accuracy in each source for every repeat. No pair is judged by weights that its cluster influenced."""
    return [one_repeat(sources, names, seed) for seed in range(REPEATS)]


def one_repeat(sources: Sources, names: Sequence[str], seed: int) -> list[float]:
    fold_of = folds(sources, FOLDS, seed)
    right: dict[str, list[float]] = {name: [] for name in sources}
    for fold in range(FOLDS):
        weights = fit(sources, names, lambda name, cluster, fold=fold: fold_of[name, cluster] != fold)
        for name, source in sources.items():
            values = scores(source, weights)
            held_out = [pair for pair in source.pairs if fold_of[name, pair.cluster] == fold]
            signs = [np.sign(values[pair.second] - values[pair.first]) * np.sign(pair.human) for pair in held_out]
            right[name] += [(1 + sign) / 2 for sign in signs]
    return [fmean(values) for values in right.values()]


def fit_scale(sources: Sources, weights: Array) -> list[float]:
    """Return the scores at the inner knots that are nearest to the marks of people. Every source counts the same."""
    marked = {name: source for name, source in sources.items() if name != COMPARED_ONLY}
    sums = np.concatenate([source.table @ np.abs(weights) for source in marked.values()])
    marks = np.concatenate([[answer.human for answer in source.answers] for source in marked.values()])
    importance = np.concatenate(
        [np.full(len(source.answers), len(source.answers) ** -0.5) for source in marked.values()]
    )
    knots = [mean for mean, _ in WEIGHTS.knots]
    # A piecewise linear function is a sum of one hat function per knot, weighted with the scores at the knots. The
    # first score is 0 and the last one is 1.
    hats = np.array([np.interp(sums, knots, unit) for unit in np.eye(len(knots))])
    weighted, wanted = hats[1:-1].T * importance[:, None], (marks - hats[-1]) * importance
    return [float(score) for score in lsq_linear(weighted, wanted, bounds=(0.0, MAX_INNER_SCORE)).x]


def print_row(label: str, repeats: Sequence[Sequence[float]]) -> None:
    """Print the mean over repeats in each source and over all, the latter with its standard deviation over repeats."""
    means = [fmean(column) for column in zip(*repeats, strict=True)]
    totals = [fmean(repeat) for repeat in repeats]
    spread = f" ± {stdev(totals):.3f}" if len(totals) > 1 else ""
    print(f"| {label} | " + " | ".join(f"{value:.3f}" for value in means) + f" | {fmean(means):.3f}{spread} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data")
