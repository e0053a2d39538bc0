"""The one overall score: monotone in what it is made of, on the scale on which people judge answers."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

from qtgen.metrics.base import Score

_FILE = files("qtgen.metrics").joinpath("overall.toml").read_bytes()


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


def _fingerprint() -> str:
    """Of all that a score depends on: these modules, the figures beside them, and the libraries that count."""
    sources = [*sorted(Path(__file__).parent.glob("*.py")), Path(__file__).parents[1] / "embeddings.py"]
    libraries = ("pyphen", "rouge-score-rs", "sacrebleu", "sentencex", "wordfreq", "wordllama")
    versions = " ".join(f"{name}={_version(name)}" for name in libraries)
    parts = [_FILE, versions.encode(), *(source.read_bytes() for source in sources)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # without the `evals` extra nothing is scored, but metrics can be explained
        return "none"


SCORER = f"{WEIGHTS.version}-{_fingerprint()}"
"""Names what scores depend on; those of two scorers are not to be compared."""
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
