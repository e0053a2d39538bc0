"""The one overall score: monotone in what it is made of, on the scale on which people judge answers."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from qtgen.evaluation.metrics.base import Score

_FILE = files("qtgen.evaluation.metrics").joinpath("overall.toml").read_bytes()


@dataclass(frozen=True, slots=True)
class Weights:
    """What stands in overall.toml. weights, penalties: by name of metric; knots: mean and score, joined by lines."""

    version: int
    weights: Mapping[str, float]
    penalties: Mapping[str, float]
    knots: Sequence[tuple[float, float]]


def _loaded() -> Weights:
    data = tomllib.loads(_FILE.decode())
    return Weights(data["version"], data["weights"], data["penalties"], data["scale"]["knots"])


WEIGHTS = _loaded()


SCORER = str(WEIGHTS.version)
"""Version of the scorer. Raise `version` in overall.toml with every change that moves a score; scores of two versions
are not comparable. A golden test fails when scores move under an unchanged version."""
PARTS = (*WEIGHTS.weights, *WEIGHTS.penalties)


def on_scale(mean: float) -> float:
    """The line through the knots; 0 and 1 beyond its ends."""
    for (left, low), (right, high) in pairwise(WEIGHTS.knots):
        if mean <= right:
            return low + (high - low) * max(0.0, mean - left) / (right - left)
    return 1.0


def overall(metrics: Mapping[str, Score]) -> Score:
    """0 to 1, from the metrics named in PARTS. Higher in each of the weights, lower in each of the penalties."""
    parts = {name: metrics[name].value or 0.0 for name in PARTS}
    mean = sum(weight * parts[name] for name, weight in WEIGHTS.weights.items())
    value = on_scale(mean)
    for name, penalty in WEIGHTS.penalties.items():
        value *= 1 - penalty * parts[name]
    shown = ", ".join(f"{name} {parts[name]:.2f}" for name in PARTS)
    return Score(value, shown)
