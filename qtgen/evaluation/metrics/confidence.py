"""Confidence: whether the overall score of an answer can be trusted without a judge."""

from qtgen.evaluation.metrics.base import Case, Direction, Score, metric
from qtgen.evaluation.metrics.semantic import coverage, similarity

LOW = 0.5
"""Confidence below which an answer needs a judge or a person."""

_COVERED = 0.3, 0.5  # coverage up to which nothing is known, and from which the wording tells enough
_UNRELATED = (
    0.05,
    0.15,
)  # similarity up to which an answer is certainly about something else, and from which it may not be


@metric(direction=Direction.NONE)
def confidence(case: Case) -> Score:
    """How far the overall score can be trusted: below 0.5, the answer needs a judge or a person.

    An offline score compares words. It can assess an answer in the words of the reference, and an answer on another
    topic. It cannot assess an answer that is on topic but shares few words with the reference, because such an answer
    can be right or wrong.
    """
    covered, similar = coverage(case).value or 0.0, similarity(case).value or 0.0
    known = _ramp(covered, *_COVERED)
    unrelated = 1 - _ramp(similar, *_UNRELATED)
    value = max(known, unrelated)
    note = f"about the topic, but with few words of the reference (coverage {covered:.2f})" if value < LOW else ""
    return Score(value, note)


def _ramp(value: float, low: float, high: float) -> float:
    """Return 0 up to `low`, 1 from `high` on, and a proportion between them."""
    return max(0.0, min(1.0, (value - low) / (high - low)))
