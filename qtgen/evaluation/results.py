"""The parts of an evaluation report: items, summaries, comparisons, and what makes a run fail."""

from dataclasses import astuple, dataclass
from enum import StrEnum

from qtgen.errors import Failure
from qtgen.evaluation.metrics.base import Direction
from qtgen.llm.types import Usage


class Verdict(StrEnum):
    """What a comparison with a baseline shows."""

    WORSE = "worse"
    NO_CHANGE = "no change shown"
    TOO_FEW = "too few items to tell"
    BETTER = "better"


@dataclass(frozen=True, slots=True)
class EvalItem:
    """One candidate answer with its score.

    Args:
        id: The reference's id; repeats share it.
        cluster: Items of one cluster are one observation in the statistics.
        score: The overall score from 0 to 1, or None if the item could not be scored.
        metrics: Values by metric name; None if a metric does not apply.
        notes: How each value came about, by metric name.
        error: Why there is no score. An empty answer has both: it scores 0 and the error says why.
        digest: The digest of the reference, see `suites.suite.reference_digest`. None in reports of older versions.
    """

    id: str
    cluster: str
    question: str
    subject: str
    repeat: int
    score: float | None
    metrics: dict[str, float | None]
    notes: dict[str, str]
    error: Failure | None
    candidate: str
    reference: str
    usage: Usage
    digest: str | None = None

    @property
    def has_failed(self) -> bool:
        """Whether an error prevented scoring. An error beside a score explains the score."""
        return self.error is not None and self.score is None

    def value(self, metric: str) -> float | None:
        """Return the value of a metric, or the overall score for `score`."""
        return self.score if metric == "score" else self.metrics.get(metric)


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """The mean of one metric over all items that have a value, with its 95% interval by clusters.

    `low` and `high` are None with fewer than two clusters. `missing` counts the items without a value.
    """

    mean: float | None
    low: float | None
    high: float | None
    items: int
    missing: int
    direction: Direction


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """One metric before and after, as `statistics.paired.PairedComparison` explains the numbers."""

    metric: str
    before: float
    after: float
    difference: float
    low: float | None
    high: float | None
    p: float
    p_corrected: float
    smallest_visible: float | None
    items: int
    clusters: int
    verdict: Verdict
    direction: Direction


@dataclass(frozen=True, slots=True)
class ItemFall:
    """A reference that lost a larger share of its score than the limit. `fall` is the difference."""

    id: str
    before: float
    after: float
    fall: float
    question: str


@dataclass(frozen=True, slots=True)
class LostMetric:
    """A metric of the gate that items of the baseline have and the same items of this run do not.

    Args:
        metric: The metric's name.
        items: Number of items that lost it.
        of: Number of items that should have it.
        ids: The references of the items that lost it.
        reason: Why the first of them has no value.
    """

    metric: str
    items: int
    of: int
    ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class PreferenceCounts:
    """How often judges preferred the new page, the old one or neither.

    `flips` counts choices by position. `failed` comparisons have no preference; `failure` says why the first one has
    none.
    """

    new: int
    old: int
    neither: int
    flips: int
    failed: int
    failure: str = ""

    @property
    def decided(self) -> int:
        """Number of the comparisons that did not fail."""
        return self.new + self.old + self.neither


@dataclass(frozen=True, slots=True)
class GateResult:
    """The comparison of a report with a baseline.

    Args:
        baseline: The baseline's path.
        tail_limit: The largest share of its score that a single reference may lose, or None for no limit.
        reasons: Sentences that explain the verdict, for people.
        alpha: The significance level of all comparisons together.
        matters: The smallest difference that matters.
        lost: Metrics that the baseline has and this run lost.
        changed: References that differ from the baseline's. They are not compared.
        added: References that the baseline does not have.
        removed: References that only the baseline has.
        rescored_from: The baseline's own scorer, if its answers were scored again with this run's.
        not_rescored: References whose answers could not be scored again, because the baseline holds only a part.
        preferences: What judges prefer, if they compared the pages.
    """

    verdict: Verdict
    baseline: str
    comparisons: tuple[MetricComparison, ...]
    falls: tuple[ItemFall, ...]
    tail_limit: float | None
    reasons: tuple[str, ...]
    alpha: float | None = None
    matters: float | None = None
    lost: tuple[LostMetric, ...] = ()
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    rescored_from: str | None = None
    not_rescored: tuple[str, ...] = ()
    preferences: PreferenceCounts | None = None


@dataclass(frozen=True, slots=True)
class RecordingUse:
    """Whether a report matches its recordings.

    Attributes:
        unused: Recorded responses that no request matched.
        missed: Requests without a recording.
        unpublished: Why the responses of this run did not become the suite's recording, if they should have.
    """

    unused: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    unpublished: tuple[str, ...] = ()

    def __add__(self, other: "RecordingUse") -> "RecordingUse":
        both = zip(astuple(self), astuple(other), strict=True)
        return RecordingUse(*(first + second for first, second in both))


@dataclass(frozen=True, slots=True)
class RunFailure:
    """One failure of a run.

    Args:
        kind: What failed, for programs: see `gate.outcome.KINDS`.
        message: The same for people, as a clause without a full stop.
        items: The ids of the references concerned.
        metric: The metric concerned, if it is about one.
    """

    kind: str
    message: str
    items: tuple[str, ...] = ()
    metric: str | None = None
