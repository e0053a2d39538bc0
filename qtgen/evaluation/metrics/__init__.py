"""Metrics: how a candidate compares with its references.

A metric is a function with `@metric(…)` and a docstring, in one of this package's modules or in a plugin. Importing
this package needs no optional dependency: a metric imports its libraries when it is first called.
"""

from collections.abc import Collection

from qtgen.evaluation.metrics import (
    confidence,
    contradiction,
    grounding,
    nuggets,
    overlap,
    semantic,
    soundness,
    structure,
)
from qtgen.evaluation.metrics.base import (
    JUDGE_METRICS,
    METRICS,
    Bounds,
    Case,
    Direction,
    Metric,
    PageFacts,
    Score,
    check_metric_names,
    describe_metric,
    metric,
    metric_directions,
    order_metrics,
)
from qtgen.evaluation.metrics.overall import SCORER, describe_score, overall
from qtgen.evaluation.metrics.text import AnalyzedText

__all__ = [
    "JUDGE_METRICS",
    "METRICS",
    "SCORER",
    "AnalyzedText",
    "Bounds",
    "Case",
    "Direction",
    "Metric",
    "PageFacts",
    "Score",
    "check_metric_names",
    "describe_metric",
    "describe_score",
    "measure",
    "metric",
    "metric_directions",
    "overall",
]

_FAMILIES = (semantic, nuggets, contradiction, soundness, grounding, structure, overlap, confidence)
order_metrics(module.__name__ for module in _FAMILIES)


def measure(case: Case, names: Collection[str] | None = None) -> dict[str, Score]:
    """Return the scores of one case by every metric, or by those in `names`, in the order of METRICS."""
    return {name: known.function(case) for name, known in METRICS.items() if names is None or name in names}
