"""Metrics: how a candidate compares with its references. To add one: a function with `@metric` and a docstring."""

from collections.abc import Mapping, Sequence

from qtgen.metrics import contradiction, form, meaning, overlap
from qtgen.metrics.base import METRICS, Case, Direction, Metric, PageFacts, Score, describe_metric
from qtgen.metrics.overall import SCORER, overall
from qtgen.metrics.texts import Reading

__all__ = [
    "METRICS",
    "SCORER",
    "Case",
    "Direction",
    "Metric",
    "PageFacts",
    "Reading",
    "Score",
    "describe_metric",
    "measured",
    "overall",
]
_FAMILIES = (overlap, meaning, contradiction, form)  # their functions are in METRICS by having been imported


def measured(case: Case, names: Sequence[str] | None = None) -> Mapping[str, Score]:
    """Every metric (or those named) of one case, in the order of the table."""
    return {name: one.of(case) for name, one in METRICS.items() if names is None or name in names}
