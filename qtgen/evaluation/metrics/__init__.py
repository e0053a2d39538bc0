"""Metrics: how a candidate compares with its references. To add one: a function with `@metric` and a docstring."""

from collections.abc import Mapping, Sequence

from qtgen.evaluation.metrics import contradiction, overlap, semantic, structure
from qtgen.evaluation.metrics.base import METRICS, Case, Direction, Metric, PageFacts, Score, describe_metric
from qtgen.evaluation.metrics.overall import SCORER, overall
from qtgen.evaluation.metrics.text import AnalyzedText

__all__ = [
    "METRICS",
    "SCORER",
    "AnalyzedText",
    "Case",
    "Direction",
    "Metric",
    "PageFacts",
    "Score",
    "describe_metric",
    "measured",
    "overall",
]
_FAMILIES = (semantic, contradiction, structure, overlap)
for _family in _FAMILIES:  # reports list the metrics in this order, whatever the order of the imports
    for _name in [name for name, one in METRICS.items() if one.of.__module__ == _family.__name__]:
        METRICS[_name] = METRICS.pop(_name)


def measured(case: Case, names: Sequence[str] | None = None) -> Mapping[str, Score]:
    """Every metric (or those named) of one case, in the order of the table."""
    return {name: one.of(case) for name, one in METRICS.items() if names is None or name in names}
