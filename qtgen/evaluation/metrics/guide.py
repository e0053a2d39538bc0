"""Metrics in one sentence each, for people who read a report."""

import inspect
from typing import NamedTuple

from qtgen._util.text import enumeration
from qtgen.evaluation.metrics.base import METRICS
from qtgen.evaluation.metrics.overall import PARTS, WEIGHTS

JUDGE_DOCS = {
    "judge": "Marks of a judge model for correctness, completeness and clarity: their mean, scaled to 0 to 1.",
    "judge_must_recall": "Share of the reference's must-have nuggets that the candidate states, by a judge model.",
    "judge_nice_recall": "Share of the reference's nice-to-have nuggets that the candidate states, by a judge model.",
}
"""What each metric of a judge model measures, by name."""


class MetricGuide(NamedTuple):
    """What a metric measures, in one sentence, and the ends of its range."""

    sentence: str
    low: float
    high: float


def guide_to(name: str) -> MetricGuide | None:
    """Return the guide to a metric, to a judge's metric or to `score`. None if the name is not known."""
    if name == "score":
        return MetricGuide(_score_sentence(), 0.0, 1.0)
    if name in JUDGE_DOCS:
        return MetricGuide(JUDGE_DOCS[name], 0.0, 1.0)
    known = METRICS.get(name)
    if known is None:
        return None
    paragraph = inspect.cleandoc(known.doc).partition("\n\n")[0]
    return MetricGuide(" ".join(paragraph.split()), known.low, known.high)


def describe_judge_metrics() -> dict[str, str]:
    """Return the documentation of the metrics of judge models, by name."""
    return {
        name: f"{name} (range 0 to 1; higher is better; needs a judge model)\n\n{doc}"
        for name, doc in JUDGE_DOCS.items()
    }


def _score_sentence() -> str:
    weighted = enumeration(list(WEIGHTS.weights))
    reduced = enumeration([name for name in PARTS if name not in WEIGHTS.weights])
    value = f"a weighted sum of {weighted}, reduced by {reduced}"
    return f"The overall score, on the scale on which people judge answers: {value}."
