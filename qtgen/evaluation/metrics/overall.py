"""The overall score: monotone in each of its parts, on the scale on which people judge answers."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from qtgen.evaluation.metrics.base import Score

_FACTOR = "soundness"


class Penalty(NamedTuple):
    """The reduction of the score by a metric: 0 up to `start`, `most` from `end` on, and linear between them."""

    most: float
    start: float
    end: float

    def factor(self, value: float) -> float:
        """Return the factor of the score."""
        return 1 - self.most * max(0.0, min(1.0, (value - self.start) / (self.end - self.start)))


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """The contents of overall.toml.

    `weights` and `penalties` are by metric name; a metric for which lower is better has a negative weight. `knots` are
    pairs of a weighted sum and its score; the score is linear between them.
    """

    version: int
    weights: Mapping[str, float]
    penalties: Mapping[str, Penalty]
    knots: Sequence[tuple[float, float]]


def _load_weights() -> ScoreWeights:
    data = tomllib.loads(files("qtgen.evaluation.metrics").joinpath("overall.toml").read_text(encoding="utf-8"))
    penalties = {name: Penalty(**penalty) for name, penalty in data["penalties"].items()}
    return ScoreWeights(data["version"], data["weights"], penalties, data["scale"]["knots"])


WEIGHTS = _load_weights()

SCORER = str(WEIGHTS.version)
"""Version of the scorer. Raise `version` in overall.toml with every change that moves a score: scores of two versions
are not comparable. A golden test fails if scores move under an unchanged version."""

PARTS = (*WEIGHTS.weights, *WEIGHTS.penalties, _FACTOR)
"""The metrics that the overall score is computed from."""


def to_scale(mean: float) -> float:
    """Return the score of a weighted sum: linear between the knots, 0 and 1 beyond their ends."""
    for (left, low), (right, high) in pairwise(WEIGHTS.knots):
        if mean <= right:
            return low + (high - low) * max(0.0, mean - left) / (right - left)
    return 1.0


def overall(metrics: Mapping[str, Score]) -> Score:
    """Return the overall score from 0 to 1, computed from the metrics named in PARTS."""
    parts = {name: metrics[name].value or 0.0 for name in PARTS}
    value = to_scale(sum(weight * parts[name] for name, weight in WEIGHTS.weights.items()))
    for name, penalty in WEIGHTS.penalties.items():
        value *= penalty.factor(parts[name])
    return Score(value * parts[_FACTOR], ", ".join(f"{name} {parts[name]:.2f}" for name in PARTS))


def describe_score() -> str:
    """Return the documentation of the overall score for people."""
    weights = "\n".join(f"  {weight:+.3f}  {name}" for name, weight in WEIGHTS.weights.items())
    knots = ", ".join(f"{mean:g} -> {score:g}" for mean, score in WEIGHTS.knots)
    penalties = "\n".join(
        f"  {name}: nothing up to {penalty.start:g}, {penalty.most:.0%} of the score from {penalty.end:g} on"
        for name, penalty in WEIGHTS.penalties.items()
    )
    return f"""score (range 0 to 1; higher is better; scorer version {SCORER})

The overall score of an answer. It is a weighted sum of metrics:

{weights}

A piecewise linear function maps the sum to the scale on which people judge answers (sum -> score):

  {knots}

These metrics reduce the result:

{penalties}

It is then multiplied by {_FACTOR}, which is 1 for every normal text.

An answer without words scores 0. An answer that cannot be scored, because the reference is missing or not English,
or a text is too long, has no score and an error instead; it never counts as 0.

The score compares words, so it cannot assess a right answer in other words. The metric `confidence` is then low.

Scores of two scorer versions are not comparable. docs/explanation/scoring.md shows how often the score agrees
with people, and so does `qtgen eval meta` on judged answers of your own. `qtgen explain NAME` describes each metric."""
